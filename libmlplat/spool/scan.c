/* Reading what waits, without taking it: of this process and of others, alive or not. */
#include "base/err.h"
#include "base/os.h"
#include "spool/replay_files.h"
#include "spool/spool_inside.h"
#include <string.h>

enum { LOOKS = 20 };

typedef struct scan {
    mlp_spool *sp;
    const char *run_id; /* NULL: of all */
    size_t run_id_n;
    mlp_scan_see see_waiting; /* then what is known to be stored is passed over */
    char journal[33];
    mlp_spool_see see;
    void *user;
    bool enough;
} scan;

static void show(scan *s, const mlp_record *r, uint64_t *last)
{
    bool again = r->seq <= *last; /* a segment given up may hold its heir's */
    *last = again ? *last : r->seq;
    if (again || s->enough ||
        (s->run_id && (r->run_id_n != s->run_id_n || memcmp(r->run_id, s->run_id, s->run_id_n) != 0)))
        return;
    s->enough = s->see_waiting ? !s->see_waiting(s->user, s->journal, r) : !s->see(s->user, r);
}

/* Of our own journal we know ourselves. *last: the number of the last one that is stored. */
static void ask_mark(scan *s, const mlp_replay_files *files, uint64_t *last)
{
    char *id = s->journal;
    uint64_t mark = 0;
    memset(id, 0, sizeof s->journal);
    for (size_t i = 0; i < files->n; i++)
        if (files->file[i].state == MLP_HEAD_GOOD)
            memcpy(id, files->file[i].head.journal, 32);
    bool own = memcmp(id, s->sp->id, 32) == 0;
    if (own)
        mark = atomic_load(&s->sp->done_seq);
    else if (id[0])
        mark = mlp_spool_mark(s->sp, files->folder_fd, id);
    *last = mark > *last ? mark : *last;
}

static mlplat_status scan_files(scan *s, int fd, uint64_t *last, mlplat_error *err)
{
    mlp_replay_files files = {0};
    const mlp_record *record = NULL;
    mlplat_status status = mlp_replay_files_list(&files, fd, s->sp->boot, err);
    if (status == MLPLAT_OK && s->see_waiting)
        ask_mark(s, &files, last);
    while (status == MLPLAT_OK && !s->enough) {
        status = mlp_replay_files_next(&files, &record, err);
        if (status != MLPLAT_OK || (!record && !files.used_up))
            break;
        if (record)
            show(s, record, last);
        if (files.used_up)
            mlp_replay_files_give_back(&files);
    }
    mlp_replay_files_free(&files);
    return status;
}

/* A file that is packed or stored meanwhile has another name, or none: what was shown is not shown again. */
static mlplat_status scan_journal(scan *s, int fd, mlplat_error *err)
{
    uint64_t last = 0;
    mlplat_status status = MLPLAT_NOT_FOUND;
    for (int i = 0; i < LOOKS && status == MLPLAT_NOT_FOUND && !s->enough; i++)
        status = scan_files(s, fd, &last, err);
    return status;
}

static bool collect(void *user, const char *name)
{
    return !mlp_home_is_journal(name) || json_array_append_new(user, json_string(name)) == 0;
}

/* What goes away meanwhile is stored. */
static mlplat_status scan_place(scan *s, const mlp_place *place, mlplat_error *err)
{
    int top, fd;
    size_t i;
    json_t *names = json_array(), *name;
    mlplat_status status = names ? mlp_place_open(place, false, &top, err) : mlp_fail_memory(err);
    if (status != MLPLAT_OK) {
        json_decref(names);
        return status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    }
    status = mlp_folder_each(top, collect, names, err);
    json_array_foreach(names, i, name)
    {
        if (status != MLPLAT_OK || s->enough)
            break;
        status = mlp_folder_open(top, json_string_value(name), &fd, err);
        if (status == MLPLAT_OK) {
            status = scan_journal(s, fd, err);
            mlp_sys.close(fd);
        }
        status = status == MLPLAT_NOT_FOUND ? MLPLAT_OK : status;
    }
    mlp_sys.close(top);
    json_decref(names);
    return status;
}

static mlplat_status scan_all(scan *s, mlplat_error *err)
{
    mlplat_status status = MLPLAT_OK;
    for (int p = 0; status == MLPLAT_OK && p < s->sp->n_places && !s->enough; p++)
        status = scan_place(s, &s->sp->place[p], err);
    return status;
}

mlplat_status mlp_spool_scan(mlp_spool *sp, const char *run_id, mlp_spool_see see, void *user, mlplat_error *err)
{
    scan s = {.sp = sp, .run_id = run_id, .run_id_n = strlen(run_id), .see = see, .user = user};
    return scan_all(&s, err);
}

mlplat_status mlp_scan_waiting(mlp_spool *sp, const char *run_id, mlp_scan_see see, void *user, mlplat_error *err)
{
    scan s = {
        .sp = sp, .run_id = run_id, .run_id_n = run_id ? strlen(run_id) : 0, .see_waiting = see, .user = user};
    return scan_all(&s, err);
}

/* Reading what waits, without taking it: of this process and of others, alive or not. */
#include "base/err.h"
#include "base/os.h"
#include "spool/replay_files.h"
#include "spool/spool_inside.h"
#include <string.h>

enum { LOOKS = 20 };

typedef struct scan {
    mlp_spool *sp;
    const char *run_id;
    size_t run_id_n;
    mlp_spool_see see;
    void *user;
    bool enough;
} scan;

static void show(scan *s, const mlp_record *r, uint64_t *last)
{
    bool again = r->seq <= *last; /* a segment given up may hold its heir's */
    *last = again ? *last : r->seq;
    if (!again && !s->enough && r->run_id_n == s->run_id_n && memcmp(r->run_id, s->run_id, s->run_id_n) == 0)
        s->enough = !s->see(s->user, r);
}

static mlplat_status scan_files(scan *s, int fd, uint64_t *last, mlplat_error *err)
{
    mlp_replay_files files = {0};
    const mlp_record *record = NULL;
    mlplat_status status = mlp_replay_files_list(&files, fd, s->sp->boot, err);
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

mlplat_status mlp_spool_scan(mlp_spool *sp, const char *run_id, mlp_spool_see see, void *user, mlplat_error *err)
{
    scan s = {.sp = sp, .run_id = run_id, .run_id_n = strlen(run_id), .see = see, .user = user};
    mlplat_status status = MLPLAT_OK;
    for (int p = 0; status == MLPLAT_OK && p < sp->n_places && !s.enough; p++)
        status = scan_place(&s, &sp->place[p], err);
    return status;
}

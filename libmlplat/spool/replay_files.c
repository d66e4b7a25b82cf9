#include "spool/replay_files.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "spool/spool_folder.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool add_name(void *user, const char *name)
{
    mlp_replay_files *r = user;
    size_t n = strlen(name);
    if (n >= sizeof r->file->name || n < 5 || !mlp_segment_named(name))
        return true;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        mlp_replay_file *more = mlp_realloc(r->file, cap * sizeof *more);
        if (!more)
            return false;
        r->file = more;
        r->cap = cap;
    }
    r->file[r->n] = (mlp_replay_file){0};
    memcpy(r->file[r->n++].name, name, n + 1);
    return true;
}

/* A head that does not fit its checksum may still hold the right salt: then the frames tell. */
static void look(const mlp_replay_files *r, mlp_replay_file *f, const unsigned char *bytes, size_t size)
{
    mlp_frame_walk walk = {.base = bytes, .size = size};
    mlp_frame_summary sum;
    mlp_record first;
    f->state = mlp_frame_head_get(bytes, size, &f->head);
    f->damaged = f->state == MLP_HEAD_DAMAGED;
    if (f->state == MLP_HEAD_BLANK || size < MLP_SEGMENT_HEAD)
        return;
    walk.salt = f->head.salt;
    f->first = mlp_frame_next(&walk, &first) ? first.seq : 0;
    mlp_frame_summarize(bytes, size, &f->head, r->boot, 0, &sum);
    f->damaged = f->damaged || sum.damaged;
    f->limit = sum.limit;
}

static mlplat_status look_at(const mlp_replay_files *r, mlp_replay_file *f, mlplat_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    mlplat_status status = mlp_segment_read(r->folder_fd, f->name, 0, &bytes, &size, err);
    if (status == MLPLAT_OK)
        look(r, f, bytes, size);
    if (status == MLPLAT_CORRUPT) { /* no file of ours */
        f->state = MLP_HEAD_DAMAGED;
        f->damaged = true;
        status = MLPLAT_OK;
    }
    mlp_free(bytes);
    return status;
}

static int by_first(const void *a, const void *b)
{
    const mlp_replay_file *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : strcmp(x->name, y->name);
}

mlplat_status mlp_replay_files_list(mlp_replay_files *r, int folder_fd, const unsigned char boot[16], mlplat_error *err)
{
    *r = (mlp_replay_files){.folder_fd = folder_fd, .boot = boot};
    mlplat_status status = mlp_folder_each(folder_fd, add_name, r, err);
    for (size_t i = 0; i < r->n && status == MLPLAT_OK; i++)
        status = look_at(r, &r->file[i], err);
    if (r->n > 0)
        qsort(r->file, r->n, sizeof *r->file, by_first);
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static bool step(mlp_replay_file *f)
{
    return mlp_frame_next(&f->walk, &f->record) && f->walk.end <= f->limit;
}

static mlplat_status open_file(mlp_replay_files *r, mlp_replay_file *f, mlplat_error *err)
{
    size_t size = 0;
    if (f->first == 0)
        return MLPLAT_OK;
    mlplat_status status = mlp_segment_read(r->folder_fd, f->name, 0, &f->bytes, &size, err);
    if (status != MLPLAT_OK)
        return status;
    f->walk = (mlp_frame_walk){.base = f->bytes, .size = size, .salt = f->head.salt};
    if (!step(f)) {
        mlp_free(f->bytes);
        f->bytes = NULL;
        return MLPLAT_OK;
    }
    f->next_open = r->open;
    r->open = f;
    return MLPLAT_OK;
}

static mlp_replay_file *first_of_open(const mlp_replay_files *r)
{
    mlp_replay_file *best = r->open;
    for (mlp_replay_file *f = best ? best->next_open : NULL; f; f = f->next_open)
        if (f->record.seq < best->record.seq)
            best = f;
    return best;
}

static void close_file(mlp_replay_files *r, mlp_replay_file *f)
{
    mlp_replay_file **at = &r->open;
    while (*at != f)
        at = &(*at)->next_open;
    *at = f->next_open;
    r->used_up = f->bytes;
    f->bytes = NULL;
}

mlplat_status mlp_replay_files_next(mlp_replay_files *r, const mlp_record **out, mlplat_error *err)
{
    *out = NULL;
    mlp_replay_file *last = r->due;
    r->due = NULL;
    if (last && !step(last)) {
        close_file(r, last);
        return MLPLAT_OK;
    }
    mlp_replay_file *best = first_of_open(r);
    while (r->to_open < r->n && (!best || r->file[r->to_open].first <= best->record.seq)) {
        mlplat_status status = open_file(r, &r->file[r->to_open], err);
        if (status != MLPLAT_OK)
            return status;
        r->to_open++;
        best = first_of_open(r);
    }
    r->due = best;
    *out = best ? &best->record : NULL;
    return MLPLAT_OK;
}

void mlp_replay_files_give_back(mlp_replay_files *r)
{
    mlp_free(r->used_up);
    r->used_up = NULL;
}

void mlp_replay_files_free(mlp_replay_files *r)
{
    mlp_replay_files_give_back(r);
    for (mlp_replay_file *f = r->open; f; f = f->next_open)
        mlp_free(f->bytes);
    mlp_free(r->file);
    *r = (mlp_replay_files){0};
}

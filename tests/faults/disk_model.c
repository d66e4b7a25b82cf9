#include "faults/disk_model.h"
#include "base/file.h"
#include "support/support.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, NAMES = 2000 };

typedef struct disk_file {
    unsigned char *bytes; /* as they are on the disk for sure; room for cap */
    size_t size, cap;
    int first_pending; /* event; what comes before is synced */
} disk_file;

typedef struct disk {
    const call_tape *tape;
    disk_file *file;
    struct {
        char path[TAPE_PATH];
        int file; /* -1: a folder */
        mode_t mode;
    } name[NAMES];
    int n_names;
    disk_cut cut;
    uint64_t *dice;
} disk;

static disk *now; /* of nftw */
static size_t now_skip;

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void resize(disk_file *f, size_t size)
{
    if (size > f->cap) {
        f->cap = size * 2 + 4096;
        f->bytes = realloc(f->bytes, f->cap);
    }
    if (size > f->size)
        memset(f->bytes + f->size, 0, size - f->size);
    f->size = size;
}

static bool survives(disk *d)
{
    return d->cut == DISK_ALL || (d->cut == DISK_SOME && test_roll(d->dice, 2) == 0);
}

/* A write by sectors; sure: all of it is there. */
static void put(disk *d, disk_file *f, const tape_event *e, bool sure)
{
    const unsigned char *from = d->tape->store + e->bytes;
    for (size_t done = 0; done < e->n;) {
        size_t at = (size_t)e->at + done, part = SECTOR - at % SECTOR;
        part = part < e->n - done ? part : e->n - done;
        if (sure || survives(d)) {
            if (at + part > f->size)
                resize(f, at + part);
            memcpy(f->bytes + at, from + done, part);
        }
        done += part;
    }
}

static void play(disk *d, int file, int upto, bool sure)
{
    disk_file *f = &d->file[file];
    for (int i = f->first_pending; i < upto; i++) {
        const tape_event *e = &d->tape->events[i];
        if (e->file != file)
            continue;
        if (e->kind == TAPE_WRITTEN)
            put(d, f, e, sure);
        else if (e->kind == TAPE_SIZED && (sure || survives(d)))
            resize(f, (size_t)e->at);
    }
    f->first_pending = upto;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int find(const disk *d, const char *path)
{
    for (int i = 0; i < d->n_names; i++)
        if (strcmp(d->name[i].path, path) == 0)
            return i;
    return -1;
}

static void add(disk *d, const char *path, int file, mode_t mode)
{
    int at = find(d, path);
    at = at >= 0 ? at : d->n_names < NAMES ? d->n_names++ : NAMES - 1;
    snprintf(d->name[at].path, TAPE_PATH, "%s", path);
    d->name[at].file = file;
    d->name[at].mode = mode;
}

static void drop(disk *d, const char *path)
{
    int at = find(d, path);
    if (at >= 0)
        d->name[at] = d->name[--d->n_names];
}

/* Of a folder all that is in it goes along. */
static void move(disk *d, const char *from, const char *to)
{
    size_t n = strlen(from);
    drop(d, to);
    for (int i = 0; i < d->n_names; i++) {
        char rest[TAPE_PATH], path[TAPE_PATH * 2];
        if (strncmp(d->name[i].path, from, n) != 0 || (d->name[i].path[n] && d->name[i].path[n] != '/'))
            continue;
        snprintf(rest, sizeof rest, "%s", d->name[i].path + n);
        snprintf(path, sizeof path, "%s%s", to, rest);
        memcpy(d->name[i].path, path, TAPE_PATH - 1);
    }
}

static void rename_one(disk *d, const tape_event *e)
{
    int at = find(d, e->path);
    switch (e->kind) {
    case TAPE_MADE:
        add(d, e->path, e->file, 0600);
        break;
    case TAPE_FOLDER:
        add(d, e->path, -1, 0700);
        break;
    case TAPE_REMOVED:
        drop(d, e->path);
        break;
    case TAPE_RENAMED:
        move(d, e->path, e->other);
        break;
    case TAPE_LINKED:
        if (at >= 0)
            add(d, e->other, d->name[at].file, d->name[at].mode);
        break;
    default:
        break;
    }
}

static bool is_name(tape_kind kind)
{
    return kind == TAPE_MADE || kind == TAPE_FOLDER || kind == TAPE_REMOVED || kind == TAPE_RENAMED ||
           kind == TAPE_LINKED;
}

static void play_names(disk *d, int n)
{
    int sure = d->tape->n_base, end = n;
    for (int i = sure; i < n; i++)
        if (d->tape->events[i].kind == TAPE_NAMES)
            sure = i;
    if (d->cut == DISK_NOTHING)
        end = sure;
    if (d->cut == DISK_SOME)
        end = sure + (int)test_roll(d->dice, (uint64_t)(n - sure) + 1);
    for (int i = d->tape->n_base; i < end; i++)
        if (is_name(d->tape->events[i].kind))
            rename_one(d, &d->tape->events[i]);
}

/* ---- in and out -------------------------------------------------------------------------------------------------- */

static int number_of(const call_tape *tape, const char *path)
{
    for (int i = 0; i < tape->n_base; i++)
        if (strcmp(tape->events[i].path, path) == 0)
            return tape->events[i].file;
    return -1;
}

static int take(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    const char *name = path + now_skip;
    if (!*name)
        return 0;
    name++;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, "-shm") == 0)
        return 0;
    if (type != FTW_F) {
        add(now, name, -1, st->st_mode & 07777);
        return 0;
    }
    int file = number_of(now->tape, name);
    if (file < 0)
        return -1;
    disk_file *f = &now->file[file];
    add(now, name, file, st->st_mode & 07777);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    resize(f, (size_t)st->st_size);
    ssize_t got = fd == -1 ? -1 : read(fd, f->bytes, f->size);
    close(fd);
    return got == st->st_size ? 0 : -1;
}

static bool write_file(const char *path, const disk_file *f, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool well = fd != -1 && write(fd, f->bytes, f->size) == (ssize_t)f->size;
    if (fd != -1)
        close(fd);
    return well;
}

static bool give(const disk *d, const char *to)
{
    char path[1024];
    if (mkdir(to, 0755) == -1)
        return false;
    for (size_t depth = 0; depth < 8; depth++) /* folders before what is in them */
        for (int i = 0; i < d->n_names; i++) {
            size_t slashes = 0;
            for (const char *p = d->name[i].path; *p; p++)
                slashes += *p == '/';
            snprintf(path, sizeof path, "%s/%s", to, d->name[i].path);
            if (slashes == depth && d->name[i].file < 0 && mkdir(path, d->name[i].mode) == -1)
                return false;
            if (slashes == depth && d->name[i].file >= 0 &&
                !write_file(path, &d->file[d->name[i].file], d->name[i].mode))
                return false;
        }
    return true;
}

bool disk_model_build(const call_tape *tape, int n, disk_cut cut, uint64_t *dice, const char *from, const char *to)
{
    disk *d = calloc(1, sizeof *d);
    d->tape = tape;
    d->cut = cut;
    d->dice = dice;
    d->file = calloc((size_t)tape->n_files + 1, sizeof *d->file);
    now = d;
    now_skip = strlen(from);
    bool well = nftw(from, take, 16, FTW_PHYS) == 0;
    for (int i = 0; well && i < n; i++)
        if (tape->events[i].kind == TAPE_SYNCED)
            play(d, tape->events[i].file, i, true);
    for (int i = 0; well && i < tape->n_files; i++)
        play(d, i, n, false);
    play_names(d, n);
    mlp_file_remove_tree(to, NULL);
    well = well && give(d, to);
    for (int i = 0; i < tape->n_files; i++)
        free(d->file[i].bytes);
    free(d->file);
    free(d);
    return well;
}

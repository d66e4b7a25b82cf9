/*
 * Copies of what was logged while its store was away: "<place>/artifacts/<32 hex digits>", ours alone (0600). A copy is
 * whole before the record that names it is accepted, and goes once that is delivered. What a killed process left
 * without a record goes after a day, when neither journals nor dead letters are there that could name it.
 */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "spool/spool_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "artifacts"
#define NEW    "new-"

typedef struct copies_size {
    int fd;
    uint64_t bytes;
} copies_size;

enum { PIECE = 65536, FORGOTTEN_MS = 24 * 3600 * 1000, TRIES = 20 };

static bool is_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 32 && !name[32];
}

static mlplat_status open_folder(const mlp_place *place, bool create, int *fd, mlplat_error *err)
{
    int top;
    *fd = -1;
    mlplat_status s = mlp_place_open(place, create, &top, err);
    if (s != MLPLAT_OK)
        return s;
    if (create && mlp_sys.mkdir(top, FOLDER, 0700) == -1 && errno != EEXIST)
        s = mlp_fail_errno(err, errno, "the folder for artifacts in %s cannot be made", place->path);
    if (s == MLPLAT_OK)
        s = mlp_folder_open(top, FOLDER, fd, err);
    mlp_sys.close(top);
    return s;
}

static mlplat_status write_all(int fd, mlp_file_source source, void *user, mlplat_error *err)
{
    char *piece = mlp_alloc(PIECE);
    mlplat_error why = {0};
    mlplat_status s = piece ? MLPLAT_OK : mlp_fail_memory(err);
    int64_t n = 1;
    while (s == MLPLAT_OK && n > 0) {
        n = source(user, piece, PIECE, &why);
        if (n > 0)
            s = mlp_file_write_all(fd, piece, (size_t)n, err);
    }
    if (s == MLPLAT_OK && n < 0) {
        s = why.status;
        if (err)
            *err = why;
    }
    mlp_free(piece);
    return s;
}

static mlplat_status finish(int folder, int fd, const char *temporary, const char *name, bool sync, mlplat_error *err)
{
    if (sync && mlp_sys.fsync(fd) == -1)
        return mlp_fail_errno(err, errno, "a copy in the spool");
    if (mlp_sys.rename(folder, temporary, folder, name) == -1)
        return mlp_fail_errno(err, errno, "a copy in the spool");
    return sync ? mlp_file_sync_folder(folder, err) : MLPLAT_OK;
}

/* Copies count with what others take. */
static mlplat_status take_room(mlp_spool *sp, uint64_t size, mlplat_error *err)
{
    bool waited = false;
    mlplat_status s = MLPLAT_OK;
    pthread_mutex_lock(&sp->lock);
    bool never = sp->quota.most != UINT64_MAX && size > sp->quota.most;
    while (s == MLPLAT_OK && !never && !mlp_quota_fits(sp, (size_t)size) && sp->quota.full == MLP_FULL_BLOCK)
        s = mlp_quota_make_room(sp, &waited, err);
    if (s == MLPLAT_OK && !mlp_quota_fits(sp, (size_t)size)) {
        sp->quota.refused++;
        s = mlp_fail(err, MLPLAT_NO_SPACE, "the spool %s has no room for a copy of %llu bytes: it may hold %llu in all "
                     "(MLPLAT_SPOOL_QUOTA)", sp->place[0].path, (unsigned long long)size,
                     (unsigned long long)sp->quota.most);
    }
    if (s == MLPLAT_OK)
        sp->quota.others += size;
    pthread_mutex_unlock(&sp->lock);
    return s;
}

static void give_room(mlp_spool *sp, uint64_t size)
{
    pthread_mutex_lock(&sp->lock);
    sp->quota.others -= size < sp->quota.others ? size : sp->quota.others;
    pthread_mutex_unlock(&sp->lock);
}

static mlplat_status begin_copy(const mlp_place *place, const char *temporary, int *folder, int *fd, mlplat_error *err)
{
    mlplat_status s = open_folder(place, true, folder, err);
    if (s != MLPLAT_OK)
        return s;
    *fd = mlp_sys.open(*folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (*fd != -1)
        return MLPLAT_OK;
    s = mlp_fail_errno(err, errno, "a copy in the spool %s cannot be made", place->path);
    mlp_sys.close(*folder);
    *folder = -1;
    return s;
}

static mlplat_status make_copy(const mlp_spool *sp, mlp_file_source source, void *user, bool sync, const char *name,
                               mlplat_error *err)
{
    char temporary[sizeof NEW + 33];
    int folder = -1, fd = -1;
    mlplat_status s = MLPLAT_NOT_FOUND;
    snprintf(temporary, sizeof temporary, NEW "%s", name);
    for (int i = 0; s == MLPLAT_NOT_FOUND && i < TRIES; i++) /* who tidies up takes a folder that is still empty */
        s = begin_copy(&sp->place[0], temporary, &folder, &fd, err);
    if (s == MLPLAT_OK)
        s = write_all(fd, source, user, err);
    if (s == MLPLAT_OK)
        s = finish(folder, fd, temporary, name, sync, err);
    if (s != MLPLAT_OK && fd != -1)
        mlp_sys.unlink(folder, temporary, 0);
    if (fd != -1)
        mlp_sys.close(fd);
    if (folder != -1)
        mlp_sys.close(folder);
    return s;
}

mlplat_status mlp_spool_copy_put(mlp_spool *sp, mlp_file_source source, void *user, uint64_t size, bool sync,
                                 char name[33], mlplat_error *err)
{
    mlplat_status s = mlp_random_hex(name, err);
    if (s == MLPLAT_OK)
        s = take_room(sp, size, err);
    if (s != MLPLAT_OK)
        return s;
    s = make_copy(sp, source, user, sync, name, err);
    if (s != MLPLAT_OK)
        give_room(sp, size);
    return s;
}

mlplat_status mlp_spool_copy_open(mlp_spool *sp, const char *name, int *fd, mlplat_error *err)
{
    *fd = -1;
    for (int p = 0; is_name(name) && *fd == -1 && p < sp->n_places; p++) {
        int folder;
        mlplat_status s = open_folder(&sp->place[p], false, &folder, err);
        if (s != MLPLAT_OK && s != MLPLAT_NOT_FOUND)
            return s;
        if (s == MLPLAT_NOT_FOUND)
            continue;
        *fd = mlp_sys.open(folder, name, O_RDONLY | O_NOFOLLOW, 0);
        int why = errno;
        mlp_sys.close(folder);
        if (*fd == -1 && why != ENOENT)
            return mlp_fail_errno(err, why, "the copy %s in the spool %s", name, sp->place[p].path);
    }
    return *fd != -1 ? MLPLAT_OK : mlp_fail(err, MLPLAT_NOT_FOUND, "the spool has no copy '%.40s'", name);
}

void mlp_spool_copy_remove(mlp_spool *sp, const char *name)
{
    int folder;
    struct stat st;
    for (int p = 0; is_name(name) && p < sp->n_places; p++)
        if (open_folder(&sp->place[p], false, &folder, NULL) == MLPLAT_OK) {
            bool there = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
            if (mlp_sys.unlink(folder, name, 0) == 0 && there && p == 0)
                give_room(sp, (uint64_t)st.st_size);
            mlp_sys.close(folder);
        }
}

static bool add_size(void *user, const char *name)
{
    copies_size *all = user;
    struct stat st;
    if (fstatat(all->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        all->bytes += (uint64_t)st.st_size;
    return true;
}

uint64_t mlp_copies_size(const mlp_place *place)
{
    copies_size all = {0};
    if (open_folder(place, false, &all.fd, NULL) != MLPLAT_OK)
        return 0;
    mlp_folder_each(all.fd, add_size, &all, NULL);
    mlp_sys.close(all.fd);
    return all.bytes;
}

/* ---- what nobody names any more ---------------------------------------------------------------------------------- */

typedef struct sweep {
    int fd;
    int64_t before_ms;
    bool named; /* something is there that may name copies */
} sweep;

static bool look(void *user, const char *name)
{
    sweep *w = user;
    w->named = w->named || mlp_home_is_journal(name) || strcmp(name, "dead") == 0 || strstr(name, ".bad");
    return true;
}

static bool remove_old(void *user, const char *name)
{
    const sweep *w = user;
    struct stat st;
    bool ours = is_name(name) || (strncmp(name, NEW, strlen(NEW)) == 0 && is_name(name + strlen(NEW)));
    if (ours && fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime * (int64_t)1000 < w->before_ms)
        mlp_sys.unlink(w->fd, name, 0);
    return true;
}

void mlp_copies_sweep(const mlp_place *place, int top)
{
    sweep w = {.before_ms = mlp_sys.now_ms() - FORGOTTEN_MS};
    if (open_folder(place, false, &w.fd, NULL) != MLPLAT_OK)
        return;
    if (mlp_folder_each(top, look, &w, NULL) == MLPLAT_OK && !w.named)
        mlp_folder_each(w.fd, remove_old, &w, NULL);
    mlp_sys.close(w.fd);
    mlp_sys.unlink(top, FOLDER, AT_REMOVEDIR);
}

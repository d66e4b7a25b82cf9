#include "spool/spool_folder.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY)

/* ---- places ------------------------------------------------------------------------------------------------------ */

static uint64_t hash_text(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* A URI stays as it is, a path becomes absolute. */
static char *full_store(const char *store)
{
    return strstr(store, "://") ? mlp_strdup(store) : mlp_file_absolute(store);
}

static void safe_name(const char *name, char out[64])
{
    size_t n = 0;
    for (; *name && n < 40; name++)
        out[n++] = strchr("/\\:%?#", *name) || (unsigned char)*name < 0x21 ? '_' : *name;
    out[n] = 0;
}

mlplat_status mlp_place_init(mlp_place *place, const char *folder, const char *store, mlplat_error *err)
{
    char name[64];
    *place = (mlp_place){0};
    char *whole = full_store(store), *absolute = mlp_file_absolute(folder);
    char *beside = whole ? mlp_sprintf("%s.spool", whole) : NULL;
    if (absolute && beside && strcmp(absolute, beside) == 0) {
        place->path = absolute;
        place->identity = hash_text(base_name(whole));
        absolute = NULL;
    } else if (absolute && beside) {
        safe_name(base_name(whole), name);
        place->identity = hash_text(whole);
        place->path = mlp_sprintf("%s/%s-%08lx", absolute, name, (unsigned long)(place->identity & 0xffffffffu));
        place->shared = absolute;
        absolute = NULL;
    }
    mlp_free(beside);
    mlp_free(whole);
    mlp_free(absolute);
    return place->path ? MLPLAT_OK : mlp_fail_memory(err);
}

void mlp_place_free(mlp_place *place)
{
    mlp_free(place->path);
    mlp_free(place->shared);
    *place = (mlp_place){0};
}

/* What somebody else may write there would be replayed into our store. */
static mlplat_status check_ours(int fd, const char *path, mlplat_error *err)
{
    struct stat st;
    if (mlp_sys.fstat(fd, &st) == -1)
        return mlp_fail_errno(err, errno, "spool folder %s", path);
    if (st.st_uid != geteuid())
        return mlp_fail(
            err, MLPLAT_DENIED,
            "spool folder %s belongs to user %lu, not to us (%lu): name a folder of your own with MLPLAT_SPOOL", path,
            (unsigned long)st.st_uid, (unsigned long)geteuid());
    if (st.st_mode & 022)
        return mlp_fail(
            err, MLPLAT_DENIED,
            "spool folder %s can be written by others (mode %03o): chmod 700 it, or name another with MLPLAT_SPOOL",
            path, (unsigned)(st.st_mode & 0777));
    return MLPLAT_OK;
}

static mlplat_status open_checked(int parent_fd, const char *path, int flags, int *fd, mlplat_error *err)
{
    *fd = mlp_sys.open(parent_fd, path, FOLDER_FLAGS | flags, 0);
    if (*fd == -1 && (errno == ELOOP || errno == ENOTDIR))
        return mlp_fail(err, MLPLAT_DENIED, "spool folder %s is a link or no folder: remove it, or set MLPLAT_SPOOL",
                        path);
    if (*fd == -1)
        return mlp_fail_errno(err, errno, "spool folder %s cannot be opened", path);
    mlplat_status status = check_ours(*fd, path, err);
    if (status != MLPLAT_OK) {
        mlp_sys.close(*fd);
        *fd = -1;
    }
    return status;
}

mlplat_status mlp_folder_open(int parent_fd, const char *name, int *fd, mlplat_error *err)
{
    return open_checked(parent_fd, name, O_NOFOLLOW, fd, err);
}

static mlplat_status check_shared(const char *path, bool create, mlplat_error *err)
{
    int fd;
    mlplat_status status = create ? mlp_file_mkdirs(path, 0700, err) : MLPLAT_OK;
    if (status == MLPLAT_OK)
        status = open_checked(AT_FDCWD, path, 0, &fd, err); /* the user's own setting may be a link */
    if (status == MLPLAT_OK)
        mlp_sys.close(fd);
    return status;
}

mlplat_status mlp_place_open(const mlp_place *place, bool create, int *fd, mlplat_error *err)
{
    bool made = false;
    *fd = -1;
    mlplat_status status = place->shared ? check_shared(place->shared, create, err) : MLPLAT_OK;
    if (status == MLPLAT_OK && create) {
        made = mlp_sys.mkdir(AT_FDCWD, place->path, 0700) == 0;
        if (!made && errno != EEXIST)
            status =
                mlp_fail_errno(err, errno, "spool folder %s cannot be made (MLPLAT_SPOOL names another)", place->path);
    }
    if (status == MLPLAT_OK)
        status = open_checked(AT_FDCWD, place->path, O_NOFOLLOW, fd, err);
    if (status == MLPLAT_OK && made)
        fchmod(*fd, 0700);
    return status;
}

void mlp_place_tidy(const mlp_place *place)
{
    int fd;
    if (mlp_place_open(place, false, &fd, NULL) != MLPLAT_OK)
        return;
    mlp_sys.unlink(fd, "dead", AT_REMOVEDIR);
#ifndef MLPLAT_MINIMAL
    mlp_copies_sweep(place, fd);
#endif
    mlp_sys.close(fd);
    mlp_sys.unlink(AT_FDCWD, place->path, AT_REMOVEDIR);
}

mlplat_status mlp_folder_each(int fd, bool (*fn)(void *user, const char *name), void *user, mlplat_error *err)
{
    int own = mlp_sys.open(fd, ".", FOLDER_FLAGS, 0);
    DIR *dir = own == -1 ? NULL : fdopendir(own);
    if (!dir) {
        mlplat_status status = mlp_fail_errno(err, errno, "a spool folder cannot be read");
        if (own != -1)
            mlp_sys.close(own);
        return status;
    }
    struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !fn(user, entry->d_name))
            break;
    mlplat_status status = entry   ? mlp_fail_memory(err)
                           : errno ? mlp_fail_errno(err, errno, "a spool folder cannot be read")
                                   : MLPLAT_OK;
    closedir(dir);
    return status;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *skip_prefix(const char *name, const char *prefix)
{
    return mlp_text_starts(name, prefix) ? name + strlen(prefix) : name;
}

/* "<number>-<number>-<number>-<8 hex digits>" */
static bool process_shaped(const char *name)
{
    for (int part = 0; part < 3; part++) {
        if (*name == '-') /* a start time that is not known is negative */
            name++;
        size_t digits = strspn(name, "0123456789");
        if (digits == 0 || name[digits] != '-')
            return false;
        name += digits + 1;
    }
    return strspn(name, "0123456789abcdef") == 8 && name[8] == 0;
}

bool mlp_home_is_journal(const char *name)
{
    return process_shaped(skip_prefix(name, "left-"));
}

long mlp_home_pid(const char *name)
{
    return strtol(skip_prefix(skip_prefix(name, "left-"), "new-"), NULL, 10);
}

static bool of_our_process(const char *name)
{
    char own[64];
    mlp_os_process_name(own);
    return mlp_text_starts(name, own) && name[strlen(own)] == '-';
}

static void our_name(const char *suffix, char out[128])
{
    char own[64];
    mlp_os_process_name(own);
    snprintf(out, 128, "%s-%.8s", own, suffix);
}

/* ---- making and giving up ---------------------------------------------------------------------------------------- */

#define HEIR " heir" /* in the lock of who stores what a dead one left */

static mlplat_status make_lock(int fd, const char *name, const char *as, int *lock_fd, mlplat_error *err)
{
    char text[96];
    *lock_fd = mlp_sys.open(fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (*lock_fd == -1)
        return mlp_fail_errno(err, errno, "the journal's lock file cannot be made");
    fchmod(*lock_fd, 0600);
    if (mlp_sys.lock(*lock_fd, 0, false) == -1)
        return mlp_fail_errno(err, errno, "the journal's lock file cannot be locked");
    snprintf(text, sizeof text, "%ld %lld%s\n", (long)getpid(), (long long)mlp_os_start_time(getpid()), as);
    return mlp_file_write_all(*lock_fd, text, strlen(text), err);
}

void mlp_home_close(mlp_home *h)
{
    if (h->lock_fd != -1)
        mlp_sys.close(h->lock_fd);
    if (h->fd != -1)
        mlp_sys.close(h->fd);
    if (h->place_fd != -1)
        mlp_sys.close(h->place_fd);
    *h = (mlp_home){0};
}

/* Under a name that is no journal's the lock is let go first: NFS and FUSE keep an open file in its folder, under
 * another name, and the folder would stay. */
void mlp_home_remove(mlp_home *h)
{
    char name[140];
    snprintf(name, sizeof name, "new-%s", h->name);
    bool renamed = mlp_sys.rename(h->place_fd, h->name, h->place_fd, name) == 0;
    if (renamed && h->lock_fd != -1) {
        mlp_sys.close(h->lock_fd);
        h->lock_fd = -1;
    }
    mlp_sys.unlink(h->fd, "lock", 0);
    mlp_sys.unlink(h->place_fd, renamed ? name : h->name, AT_REMOVEDIR);
    mlp_home_close(h);
}

bool mlp_home_leave(mlp_home *h)
{
    char name[140];
    if (!h->held)
        return true;
    snprintf(name, sizeof name, "left-%s", h->name);
    bool left = mlp_sys.rename(h->place_fd, h->name, h->place_fd, name) == 0;
    mlp_home_close(h);
    return left;
}

/* The lock is there before the folder has its name: nobody ever sees a journal without one. */
static mlplat_status make_in(int place_fd, const char *id, mlp_home *h, mlplat_error *err)
{
    char fresh[140];
    *h = (mlp_home){.held = true, .place_fd = place_fd, .fd = -1, .lock_fd = -1};
    our_name(id, h->name);
    snprintf(fresh, sizeof fresh, "new-%s", h->name);
    if (mlp_sys.mkdir(place_fd, fresh, 0700) == -1)
        return mlp_fail_errno(err, errno, "a journal folder cannot be made");
    h->fd = mlp_sys.open(place_fd, fresh, FOLDER_FLAGS | O_NOFOLLOW, 0);
    mlplat_status status = h->fd == -1 ? mlp_fail_errno(err, errno, "journal folder %s", fresh) : MLPLAT_OK;
    if (status == MLPLAT_OK) {
        fchmod(h->fd, 0700);
        status = make_lock(h->fd, "lock", "", &h->lock_fd, err);
    }
    if (status == MLPLAT_OK && mlp_sys.rename(place_fd, fresh, place_fd, h->name) == -1)
        status = mlp_fail_errno(err, errno, "journal folder %s cannot be named", h->name);
    if (status != MLPLAT_OK) {
        if (h->fd != -1)
            mlp_sys.unlink(h->fd, "lock", 0);
        mlp_sys.unlink(place_fd, fresh, AT_REMOVEDIR);
    }
    return status;
}

mlplat_status mlp_home_make(const mlp_place *place, const char *id, mlp_home *out, mlplat_error *err)
{
    mlplat_status status = MLPLAT_NOT_FOUND;
    *out = (mlp_home){0};
    for (int i = 0; i < 20 && status == MLPLAT_NOT_FOUND; i++) { /* the last user may be removing the place just now */
        int fd;
        status = mlp_place_open(place, true, &fd, err);
        if (status != MLPLAT_OK)
            continue;
        status = make_in(fd, id, out, err);
        if (status != MLPLAT_OK)
            mlp_home_close(out);
    }
    return status == MLPLAT_OK ? status : mlp_fail_prefix(err, status, "spool %s", place->path);
}

/* ---- taking over ------------------------------------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Between opening and locking, its owner may have removed it, or another heir may have replaced the lock. */
static bool still_there(int place_fd, const char *name, int fd, int lock_fd)
{
    struct stat folder, named, lock, in_folder;
    return mlp_sys.fstat(fd, &folder) == 0 && fstatat(place_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           same_file(&folder, &named) && mlp_sys.fstat(lock_fd, &lock) == 0 &&
           fstatat(fd, "lock", &in_folder, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&lock, &in_folder);
}

/* The process that a journal is called after, is not there any more. Of another pid namespace nobody here can tell. */
static bool owner_gone(const char *of)
{
    char own[64];
    mlp_os_process_name(own);
    const char *space = strrchr(own, '-');
    space = space ? space : "";
    size_t n = strlen(space);
    if (!process_shaped(of) || strlen(of) < n + 9 || strncmp(of + strlen(of) - 9 - n, space, n) != 0)
        return false;
    const char *start = strchr(of + 1, '-');
    int64_t now = mlp_os_start_time((pid_t)strtol(of, NULL, 10));
    return start && now != -2 && now != strtoll(start + 1, NULL, 10);
}

/* A lock file that is not there, is none, or may not be opened says nothing: then the process does. */
static mlp_claim without_lock(int place_fd, const char *name, int fd, bool missing)
{
    if (mlp_text_starts(name, "left-"))
        return MLP_CLAIM_FREE;
    if (missing && mlp_sys.unlink(place_fd, name, AT_REMOVEDIR) == 0)
        return MLP_CLAIM_GONE; /* empty: its owner was killed between the lock and the folder */
    if (!owner_gone(name))
        return missing ? MLP_CLAIM_GONE : MLP_CLAIM_BUSY;
    mlp_sys.unlink(fd, "lock", AT_REMOVEDIR); /* a folder in its place would be in the way of a new one */
    return MLP_CLAIM_FREE;
}

static mlp_claim try_lock(int place_fd, const char *name, int fd, int *lock_fd, mlplat_error *err)
{
    struct stat st;
    *lock_fd = mlp_sys.open(fd, "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (*lock_fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        mlp_fail_errno(err, errno, "the journal's lock file cannot be opened");
        return MLP_CLAIM_FAILED;
    }
    if (*lock_fd == -1)
        return without_lock(place_fd, name, fd, errno == ENOENT);
    if (mlp_sys.fstat(*lock_fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        mlp_sys.close(*lock_fd);
        *lock_fd = -1;
        return without_lock(place_fd, name, fd, false);
    }
    if (mlp_sys.lock(*lock_fd, 0, false) == -1)
        return MLP_CLAIM_BUSY;
    return still_there(place_fd, name, fd, *lock_fd) ? MLP_CLAIM_FREE : MLP_CLAIM_GONE;
}

/* Two sessions of one process both "hold" a POSIX lock: the rename lets one of them through, and a new lock file makes
 * the other's closing of the old one harmless. */
static mlp_claim take(mlp_home *h, const char *name, mlplat_error *err)
{
    char fresh[40];
    int lock_fd = -1;
    snprintf(fresh, sizeof fresh, "lock.%ld", (long)getpid());
    our_name(name + strlen(name) - 8, h->name);
    if (mlp_sys.rename(h->place_fd, name, h->place_fd, h->name) == -1)
        return MLP_CLAIM_BUSY;
    mlp_sys.unlink(h->fd, fresh, 0);
    mlplat_status made = make_lock(h->fd, fresh, HEIR, &lock_fd, err);
    if (made == MLPLAT_OK && mlp_sys.rename(h->fd, fresh, h->fd, "lock") == 0) {
        int old = h->lock_fd;
        h->lock_fd = lock_fd;
        lock_fd = old;
        if (still_there(h->place_fd, h->name, h->fd, h->lock_fd)) {
            if (old != -1)
                mlp_sys.close(old);
            return MLP_CLAIM_OURS;
        }
    }
    if (lock_fd != -1)
        mlp_sys.close(lock_fd);
    mlp_sys.rename(h->place_fd, h->name, h->place_fd, name);
    bool raced = made == MLPLAT_OK || made == MLPLAT_EXISTS || made == MLPLAT_NOT_FOUND || made == MLPLAT_UNAVAILABLE;
    return raced ? MLP_CLAIM_BUSY : MLP_CLAIM_FAILED;
}

mlp_claim mlp_home_claim(int place_fd, const char *name, mlp_home *out, mlplat_error *err)
{
    *out = (mlp_home){0};
    if (of_our_process(name))
        return MLP_CLAIM_OWN_PROCESS;
    mlp_home h = {.held = true, .place_fd = -1, .fd = -1, .lock_fd = -1};
    mlp_claim claim = MLP_CLAIM_BUSY;
    mlplat_status status = mlp_folder_open(place_fd, name, &h.fd, err);
    if (status != MLPLAT_OK && status != MLPLAT_NOT_FOUND)
        claim = MLP_CLAIM_FAILED;
    if (status == MLPLAT_OK && (h.place_fd = mlp_sys.open(place_fd, ".", FOLDER_FLAGS, 0)) != -1)
        claim = try_lock(place_fd, name, h.fd, &h.lock_fd, err);
    if (claim == MLP_CLAIM_FREE)
        claim = take(&h, name, err);
    if (claim == MLP_CLAIM_OURS)
        *out = h;
    else
        mlp_home_close(&h);
    return claim;
}

mlp_claim mlp_home_probe(int place_fd, const char *name)
{
    int fd, lock_fd = -1;
    if (of_our_process(name))
        return MLP_CLAIM_OWN_PROCESS;
    if (mlp_text_starts(name, "left-"))
        return MLP_CLAIM_FREE;
    if (mlp_folder_open(place_fd, name, &fd, NULL) != MLPLAT_OK)
        return MLP_CLAIM_BUSY;
    mlp_claim claim = try_lock(place_fd, name, fd, &lock_fd, NULL);
    if (lock_fd != -1)
        mlp_sys.close(lock_fd);
    mlp_sys.close(fd);
    return claim;
}

#ifndef MLPLAT_MINIMAL
/* "pid-start-..." and "pid start": one that was taken over has its heir's name before it has its lock. */
static bool is_lock_of(const char *text, const char *name)
{
    char *in_text, *in_name;
    return strtol(text, &in_text, 10) == strtol(name, &in_name, 10) && *in_name == '-' &&
           strtoll(in_text, NULL, 10) == strtoll(in_name + 1, NULL, 10);
}

bool mlp_home_has_heir(int place_fd, const char *name)
{
    struct stat st;
    char path[160], text[96] = "";
    if (fstatat(place_fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT;
    snprintf(path, sizeof path, "%.127s/lock", name);
    int fd = mlp_sys.open(place_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd == -1)
        return false;
    ssize_t n = mlp_sys.read(fd, text, sizeof text - 1);
    mlp_sys.close(fd);
    return n > 0 && (strstr(text, HEIR) || !is_lock_of(text, name));
}
#endif

void mlp_home_sweep(int place_fd, const char *name)
{
    int fd;
    const char *of = skip_prefix(name, "new-");
    if (of == name || !owner_gone(of) || mlp_folder_open(place_fd, name, &fd, NULL) != MLPLAT_OK)
        return;
    mlp_sys.unlink(fd, "lock", 0);
    mlp_sys.unlink(place_fd, name, AT_REMOVEDIR);
    mlp_sys.close(fd);
}

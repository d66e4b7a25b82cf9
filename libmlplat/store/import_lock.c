#include "store/import_lock.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "db/ticket.h"
#include "db/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process whose import runs: POSIX locks do not keep its threads apart, and its child has none of them. */
static _Atomic pid_t importer;

/* The file goes with an import: whoever locked one that is gone keeps nobody out. */
static mlplat_status lock_file(mlp_import_lock *lock, const char *store, mlplat_error *err)
{
    struct stat mine, there;
    int fd = mlp_ticket_file(lock->path, store);
    if (fd == -1 && errno == ENOENT && stat(store, &there) == 0)
        return MLPLAT_OK; /* it went this moment */
    if (fd == -1)
        return mlp_fail_errno(err, errno, "'%.300s', which keeps imports apart, cannot be opened", lock->path);
    mlplat_status s = MLPLAT_OK;
    if (mlp_sys.lock(fd, 0, false) == 0) {
        if (fstat(fd, &mine) == 0 && stat(lock->path, &there) == 0 && mine.st_ino == there.st_ino)
            lock->fd = fd + 1;
    } else if (errno != EAGAIN) {
        s = mlp_fail_errno(err, errno, "'%.300s', which keeps imports apart, cannot be locked", lock->path);
    }
    if (!lock->fd)
        mlp_sys.close(fd);
    return s;
}

static mlplat_status try_once(mlp_import_lock *lock, const char *store, mlplat_error *err)
{
    pid_t self = getpid(), was = atomic_load(&importer);
    if (was == self || !atomic_compare_exchange_strong(&importer, &was, self))
        return MLPLAT_OK;
    mlplat_status s = lock_file(lock, store, err);
    if (!lock->fd)
        atomic_store(&importer, 0);
    return s;
}

mlplat_status mlp_import_lock_take(mlp_import_lock *lock, const char *store, const mlp_logger *log,
                                   const mlp_hook *hook, mlplat_error *err)
{
    mlp_wait wait = mlp_wait_begin(hook, store, INT64_MAX);
    *lock = (mlp_import_lock){.path = mlp_sprintf("%s-import", store)};
    mlplat_status s = lock->path ? try_once(lock, store, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !lock->fd)
        mlp_log(log, MLPLAT_LOG_WARNING, "'%s': another import into it is running; this one waits for its end", store);
    while (s == MLPLAT_OK && !lock->fd)
        if ((s = mlp_wait_nap(&wait, err)) == MLPLAT_OK)
            s = try_once(lock, store, err);
    return s;
}

void mlp_import_lock_give(mlp_import_lock *lock)
{
    if (lock->fd) {
        mlp_sys.unlink(AT_FDCWD, lock->path, 0);
        mlp_sys.close(lock->fd - 1);
        atomic_store(&importer, 0);
    }
    mlp_free(lock->path);
    *lock = (mlp_import_lock){0};
}

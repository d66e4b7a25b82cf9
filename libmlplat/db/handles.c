/*
 * SQLite keeps the locks of all its connections in memory of the process, by file. A forked child inherits that memory
 * but no lock: a connection of its own on the same file would wait for ever for a lock that its memory says is held,
 * or, worse, go without one. So a child, before it opens anything, takes what its parent's connections hold out of
 * that memory. Nothing else is done with them: not a page is written, not a statement run, no descriptor closed.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "db/db_inside.h"

static struct {
    pthread_mutex_t lock; /* held for moments inside the fork gate: never across a fork */
    mlp_handle *first;
    unsigned forks; /* of this process, as far as the parents' locks are given up */
} handles = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* In memory alone, for the child has no lock in the system. The shared memory is only unmapped. */
static void give_up_locks(sqlite3 *sqlite)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods)
        return;
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    if (file->pMethods->iVersion >= 2 && file->pMethods->xShmUnmap)
        file->pMethods->xShmUnmap(file, 0);
}

static void give_up_inherited(void)
{
    unsigned now = mlp_fork_gate_forks();
    for (mlp_handle *h = handles.first; h && handles.forks != now; h = h->next)
        if (h->forks != now)
            give_up_locks(h->sqlite);
    handles.forks = now;
}

static void list(mlp_db *db, mlp_handle *h)
{
    *h = (mlp_handle){.sqlite = db->handle, .forks = mlp_fork_gate_forks(), .next = handles.first};
    handles.first = db->listed = h;
}

int mlp_handle_open(mlp_db *db, const char *name, int flags)
{
    mlp_handle *h = mlp_alloc(sizeof *h);
    if (!h)
        return SQLITE_NOMEM;
    pthread_mutex_lock(&handles.lock);
    give_up_inherited();
    pthread_mutex_unlock(&handles.lock);
    int code = sqlite3_open_v2(name, &db->handle, flags, NULL);
    pthread_mutex_lock(&handles.lock);
    list(db, h);
    pthread_mutex_unlock(&handles.lock);
    return code;
}

void mlp_handle_close(mlp_db *db)
{
    pthread_mutex_lock(&handles.lock);
    for (mlp_handle **at = &handles.first; *at; at = &(*at)->next)
        if (*at == db->listed) {
            *at = db->listed->next;
            break;
        }
    pthread_mutex_unlock(&handles.lock);
    mlp_free(db->listed);
    db->listed = NULL;
    sqlite3_close_v2(db->handle);
}

mlplat_status mlp_handle_check(const mlp_db *db, mlplat_error *err)
{
    if (db->listed && db->listed->forks == mlp_fork_gate_forks())
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_STATE, "'%s' was opened in another process and inherited by fork: open it here",
                    db->path);
}

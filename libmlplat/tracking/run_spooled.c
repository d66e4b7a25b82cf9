#include "tracking/run_spooled.h"
#include "artifacts/artifact_local.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { ONLINE_MS = 5000, AWAY_MS = 5000 };

static bool is_away(mlplat_status s, const mlplat_error *err)
{
    return (s == MLPLAT_UNAVAILABLE || s == MLPLAT_TIMEOUT) && err->retryable;
}

static void remember_away(mlplat_run *run)
{
    atomic_store(&run->away_until_ns, mlp_clock_mono_ns() + (int64_t)AWAY_MS * 1000000);
    atomic_store(&run->spooled, true);
}

/* Is it to be spooled without asking the server? */
static mlplat_status look(mlplat_run *run, bool *wanted, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    mlplat_status s = t->ops->run_waits(t->store, run->id, wanted, err);
    if (s != MLPLAT_OK || *wanted)
        return s;
    if (atomic_load(&run->spooled) && mlp_spool_idle(t->spool))
        atomic_store(&run->spooled, false);
    *wanted = mlp_spool_is_down(t->spool) || mlp_clock_mono_ns() < atomic_load(&run->away_until_ns) ||
              atomic_load(&run->spooled);
    return s;
}

/* What is done in between ends soon where the server is away. */
static void hurry(const mlplat_run *run, bool on)
{
    const mlp_tracking *t = run->tracking;
    t->ops->hurry(t->store, on ? ONLINE_MS : 0);
    mlp_artifact_behave(on ? MLP_ARTIFACT_ONCE : MLP_ARTIFACT_PATIENT);
}

mlplat_status mlp_run_spooled_check(mlplat_run *run, mlplat_error *err)
{
    const mlp_tracking *t = run->tracking;
    mlplat_error mine = {0};
    json_t *doc = NULL;
    bool wanted = false;
    mlplat_status s = look(run, &wanted, err);
    if (s != MLPLAT_OK || wanted)
        return s;
    hurry(run, true);
    s = t->ops->run_get(t->store, run->id, &doc, &mine);
    hurry(run, false);
    const json_t *info = json_object_get(doc, "info");
    const char *stage = json_string_value(json_object_get(info, "lifecycle_stage"));
    if (json_object_get(info, "delivery")) /* it waits in another process's journal, and has no place yet */
        remember_away(run);
    if (s == MLPLAT_OK && (!stage || strcmp(stage, "active") != 0))
        s = mlp_fail(&mine, MLPLAT_STATE, "run %s is deleted: restore it first", run->id);
    json_decref(doc);
    if (is_away(s, &mine)) {
        remember_away(run);
        return MLPLAT_OK;
    }
    if (s != MLPLAT_OK && err)
        *err = mine;
    return s;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* text: stolen, NULL is NO_MEMORY. */
static mlplat_status append(const mlplat_run *run, const char *name, json_t *text, mlplat_error *err)
{
    mlp_buf out = {0};
    mlp_spool *spool = run->tracking->spool;
    mlplat_durability level = mlp_spool_own_level(spool, run->durability); /* nobody waits for one that is away */
    mlplat_status s = text ? mlp_json_text(text, &out, err) : mlp_fail_memory(err);
    const mlp_record record = {.kind = MLP_RECORD_ARTIFACT, .run_id = run->id, .run_id_n = run->id_n, .key = name,
                               .key_n = strlen(name), .text = out.data, .text_n = out.size};
    if (s == MLPLAT_OK)
        s = mlp_spool_append(spool, &record, 1, level, err);
    mlp_buf_free(&out);
    json_decref(text);
    return s;
}

typedef struct bytes {
    int fd; /* -1: those of data */
    const char *data;
    size_t left;
} bytes;

static int64_t next_bytes(void *user, void *buf, size_t n, mlplat_error *err)
{
    bytes *from = user;
    if (from->fd != -1) {
        ssize_t got = mlp_sys.read(from->fd, buf, n);
        if (got == -1)
            mlp_fail_errno(err, errno, "cannot read the file to copy into the spool");
        return got;
    }
    n = from->left < n ? from->left : n;
    if (n)
        memcpy(buf, from->data, n);
    from->data += n;
    from->left -= n;
    return (int64_t)n;
}

static bool is_durable(const mlplat_run *run)
{
    return mlp_spool_own_level(run->tracking->spool, run->durability) == MLPLAT_DURABILITY_DISK;
}

static mlplat_status spool_copy(mlplat_run *run, bytes *from, const char *name, mlplat_error *err)
{
    char copy[33] = "";
    mlplat_status s =
        mlp_spool_copy_put(run->tracking->spool, next_bytes, from, from->left, is_durable(run), copy, err);
    if (s != MLPLAT_OK)
        return s;
    s = append(run, name, json_pack("{s:s}", "copy", copy), err);
    if (s != MLPLAT_OK)
        mlp_spool_copy_remove(run->tracking->spool, copy);
    return s;
}

static uint64_t copy_most(const mlplat_run *run)
{
    uint64_t n = 0;
    mlp_config_bytes(mlp_session_setting(run->tracking->ml, MLP_SET_SPOOL_COPY), &n);
    return n;
}

static mlplat_status spool_file(mlplat_run *run, int fd, const char *path, const char *name, mlplat_error *err)
{
    struct stat st;
    if (mlp_sys.fstat(fd, &st) == -1)
        return mlp_fail_errno(err, errno, "cannot look at '%.300s'", path);
    bytes from = {.fd = fd, .left = (size_t)st.st_size};
    if ((uint64_t)st.st_size <= copy_most(run))
        return spool_copy(run, &from, name, err);
    const struct timespec changed = mlp_os_changed(&st);
    mlp_log(&run->tracking->ml->log, MLPLAT_LOG_WARNING,
            "'%.300s' is sent when the server is back and must stay as it is until then: it is too large for a copy in "
            "the spool (MLPLAT_SPOOL_COPY)",
            path);
    return append(run, name,
                  json_pack("{s:s, s:I, s:I}", "path", path, "size", (json_int_t)st.st_size, "changed",
                            (json_int_t)changed.tv_sec * 1000000000 + changed.tv_nsec),
                  err);
}

static mlplat_status spool_folder(mlplat_run *run, int top, const char *path, const char *name, mlplat_error *err)
{
    mlp_artifact_tree tree = {0};
    mlplat_status s = mlp_artifact_tree_walk(top, path, &tree, err);
    for (size_t i = 0; s == MLPLAT_OK && i < tree.n; i++) {
        int fd = -1;
        if (tree.entries[i].is_folder)
            continue;
        char *from = mlp_file_join(path, tree.entries[i].name), *to = mlp_file_join(name, tree.entries[i].name);
        s = from && to ? mlp_file_open_beneath(top, tree.entries[i].name, O_RDONLY, 0, &fd, err) : mlp_fail_memory(err);
        if (s == MLPLAT_OK)
            s = spool_file(run, fd, from, to, err);
        if (fd != -1)
            mlp_sys.close(fd);
        mlp_free(from);
        mlp_free(to);
    }
    mlp_artifact_tree_free(&tree);
    return s;
}

static mlplat_status spool_path(mlplat_run *run, const char *path, const char *name, mlplat_error *err)
{
    struct stat st;
    mlplat_status s;
    int fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0); /* a FIFO must not hang us */
    if (fd == -1)
        return mlp_fail_errno(err, errno, "cannot open '%.300s' to log it", path);
    if (mlp_sys.fstat(fd, &st) == -1)
        s = mlp_fail_errno(err, errno, "cannot look at '%.300s'", path);
    else if (S_ISDIR(st.st_mode))
        s = spool_folder(run, fd, path, name, err);
    else if (S_ISREG(st.st_mode))
        s = spool_file(run, fd, path, name, err);
    else
        s = mlp_fail(err, MLPLAT_INVALID, "'%.300s' is neither a file nor a folder", path);
    mlp_sys.close(fd);
    return s;
}

/* ---- either way -------------------------------------------------------------------------------------------------- */

/* Whether the server did not take it because it is away; else *s is what came of it. */
static bool missed(mlplat_run *run, mlplat_status s, mlplat_error *mine, mlplat_error *err)
{
    if (is_away(s, mine)) {
        remember_away(run);
        mlp_log(&run->tracking->ml->log, MLPLAT_LOG_WARNING,
                "an artifact of run %s waits in the spool until the server is back: %s", run->id, mine->message);
        return true;
    }
    if (s != MLPLAT_OK && err)
        *err = *mine;
    return false;
}

mlplat_status mlp_run_spooled_bytes(mlplat_run *run, const void *data, size_t n, const char *name, const char *uri,
                                    mlplat_error *err)
{
    mlplat_error mine = {0};
    bytes from = {.fd = -1, .data = data, .left = n};
    bool wanted = false;
    mlplat_status s = look(run, &wanted, err);
    if (s != MLPLAT_OK || wanted)
        return s != MLPLAT_OK ? s : spool_copy(run, &from, name, err);
    hurry(run, true);
    s = mlplat_artifact_put_bytes(run->tracking->ml, data, n, uri, &mine);
    hurry(run, false);
    return missed(run, s, &mine, err) ? spool_copy(run, &from, name, err) : s;
}

mlplat_status mlp_run_spooled_path(mlplat_run *run, const char *path, const char *name, const char *uri,
                                   mlplat_error *err)
{
    mlplat_error mine = {0};
    bool wanted = false;
    mlplat_status s = look(run, &wanted, err);
    if (s != MLPLAT_OK || wanted)
        return s != MLPLAT_OK ? s : spool_path(run, path, name, err);
    hurry(run, true);
    s = mlplat_artifact_put(run->tracking->ml, path, uri, NULL, &mine);
    hurry(run, false);
    return missed(run, s, &mine, err) ? spool_path(run, path, name, err) : s;
}

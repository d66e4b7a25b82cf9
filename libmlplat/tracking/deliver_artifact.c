/* Files that were logged while the server was away. */
#include "tracking/deliver_artifact.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct parcel {
    const mlp_artifact_delivery *d;
    const mlp_artifact_store *store;
    char *root, *name;
    const char *copy; /* of the record's document; NULL: the file is where it was */
} parcel;

static int go_on(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    return 0;
}

/* A place that is not ours to write to will not become so: a dead letter. */
static mlplat_status find_store(parcel *p, const char *uri, mlplat_error *err)
{
    bool server = mlp_artifact_from_server(p->d->ml, MLP_SET_TRACKING_URI);
    mlplat_status s = server ? mlp_artifact_trust(p->d->ml, uri, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && !(p->store = mlp_artifact_store_for(uri, err)))
        s = err->status;
    return s == MLPLAT_OK || s == MLPLAT_NO_MEMORY ? s : (err->status = MLPLAT_INVALID);
}

/* The run's own place, and the name below it. */
static mlplat_status find_place(parcel *p, const mlp_record *r, mlplat_error *err)
{
    const char *uri = p->d->uri;
    mlplat_status s = uri && *uri ? find_store(p, uri, err)
                                  : mlp_fail(err, MLPLAT_INVALID, "run %s has no place for artifacts", p->d->run);
    if (s == MLPLAT_OK)
        s = p->store->root(uri, &p->root, err);
    if (s == MLPLAT_OK && !(p->name = mlp_strndup(r->key, r->key_n)))
        s = mlp_fail_memory(err);
    return s;
}

/* It must be the file that was logged. */
static mlplat_status open_path(const json_t *doc, int *fd, mlplat_error *err)
{
    const char *path = json_string_value(json_object_get(doc, "path"));
    struct stat st;
    if (!path)
        return mlp_fail(err, MLPLAT_INVALID, "a record of an artifact names no file");
    *fd = mlp_sys.open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (*fd == -1 || mlp_sys.fstat(*fd, &st) == -1) {
        mlp_fail_errno(err, errno, "'%.300s', which was logged while the server was away", path);
        return err->status = MLPLAT_INVALID;
    }
    const struct timespec written = mlp_os_changed(&st);
    json_int_t changed = (json_int_t)written.tv_sec * 1000000000 + written.tv_nsec;
    if (S_ISREG(st.st_mode) && st.st_size == json_integer_value(json_object_get(doc, "size")) &&
        changed == json_integer_value(json_object_get(doc, "changed")))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "'%.300s' was changed since it was logged while the server was away", path);
}

/* A copy goes when its file is delivered: where a crash came between that and our word of it, the file is there. */
static mlplat_status is_there(const parcel *p, mlplat_error *err)
{
    bool is_file = false;
    json_t *files = json_array();
    mlplat_status s = files ? p->store->list(p->d->ml, p->root, p->name, files, &is_file, err)
                            : mlp_fail_memory(err);
    json_decref(files);
    return s != MLPLAT_OK || is_file
               ? s
               : mlp_fail(err, MLPLAT_INVALID, "the spool's copy of '%.200s' is gone, and the server has no such file",
                          p->name);
}

static mlplat_status put(const parcel *p, int fd, mlplat_error *err)
{
    mlp_hook silent = {.fn = go_on};
    mlplat_status s = p->store->put_file(p->d->ml, p->root, p->name, fd, &silent, err);
    if (s == MLPLAT_UNSUPPORTED || s == MLPLAT_EXISTS)
        err->status = s = MLPLAT_INVALID; /* that will not pass: a dead letter */
    return s;
}

static mlplat_status send_file(const parcel *p, const json_t *doc, mlplat_error *err)
{
    int fd = -1;
    mlplat_status s = p->copy ? mlp_spool_copy_open(p->d->spool, p->copy, &fd, err) : open_path(doc, &fd, err);
    if (s == MLPLAT_NOT_FOUND)
        return is_there(p, err);
    if (s == MLPLAT_OK)
        s = put(p, fd, err);
    if (fd != -1)
        mlp_sys.close(fd);
    if (s == MLPLAT_OK && p->copy)
        mlp_spool_copy_remove(p->d->spool, p->copy);
    return s;
}

mlplat_status mlp_deliver_artifact(const mlp_artifact_delivery *d, const mlp_record *r, const json_t *doc,
                                   mlplat_error *err)
{
    parcel p = {.d = d, .copy = json_string_value(json_object_get(doc, "copy"))};
    mlplat_status s = find_place(&p, r, err);
    mlp_artifact_behave(MLP_ARTIFACT_QUIET);
    if (s == MLPLAT_OK)
        s = send_file(&p, doc, err);
    mlp_artifact_behave(MLP_ARTIFACT_PATIENT);
    mlp_free(p.root);
    mlp_free(p.name);
    return s;
}

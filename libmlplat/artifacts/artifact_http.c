/* The store behind MLflow's artifact proxy. The server decides where the bytes lie; its credentials are its own. */
#include "artifacts/artifact_list.h"
#include "artifacts/artifact_remote.h"
#include "artifacts/store.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { AT_ONCE = 16384, LENGTH_REQUIRED = 411, BROKEN = 500, FEW = 2 };

/* ---- put -------------------------------------------------------------------------------------------------------- */

/* A file on its way to the server, or bytes. */
typedef struct sending {
    int fd; /* -1: bytes */
    const char *data;
    off_t begin;
    uint64_t size, at;
    const mlp_hook *hook;
} sending;

static int64_t read_piece(void *user, void *buf, size_t n, mlplat_error *err)
{
    sending *from = user;
    uint64_t left = from->size - from->at;
    n = left < n ? (size_t)left : n;
    ssize_t got = (ssize_t)n;
    if (from->fd != -1 && n)
        got = mlp_sys.pread(from->fd, buf, n, from->begin + (off_t)from->at);
    else if (n)
        memcpy(buf, from->data + from->at, n);
    if (got == -1)
        mlp_fail_errno(err, errno, "cannot read the file to send");
    else if (!got && left)
        mlp_fail(err, MLPLAT_IO, "the file to send became shorter meanwhile");
    if (got == -1 || (!got && left))
        return -1;
    from->at += (uint64_t)got;
    return mlp_hook_call(from->hook, from->at, 0, "sending an artifact", err) == MLPLAT_OK ? got : -1;
}

static mlplat_status rewind_file(void *user, mlplat_error *err)
{
    (void)err;
    ((sending *)user)->at = 0;
    return MLPLAT_OK;
}

static int tell_sent(void *user, uint64_t done, uint64_t total)
{
    const sending *from = user;
    (void)done;
    return from->hook && from->hook->fn ? from->hook->fn(from->hook->user, from->at, total) : 0;
}

/* Where a look at the lists failed, too, nothing is known but these. */
static mlplat_status ends_all(mlplat_status s)
{
    return s == MLPLAT_CANCELLED || s == MLPLAT_NO_MEMORY ? s : MLPLAT_OK;
}

/* Why nothing can be put at a place: a part of its path is a file. */
static mlplat_status why_not_put(const mlp_artifact_remote *remote, mlplat_error *err)
{
    mlp_artifact_kind kind = MLP_ARTIFACT_NOTHING;
    int64_t size;
    char *path = mlp_strdup(remote->path);
    mlplat_status s = path ? MLPLAT_OK : mlp_fail_memory(err);
    for (char *slash; s == MLPLAT_OK && kind == MLP_ARTIFACT_NOTHING && (slash = strrchr(path, '/'));) {
        *slash = 0;
        s = mlp_artifact_remote_kind(remote, path, &kind, &size, err);
    }
    s = kind == MLP_ARTIFACT_FILE ? mlp_fail(err, MLPLAT_INVALID, "'%.200s' is a file there, and no folder", path)
                                  : ends_all(s);
    mlp_free(path);
    return s;
}

/* MLflow 2 keeps what came of a file whose sender went away in the middle, unless it comes in chunks: those have an end
 * of their own. A server that wants the length first (411) gets it. */
static mlplat_status put(const mlp_artifact_remote *remote, sending *from, mlplat_error *err)
{
    static const mlp_http_header type = {"Content-Type", "application/octet-stream"};
    const mlp_hook waiting = {.fn = tell_sent, .user = from};
    mlp_http_source source = {.read = read_piece, .rewind = rewind_file, .user = from, .size = (int64_t)from->size};
    mlp_http_request request = {
        .method = "PUT", .headers = &type, .n_headers = 1, .source = &source, .hook = &waiting};
    mlp_http_response response = {0};
    mlplat_status s = mlp_artifact_remote_check_free(remote, err);
    if (from->size > AT_ONCE)
        source.size = -1;
    if (s == MLPLAT_OK)
        s = mlp_artifact_remote_send(remote, &request, why_not_put, &response, err);
    if (s != MLPLAT_OK && response.status == LENGTH_REQUIRED) {
        source.size = (int64_t)from->size;
        from->at = 0;
        mlp_http_response_free(&response);
        s = mlp_artifact_remote_send(remote, &request, why_not_put, &response, err);
    }
    if (s == MLPLAT_OK) /* a page to log in comes with 200, too */
        s = mlp_artifact_remote_whose(mlp_http_check_page(remote->http, &response, err), &response, err);
    mlp_http_response_free(&response);
    return s;
}

/* A place for a file: not the top. */
static mlplat_status find_place(mlplat *ml, const char *root, const char *name, mlp_artifact_remote *out,
                                mlplat_error *err)
{
    mlplat_status s = mlp_artifact_remote_find(ml, root, name, out, err);
    if (s == MLPLAT_OK && !*out->path)
        s = mlp_fail(err, MLPLAT_INVALID, "'%.200s' is no place for an artifact: name a file below it", root);
    return s;
}

static mlplat_status proxy_put_file(mlplat *ml, const char *root, const char *name, int fd, mlp_hook *hook,
                                    mlplat_error *err)
{
    struct stat st;
    mlp_artifact_remote remote;
    mlplat_status s = find_place(ml, root, name, &remote, err);
    sending from = {.fd = fd, .begin = lseek(fd, 0, SEEK_CUR), .hook = mlp_artifact_remote_hook(ml, hook)};
    if (s == MLPLAT_OK && (from.begin == -1 || mlp_sys.fstat(fd, &st) == -1))
        s = mlp_fail_errno(err, errno, "cannot look at the file to send");
    if (s == MLPLAT_OK) {
        from.size = st.st_size > from.begin ? (uint64_t)(st.st_size - from.begin) : 0;
        s = put(&remote, &from, err);
    }
    mlp_artifact_remote_free(&remote);
    return s;
}

static mlplat_status proxy_put_bytes(mlplat *ml, const char *root, const char *name, const void *data, size_t n,
                                     mlplat_error *err)
{
    mlp_artifact_remote remote;
    sending from = {.fd = -1, .data = data, .size = n, .hook = mlp_artifact_remote_hook(ml, NULL)};
    mlplat_status s = find_place(ml, root, name, &remote, err);
    if (s == MLPLAT_OK)
        s = put(&remote, &from, err);
    mlp_artifact_remote_free(&remote);
    return s;
}

/* ---- read ------------------------------------------------------------------------------------------------------- */

/* A file on its way from the server. When it comes again after it was cut off, what was handed out already must come
 * again the same. */
typedef struct reading {
    const mlp_artifact_remote *remote;
    const mlp_http_response *response;
    const mlp_hook *hook;
    mlplat_write write;
    void *user;
    uint64_t handed, at;
    uint32_t crc_handed, crc_at;
} reading;

static mlplat_status changed(const reading *to, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_CORRUPT, "'%.200s' was changed while it was read",
                    mlp_artifact_remote_shown(to->remote));
}

/* What a server sends as a file is an attachment; a page to log in is not. */
static mlplat_status check_attachment(const reading *to, mlplat_error *err)
{
    const char *type = mlp_http_response_header(to->response, "content-type");
    if (!type || strncasecmp(type, "text/html", 9) != 0 || mlp_text_ends(to->remote->path, ".html") ||
        mlp_text_ends(to->remote->path, ".htm") || mlp_http_response_header(to->response, "content-disposition"))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_DENIED,
                    "%s answers with a web page where a file was expected: if it is one to log in, set "
                    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
                    mlp_http_name(to->remote->http));
}

static mlplat_status write_piece(void *user, const void *data, size_t n, mlplat_error *err)
{
    reading *to = user;
    uint64_t again = to->handed - to->at;
    size_t skip = again < n ? (size_t)again : n;
    mlplat_status s = to->at ? MLPLAT_OK : check_attachment(to, err);
    to->crc_at = mlp_crc32c(to->crc_at, data, skip);
    to->at += skip;
    if (s == MLPLAT_OK && skip && to->at == to->handed && to->crc_at != to->crc_handed)
        s = changed(to, err);
    if (s != MLPLAT_OK || skip == n)
        return s;
    data = (const char *)data + skip;
    n -= skip;
    if (to->write(to->user, data, n) != (int64_t)n)
        return mlp_fail_cancelled(err, "reading an artifact");
    to->crc_at = to->crc_handed = mlp_crc32c(to->crc_handed, data, n);
    to->at = to->handed += n;
    return MLPLAT_OK;
}

static mlplat_status read_again(void *user, mlplat_error *err)
{
    reading *to = user;
    (void)err;
    to->at = 0;
    to->crc_at = 0;
    return MLPLAT_OK;
}

static int tell_read(void *user, uint64_t done, uint64_t total)
{
    const reading *to = user;
    (void)done;
    return to->hook && to->hook->fn ? to->hook->fn(to->hook->user, to->handed, total) : 0;
}

static mlplat_status not_there(const mlp_artifact_remote *remote, mlplat_error *err)
{
    const mlplat_status s = MLPLAT_NOT_FOUND;
    return *remote->name ? mlp_fail(err, s, "no artifact '%.200s' in '%.200s'", remote->name, remote->root)
                         : mlp_fail(err, s, "there is no artifact '%.200s'", remote->root);
}

static mlplat_status why_not_read(const mlp_artifact_remote *remote, mlplat_error *err)
{
    mlp_artifact_kind kind = MLP_ARTIFACT_FILE;
    int64_t size;
    mlplat_status s = mlp_artifact_remote_kind(remote, remote->path, &kind, &size, err);
    if (s != MLPLAT_OK || kind == MLP_ARTIFACT_FILE)
        return ends_all(s);
    return kind == MLP_ARTIFACT_NOTHING
               ? not_there(remote, err)
               : mlp_fail(err, MLPLAT_INVALID, "'%.200s' is a folder, not a file: list it and name a file in it",
                          mlp_artifact_remote_shown(remote));
}

/* An old MLflow server (2.14) that has to name a file so breaks the connection, or says 500: as its gunicorn does. */
static bool beyond_latin1(const char *path)
{
    const char *last = strrchr(path, '/');
    for (last = last ? last + 1 : path; *last; last++)
        if ((unsigned char)*last > 0xc3)
            return true;
    return false;
}

static mlplat_status fetch(reading *to, mlplat_error *err)
{
    mlp_http_response response;
    bool odd = beyond_latin1(to->remote->path);
    const mlp_hook waiting = {.fn = tell_read, .user = to};
    const mlp_http_sink sink = {.write = write_piece, .restart = read_again, .user = to};
    mlp_http_request request = {.method = "GET", .sink = &sink, .hook = &waiting, .retries = odd ? FEW : 0};
    to->response = &response;
    mlplat_status s = mlp_artifact_remote_send(to->remote, &request, why_not_read, &response, err);
    if (s == MLPLAT_OK && to->at < to->handed)
        s = changed(to, err);
    if (s == MLPLAT_NOT_FOUND)
        s = not_there(to->remote, err);
    if (s != MLPLAT_OK && odd && (response.fate == MLP_HTTP_NO_ANSWER || response.status == BROKEN))
        mlp_fail_prefix(err, s, "an old MLflow server cannot send a file whose name has letters beyond Latin-1");
    mlp_http_response_free(&response);
    return s;
}

static mlplat_status proxy_read(mlplat *ml, const char *root, const char *name, const mlp_hook *hook,
                                mlplat_write write, void *user, mlplat_error *err)
{
    mlp_artifact_remote remote;
    mlplat_status s = find_place(ml, root, name, &remote, err);
    reading to = {.remote = &remote, .hook = mlp_artifact_remote_hook(ml, hook), .write = write, .user = user};
    if (s == MLPLAT_OK)
        s = fetch(&to, err);
    mlp_artifact_remote_free(&remote);
    return s;
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

static mlplat_status add_below(const mlp_artifact_remote *remote, const json_t *list, json_t *files, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(list); i++) {
        const json_t *file = json_array_get(list, i), *size = json_object_get(file, "file_size");
        char *path = *remote->name ? mlp_file_join(remote->name, json_string_value(json_object_get(file, "path")))
                                   : mlp_strdup(json_string_value(json_object_get(file, "path")));
        s = path ? mlp_artifact_list_add(files, path, json_is_true(json_object_get(file, "is_dir")),
                                         size ? json_integer_value(size) : -1, err)
                 : mlp_fail_memory(err);
        mlp_free(path);
    }
    return s;
}

static mlplat_status list_place(const mlp_artifact_remote *remote, json_t *files, bool *is_file, mlplat_error *err)
{
    json_t *list = NULL;
    mlp_artifact_kind kind = MLP_ARTIFACT_NOTHING;
    int64_t size = -1;
    const char *last = strrchr(remote->path, '/'), *shown = last ? last + 1 : remote->path;
    mlplat_status s = mlp_artifact_remote_list(remote, remote->path, &list, err);
    if (s == MLPLAT_OK)
        s = add_below(remote, list, files, err);
    if (s == MLPLAT_OK && !json_array_size(list) && *remote->path)
        s = mlp_artifact_remote_kind(remote, remote->path, &kind, &size, err);
    *is_file = kind == MLP_ARTIFACT_FILE;
    if (s == MLPLAT_OK && *is_file)
        s = mlp_artifact_list_add(files, *remote->name ? remote->name : shown, false, size, err);
    json_decref(list);
    return s;
}

static mlplat_status proxy_list(mlplat *ml, const char *root, const char *name, json_t *files, bool *is_file,
                                mlplat_error *err)
{
    mlp_artifact_remote remote;
    *is_file = false;
    mlplat_status s = mlp_artifact_remote_find(ml, root, name, &remote, err);
    if (s == MLPLAT_OK)
        s = list_place(&remote, files, is_file, err);
    mlp_artifact_remote_free(&remote);
    return s;
}

#define TABLE(scheme_name)                                                                                             \
    {                                                                                                                  \
        .scheme = (scheme_name), .root = mlp_artifact_remote_root, .put_file = proxy_put_file,                         \
        .put_bytes = proxy_put_bytes, .read = proxy_read, .list = proxy_list, .far = true                              \
    }

static const mlp_artifact_store proxy = TABLE("mlflow-artifacts"), plain = TABLE("http"), tls = TABLE("https");

const mlp_artifact_store *mlp_artifact_proxy(void)
{
    return &proxy;
}

const mlp_artifact_store *mlp_artifact_http(void)
{
    return &plain;
}

const mlp_artifact_store *mlp_artifact_https(void)
{
    return &tls;
}

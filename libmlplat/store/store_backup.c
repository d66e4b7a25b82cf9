#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/os.h"
#include "base/take.h"
#include "base/uri.h"
#include "store/store_view.h"
#include <errno.h>
#include <fcntl.h>
#include <mlplat/store.h>
#include <sys/stat.h>

typedef struct saving {
    mlp_store_view view;
    const mlp_hook *hook;
    mlp_pace pace;
    const char *path;
    char *temporary, *folder, *making; /* the file in the making; the folder of artifacts, and its name until then */
    const char *mine; /* the name under which that folder is there now */
    uint64_t files, bytes;
} saving;

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static mlplat_status copy_file(mlp_db *db, void *ctx, mlplat_error *err)
{
    saving *b = ctx;
    mlp_sys.unlink(AT_FDCWD, b->temporary, 0); /* of an attempt before this one */
    int fd = mlp_sys.open(AT_FDCWD, b->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd != -1)
        mlp_sys.close(fd); /* else SQLite tells why it cannot be made */
    return mlp_db_copy(db, b->temporary, b->hook, err);
}

static mlplat_status there_already(const char *path, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is there already: name a new file for the backup", path);
}

/* Until here all is under names of its own (.part): what a killed backup leaves is in nobody's way. The folder gets its
 * name first: a backup that is there is whole. */
static mlplat_status publish(saving *b, mlplat_error *err)
{
    if (b->mine && mlp_sys.rename(AT_FDCWD, b->making, AT_FDCWD, b->folder) == -1)
        return errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR
                   ? there_already(b->folder, err)
                   : mlp_fail_errno(err, errno, "cannot name the artifacts of the backup '%.200s'", b->folder);
    b->mine = b->mine ? b->folder : NULL;
    if (mlp_sys.link(AT_FDCWD, b->temporary, AT_FDCWD, b->path) == -1)
        return errno == EEXIST ? there_already(b->path, err)
                               : mlp_fail_errno(err, errno, "cannot name the backup '%.200s'", b->path);
    mlp_sys.unlink(AT_FDCWD, b->temporary, 0);
    return MLPLAT_OK;
}

static mlplat_status is_there(const char *path, mlplat_error *err)
{
    struct stat st;
    if (lstat(path, &st) == -1)
        return MLPLAT_OK;
    return there_already(path, err);
}

static mlplat_status prepare(saving *b, bool artifacts, mlplat_error *err)
{
    char id[33];
    mlplat_status s = mlp_random_hex(id, err);
    if (s != MLPLAT_OK)
        return s;
    b->temporary = mlp_sprintf("%s.%.8s.part", b->path, id);
    b->folder = mlp_sprintf("%s.artifacts", b->path);
    b->making = mlp_sprintf("%s.%.8s.part.artifacts", b->path, id);
    if (!b->temporary || !b->folder || !b->making)
        return mlp_fail_memory(err);
    s = is_there(b->path, err);
    return s == MLPLAT_OK && artifacts ? is_there(b->folder, err) : s;
}

/* Of a backup that failed nothing is left. */
static void discard(const saving *b)
{
    if (b->temporary)
        mlp_sys.unlink(AT_FDCWD, b->temporary, 0);
    if (b->mine)
        mlp_file_remove_tree(b->mine, NULL);
}

/* ---- artifacts --------------------------------------------------------------------------------------------------- */

typedef struct source {
    saving *b;
    int fd;
} source;

static int64_t next_piece(void *user, void *data, size_t n, mlplat_error *err)
{
    source *from = user;
    ssize_t got = mlp_sys.read(from->fd, data, n);
    if (got == -1)
        mlp_fail_errno(err, errno, "cannot read an artifact");
    else if (mlp_pace_add(&from->b->pace, (uint64_t)got, err) != MLPLAT_OK)
        return -1;
    return got;
}

/* What was removed since it was listed is no part of the backup. */
static mlplat_status copy_artifact(saving *b, int from, int to, const mlp_artifact_entry *entry, mlplat_error *err)
{
    source src = {b, -1};
    if (entry->is_folder)
        return mlp_artifact_local_folder(to, entry->name, err);
    mlplat_status s = mlp_file_open_beneath(from, entry->name, O_RDONLY, 0, &src.fd, err);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    if (s == MLPLAT_OK)
        s = mlp_file_put_beneath(to, entry->name, next_piece, &src, err);
    if (src.fd != -1)
        mlp_sys.close(src.fd);
    b->files += s == MLPLAT_OK;
    b->bytes += s == MLPLAT_OK ? entry->size : 0;
    return s;
}

static mlplat_status copy_tree(saving *b, int from, const char *root, mlplat_error *err)
{
    mlp_artifact_tree tree = {0};
    int to = -1;
    mlplat_status s = mlp_file_make_private(b->making, &to, err);
    b->mine = s == MLPLAT_OK ? b->making : NULL;
    if (s == MLPLAT_OK)
        s = mlp_artifact_tree_walk(from, root, &tree, err);
    b->pace = (mlp_pace){.hook = b->hook, .what = "the backup", .total = tree.bytes};
    for (size_t i = 0; s == MLPLAT_OK && i < tree.n; i++)
        s = copy_artifact(b, from, to, &tree.entries[i], err);
    mlp_artifact_tree_free(&tree);
    if (to != -1)
        mlp_sys.close(to);
    return s;
}

/* Before the rows: what a row of the backup speaks of is then in it, but for what is logged in this moment. */
static mlplat_status copy_artifacts(saving *b, mlplat_error *err)
{
    char *root = NULL;
    int from = -1;
    mlplat_status s = mlp_uri_local_path(b->view.artifact_root, &root, err);
    if (s == MLPLAT_OK)
        s = mlp_file_open_root(root, false, &from, err);
    bool none = s == MLPLAT_NOT_FOUND;
    if (s == MLPLAT_OK)
        s = copy_tree(b, from, root, err);
    if (from != -1)
        mlp_sys.close(from);
    mlp_free(root);
    return none ? MLPLAT_OK : s;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static mlplat_status report(const saving *b, bool artifacts, mlplat_doc **out, mlplat_error *err)
{
    struct stat st = {0};
    stat(b->temporary, &st);
    json_t *doc = json_pack("{s:o, s:I, s:s, s:I, s:I}", "path", mlp_json_string(b->path), "size",
                            (json_int_t)st.st_size, "head", b->view.schema.head, "files", (json_int_t)b->files, "bytes",
                            (json_int_t)b->bytes);
    mlplat_status s = doc ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && artifacts)
        s = mlp_json_set(doc, "artifacts", mlp_json_string(b->folder), err);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

static mlplat_status save(saving *b, bool artifacts, mlplat_error *err)
{
    json_t *counts = NULL;
    mlplat_status s = mlp_spool_sync(b->view.module->spool, b->hook, &counts, err);
    json_decref(counts);
    if (s == MLPLAT_OK && artifacts)
        s = copy_artifacts(b, err);
    if (s == MLPLAT_OK)
        s = mlp_db_read(b->view.tracking, copy_file, b, b->hook, err);
    return s;
}

mlplat_status mlplat_store_backup(mlplat *ml, const char *path, const mlplat_backup_options *options, mlplat_doc **out,
                                  mlplat_error *err)
{
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    saving b = {.path = path};
    if (out)
        *out = NULL;
    if (!ml || !path || !*path)
        return mlp_fail(err, MLPLAT_INVALID, "a backup needs a session and the path of a new file");
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_BACKUP_OPTIONS_INIT, err);
    const mlp_hook own = {o.progress, o.user};
    b.hook = o.progress ? &own : &ml->hook;
    b.pace = (mlp_pace){.hook = b.hook, .what = "the backup"};
    if (s == MLPLAT_OK)
        s = mlp_store_view_open(ml, &b.pace, &b.view, err);
    if (s == MLPLAT_OK)
        s = prepare(&b, o.artifacts, err);
    if (s == MLPLAT_OK)
        s = save(&b, o.artifacts, err);
    if (s == MLPLAT_OK && out)
        s = report(&b, o.artifacts, out, err);
    if (s == MLPLAT_OK && (s = publish(&b, err)) != MLPLAT_OK && out) {
        mlplat_doc_free(*out);
        *out = NULL;
    }
    if (s != MLPLAT_OK)
        discard(&b);
    mlp_store_view_close(&b.view);
    mlp_free(b.temporary);
    mlp_free(b.folder);
    mlp_free(b.making);
    return s;
}

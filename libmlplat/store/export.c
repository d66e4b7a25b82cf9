#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/take.h"
#include "store/export_pick.h"
#include "store/manifest.h"
#include <errno.h>
#include <fcntl.h>
#include <mlplat/store.h>
#include <string.h>

enum { PIECE = 1 << 17 };

typedef struct exporting {
    mlp_store_view view;
    mlp_rows rows;
    mlp_export_wish wish;
    mlp_manifest manifest;
    mlp_zout data;
    mlp_pace pace;
    int root_fd; /* of the folder in the making */
    size_t path_n; /* of the path, without slashes at its end */
    char *piece;
    bool begun;
} exporting;

/* ---- where lines and files go ------------------------------------------------------------------------------------ */

static mlplat_status take_line(void *ctx, const char *text, size_t n, size_t compared, mlplat_error *err)
{
    exporting *e = ctx;
    const char *name = text + strlen("{\"table\":\"");
    size_t name_n = strcspn(name, "\"");
    (void)compared;
    if (n > MLP_ARCHIVE_LINE)
        return mlp_fail(err, MLPLAT_INVALID, "a row of %.*s takes more than 32 MiB: an archive holds no such line",
                        (int)(name_n < 60 ? name_n : 60), name);
    for (int i = 0; i <= MLP_STORE_TABLES; i++) {
        const char *other = i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts;
        if (strlen(other) == name_n && memcmp(other, name, name_n) == 0)
            e->manifest.counts[i]++;
    }
    mlplat_status s = mlp_zout_write(&e->data, text, n, err);
    if (s == MLPLAT_OK)
        s = mlp_zout_write(&e->data, "\n", 1, err);
    return s == MLPLAT_OK ? mlp_pace_add(&e->pace, n + 1, err) : s;
}

static mlplat_status pack(exporting *e, int fd, mlp_zout *z, mlp_sha256 *sha, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    ssize_t got = 1;
    while (s == MLPLAT_OK && got) {
        if ((got = mlp_sys.read(fd, e->piece, PIECE)) == -1)
            return mlp_fail_errno(err, errno, "cannot read an artifact");
        mlp_sha256_add(sha, e->piece, (size_t)got);
        s = mlp_zout_write(z, e->piece, (size_t)got, err);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&e->pace, (uint64_t)got, err);
    }
    return s;
}

/* A file is called after what is in it, so that one which many runs have is there once. */
static mlplat_status name_file(exporting *e, const char sha256[65], const mlp_zfile_info *info, mlplat_error *err)
{
    char name[MLP_ARCHIVE_NAME];
    struct stat st;
    snprintf(name, sizeof name, "files/%s.zst", sha256);
    if (fstatat(e->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (mlp_sys.unlink(e->root_fd, "files/new", 0) == -1)
            return mlp_fail_errno(err, errno, "cannot remove a file of the archive");
        return MLPLAT_OK;
    }
    if (mlp_sys.rename(e->root_fd, "files/new", e->root_fd, name) == -1)
        return mlp_fail_errno(err, errno, "cannot name a file of the archive");
    return mlp_manifest_add(&e->manifest, name, info, err);
}

static mlplat_status take_file(void *ctx, int fd, char sha256[65], uint64_t *size, mlplat_error *err)
{
    exporting *e = ctx;
    mlp_sha256 sha;
    mlp_zout z = {0};
    mlp_zfile_info info;
    mlp_sha256_begin(&sha);
    mlplat_status s = mlp_zout_open(e->root_fd, "files/new", &z, err);
    if (s == MLPLAT_OK)
        s = pack(e, fd, &z, &sha, err);
    if (s == MLPLAT_OK)
        s = mlp_zout_finish(&z, &info, err);
    mlp_zout_free(&z);
    if (s != MLPLAT_OK)
        return s;
    mlp_sha256_end(&sha, sha256);
    *size = info.raw_size;
    return name_file(e, sha256, &info, err);
}

/* ---- all that was picked, in an order that every store has ------------------------------------------------------- */

typedef mlplat_status (*row_fn)(exporting *e, mlp_stmt *stmt, mlplat_error *err);

static mlplat_status each(exporting *e, mlp_db *db, const char *sql, const char *name, row_fn fn, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK && name)
        mlp_stmt_text(stmt, 1, name);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = fn(e, stmt, err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status put_experiment(exporting *e, mlp_stmt *stmt, mlplat_error *err)
{
    const mlp_rows_owner owner = {.number = mlp_stmt_col_int(stmt, 0)};
    mlplat_status s = mlp_rows_experiment(&e->rows, owner.number, err);
    return s == MLPLAT_OK ? mlp_rows_table(&e->rows, MLP_DATASETS, &owner, NULL, err) : s;
}

static mlplat_status put_run(exporting *e, mlp_stmt *stmt, mlplat_error *err)
{
    return mlp_rows_run(&e->rows, mlp_stmt_col_text(stmt, 0), err);
}

static mlplat_status put_model(exporting *e, mlp_stmt *stmt, mlplat_error *err)
{
    return mlp_rows_model(&e->rows, mlp_stmt_col_text(stmt, 0), err);
}

static mlplat_status put_version(exporting *e, mlp_stmt *stmt, mlplat_error *err)
{
    return mlp_rows_version(&e->rows, mlp_stmt_col_text(stmt, 0), mlp_stmt_col_int(stmt, 1), err);
}

static mlplat_status put_registered(exporting *e, mlp_stmt *stmt, mlplat_error *err)
{
    const char *name = mlp_stmt_col_text(stmt, 0);
    mlplat_status s = mlp_rows_registered(&e->rows, name, err);
    if (s == MLPLAT_OK)
        s = each(e, e->rows.registry,
                 e->view.registry_schema.registry_workspace
                     ? "SELECT name, version FROM model_versions WHERE name = ? AND workspace = 'default' "
                       "ORDER BY version"
                     : "SELECT name, version FROM model_versions WHERE name = ? ORDER BY version",
                 name, put_version, err);
    return s == MLPLAT_OK ? mlp_rows_aliases(&e->rows, name, err) : s;
}

static mlplat_status put_all(exporting *e, mlplat_error *err)
{
    mlplat_status s = each(e, e->rows.tracking,
                           "SELECT e.experiment_id FROM temp.picked_experiments p JOIN experiments e ON "
                           "e.experiment_id = p.id ORDER BY e.name",
                           NULL, put_experiment, err);
    if (s == MLPLAT_OK)
        s = each(e, e->rows.tracking,
                 "SELECT r.run_uuid FROM temp.picked_runs p JOIN runs r ON r.run_uuid = p.id JOIN experiments e ON "
                 "e.experiment_id = r.experiment_id ORDER BY e.name, r.run_uuid",
                 NULL, put_run, err);
    if (s == MLPLAT_OK)
        s = each(e, e->rows.tracking, "SELECT id FROM temp.picked_models ORDER BY id", NULL, put_model, err);
    return s == MLPLAT_OK ? each(e, e->rows.registry, "SELECT name FROM temp.picked_registered ORDER BY name", NULL,
                                 put_registered, err)
                          : s;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static mlplat_status write_snapshot(void *ctx, mlplat_error *err)
{
    exporting *e = ctx;
    if (e->begun) /* the folder holds the half of another snapshot */
        return mlp_fail(err, MLPLAT_UNAVAILABLE, "the store was busy in the middle of the export: try again");
    e->begun = true;
    mlplat_status s = mlp_rows_begin(&e->rows, err);
    if (s == MLPLAT_OK)
        s = mlp_export_pick(&e->rows, &e->wish, &e->view, err);
    return s == MLPLAT_OK ? put_all(e, err) : s;
}

static mlplat_status write_archive(exporting *e, mlplat_error *err)
{
    mlp_zfile_info info;
    e->rows.tracking = e->view.tracking;
    e->rows.registry = e->view.registry;
    e->rows.artifacts = e->manifest.artifacts;
    e->rows.sink = (mlp_rows_sink){take_line, take_file, e};
    e->piece = mlp_alloc(PIECE);
    if (!e->piece)
        return mlp_fail_memory(err);
    if (mlp_sys.mkdir(e->root_fd, "files", 0700) == -1)
        return mlp_fail_errno(err, errno, "cannot make a folder in the archive");
    mlplat_status s = mlp_zout_open(e->root_fd, MLP_ARCHIVE_DATA, &e->data, err);
    if (s == MLPLAT_OK)
        s = mlp_store_view_read(&e->view, write_snapshot, e, err);
    if (s == MLPLAT_OK)
        s = mlp_zout_finish(&e->data, &info, err);
    if (s == MLPLAT_OK)
        s = mlp_manifest_add(&e->manifest, MLP_ARCHIVE_DATA, &info, err);
    e->manifest.counts[MLP_METRICS] = e->rows.points;
    return s == MLPLAT_OK ? mlp_manifest_write(e->root_fd, &e->manifest, err) : s;
}

/* The folder appears under its name when it is whole. */
static mlplat_status publish(exporting *e, const char *temporary, const char *path, mlplat_error *err)
{
    if (mlp_sys.fsync(e->root_fd) == -1 && errno != EINVAL && errno != ENOTSUP)
        return mlp_fail_errno(err, errno, "cannot sync '%.200s'", temporary);
    if (mlp_sys.rename(AT_FDCWD, temporary, AT_FDCWD, path) == 0)
        return MLPLAT_OK;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
        return mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is there already: name a folder that is not, or is empty", path);
    return mlp_fail_errno(err, errno, "cannot name the archive '%.200s'", path);
}

static mlplat_status make_folder(exporting *e, const char *path, char **temporary, mlplat_error *err)
{
    char id[33];
    struct stat st;
    while (e->path_n > 1 && path[e->path_n - 1] == '/')
        e->path_n--;
    if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return mlp_fail(err, MLPLAT_EXISTS, "'%.200s' is there already and no folder: name another", path);
    mlplat_status s = mlp_random_hex(id, err);
    if (s == MLPLAT_OK && !(*temporary = mlp_sprintf("%.*s.%.8s.part", (int)e->path_n, path, id)))
        s = mlp_fail_memory(err);
    return s == MLPLAT_OK ? mlp_file_make_private(*temporary, &e->root_fd, err) : s;
}

static mlplat_status report(const exporting *e, const char *path, mlplat_doc **out, mlplat_error *err)
{
    json_t *doc = json_object(), *counts = json_object();
    mlplat_status s = doc && counts ? MLPLAT_OK : mlp_fail_memory(err);
    for (int i = 0; s == MLPLAT_OK && i <= MLP_STORE_TABLES; i++)
        if (i != MLP_INPUT_TAGS)
            s = mlp_json_set(counts, i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts,
                             json_integer((json_int_t)e->manifest.counts[i]), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "path", mlp_json_string(path), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "files", json_integer((json_int_t)e->manifest.n), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "size", json_integer((json_int_t)mlp_manifest_size(&e->manifest)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "raw_size", json_integer((json_int_t)mlp_manifest_raw(&e->manifest)), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "counts", json_incref(counts), err);
    json_decref(counts);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

static void clean_up(exporting *e, char *temporary, bool failed)
{
    mlp_zout_free(&e->data);
    mlp_rows_end(&e->rows);
    mlp_store_view_close(&e->view);
    mlp_export_wish_free(&e->wish);
    mlp_manifest_free(&e->manifest);
    if (e->root_fd != -1)
        mlp_sys.close(e->root_fd);
    if (temporary && failed)
        mlp_file_remove_tree(temporary, NULL);
    mlp_free(temporary);
    mlp_free(e->piece);
}

mlplat_status mlplat_export(mlplat *ml, const char *path, const mlplat_export_options *options, mlplat_doc **out,
                            mlplat_error *err)
{
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    exporting e = {.root_fd = -1, .path_n = path ? strlen(path) : 0};
    char *temporary = NULL;
    if (out)
        *out = NULL;
    if (!ml || !path || !*path)
        return mlp_fail(err, MLPLAT_INVALID, "an export needs a session and the path of a new folder");
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_EXPORT_OPTIONS_INIT, err);
    const mlp_hook own = {o.progress, o.user};
    const mlp_hook *hook = o.progress ? &own : &ml->hook;
    e.pace = (mlp_pace){.hook = hook, .what = "the export"};
    e.manifest.artifacts = !o.no_artifacts;
    if (s == MLPLAT_OK)
        s = mlp_export_wish_take(ml, o.experiments, o.runs, o.filter, o.models, &e.wish, err);
    if (s == MLPLAT_OK)
        s = mlp_store_view_open(ml, &e.pace, &e.view, err);
    if (s == MLPLAT_OK)
        s = make_folder(&e, path, &temporary, err);
    if (s == MLPLAT_OK)
        s = write_archive(&e, err);
    if (s == MLPLAT_OK && out)
        s = report(&e, path, out, err);
    if (s == MLPLAT_OK && (s = publish(&e, temporary, path, err)) != MLPLAT_OK && out) {
        mlplat_doc_free(*out);
        *out = NULL;
    }
    clean_up(&e, temporary, s != MLPLAT_OK);
    return s;
}

/* What the target has of what an archive brings. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "store/import.h"
#include <errno.h>
#include <string.h>

enum { PIECE = 1 << 17 };

/* ---- the same lines, of the target ------------------------------------------------------------------------------- */

typedef struct hashing {
    mlp_importing *im;
    mlp_sha256 sha;
} hashing;

static mlplat_status hash_line(void *ctx, const char *text, size_t n, size_t compared, mlplat_error *err)
{
    hashing *h = ctx;
    (void)n;
    mlp_sha256_add(&h->sha, text, compared);
    return mlp_pace_add(&h->im->pace, 0, err);
}

static mlplat_status hash_file(void *ctx, int fd, char sha256[65], uint64_t *size, mlplat_error *err)
{
    hashing *h = ctx;
    mlp_sha256 sha;
    mlplat_status s = MLPLAT_OK;
    ssize_t got = 1;
    *size = 0;
    mlp_sha256_begin(&sha);
    while (s == MLPLAT_OK && got) {
        if ((got = mlp_sys.read(fd, h->im->piece, PIECE)) == -1)
            return mlp_fail_errno(err, errno, "cannot read an artifact");
        mlp_sha256_add(&sha, h->im->piece, (size_t)got);
        *size += (uint64_t)got;
        s = mlp_pace_add(&h->im->pace, 0, err);
    }
    mlp_sha256_end(&sha, sha256);
    return s;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static mlplat_status hash_group(mlp_importing *im, int table, const json_t *head, char sha256[65], mlplat_error *err)
{
    hashing h = {.im = im};
    mlplat_status s;
    if (!im->piece && !(im->piece = mlp_alloc(PIECE)))
        return mlp_fail_memory(err);
    mlp_sha256_begin(&h.sha);
    im->rows.sink = (mlp_rows_sink){hash_line, hash_file, &h};
    if (table == MLP_RUNS)
        s = mlp_rows_run(&im->rows, text_of(head, "run_uuid"), err);
    else if (table == MLP_LOGGED_MODELS)
        s = mlp_rows_model(&im->rows, text_of(head, "model_id"), err);
    else
        s = mlp_rows_version(&im->rows, text_of(head, "name"), json_integer_value(json_object_get(head, "version")),
                             err);
    mlp_sha256_end(&h.sha, sha256);
    return s;
}

/* ---- fates ------------------------------------------------------------------------------------------------------- */

/* A run or logged model of which an earlier import was stopped. */
static mlplat_status is_half(mlp_importing *im, int table, const json_t *head, bool *half, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    *half = false;
    if (table == MLP_MODEL_VERSIONS)
        return MLPLAT_OK;
    bool run = table == MLP_RUNS;
    mlplat_status s = mlp_db_prepare(
        im->rows.tracking,
        run ? "SELECT 1 FROM tags WHERE run_uuid = ? AND key = '" MLP_IMPORT_MARK "'"
            : "SELECT 1 FROM logged_model_tags WHERE model_id = ? AND tag_key = '" MLP_IMPORT_MARK "'",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, text_of(head, run ? "run_uuid" : "model_id"));
        s = mlp_stmt_step(stmt, half, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* A damaged archive must not look like a conflict: whether it is whole is known at its end. */
static mlplat_status refuse_later(mlp_importing *im, const mlplat_error *why)
{
    if (!im->refusal.status)
        im->refusal = *why;
    return MLPLAT_OK;
}

static mlplat_status differs(mlp_importing *im, int table, const json_t *head, mlp_import_fate *fate)
{
    mlplat_error why = {0};
    static const char help[] = "is in the store already and differs from the archive: import with on_conflict keep to "
                               "leave it, or replace to overwrite it";
    if (im->policy != MLP_IMPORT_FAIL) {
        *fate = im->policy == MLP_IMPORT_KEEP ? MLP_FATE_KEPT : MLP_FATE_REPLACED;
        return MLPLAT_OK;
    }
    *fate = MLP_FATE_KEPT;
    if (table == MLP_MODEL_VERSIONS)
        mlp_fail(&why, MLPLAT_CONFLICT, "version %lld of the registered model '%.120s' %s",
                 (long long)json_integer_value(json_object_get(head, "version")), text_of(head, "name"), help);
    else
        mlp_fail(&why, MLPLAT_CONFLICT, "%s '%.120s' %s", table == MLP_RUNS ? "run" : "logged model",
                 text_of(head, table == MLP_RUNS ? "run_uuid" : "model_id"), help);
    return refuse_later(im, &why);
}

/* An experiment is what its name says; it stays as it is. */
static mlplat_status compare_experiment(mlp_importing *im, const json_t *head, mlp_import_fate *fate, mlplat_error *err)
{
    int64_t id;
    char *location = NULL, *root = NULL;
    mlp_stmt *stmt = NULL;
    mlplat_error why = {0};
    bool deleted = false;
    mlplat_status s = mlp_import_find_experiment(im, text_of(head, "name"), &id, &location, err);
    *fate = id == -1 ? MLP_FATE_NEW : MLP_FATE_SAME;
    if (s == MLPLAT_OK && id != -1)
        s = mlp_db_prepare(im->rows.tracking, "SELECT 1 FROM experiments WHERE experiment_id = ? AND lifecycle_stage = "
                                              "'deleted'",
                           &stmt, err);
    if (s == MLPLAT_OK && stmt) {
        mlp_stmt_int(stmt, 1, id);
        s = mlp_stmt_step(stmt, &deleted, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && deleted && strcmp(text_of(head, "lifecycle_stage"), "deleted") != 0) {
        mlp_fail(&why, MLPLAT_STATE, "experiment '%.200s' is deleted in the store: restore or rename it there first",
                 text_of(head, "name"));
        s = refuse_later(im, &why);
    }
    if (s == MLPLAT_OK && im->manifest.artifacts && location)
        s = mlp_store_root(location, &root, err);
    mlp_free(root);
    mlp_free(location);
    return s;
}

static mlplat_status compare_registered(mlp_importing *im, const json_t *head, mlp_import_fate *fate, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool there = false;
    mlplat_status s = mlp_db_prepare(im->rows.registry,
                                     im->view.registry_schema.registry_workspace
                                         ? "SELECT 1 FROM registered_models WHERE name = ? AND workspace = 'default'"
                                         : "SELECT 1 FROM registered_models WHERE name = ?",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, text_of(head, "name"));
        s = mlp_stmt_step(stmt, &there, err);
    }
    mlp_stmt_done(stmt);
    *fate = there ? MLP_FATE_SAME : MLP_FATE_NEW;
    return s;
}

mlplat_status mlp_import_compare(mlp_importing *im, int table, const json_t *head, const char *sha256,
                                 mlp_import_fate *fate, mlplat_error *err)
{
    char theirs[65];
    mlplat_error why = {0};
    bool half = false;
    if (table == MLP_EXPERIMENTS)
        return compare_experiment(im, head, fate, err);
    if (table == MLP_REGISTERED_MODELS)
        return compare_registered(im, head, fate, err);
    mlplat_status s = is_half(im, table, head, &half, err);
    *fate = MLP_FATE_REPLACED;
    if (s != MLPLAT_OK || half)
        return s;
    *fate = MLP_FATE_NEW;
    s = hash_group(im, table, head, theirs, &why);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    *fate = MLP_FATE_SAME;
    if (s == MLPLAT_OK)
        return strcmp(theirs, sha256) == 0 ? s : differs(im, table, head, fate);
    if (err)
        *err = why;
    return s;
}

/* ---- rows that experiments and registered models share ----------------------------------------------------------- */

#define OF_EXPERIMENT                                                                                                  \
    "SELECT t.value FROM experiment_tags t JOIN experiments e ON e.experiment_id = t.experiment_id WHERE e.name = ? "  \
    "AND t.key = ?"
#define ALIAS "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
#define OF_MODEL "SELECT value FROM registered_model_tags WHERE name = ? AND key = ?"

static const char *shared_row(const mlp_importing *im, int table)
{
    bool workspace = im->view.registry_schema.registry_workspace;
    if (table == MLP_EXPERIMENT_TAGS)
        return im->view.schema.experiments_workspace ? OF_EXPERIMENT " AND e.workspace = 'default'" : OF_EXPERIMENT;
    if (table == MLP_REGISTERED_MODEL_ALIASES)
        return workspace ? ALIAS " AND workspace = 'default'" : ALIAS;
    return workspace ? OF_MODEL " AND workspace = 'default'" : OF_MODEL;
}

mlplat_status mlp_import_compare_row(mlp_importing *im, int table, const json_t *row, mlplat_error *err)
{
    bool experiment = table == MLP_EXPERIMENT_TAGS, alias = table == MLP_REGISTERED_MODEL_ALIASES, there = false;
    const char *owner = text_of(row, experiment ? "experiment" : "name"), *key = text_of(row, alias ? "alias" : "key");
    const char *sql = shared_row(im, table);
    mlp_stmt *stmt = NULL;
    mlplat_error why = {0};
    if (im->policy != MLP_IMPORT_FAIL)
        return MLPLAT_OK;
    mlplat_status s = mlp_db_prepare(experiment ? im->rows.tracking : im->rows.registry, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, owner);
        mlp_stmt_text(stmt, 2, key);
        s = mlp_stmt_step(stmt, &there, err);
    }
    if (s == MLPLAT_OK && there) {
        const char *theirs = mlp_stmt_col_text(stmt, 0);
        bool same = alias ? mlp_stmt_col_int(stmt, 0) == json_integer_value(json_object_get(row, "version"))
                          : strcmp(theirs ? theirs : "", text_of(row, "value")) == 0;
        if (!same) {
            mlp_fail(&why, MLPLAT_CONFLICT,
                     "%s '%.100s' of '%.100s' is in the store already with another value: import with on_conflict keep "
                     "to leave it, or replace to overwrite it",
                     alias ? "the alias" : "the tag", key, owner);
            s = refuse_later(im, &why);
        }
    }
    mlp_stmt_done(stmt);
    return s;
}

/* The second reading of an archive: what the first found new is written. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "store/import.h"
#include <string.h>

enum { ROWS = 1000 }; /* of one transaction: some 5 ms */

typedef struct applying {
    mlp_importing *im;
    mlp_archive_lines lines;
    mlp_import_chunk chunk;
    size_t group; /* the number of the next one */
    mlp_import_fate fate;
    json_t *head;
    int table;
    char *location; /* of the artifacts of the run or logged model in hand */
    char *experiment, *experiment_location; /* the one looked up last */
} applying;

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static mlplat_status flush(applying *a, mlplat_error *err)
{
    return mlp_import_chunk_write(a->im, &a->chunk, err);
}

static mlplat_status add(applying *a, json_t *row, int table, bool end, mlplat_error *err)
{
    const mlp_import_op op = {json_incref(row), table, end, a->fate == MLP_FATE_REPLACED};
    size_t rows = table == MLP_METRICS ? json_array_size(json_object_get(row, "points")) : 1;
    return mlp_import_chunk_add(&a->chunk, &op, rows, err);
}

/* ---- where things are in the target ------------------------------------------------------------------------------ */

typedef struct lookup {
    const char *sql, *id;
    char *text;
} lookup;

static mlplat_status look_up_experiment(mlp_db *db, void *ctx, mlplat_error *err)
{
    applying *a = ctx;
    int64_t id;
    (void)db;
    mlp_free(a->experiment_location);
    return mlp_import_find_experiment(a->im, a->experiment, &id, &a->experiment_location, err);
}

/* The experiment's place: its group was written before the runs'. */
static mlplat_status find_experiment(applying *a, const char *name, mlplat_error *err)
{
    if (a->experiment && a->experiment_location && strcmp(a->experiment, name) == 0)
        return MLPLAT_OK;
    mlp_free(a->experiment);
    if (!(a->experiment = mlp_strdup(name)))
        return mlp_fail_memory(err);
    mlplat_status s = mlp_db_read(a->im->view.tracking, look_up_experiment, a, a->im->view.hook, err);
    if (s == MLPLAT_OK && !a->experiment_location)
        s = mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: experiment '%.200s' is not in it, but what belongs "
                                          "to it is",
                     name);
    return s;
}

static mlplat_status look_up_text(mlp_db *db, void *ctx, mlplat_error *err)
{
    lookup *l = ctx;
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, l->sql, &stmt, err);
    mlp_free(l->text);
    l->text = NULL;
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, l->id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row && !mlp_stmt_col_null(stmt, 0) && !(l->text = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

/* "runs:/<id>/model" and "models:/<id>/..." of an archive are places below the run or logged model in the target. */
static mlplat_status place_version(applying *a, json_t *row, const char *key, const char *column, mlplat_error *err)
{
    const char *uri = text_of(row, key);
    if (!*uri)
        return MLPLAT_OK;
    bool run = mlp_text_starts(uri, "runs:/");
    const char *id = uri + strlen(run ? "runs:/" : "models:/"), *rest = id + strcspn(id, "/");
    lookup l = {.sql = run ? "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
                           : "SELECT artifact_location FROM logged_models WHERE model_id = ?"};
    char *name = mlp_strndup(id, (size_t)(rest - id));
    l.id = name;
    mlplat_status s = name ? mlp_db_read(a->im->view.tracking, look_up_text, &l, a->im->view.hook, err)
                           : mlp_fail_memory(err);
    if (s == MLPLAT_OK && !l.text)
        s = mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: a version lies in '%.200s', which is not there",
                     uri);
    char *place = s == MLPLAT_OK ? mlp_sprintf("%s%s", l.text, rest) : NULL;
    if (s == MLPLAT_OK)
        s = place ? mlp_json_set(row, column, json_string(place), err) : mlp_fail_memory(err);
    mlp_free(place);
    mlp_free(name);
    mlp_free(l.text);
    return s;
}

static mlplat_status place_head(applying *a, json_t *row, mlplat_error *err)
{
    bool run = a->table == MLP_RUNS;
    const char *id = text_of(row, run ? "run_uuid" : "model_id"), *column = run ? "artifact_uri" : "artifact_location";
    mlplat_status s = MLPLAT_OK;
    mlp_free(a->location);
    a->location = NULL;
    if (!a->im->manifest.artifacts)
        return s; /* the row has the place itself */
    s = find_experiment(a, text_of(row, "experiment"), err);
    if (s != MLPLAT_OK)
        return s;
    size_t n = strlen(a->experiment_location);
    while (n > 1 && a->experiment_location[n - 1] == '/')
        n--;
    a->location = mlp_sprintf("%.*s/%s%s/artifacts", (int)n, a->experiment_location, run ? "" : "models/", id);
    return a->location ? mlp_json_set(row, column, json_string(a->location), err) : mlp_fail_memory(err);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static bool skipped(const applying *a)
{
    bool shared = a->table == MLP_EXPERIMENTS || a->table == MLP_REGISTERED_MODELS;
    return !shared && (a->fate == MLP_FATE_SAME || a->fate == MLP_FATE_KEPT);
}

static mlplat_status end_group(applying *a, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (a->head && (a->table == MLP_RUNS || a->table == MLP_LOGGED_MODELS) && !skipped(a))
        s = add(a, a->head, a->table, true, err);
    if (s == MLPLAT_OK && (a->table == MLP_EXPERIMENTS || a->chunk.rows >= ROWS))
        s = flush(a, err);
    json_decref(a->head);
    a->head = NULL;
    return s;
}

typedef struct reopening {
    const applying *a;
    const json_t *row;
} reopening;

static mlplat_status reopen(mlp_db *db, void *ctx, mlplat_error *err)
{
    const reopening *r = ctx;
    (void)db;
    return mlp_import_reopen(r->a->im, r->a->table, r->row, err);
}

/* Files of a run that is replaced go, too: what the archive has is all that it has. */
static mlplat_status clear(applying *a, const json_t *row, mlplat_error *err)
{
    const char *id = text_of(row, a->table == MLP_RUNS ? "run_uuid" : "model_id");
    reopening r = {a, row};
    mlplat_status s = flush(a, err);
    if (s == MLPLAT_OK && (a->table == MLP_RUNS || a->table == MLP_LOGGED_MODELS))
        s = mlp_db_write(a->im->view.tracking, reopen, &r, a->im->view.hook, err);
    if (s == MLPLAT_OK && a->table == MLP_RUNS)
        s = mlp_store_remove_run(&a->im->view, id, true, err);
    else if (s == MLPLAT_OK && a->table == MLP_LOGGED_MODELS)
        s = mlp_store_remove_model(&a->im->view, id, true, err);
    return s == MLPLAT_OK && a->location ? mlp_store_remove_files(a->experiment_location, a->location, id, err) : s;
}

static mlplat_status begin_group(applying *a, json_t *row, mlplat_error *err)
{
    mlplat_status s = end_group(a, err);
    bool registry = mlp_store_specs[a->lines.table].registry;
    if (s == MLPLAT_OK && registry && a->chunk.n && !mlp_store_specs[a->chunk.ops[0].table].registry)
        s = flush(a, err);
    if (a->group >= a->im->n_groups)
        return mlp_archive_lines_fail(&a->lines, "was not there when the archive was checked", err);
    a->fate = (mlp_import_fate)a->im->fates[a->group++];
    a->table = a->lines.table;
    a->head = json_incref(row);
    if (s != MLPLAT_OK || skipped(a))
        return s;
    if (a->table == MLP_MODEL_VERSIONS) {
        s = place_version(a, row, "source_in", "source", err);
        return s == MLPLAT_OK ? place_version(a, row, "storage_location_in", "storage_location", err) : s;
    }
    if (a->table == MLP_RUNS || a->table == MLP_LOGGED_MODELS)
        s = place_head(a, row, err);
    return s == MLPLAT_OK && a->fate == MLP_FATE_REPLACED ? clear(a, row, err) : s;
}

static mlplat_status apply_line(applying *a, json_t *row, mlplat_error *err)
{
    mlplat_status s = a->lines.head ? begin_group(a, row, err) : MLPLAT_OK;
    bool alias = a->lines.table == MLP_REGISTERED_MODEL_ALIASES; /* they stand behind the versions */
    if (s != MLPLAT_OK || (skipped(a) && !alias))
        return s;
    if (a->lines.table == MLP_ARTIFACT_LINE)
        return mlp_import_place(a->im, row, a->location, err);
    s = add(a, row, a->lines.table, false, err);
    bool whole = mlp_store_specs[a->lines.table].registry || a->table == MLP_EXPERIMENTS;
    return s == MLPLAT_OK && !whole && a->chunk.rows >= ROWS ? flush(a, err) : s;
}

/* Lines of what is there already are not even read as JSON. */
static bool passes(const applying *a)
{
    return !a->lines.head && skipped(a) && a->lines.table != MLP_REGISTERED_MODEL_ALIASES;
}

mlplat_status mlp_import_apply(mlp_importing *im, mlplat_error *err)
{
    applying a = {.im = im};
    const char *text = "";
    size_t n = 0;
    mlplat_status s = mlp_archive_lines_open(im->root_fd, &im->manifest, &a.lines, err);
    while (s == MLPLAT_OK && (s = mlp_archive_lines_next(&a.lines, &text, &n, err)) == MLPLAT_OK && text) {
        json_t *row = NULL;
        if (!passes(&a) && (s = mlp_archive_lines_json(&a.lines, &row, err)) == MLPLAT_OK)
            s = apply_line(&a, row, err);
        json_decref(row);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&im->pace, n + 1, err);
    }
    if (s == MLPLAT_OK)
        s = end_group(&a, err);
    if (s == MLPLAT_OK)
        s = flush(&a, err);
    json_decref(a.head);
    mlp_import_chunk_free(&a.chunk);
    mlp_archive_lines_close(&a.lines);
    mlp_free(a.location);
    mlp_free(a.experiment);
    mlp_free(a.experiment_location);
    return s;
}

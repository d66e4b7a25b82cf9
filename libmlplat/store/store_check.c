/* Is the store whole? A list of questions, each a statement that finds what is wrong. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/take.h"
#include "store/import.h"
#include "store/store_view.h"
#include <string.h>

/* Largest triple wins, as MLflow decides it. Infinite and NaN are stored as numbers. */
#define BEST                                                                                                           \
    "WITH best AS (SELECT run_uuid, key, step, timestamp, value, is_nan FROM (SELECT *, row_number() OVER "            \
    "(PARTITION BY run_uuid, key ORDER BY step DESC, timestamp DESC, value DESC) n FROM metrics) WHERE n = 1) "
#define DIFFERS "(l.step, l.timestamp, l.value) IS NOT (b.step, b.timestamp, b.value)"
/* The points of a run that is being imported come after its latest values: there is nothing to say of it yet. */
#define WHOLE(run) " AND NOT EXISTS (SELECT 1 FROM tags u WHERE u.run_uuid = " run " AND u.key = '" MLP_IMPORT_MARK "')"
#define RUN_NAME "t.key = 'mlflow.runName' AND r.name <> '' AND t.value IS NOT r.name"

#define PARTLY "of which an import has brought a part: unless it is still at work, import the archive again"

/* sql: how many, and one of them. fix: what puts it right, NULL: nothing can. */
static const struct question {
    const char *check, *what, *sql, *fix;
    bool note; /* told, and nothing is wrong with the store */
    enum { ANY_STORE, WITH_INPUTS, WITH_MODELS } of;
} questions[] = {
    {"latest_metrics", "latest values that are not those of their points",
     BEST "SELECT count(*), min(b.run_uuid || ' ' || b.key) FROM best b LEFT JOIN latest_metrics l ON l.run_uuid = "
          "b.run_uuid AND l.key = b.key WHERE " DIFFERS WHOLE("b.run_uuid"),
     "INSERT OR REPLACE INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) " BEST
     "SELECT b.key, b.value, b.timestamp, b.step, b.is_nan, b.run_uuid FROM best b LEFT JOIN latest_metrics l ON "
     "l.run_uuid = b.run_uuid AND l.key = b.key WHERE " DIFFERS WHOLE("b.run_uuid"),
     false, ANY_STORE},
    {"latest_metrics", "latest values without points",
     "SELECT count(*), min(l.run_uuid || ' ' || l.key) FROM latest_metrics l WHERE NOT EXISTS (SELECT 1 FROM metrics m "
     "WHERE m.run_uuid = l.run_uuid AND m.key = l.key)" WHOLE("l.run_uuid"),
     "DELETE FROM latest_metrics WHERE NOT EXISTS (SELECT 1 FROM metrics m WHERE m.run_uuid = latest_metrics.run_uuid "
     "AND m.key = latest_metrics.key)" WHOLE("latest_metrics.run_uuid"),
     false, ANY_STORE},
    {"run_names", "runs whose tag mlflow.runName is not their name",
     "SELECT count(*), min(r.run_uuid) FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid WHERE " RUN_NAME,
     "UPDATE tags SET value = (SELECT r.name FROM runs r WHERE r.run_uuid = tags.run_uuid) WHERE key = "
     "'mlflow.runName' AND EXISTS (SELECT 1 FROM runs r WHERE r.run_uuid = tags.run_uuid AND r.name <> '' AND "
     "tags.value IS NOT r.name)",
     false, ANY_STORE},
    {"imports", "runs " PARTLY,
     "SELECT count(*), min(run_uuid) FROM tags WHERE key = '" MLP_IMPORT_MARK "'", NULL, false, ANY_STORE},
    {"imports", "logged models " PARTLY,
     "SELECT count(*), min(model_id) FROM logged_model_tags WHERE tag_key = '" MLP_IMPORT_MARK "'", NULL, false,
     WITH_MODELS},
    {"inputs", "inputs and outputs of runs that are gone; harmless",
     "SELECT count(*), min(i.destination_id) FROM inputs i WHERE (i.destination_type = 'RUN' AND NOT EXISTS (SELECT 1 "
     "FROM runs r WHERE r.run_uuid = i.destination_id)) OR (i.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND NOT "
     "EXISTS (SELECT 1 FROM runs r WHERE r.run_uuid = i.source_id))",
     NULL, true, WITH_INPUTS},
};

typedef struct checking {
    mlp_store_view view;
    json_t *findings;
    bool repair, ok;
    size_t question;
    mlp_pace pace;
} checking;

static mlplat_status add(checking *c, const char *check, const char *what, int64_t count, const char *example,
                         bool note, bool repaired, mlplat_error *err)
{
    json_t *finding = json_pack("{s:s, s:s, s:o, s:I, s:b}", "check", check, "severity", note ? "note" : "error",
                                "what", mlp_json_string(what), "count", (json_int_t)count, "repaired", (int)repaired);
    mlplat_status s = finding && example ? mlp_json_set(finding, "example", mlp_json_string(example), err) : MLPLAT_OK;
    c->ok = c->ok && (note || repaired);
    if (s == MLPLAT_OK)
        return mlp_json_push(c->findings, finding, err);
    json_decref(finding);
    return s;
}

/* ---- SQLite ------------------------------------------------------------------------------------------------------ */

static mlplat_status check_file(checking *c, mlp_db *db, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db, "SELECT integrity_check FROM pragma_integrity_check(20)", &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        const char *said = mlp_stmt_col_text(stmt, 0);
        if (said && (s = mlp_db_check_line(db, said, err)) == MLPLAT_OK && strcmp(said, "ok") != 0)
            s = add(c, "integrity", said, 1, NULL, false, false, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status check_keys(checking *c, mlp_db *db, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT \"table\" || ' without its ' || parent, count(*) FROM "
                                     "pragma_foreign_key_check GROUP BY 1",
                                     &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = add(c, "foreign_keys", mlp_stmt_col_text(stmt, 0), mlp_stmt_col_int(stmt, 1), NULL, false, false, err);
    mlp_stmt_done(stmt);
    return s;
}

/* ---- MLflow's schema --------------------------------------------------------------------------------------------- */

static mlplat_status check_schema(checking *c, mlplat_error *err)
{
    const mlp_schema_info *schema = &c->view.schema;
    mlplat_status s = MLPLAT_OK;
    if (!schema->head[0])
        s = add(c, "schema", "no head in alembic_version: MLflow refuses the file; write the one that it had", 1, NULL,
                false, false, err);
    else if (schema->revision < 0)
        s = add(c, "schema", "a head that this library does not know", 1, schema->head, true, false, err);
    if (s == MLPLAT_OK && !schema->tracking_known)
        s = add(c, "schema", "tables of experiments and runs of an unknown shape: they can only be read", 1,
                schema->head, false, false, err);
    if (s == MLPLAT_OK && !schema->registry_known)
        s = add(c, "schema", "tables of the registry of an unknown shape: they can only be read", 1, schema->head,
                false, false, err);
    return s;
}

static mlplat_status ask(mlp_db *db, const struct question *q, int64_t *count, char **example, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    *count = 0;
    *example = NULL;
    mlplat_status s = mlp_db_prepare(db, q->sql, &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK && (*count = mlp_stmt_col_int(stmt, 0)) &&
        !(*example = mlp_strdup(mlp_stmt_col_text(stmt, 1) ? mlp_stmt_col_text(stmt, 1) : "")))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status fix(mlp_db *db, void *ctx, mlplat_error *err)
{
    const checking *c = ctx;
    return mlp_db_exec(db, err, questions[c->question].fix, 0);
}

static mlplat_status look(mlp_db *db, void *ctx, mlplat_error *err)
{
    checking *c = ctx;
    const struct question *q = &questions[c->question];
    int64_t count;
    char *example;
    mlplat_status s = ask(db, q, &count, &example, err);
    if (s == MLPLAT_OK && count)
        s = add(c, q->check, q->what, count, example, q->note, c->repair && q->fix, err);
    mlp_free(example);
    return s;
}

static bool can_answer(const mlp_schema_info *schema, const struct question *q)
{
    return q->of == ANY_STORE || (q->of == WITH_INPUTS ? schema->inputs_known : schema->logged_models);
}

static mlplat_status check_rows(checking *c, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (c->question = 0; s == MLPLAT_OK && c->question < sizeof questions / sizeof questions[0]; c->question++) {
        size_t before = json_array_size(c->findings);
        if (!can_answer(&c->view.schema, &questions[c->question]))
            continue;
        s = mlp_db_read(c->view.tracking, look, c, c->view.hook, err);
        if (s == MLPLAT_OK && c->repair && questions[c->question].fix && json_array_size(c->findings) > before)
            s = mlp_db_write(c->view.tracking, fix, c, c->view.hook, err);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&c->pace, 1, err);
    }
    return s;
}

/* ---- artifacts --------------------------------------------------------------------------------------------------- */

static bool is_missing(const char *location)
{
    char *root = NULL;
    bool here = location && *location && mlp_store_root(location, &root, NULL) == MLPLAT_OK;
    bool missing = here && !mlp_file_exists(root);
    mlp_free(root);
    return missing;
}

/* Rows of a name and a place, which must be there. */
static mlplat_status check_places(checking *c, mlp_db *db, const char *sql, const char *what, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    int64_t missing = 0;
    char *example = NULL;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        if (!is_missing(mlp_stmt_col_text(stmt, 1)))
            continue;
        if (!missing++ && !(example = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
            s = mlp_fail_memory(err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_OK && missing)
        s = add(c, "artifacts", what, missing, example, false, false, err);
    mlp_free(example);
    return s;
}

static mlplat_status check_artifacts(checking *c, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (c->view.schema.logged_models)
        s = check_places(c, c->view.tracking,
                         "SELECT model_id, artifact_location FROM logged_models WHERE status = 2 AND lifecycle_stage = "
                         "'active' ORDER BY model_id",
                         "logged models that are ready, without their files", err);
    if (s == MLPLAT_OK)
        s = check_places(c, c->view.registry,
                         "SELECT name || '/' || version, storage_location FROM model_versions WHERE storage_location "
                         "IS NOT NULL AND current_stage <> 'Deleted_Internal' AND NOT EXISTS (SELECT 1 FROM "
                         "model_version_tags t WHERE t.name = model_versions.name AND t.version = "
                         "model_versions.version AND t.key = 'mlflow.prompt.is_prompt') ORDER BY name, version",
                         "versions of registered models without their files", err);
    return s;
}

/* ---- the spool --------------------------------------------------------------------------------------------------- */

static mlplat_status check_spool(checking *c, mlplat_error *err)
{
    json_t *status = NULL, *journal;
    size_t i, orphans = 0, damaged = 0;
    mlplat_status s = mlp_spool_status(c->view.module->spool, &status, err);
    if (s != MLPLAT_OK)
        return s;
    json_array_foreach(json_object_get(status, "journals"), i, journal)
    {
        const char *state = json_string_value(json_object_get(journal, "state"));
        orphans += state && strcmp(state, "orphan") == 0;
        damaged += state && strcmp(state, "damaged") == 0;
    }
    size_t dead = json_array_size(json_object_get(status, "dead_letters"));
    if (dead)
        s = add(c, "spool", "records that the store refused: see `mlplat spool status`", (int64_t)dead, NULL, false,
                false, err);
    if (s == MLPLAT_OK && damaged)
        s = add(c, "spool", "damaged segments of journals, set aside as .bad", (int64_t)damaged, NULL, false, false,
                err);
    if (s == MLPLAT_OK && orphans)
        s = add(c, "spool", "journals of ended programs: run `mlplat spool sync`", (int64_t)orphans, NULL, false, false,
                err);
    json_decref(status);
    return s;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static mlplat_status check_snapshot(void *ctx, mlplat_error *err)
{
    checking *c = ctx;
    json_array_clear(c->findings);
    c->ok = true;
    mlplat_status s = check_file(c, c->view.tracking, err);
    if (s == MLPLAT_OK)
        s = check_keys(c, c->view.tracking, err);
    if (s == MLPLAT_OK && c->view.registry != c->view.tracking)
        s = check_file(c, c->view.registry, err);
    if (s == MLPLAT_OK)
        s = check_schema(c, err);
    return s == MLPLAT_OK ? check_artifacts(c, err) : s;
}

static mlplat_status check(checking *c, mlplat *ml, mlplat_error *err)
{
    mlplat_error why = {0};
    mlplat_status s = mlp_store_view_open(ml, &c->pace, &c->view, &why);
    if (s == MLPLAT_OK)
        s = mlp_store_view_read(&c->view, check_snapshot, c, &why);
    if (s == MLPLAT_OK && c->view.schema.tracking_known)
        s = check_rows(c, &why);
    if (s == MLPLAT_OK)
        s = check_spool(c, &why);
    if (s == MLPLAT_CORRUPT) /* so damaged that a question has no answer: that is the answer */
        return add(c, "file", why.message, 1, NULL, false, false, err);
    if (s != MLPLAT_OK && err)
        *err = why;
    return s;
}

static mlplat_status report(checking *c, const char *path, mlplat_doc **out, mlplat_error *err)
{
    json_t *doc = json_pack("{s:b, s:o, s:s, s:O}", "ok", (int)c->ok, "path", mlp_json_string(path), "head",
                            c->view.schema.head, "findings", c->findings);
    return mlp_doc_new(doc, out, err);
}

/* A look at a store makes none. */
static mlplat_status find_file(mlplat *ml, char **path, mlplat_error *err)
{
    const char *uri = mlp_session_setting(ml, MLP_SET_TRACKING_URI);
    mlplat_status s = mlp_db_uri_path(uri ? uri : "sqlite:///mlflow.db", path, err);
    if (s == MLPLAT_OK && !mlp_file_exists(*path))
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no store '%.300s': `mlplat store create` makes it", *path);
    return s;
}

mlplat_status mlplat_store_check(mlplat *ml, const mlplat_check_options *options, mlplat_doc **out, mlplat_error *err)
{
    mlplat_check_options o = MLPLAT_CHECK_OPTIONS_INIT;
    checking c = {.ok = true};
    char *path = NULL;
    *out = NULL;
    if (!ml)
        return mlp_fail(err, MLPLAT_INVALID, "session is NULL: open one with mlplat_open");
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_CHECK_OPTIONS_INIT, err);
    const mlp_hook own = {o.progress, o.user};
    c.pace = (mlp_pace){.hook = o.progress ? &own : &ml->hook, .what = "the check"};
    c.repair = o.repair;
    if (s == MLPLAT_OK)
        s = find_file(ml, &path, err);
    if (s == MLPLAT_OK && !(c.findings = json_array()))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = check(&c, ml, err);
    if (s == MLPLAT_OK)
        s = report(&c, path, out, err);
    mlp_store_view_close(&c.view);
    json_decref(c.findings);
    mlp_free(path);
    return s;
}

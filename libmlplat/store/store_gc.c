#include "store/store_gc.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/take.h"
#include "base/text.h"
#include "store/import.h"
#include <stdio.h>
#include <string.h>

/* ---- how long ago ------------------------------------------------------------------------------------------------ */

/* As MLflow reads it: days, hours, minutes, seconds in this order, each with a fraction if one likes. */
static mlplat_status take_age(const char *text, int64_t *ms, mlplat_error *err)
{
    static const struct {
        char unit;
        double ms;
    } units[] = {{'d', 86400e3}, {'h', 3600e3}, {'m', 60e3}, {'s', 1e3}};
    double sum = 0, number = 0;
    size_t next = 0;
    const char *at = text;
    while (*at) {
        size_t n = strspn(at, ".0123456789");
        char digits[32];
        snprintf(digits, sizeof digits, "%.*s", (int)n, at);
        while (next < 4 && units[next].unit != at[n])
            next++;
        if (!n || n >= sizeof digits || next == 4 || !mlp_text_to_double(digits, &number))
            return mlp_fail(err, MLPLAT_INVALID, "older_than '%.60s': write it like 30d, 8h or 2d8h5m20s", text);
        sum += number * units[next++].ms;
        at += n + 1;
    }
    if (!*text || sum > 1e15)
        return mlp_fail(err, MLPLAT_INVALID, "older_than '%.60s': write it like 30d, 8h or 2d8h5m20s", text);
    *ms = (int64_t)sum;
    return MLPLAT_OK;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static mlplat_status take_list(const char *text, const char *what, json_t **out, mlplat_error *err)
{
    size_t i;
    json_t *item;
    *out = NULL;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), out, err);
    bool good = s == MLPLAT_OK && json_is_array(*out);
    json_array_foreach(*out, i, item) good = good && json_is_string(item);
    if (s == MLPLAT_OK && !good)
        s = mlp_fail(err, MLPLAT_INVALID, "%s: must be a JSON array of strings, like [\"1\"]", what);
    return s;
}

mlplat_status mlp_gc_keep(mlp_gc *gc, const char *id, const char *why, mlplat_error *err)
{
    json_t *entry = json_pack("{s:o, s:o}", "id", mlp_json_string(id), "why", mlp_json_string(why));
    return mlp_json_push(gc->kept, entry, err);
}

typedef struct kind {
    const char *what;
    const char *all; /* ids of all that may go; ?1: the moment */
    const char *one; /* of one id: stage, time */
    const char *age; /* which time it is: "deleted", "changed" */
} kind;

static const kind runs_kind = {
    "run",
    "SELECT run_uuid FROM runs r WHERE lifecycle_stage = 'deleted' AND deleted_time <= ?1 AND NOT EXISTS (SELECT 1 "
    "FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = '" MLP_IMPORT_MARK "') ORDER BY run_uuid",
    "SELECT lifecycle_stage, deleted_time FROM runs WHERE run_uuid = ?1", "deleted"};
static const kind models_kind = {
    "logged model",
    "SELECT model_id FROM logged_models m WHERE lifecycle_stage = 'deleted' AND last_updated_timestamp_ms <= ?1 AND "
    "NOT EXISTS (SELECT 1 FROM logged_model_tags t WHERE t.model_id = m.model_id AND t.tag_key = '" MLP_IMPORT_MARK
    "') ORDER BY model_id",
    "SELECT lifecycle_stage, last_updated_timestamp_ms FROM logged_models WHERE model_id = ?1", "deleted"};
static const kind experiments_kind = {
    "experiment",
    "SELECT CAST(experiment_id AS TEXT) FROM experiments WHERE lifecycle_stage = 'deleted' AND last_update_time <= ?1 "
    "ORDER BY experiment_id",
    "SELECT lifecycle_stage, last_update_time FROM experiments WHERE CAST(experiment_id AS TEXT) = ?1", "changed"};

typedef struct listing {
    mlp_gc *gc;
    const kind *kind;
    const json_t *wanted; /* NULL: all that may go */
    json_t *out;
} listing;

static mlplat_status list_all(mlp_db *db, const listing *l, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db, l->kind->all, &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_int(stmt, 1, l->gc->before_ms);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = mlp_json_push(l->out, mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status check_one(mlp_db *db, const listing *l, const char *id, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, l->kind->one, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    const char *stage = s == MLPLAT_OK && row ? mlp_stmt_col_text(stmt, 0) : NULL;
    if (s == MLPLAT_OK && !row)
        s = mlp_fail(err, MLPLAT_NOT_FOUND, "there is no %s '%.100s'", l->kind->what, id);
    else if (s == MLPLAT_OK && (!stage || strcmp(stage, "deleted") != 0))
        s = mlp_fail(err, MLPLAT_STATE, "%s '%.100s' is not deleted: delete it first", l->kind->what, id);
    else if (s == MLPLAT_OK && l->gc->aged &&
             (mlp_stmt_col_null(stmt, 1) || mlp_stmt_col_int(stmt, 1) > l->gc->before_ms))
        s = mlp_fail(err, MLPLAT_STATE, "%s '%.100s' was %s later than older_than allows", l->kind->what, id,
                     l->kind->age);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status list(mlp_db *db, void *ctx, mlplat_error *err)
{
    listing *l = ctx;
    size_t i;
    json_t *id;
    mlplat_status s = MLPLAT_OK;
    json_array_clear(l->out);
    if (!l->wanted)
        return list_all(db, l, err);
    json_array_foreach((json_t *)l->wanted, i, id)
    {
        if (s == MLPLAT_OK)
            s = check_one(db, l, json_string_value(id), err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(l->out, json_incref(id), err);
    }
    return s;
}

static mlplat_status find(mlp_gc *gc, const kind *of, const json_t *wanted, json_t **out, mlplat_error *err)
{
    listing l = {gc, of, wanted, json_array()};
    *out = l.out;
    if (!l.out)
        return mlp_fail_memory(err);
    return mlp_db_read(gc->view.tracking, list, &l, gc->view.hook, err);
}

/* ---- one thing --------------------------------------------------------------------------------------------------- */

typedef struct lookup {
    const char *sql, *id;
    char *text;
    bool found;
} lookup;

static mlplat_status look_up(mlp_db *db, void *ctx, mlplat_error *err)
{
    lookup *l = ctx;
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db, l->sql, &stmt, err);
    mlp_free(l->text);
    l->text = NULL;
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, l->id);
        s = mlp_stmt_step(stmt, &l->found, err);
    }
    if (s == MLPLAT_OK && l->found && !mlp_stmt_col_null(stmt, 0) &&
        !(l->text = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

/* Where its artifacts are, if it is still deleted: it may have been restored since it was listed. */
static mlplat_status place_of(mlp_gc *gc, bool run, const char *id, lookup *l, mlplat_error *err)
{
    *l = (lookup){.sql = run ? "SELECT artifact_uri FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'deleted'"
                             : "SELECT artifact_location FROM logged_models WHERE model_id = ?",
                  .id = id};
    return mlp_db_read(gc->view.tracking, look_up, l, gc->view.hook, err);
}

static mlplat_status remove_one(mlp_gc *gc, bool run, const char *id, mlplat_error *err)
{
    lookup l;
    mlplat_error why = {0};
    mlplat_status s = place_of(gc, run, id, &l, err);
    if (s != MLPLAT_OK || !l.found) {
        mlp_free(l.text);
        return s;
    }
    mlplat_status files = MLPLAT_OK;
    if (l.text && *l.text)
        files = mlp_store_remove_files(gc->view.artifact_root, l.text, id, &why);
    if (files == MLPLAT_NO_MEMORY)
        s = mlp_fail_memory(err);
    else if (files != MLPLAT_OK)
        s = mlp_gc_keep(gc, files == MLPLAT_STATE ? id : l.text, why.message, err);
    mlp_free(l.text);
    if (files == MLPLAT_STATE) /* with its row: who names the root can still have it removed */
        return s;
    if (s == MLPLAT_OK)
        s = run ? mlp_store_remove_run(&gc->view, id, false, err) : mlp_store_remove_model(&gc->view, id, false, err);
    if (s == MLPLAT_OK)
        s = mlp_json_push(run ? gc->runs : gc->models, mlp_json_string(id), err);
    return s == MLPLAT_OK ? mlp_pace_add(&gc->pace, 1, err) : s;
}

/* What went with its experiment is not told twice. */
static bool is_told(const json_t *told, const json_t *id)
{
    size_t i;
    json_t *other;
    json_array_foreach((json_t *)told, i, other) if (json_equal(other, (json_t *)id)) return true;
    return false;
}

static mlplat_status remove_all(mlp_gc *gc, bool run, const json_t *ids, mlplat_error *err)
{
    size_t i;
    json_t *id, *told = run ? gc->runs : gc->models;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)ids, i, id)
    {
        if (s == MLPLAT_OK && gc->dry_run)
            s = is_told(told, id) ? s : mlp_json_push(told, json_incref(id), err);
        else if (s == MLPLAT_OK)
            s = remove_one(gc, run, json_string_value(id), err);
    }
    return s;
}

/* ---- experiments ------------------------------------------------------------------------------------------------- */

static mlplat_status delete_experiment(mlp_db *db, void *ctx, mlplat_error *err)
{
    static const char *const rollups[] = {"sql_trace_rollup_rebuild_queue", "sql_trace_metric_daily_rollups",
                                          "sql_span_cost_daily_rollups", "sql_assessment_daily_rollups"};
    const char *id = ctx;
    mlplat_status s =
        mlp_db_exec(db, err, "DELETE FROM experiment_tags WHERE experiment_id = CAST(? AS INTEGER)", 1, id);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof rollups / sizeof rollups[0]; i++) { /* they have no foreign key */
        lookup l = {.sql = "SELECT name FROM sqlite_master WHERE name = ?", .id = rollups[i]};
        mlp_stmt *stmt = NULL;
        char sql[120];
        s = look_up(db, &l, err);
        snprintf(sql, sizeof sql, "DELETE FROM %s WHERE experiment_id = CAST(? AS INTEGER)", rollups[i]);
        if (s == MLPLAT_OK && l.found)
            s = mlp_db_prepare_once(db, sql, &stmt, err);
        if (s == MLPLAT_OK && stmt) {
            mlp_stmt_text(stmt, 1, id);
            s = mlp_stmt_step(stmt, NULL, err);
        }
        mlp_stmt_done(stmt);
        mlp_free(l.text);
    }
    return s == MLPLAT_OK ? mlp_db_exec(db, err,
                                        "DELETE FROM experiments WHERE experiment_id = CAST(? AS INTEGER) AND "
                                        "lifecycle_stage = 'deleted'",
                                        1, id)
                          : s;
}

/* Ids of what is in an experiment. */
typedef struct content {
    const char *sql, *experiment;
    int64_t before_ms;
    json_t *out;
} content;

static mlplat_status list_content(mlp_db *db, void *ctx, mlplat_error *err)
{
    content *c = ctx;
    mlp_stmt *stmt = NULL;
    bool row = true;
    json_array_clear(c->out);
    mlplat_status s = mlp_db_prepare(db, c->sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, c->experiment);
        mlp_stmt_int(stmt, 2, c->before_ms);
    }
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = mlp_json_push(c->out, mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status content_of(mlp_gc *gc, const char *id, const char *sql, json_t **out, mlplat_error *err)
{
    content c = {sql, id, gc->before_ms, json_array()};
    *out = c.out;
    return c.out ? mlp_db_read(gc->view.tracking, list_content, &c, gc->view.hook, err) : mlp_fail_memory(err);
}

#define IN_IT "experiment_id = CAST(?1 AS INTEGER)"

/* Runs that were restored, or deleted too late, or are being imported, keep their experiment. Logged models go with it,
 * as they do in MLflow. */
static mlplat_status empty_experiment(mlp_gc *gc, const char *id, bool *stays, mlplat_error *err)
{
    json_t *others = NULL, *runs = NULL, *models = NULL;
    mlplat_status s = content_of(gc, id,
                                 "SELECT run_uuid FROM runs WHERE " IN_IT " AND (lifecycle_stage = 'deleted' AND "
                                 "deleted_time <= ?2) IS NOT TRUE LIMIT 1",
                                 &others, err);
    *stays = s == MLPLAT_OK && json_array_size(others);
    if (s == MLPLAT_OK && !*stays)
        s = content_of(gc, id, "SELECT run_uuid FROM runs WHERE " IN_IT " AND deleted_time <= ?2 ORDER BY run_uuid",
                       &runs, err);
    if (s == MLPLAT_OK && !*stays && gc->view.schema.logged_models)
        s = content_of(gc, id, "SELECT model_id FROM logged_models WHERE " IN_IT " AND ?2 > 0 ORDER BY model_id",
                       &models, err);
    if (s == MLPLAT_OK)
        s = remove_all(gc, true, runs, err);
    if (s == MLPLAT_OK)
        s = remove_all(gc, false, models, err);
    json_decref(others);
    json_decref(runs);
    json_decref(models);
    return s;
}

static mlplat_status remove_experiment(mlp_gc *gc, const char *id, mlplat_error *err)
{
    bool stays = false;
    mlplat_error why = {0};
    mlplat_status s = empty_experiment(gc, id, &stays, &why);
    if (s == MLPLAT_OK && stays)
        return mlp_gc_keep(gc, id, "the experiment has runs that stay", err);
    if (s == MLPLAT_OK && !gc->dry_run)
        s = mlp_db_write(gc->view.tracking, delete_experiment, (void *)id, gc->view.hook, &why);
    if (s == MLPLAT_CONFLICT) /* another table of MLflow's still speaks of it */
        return mlp_gc_keep(gc, id, why.message, err);
    if (s != MLPLAT_OK) {
        if (err && why.status)
            *err = why;
        return s;
    }
    s = mlp_json_push(gc->experiments, mlp_json_string(id), err);
    return s == MLPLAT_OK ? mlp_pace_add(&gc->pace, 1, err) : s;
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static mlplat_status collect(mlp_gc *gc, const json_t *runs, const json_t *experiments, const json_t *models,
                             bool orphans, mlplat_error *err)
{
    json_t *r = NULL, *e = NULL, *m = NULL;
    size_t i;
    json_t *id;
    bool named = runs || experiments || models;
    mlplat_status s = runs || !named ? find(gc, &runs_kind, runs, &r, err) : MLPLAT_OK;
    if (s == MLPLAT_OK && (experiments || !named))
        s = find(gc, &experiments_kind, experiments, &e, err);
    if (s == MLPLAT_OK && (models || !named) && gc->view.schema.logged_models)
        s = find(gc, &models_kind, models, &m, err);
    json_array_foreach(e, i, id) if (s == MLPLAT_OK) s = remove_experiment(gc, json_string_value(id), err);
    if (s == MLPLAT_OK)
        s = remove_all(gc, true, r, err);
    if (s == MLPLAT_OK)
        s = remove_all(gc, false, m, err);
    if (s == MLPLAT_OK && orphans)
        s = mlp_gc_orphans(gc, err);
    json_decref(r);
    json_decref(e);
    json_decref(m);
    return s;
}

static mlplat_status make_report(mlp_gc *gc, mlplat_error *err)
{
    gc->runs = json_array();
    gc->experiments = json_array();
    gc->models = json_array();
    gc->orphans = json_array();
    gc->kept = json_array();
    gc->doc = json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "dry_run", (int)gc->dry_run, "runs", gc->runs, "experiments",
                        gc->experiments, "logged_models", gc->models, "orphans", gc->orphans, "kept", gc->kept);
    return gc->doc ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status run(mlp_gc *gc, const mlplat_gc_options *o, mlplat_error *err)
{
    json_t *runs = NULL, *experiments = NULL, *models = NULL;
    mlplat_status s = take_list(o->runs, "runs", &runs, err);
    if (s == MLPLAT_OK)
        s = take_list(o->experiments, "experiments", &experiments, err);
    if (s == MLPLAT_OK)
        s = take_list(o->models, "models", &models, err);
    if (s == MLPLAT_OK)
        s = make_report(gc, err);
    if (s == MLPLAT_OK)
        s = mlp_tracking_writable(gc->view.module, err);
    if (s == MLPLAT_OK)
        s = collect(gc, runs, experiments, models, o->orphans, err);
    json_decref(runs);
    json_decref(experiments);
    json_decref(models);
    return s;
}

mlplat_status mlplat_store_gc(mlplat *ml, const mlplat_gc_options *options, mlplat_doc **out, mlplat_error *err)
{
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    mlp_gc gc = {0};
    int64_t age = 0;
    if (out)
        *out = NULL;
    if (!ml)
        return mlp_fail(err, MLPLAT_INVALID, "session is NULL: open one with mlplat_open");
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_GC_OPTIONS_INIT, err);
    const mlp_hook own = {o.progress, o.user};
    gc.pace = (mlp_pace){.hook = o.progress ? &own : &ml->hook, .what = "the clean-up"};
    gc.dry_run = o.dry_run;
    gc.aged = o.older_than != NULL;
    if (s == MLPLAT_OK && o.older_than)
        s = take_age(o.older_than, &age, err);
    gc.before_ms = mlp_clock_ms() - age;
    if (s == MLPLAT_OK)
        s = mlp_store_view_open(ml, &gc.pace, &gc.view, err);
    if (s == MLPLAT_OK)
        s = run(&gc, &o, err);
    if (s == MLPLAT_OK && out)
        s = mlp_doc_new(json_incref(gc.doc), out, err);
    json_decref(gc.doc);
    mlp_store_view_close(&gc.view);
    return s;
}

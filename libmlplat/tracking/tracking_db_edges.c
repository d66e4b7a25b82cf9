/* Inputs and outputs of runs: datasets, and edges to datasets and logged models. */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "tracking/tracking_db.h"
#include <string.h>

typedef struct edge_call {
    mlp_tracking_db_store *store;
    const char *id;
    const json_t *datasets, *models;
    int64_t experiment;
    char dataset[40]; /* uuid of the dataset whose turn it is */
} edge_call;

/* ---- datasets ---------------------------------------------------------------------------------------------------- */

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static mlplat_status find_experiment(mlp_db *db, edge_call *call, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_tracking_db_run_active(db, call->id, strlen(call->id), err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db, "SELECT experiment_id FROM runs WHERE run_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, call->id);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    if (s == MLPLAT_OK)
        call->experiment = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

/* call->dataset becomes the uuid of the experiment's dataset of this name and digest, "" if it has none. */
static mlplat_status find_dataset(mlp_db *db, edge_call *call, const json_t *dataset, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    call->dataset[0] = 0;
    mlplat_status s = mlp_db_prepare(
        db, "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, call->experiment);
        mlp_stmt_text(stmt, 2, member(dataset, "name"));
        mlp_stmt_text(stmt, 3, member(dataset, "digest"));
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row)
        snprintf(call->dataset, sizeof call->dataset, "%s", mlp_stmt_col_text(stmt, 0));
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert_dataset(mlp_db *db, edge_call *call, const json_t *dataset, mlplat_error *err)
{
    static const char *const names[] = {"name", "digest", "source_type", "source", "schema", "profile"};
    char uuid[33];
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_random_hex(uuid, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, "
                           "dataset_source, dataset_schema, dataset_profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, uuid);
        mlp_stmt_int(stmt, 2, call->experiment);
        for (int i = 0; i < 6; i++)
            mlp_stmt_text(stmt, 3 + i, member(dataset, names[i]));
        s = mlp_stmt_step(stmt, NULL, err);
        memcpy(call->dataset, uuid, sizeof uuid);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status insert_tags(mlp_db *db, const char *input, const json_t *tags, mlplat_error *err)
{
    size_t i;
    json_t *tag;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)tags, i, tag) if (s == MLPLAT_OK) s =
        mlp_db_exec(db, err, "INSERT INTO input_tags (input_uuid, name, value) VALUES (?, ?, ?)", 3, input,
                    member(tag, "key"), member(tag, "value"));
    return s == MLPLAT_EXISTS ? mlp_fail(err, s, "a tag of a dataset is given twice: give each key once") : s;
}

/* An edge that is there stays as it is, with its tags. */
static mlplat_status insert_edge(mlp_db *db, const edge_call *call, const json_t *tags, mlplat_error *err)
{
    char uuid[33];
    mlplat_status s = mlp_random_hex(uuid, err);
    if (s == MLPLAT_OK)
        s = mlp_db_exec(db, err,
                        "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) "
                        "VALUES (?, 'DATASET', ?, 'RUN', ?) ON CONFLICT DO NOTHING",
                        3, uuid, call->dataset, call->id);
    return s == MLPLAT_OK && mlp_db_changes(db) > 0 ? insert_tags(db, uuid, tags, err) : s;
}

/* Of two of one name and digest in a call the first counts. */
static mlplat_status put_dataset(mlp_db *db, edge_call *call, const json_t *input, mlplat_error *err)
{
    const json_t *dataset = json_object_get(input, "dataset");
    mlplat_status s = find_dataset(db, call, dataset, err);
    if (s == MLPLAT_OK && !call->dataset[0])
        s = insert_dataset(db, call, dataset, err);
    return s == MLPLAT_OK ? insert_edge(db, call, json_object_get(input, "tags"), err) : s;
}

/* ---- logged models ----------------------------------------------------------------------------------------------- */

static mlplat_status put_model_input(mlp_db *db, const edge_call *call, const json_t *model, mlplat_error *err)
{
    char uuid[33];
    mlplat_status s = mlp_random_hex(uuid, err);
    if (s != MLPLAT_OK)
        return s;
    return mlp_db_exec(db, err,
                       "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) "
                       "VALUES (?, 'RUN_INPUT', ?, 'MODEL_INPUT', ?) ON CONFLICT (source_type, source_id, "
                       "destination_type, destination_id) DO UPDATE SET input_uuid = excluded.input_uuid",
                       3, uuid, call->id, member(model, "model_id"));
}

static mlplat_status put_model_output(mlp_db *db, const edge_call *call, const json_t *model, mlplat_error *err)
{
    char uuid[33];
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_random_hex(uuid, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(db,
                           "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, "
                           "step) VALUES (?, 'RUN_OUTPUT', ?, 'MODEL_OUTPUT', ?, ?)",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, uuid);
        mlp_stmt_text(stmt, 2, call->id);
        mlp_stmt_text(stmt, 3, member(model, "model_id"));
        mlp_stmt_int(stmt, 4, json_integer_value(json_object_get(model, "step")));
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    if (s == MLPLAT_EXISTS)
        s = mlp_fail(err, s, "logged model %.60s is an output of run %s already", member(model, "model_id"), call->id);
    return s;
}

static mlplat_status inputs_known(const mlp_tracking_db_store *store, mlplat_error *err)
{
    if (store->schema.inputs_known)
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_UNSUPPORTED,
                    "%s: the tables of inputs have a shape that this version does not know (head %s): nothing is "
                    "written there; a newer libmlplat may know it",
                    store->path, store->schema.head);
}

static mlplat_status inputs_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    edge_call *call = ctx;
    size_t i;
    json_t *item;
    mlplat_status s = inputs_known(call->store, err);
    if (s == MLPLAT_OK)
        s = find_experiment(db, call, err);
    json_array_foreach((json_t *)call->datasets, i, item) if (s == MLPLAT_OK) s = put_dataset(db, call, item, err);
    json_array_foreach((json_t *)call->models, i, item) if (s == MLPLAT_OK) s = put_model_input(db, call, item, err);
    return s;
}

static mlplat_status outputs_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    edge_call *call = ctx;
    size_t i;
    json_t *item;
    mlplat_status s = inputs_known(call->store, err);
    if (s == MLPLAT_OK)
        s = find_experiment(db, call, err);
    json_array_foreach((json_t *)call->models, i, item) if (s == MLPLAT_OK) s = put_model_output(db, call, item, err);
    return s;
}

static mlplat_status call_write(edge_call *call, mlp_db_fn fn, mlplat_error *err)
{
    mlplat_status s = json_array_size(call->models) ? mlp_tracking_db_models_look(call->store, err) : MLPLAT_OK;
    return s == MLPLAT_OK ? mlp_db_write(call->store->db, fn, call, &call->store->ml->hook, err) : s;
}

mlplat_status mlp_tracking_db_run_inputs(void *store, const char *run_id, const json_t *datasets, const json_t *models,
                                         mlplat_error *err)
{
    edge_call call = {.store = store, .id = run_id, .datasets = datasets, .models = models};
    return call_write(&call, inputs_fn, err);
}

mlplat_status mlp_tracking_db_run_outputs(void *store, const char *run_id, const json_t *models, mlplat_error *err)
{
    edge_call call = {.store = store, .id = run_id, .models = models};
    return call_write(&call, outputs_fn, err);
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static mlplat_status set_optional(json_t *object, const char *name, mlp_stmt *stmt, int i, mlplat_error *err)
{
    return mlp_stmt_col_null(stmt, i) ? MLPLAT_OK
                                      : mlp_json_set(object, name, mlp_json_string(mlp_stmt_col_text(stmt, i)), err);
}

/* Of the row that stmt is at: input, name, digest, source type, source, schema, profile. */
static mlplat_status push_dataset(mlp_db *db, mlp_stmt *stmt, json_t *list, mlplat_error *err)
{
    static const char *const names[] = {"name", "digest", "source_type", "source", "schema", "profile"};
    json_t *input = json_object(), *tags = json_array(), *dataset = json_object();
    mlplat_status s = mlp_json_push(list, input, err);
    mlplat_status also = s == MLPLAT_OK ? mlp_json_set(input, "tags", json_incref(tags), err) : s;
    mlplat_status last = s == MLPLAT_OK ? mlp_json_set(input, "dataset", json_incref(dataset), err) : s;
    s = s != MLPLAT_OK ? s : also != MLPLAT_OK ? also : last;
    if (s == MLPLAT_OK)
        s = mlp_tracking_db_pairs(db, "SELECT name, value FROM input_tags WHERE input_uuid = ? ORDER BY rowid",
                                  mlp_stmt_col_text(stmt, 0), tags, err);
    for (int i = 0; s == MLPLAT_OK && i < 6; i++)
        s = set_optional(dataset, names[i], stmt, i + 1, err);
    json_decref(tags);
    json_decref(dataset);
    return s;
}

/* Each row that sql finds for the run becomes {"model_id", "step"?}. */
static mlplat_status push_models(mlp_db *db, const char *sql, const char *run_id, bool step, json_t *list,
                                 mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, run_id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row) {
        json_t *model = json_object();
        s = mlp_json_push(list, model, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(model, "model_id", mlp_json_string(mlp_stmt_col_text(stmt, 0)), err);
        if (s == MLPLAT_OK && step)
            s = mlp_json_set(model, "step", json_integer(mlp_stmt_col_int(stmt, 1)), err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status push_datasets(mlp_db *db, const char *run_id, json_t *list, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(
        db,
        "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, "
        "d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
        "WHERE i.destination_type = 'RUN' AND i.destination_id = ? AND i.source_type = 'DATASET' ORDER BY i.rowid",
        &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, run_id);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = push_dataset(db, stmt, list, err);
    mlp_stmt_done(stmt);
    return s;
}

/* A new list under the names. Lent. */
static mlplat_status add_list(json_t *doc, const char *section, const char *name, json_t **out, mlplat_error *err)
{
    json_t *object = json_object_get(doc, section);
    mlplat_status s = MLPLAT_OK;
    if (!object)
        s = mlp_json_set(doc, section, object = json_object(), err);
    return s == MLPLAT_OK ? mlp_json_set(object, name, *out = json_array(), err) : s;
}

mlplat_status mlp_tracking_db_run_edges(mlp_db *db, const mlp_tracking_db_store *store, const char *run_id,
                                        bool model_inputs, json_t *doc, mlplat_error *err)
{
    json_t *datasets = NULL, *inputs = NULL, *outputs = NULL;
    mlplat_status s = add_list(doc, "inputs", "dataset_inputs", &datasets, err);
    if (s == MLPLAT_OK && model_inputs)
        s = add_list(doc, "inputs", "model_inputs", &inputs, err);
    if (s == MLPLAT_OK)
        s = add_list(doc, "outputs", "model_outputs", &outputs, err);
    if (s == MLPLAT_OK && store->schema.inputs_known)
        s = push_datasets(db, run_id, datasets, err);
    if (s == MLPLAT_OK && inputs && store->schema.inputs_known && store->schema.logged_models)
        s = push_models(db,
                        "SELECT destination_id FROM inputs WHERE source_type = 'RUN_INPUT' AND source_id = ? AND "
                        "destination_type = 'MODEL_INPUT' ORDER BY rowid",
                        run_id, false, inputs, err);
    if (s == MLPLAT_OK && store->schema.inputs_known && store->schema.logged_models)
        s = push_models(db,
                        "SELECT destination_id, step FROM inputs WHERE source_type = 'RUN_OUTPUT' AND source_id = ? "
                        "AND destination_type = 'MODEL_OUTPUT' ORDER BY rowid",
                        run_id, true, outputs, err);
    return s;
}

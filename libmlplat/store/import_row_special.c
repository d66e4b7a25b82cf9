/* What is not one line a row, or not the same in every store. */
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include "store/import.h"
#include <string.h>

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

/* ---- experiments ------------------------------------------------------------------------------------------------- */

mlplat_status mlp_import_find_experiment(mlp_importing *im, const char *name, int64_t *id, char **location,
                                         mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    *id = -1;
    if (location)
        *location = NULL;
    mlplat_status s = mlp_db_prepare(im->view.tracking,
                                     im->view.schema.experiments_workspace
                                         ? "SELECT experiment_id, artifact_location FROM experiments WHERE name = ? "
                                           "AND workspace = 'default'"
                                         : "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, name);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row) {
        const char *place = mlp_stmt_col_text(stmt, 1);
        *id = mlp_stmt_col_int(stmt, 0);
        if (location && !(*location = mlp_strdup(place ? place : "")))
            s = mlp_fail_memory(err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* One that nobody used yet, as Default in a new store, takes the times of the archive's. */
static mlplat_status take_times(mlp_importing *im, int64_t id, const json_t *row, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(
        im->view.tracking,
        "UPDATE experiments SET creation_time = ?2, last_update_time = ?3 WHERE experiment_id = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM runs r WHERE r.experiment_id = ?1) AND NOT EXISTS (SELECT 1 FROM experiment_tags t WHERE "
        "t.experiment_id = ?1)",
        &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, id);
        for (int i = 0; i < 2; i++) {
            const json_t *time = json_object_get(row, i ? "last_update_time" : "creation_time");
            if (json_is_integer(time))
                mlp_stmt_int(stmt, 2 + i, json_integer_value(time));
        }
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status next_id(mlp_importing *im, int64_t *out, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s =
        mlp_db_prepare(im->view.tracking, "SELECT coalesce(max(experiment_id), 0) + 1 FROM experiments", &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK)
        *out = mlp_stmt_col_int(stmt, 0);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_import_experiment(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    int64_t id = -1;
    json_t *over = NULL;
    mlplat_status s = mlp_import_find_experiment(im, text_of(row, "name"), &id, NULL, err);
    if (s == MLPLAT_OK && id != -1)
        return take_times(im, id, row, err);
    if (s == MLPLAT_OK)
        s = next_id(im, &id, err);
    if (s != MLPLAT_OK)
        return s;
    char *location = json_object_get(row, "artifact_location")
                         ? mlp_strdup(text_of(row, "artifact_location"))
                         : mlp_sprintf("%s/%lld", im->view.artifact_root, (long long)id);
    if (location)
        over = json_pack("{s:I, s:s}", "experiment_id", (json_int_t)id, "artifact_location", location);
    s = over ? mlp_import_insert(im, MLP_EXPERIMENTS, row, over, "", "", err) : mlp_fail_memory(err);
    json_decref(over);
    mlp_free(location);
    return s;
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static mlplat_status insert_point(mlp_stmt *stmt, const json_t *point, mlplat_error *err)
{
    const json_t *value = json_array_get(point, 2);
    bool is_nan = json_is_string(value) || json_is_true(json_array_get(point, 3));
    mlp_stmt_int(stmt, 2, json_integer_value(json_array_get(point, 0)));
    mlp_stmt_int(stmt, 3, json_integer_value(json_array_get(point, 1)));
    mlp_stmt_double(stmt, 4, json_number_value(value));
    mlp_stmt_int(stmt, 5, is_nan);
    return mlp_stmt_step(stmt, NULL, err);
}

mlplat_status mlp_import_points(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    size_t i;
    json_t *point;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach(json_object_get(row, "points"), i, point)
    {
        mlp_stmt *stmt = NULL;
        if (s == MLPLAT_OK)
            s = mlp_db_prepare(im->view.tracking,
                               "INSERT INTO metrics (key, timestamp, step, value, is_nan, run_uuid) "
                               "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                               &stmt, err);
        if (s == MLPLAT_OK) {
            mlp_stmt_text(stmt, 1, text_of(row, "key"));
            mlp_stmt_text(stmt, 6, text_of(row, "run_uuid"));
            s = insert_point(stmt, point, err);
        }
        mlp_stmt_done(stmt);
    }
    return s;
}

/* ---- datasets and inputs ----------------------------------------------------------------------------------------- */

static mlplat_status is_taken(mlp_importing *im, const char *uuid, bool *taken, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    *taken = true;
    mlplat_status s = mlp_db_prepare(im->view.tracking, "SELECT 1 FROM datasets WHERE dataset_uuid = ?", &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, uuid);
        s = mlp_stmt_step(stmt, taken, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* Known by experiment, name and digest; its own id stays, if no other dataset has that here. */
mlplat_status mlp_import_dataset(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    char *uuid = NULL, fresh[33];
    bool taken = true;
    json_t *over = NULL;
    mlplat_status s = mlp_import_dataset_id(im, text_of(row, "experiment"), text_of(row, "name"),
                                            text_of(row, "digest"), &uuid, err);
    if (s != MLPLAT_OK || uuid) {
        mlp_free(uuid);
        return s;
    }
    if (*text_of(row, "dataset_uuid"))
        s = is_taken(im, text_of(row, "dataset_uuid"), &taken, err);
    if (s == MLPLAT_OK && taken) {
        s = mlp_random_hex(fresh, err);
        if (s == MLPLAT_OK && !(over = json_pack("{s:s}", "dataset_uuid", fresh)))
            s = mlp_fail_memory(err);
    }
    if (s == MLPLAT_OK)
        s = mlp_import_insert(im, MLP_DATASETS, row, over, "", "", err);
    json_decref(over);
    return s;
}

mlplat_status mlp_import_dataset_id(mlp_importing *im, const char *experiment, const char *name, const char *digest,
                                    char **uuid, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    int64_t id = -1;
    *uuid = NULL;
    mlplat_status s = mlp_import_find_experiment(im, experiment, &id, NULL, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare(im->view.tracking,
                           "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
                           &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_int(stmt, 1, id);
        mlp_stmt_text(stmt, 2, name);
        mlp_stmt_text(stmt, 3, digest);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row && !(*uuid = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status experiment_of_run(mlp_importing *im, const char *run_id, char **name, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    *name = NULL;
    mlplat_status s = mlp_db_prepare(im->view.tracking,
                                     "SELECT e.name FROM runs r JOIN experiments e ON e.experiment_id = "
                                     "r.experiment_id WHERE r.run_uuid = ?",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, run_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    if (s == MLPLAT_OK && row && !(*name = mlp_strdup(mlp_stmt_col_text(stmt, 0))))
        s = mlp_fail_memory(err);
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status input_tags(mlp_importing *im, const char *uuid, const json_t *row, mlplat_error *err)
{
    const char *name;
    json_t *value;
    mlplat_status s = MLPLAT_OK;
    json_object_foreach(json_object_get(row, "tags"), name, value) if (s == MLPLAT_OK) s =
        mlp_db_exec(im->view.tracking, err, "INSERT INTO input_tags (input_uuid, name, value) VALUES (?, ?, ?)", 3,
                    uuid, name, json_string_value(value) ? json_string_value(value) : "");
    return s;
}

static mlplat_status source_of(mlp_importing *im, const json_t *row, char **source, mlplat_error *err)
{
    char *experiment = NULL;
    if (!json_object_get(row, "dataset_name")) {
        *source = mlp_strdup(text_of(row, "source_id"));
        return *source ? MLPLAT_OK : mlp_fail_memory(err);
    }
    *source = NULL;
    mlplat_status s = experiment_of_run(im, text_of(row, "run_uuid"), &experiment, err);
    if (s == MLPLAT_OK)
        s = mlp_import_dataset_id(im, experiment ? experiment : "", text_of(row, "dataset_name"),
                                  text_of(row, "dataset_digest"), source, err);
    mlp_free(experiment);
    if (s == MLPLAT_OK && !*source)
        s = mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: run %.80s used dataset '%.200s', which is not in it",
                     text_of(row, "run_uuid"), text_of(row, "dataset_name"));
    return s;
}

mlplat_status mlp_import_input(mlp_importing *im, const json_t *row, mlplat_error *err)
{
    char *source = NULL, fresh[33] = "";
    const char *uuid = text_of(row, "input_uuid");
    json_t *over = NULL;
    mlplat_status s = source_of(im, row, &source, err);
    if (s == MLPLAT_OK && !*uuid) {
        s = mlp_random_hex(fresh, err);
        uuid = fresh;
    }
    if (s == MLPLAT_OK && !(over = json_pack("{s:s, s:s}", "source_id", source, "input_uuid", uuid)))
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_import_insert(im, MLP_INPUTS, row, over, "", "", err);
    if (s == MLPLAT_OK)
        s = input_tags(im, uuid, row, err);
    json_decref(over);
    mlp_free(source);
    return s;
}

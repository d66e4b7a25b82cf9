#include "store/store_tables.h"
#include "base/alloc.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

#define OF_RUN     "t.run_uuid = ?1"
#define OF_MODEL   "t.model_id = ?1"
#define OF_NAME    "t.name = ?1"
#define OF_VERSION "t.name = ?1 AND t.version = ?2"

const mlp_store_spec mlp_store_specs[MLP_STORE_TABLES] = {
    [MLP_EXPERIMENTS] = {"experiments", "t.experiment_id = ?1", "name", " experiment_id workspace ",
                         " artifact_location ", " ", false},
    [MLP_EXPERIMENT_TAGS] = {"experiment_tags", "t.experiment_id = ?1", "key", " ", " ", " ", false},
    [MLP_DATASETS] = {"datasets",
                      "t.experiment_id = ?1 AND t.dataset_uuid IN (SELECT id FROM temp.picked_datasets)",
                      "name, digest", " ", " ", " dataset_uuid ", false},
    [MLP_RUNS] = {"runs", OF_RUN, "run_uuid", " ", " artifact_uri ", " ", false},
    [MLP_PARAMS] = {"params", OF_RUN, "key", " ", " ", " ", false},
    [MLP_TAGS] = {"tags", OF_RUN, "key", " ", " ", " ", false},
    [MLP_METRICS] = {"metrics", OF_RUN, "key, step, timestamp, value, is_nan", " ", " ", " ", false},
    [MLP_LATEST_METRICS] = {"latest_metrics", OF_RUN, "key", " ", " ", " ", false},
    [MLP_INPUTS] = {"inputs", "", "", " ", " ", " input_uuid ", false},
    [MLP_INPUT_TAGS] = {"input_tags", "t.input_uuid = ?1", "name", " ", " ", " ", false},
    [MLP_LOGGED_MODELS] = {"logged_models", OF_MODEL, "model_id", " ", " artifact_location ", " ", false},
    [MLP_LOGGED_MODEL_PARAMS] = {"logged_model_params", OF_MODEL, "param_key", " ", " ", " ", false},
    [MLP_LOGGED_MODEL_TAGS] = {"logged_model_tags", OF_MODEL, "tag_key", " ", " ", " ", false},
    [MLP_LOGGED_MODEL_METRICS] = {"logged_model_metrics", OF_MODEL,
                                  "metric_name, metric_step, metric_timestamp_ms, run_id", " ", " ", " ",
                                  false},
    [MLP_REGISTERED_MODELS] = {"registered_models", OF_NAME, "name", " workspace ", " ", " ", true},
    [MLP_REGISTERED_MODEL_TAGS] = {"registered_model_tags", OF_NAME, "key", " workspace ", " ", " ", true},
    [MLP_MODEL_VERSIONS] = {"model_versions", OF_VERSION, "version", " workspace ", " ", " ", true},
    [MLP_MODEL_VERSION_TAGS] = {"model_version_tags", OF_VERSION, "key", " workspace ", " ", " ", true},
    [MLP_REGISTERED_MODEL_ALIASES] = {"registered_model_aliases", OF_NAME, "alias", " workspace ", " ", " ", true},
};

bool mlp_store_has_column(const mlp_store_table *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

bool mlp_store_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; n && (at = strstr(at, word)); at++)
        if (at > words && at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

int mlp_store_table_find(const char *name)
{
    for (int i = 0; name && i < MLP_STORE_TABLES; i++)
        if (strcmp(mlp_store_specs[i].name, name) == 0)
            return i;
    return -1;
}

/* A default as SQLite shows it: 'default', 0, '0', NULL. */
static mlplat_status take_preset(const char *text, char **out, mlplat_error *err)
{
    size_t n = text ? strlen(text) : 0;
    if (!text || strcmp(text, "NULL") == 0)
        return MLPLAT_OK;
    *out = n >= 2 && text[0] == '\'' ? mlp_strndup(text + 1, n - 2) : mlp_strdup(text);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status add_column(mlp_store_table *table, mlp_stmt *stmt, mlplat_error *err)
{
    mlp_store_column *grown = mlp_realloc(table->columns, (table->n + 1) * sizeof *grown);
    if (!grown)
        return mlp_fail_memory(err);
    table->columns = grown;
    mlp_store_column *column = &grown[table->n++];
    *column = (mlp_store_column){.name = mlp_strdup(mlp_stmt_col_text(stmt, 0))};
    return column->name ? take_preset(mlp_stmt_col_text(stmt, 1), &column->preset, err) : mlp_fail_memory(err);
}

static mlplat_status read_table(mlp_db *db, const char *name, mlp_store_table *table, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = true;
    mlplat_status s = mlp_db_prepare(
        db,
        "SELECT name, iif(\"notnull\", dflt_value, NULL) FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY name",
        &stmt, err);
    if (s == MLPLAT_OK)
        mlp_stmt_text(stmt, 1, name);
    while (s == MLPLAT_OK && (s = mlp_stmt_step(stmt, &row, err)) == MLPLAT_OK && row)
        s = add_column(table, stmt, err);
    mlp_stmt_done(stmt);
    return s;
}

mlplat_status mlp_store_tables_read(mlp_db *tracking, mlp_db *registry, mlp_store_table tables[MLP_STORE_TABLES],
                                    mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    mlp_store_tables_free(tables);
    for (int i = 0; s == MLPLAT_OK && i < MLP_STORE_TABLES; i++)
        s = read_table(mlp_store_specs[i].registry ? registry : tracking, mlp_store_specs[i].name, &tables[i], err);
    return s;
}

void mlp_store_tables_free(mlp_store_table tables[MLP_STORE_TABLES])
{
    for (int i = 0; i < MLP_STORE_TABLES; i++) {
        for (size_t k = 0; k < tables[i].n; k++) {
            mlp_free(tables[i].columns[k].name);
            mlp_free(tables[i].columns[k].preset);
        }
        mlp_free(tables[i].columns);
        mlp_free(tables[i].select);
        mlp_free(tables[i].insert);
        tables[i] = (mlp_store_table){0};
    }
}

/* Tables of a run: what pandas calls JSON of the orient "split", without an index. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "tracking/run_artifact.h"
#include "tracking/run_queue.h"
#include <string.h>

#define TABLE_TAG "mlflow.loggedArtifacts"

/* ---- what a table is --------------------------------------------------------------------------------------------- */

static mlplat_status check_columns(const json_t *columns, const char *what, mlplat_error *err)
{
    size_t i;
    json_t *name;
    if (!json_is_array(columns))
        return mlp_fail(err, MLPLAT_INVALID, "%s is no table: it is {\"columns\": [...], \"data\": [[...]]}", what);
    json_array_foreach((json_t *)columns, i, name)
    {
        if (!json_is_string(name) && !json_is_integer(name))
            return mlp_fail(err, MLPLAT_INVALID, "%s: the name of column %zu is no text", what, i);
        for (size_t j = 0; j < i; j++)
            if (json_equal(name, json_array_get(columns, j)))
                return mlp_fail(err, MLPLAT_INVALID, "%s: columns %zu and %zu have one name", what, j, i);
    }
    return MLPLAT_OK;
}

static mlplat_status check_table(const json_t *table, const char *what, mlplat_error *err)
{
    const json_t *columns = json_object_get(table, "columns"), *data = json_object_get(table, "data");
    size_t i;
    json_t *row;
    mlplat_status s = check_columns(columns, what, err);
    if (s == MLPLAT_OK && !json_is_array(data))
        s = mlp_fail(err, MLPLAT_INVALID, "%s has no list of rows under \"data\"", what);
    json_array_foreach((json_t *)data, i, row) if (s == MLPLAT_OK && json_array_size(row) != json_array_size(columns))
        s = mlp_fail(err, MLPLAT_INVALID, "%s: row %zu has %zu values, and there are %zu columns", what, i,
                     json_array_size(row), json_array_size(columns));
    return s;
}

static mlplat_status read_table(const char *text, size_t n, const char *what, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_json_parse(text, n, out, err);
    return s == MLPLAT_OK ? check_table(*out, what, err) : mlp_fail_prefix(err, s, "%s", what);
}

/* ---- adding to one that is there --------------------------------------------------------------------------------- */

static size_t place_of(const json_t *columns, const json_t *name)
{
    size_t i = 0;
    while (i < json_array_size(columns) && !json_equal(json_array_get(columns, i), name))
        i++;
    return i;
}

/* New columns are appended, and the rows so far are filled up with null. */
static mlplat_status widen(json_t *table, const json_t *more, mlplat_error *err)
{
    json_t *columns = json_object_get(table, "columns"), *row, *name;
    size_t i;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)more, i, name) if (s == MLPLAT_OK && place_of(columns, name) ==
                                                                          json_array_size(columns)) s =
        mlp_json_push(columns, json_incref(name), err);
    json_array_foreach(json_object_get(table, "data"), i, row) while (s == MLPLAT_OK && json_array_size(row) <
                                                                                           json_array_size(columns))
        s = mlp_json_push(row, json_null(), err);
    return s;
}

static mlplat_status append_row(json_t *table, const json_t *columns, const json_t *row, mlplat_error *err)
{
    const json_t *all = json_object_get(table, "columns");
    json_t *wide = json_array();
    mlplat_status s = mlp_json_push(json_object_get(table, "data"), wide, err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(all); i++) {
        size_t at = place_of(columns, json_array_get(all, i));
        json_t *value = at < json_array_size(row) ? json_incref(json_array_get(row, at)) : json_null();
        s = mlp_json_push(wide, value, err);
    }
    return s;
}

static mlplat_status append_table(json_t *table, const json_t *more, mlplat_error *err)
{
    const json_t *columns = json_object_get(more, "columns");
    size_t i;
    json_t *row;
    mlplat_status s = widen(table, columns, err);
    json_array_foreach(json_object_get(more, "data"), i, row) if (s == MLPLAT_OK) s =
        append_row(table, columns, row, err);
    return s;
}

/* ---- the artifact ------------------------------------------------------------------------------------------------ */

static int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf *text = user;
    mlp_buf_add(text, data, n);
    return text->failed ? -1 : (int64_t)n;
}

/* *out: the table that is there; NULL: none is. */
static mlplat_status read_existing(mlplat_run *run, const char *artifact_file, json_t **out, mlplat_error *err)
{
    char *uri = NULL;
    mlp_buf text = {0};
    mlplat_error why = {0};
    mlplat_status s = mlp_run_artifact_uri(run, NULL, artifact_file, &uri, &why);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_read(run->tracking->ml, uri, collect, &text, &why);
    if (text.failed)
        s = mlp_fail_memory(&why);
    if (s == MLPLAT_OK)
        s = read_table(text.data ? text.data : "", text.size, uri, out, &why);
    mlp_buf_free(&text);
    mlp_free(uri);
    if (s == MLPLAT_NOT_FOUND)
        return MLPLAT_OK;
    if (s != MLPLAT_OK && err)
        *err = why;
    return s;
}

static mlplat_status write_table(mlplat_run *run, const json_t *table, const char *artifact_file, mlplat_error *err)
{
    mlp_buf text = {0};
    json_t *plain = json_pack("{s:O, s:O}", "columns", json_object_get(table, "columns"), "data",
                              json_object_get(table, "data"));
    mlplat_status s = plain ? mlp_json_text(plain, &text, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_run_artifact_put(run, text.data, text.size, artifact_file, err);
    mlp_buf_free(&text);
    json_decref(plain);
    return s;
}

static mlplat_status note_table(mlplat_run *run, const char *artifact_file, mlplat_error *err)
{
    json_t *entry = json_pack("{s:s, s:s}", "path", artifact_file, "type", "table");
    mlplat_status s = entry ? mlp_run_queue_note(run, TABLE_TAG, entry, true, err) : mlp_fail_memory(err);
    json_decref(entry);
    return s;
}

static mlplat_status check_name(const char *artifact_file, mlplat_error *err)
{
    if (artifact_file && mlp_text_ends(artifact_file, ".parquet"))
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "a table as .parquet is written by the Python package: use .json");
    if (!artifact_file || !mlp_text_ends(artifact_file, ".json"))
        return mlp_fail(err, MLPLAT_INVALID, "the name of a table's file ends in .json, and '%.200s' does not",
                        artifact_file ? artifact_file : "");
    return MLPLAT_OK;
}

mlplat_status mlplat_run_log_table(mlplat_run *run, const char *text, const char *artifact_file, mlplat_error *err)
{
    json_t *table = NULL, *whole = NULL;
    mlplat_status s = mlp_run_artifact_check(run, err);
    if (s == MLPLAT_OK)
        s = check_name(artifact_file, err);
    if (s == MLPLAT_OK && !text)
        s = mlp_fail(err, MLPLAT_INVALID, "the table to log is NULL");
    if (s == MLPLAT_OK)
        s = read_table(text, strlen(text), "the table", &table, err);
    if (s == MLPLAT_OK)
        s = read_existing(run, artifact_file, &whole, err);
    if (s == MLPLAT_OK && whole)
        s = append_table(whole, table, err);
    if (s == MLPLAT_OK)
        s = write_table(run, whole ? whole : table, artifact_file, err);
    if (s == MLPLAT_OK)
        s = note_table(run, artifact_file, err);
    json_decref(table);
    json_decref(whole);
    return s;
}

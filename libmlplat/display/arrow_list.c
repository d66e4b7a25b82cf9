/* The lists in documents, and points of metrics, as tables. */
#include "base/err.h"
#include "display/arrow_table.h"
#include "display/html.h"
#include "display/plot_metric.h"
#include "tracking/points.h"
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MOST = 16, PAIRS_MOST = 3, BATCH_ROWS = 1 << 20 };

/* One kind of list: where its rows' members are, and its lists of {"key", "value"}. */
typedef struct kind {
    const char *list;
    const char *within; /* members are in this object; NULL: in the item itself */
    struct {
        const char *name, *format;
    } members[MEMBERS_MOST];
    struct {
        const char *within, *list, *format;
    } pairs[PAIRS_MOST];
} kind;

static const kind kinds[] = {
    {"runs",
     "info",
     {{"run_id", MLP_ARROW_TEXT},
      {"run_name", MLP_ARROW_TEXT},
      {"experiment_id", MLP_ARROW_TEXT},
      {"user_id", MLP_ARROW_TEXT},
      {"status", MLP_ARROW_TEXT},
      {"start_time", MLP_ARROW_TIME},
      {"end_time", MLP_ARROW_TIME},
      {"artifact_uri", MLP_ARROW_TEXT},
      {"lifecycle_stage", MLP_ARROW_TEXT}},
     {{"data", "metrics", MLP_ARROW_DOUBLE}, {"data", "params", MLP_ARROW_TEXT}, {"data", "tags", MLP_ARROW_TEXT}}},
    {"experiments",
     NULL,
     {{"experiment_id", MLP_ARROW_TEXT},
      {"name", MLP_ARROW_TEXT},
      {"artifact_location", MLP_ARROW_TEXT},
      {"lifecycle_stage", MLP_ARROW_TEXT},
      {"creation_time", MLP_ARROW_TIME},
      {"last_update_time", MLP_ARROW_TIME}},
     {{NULL, "tags", MLP_ARROW_TEXT}}},
    {"registered_models",
     NULL,
     {{"name", MLP_ARROW_TEXT},
      {"description", MLP_ARROW_TEXT},
      {"creation_timestamp", MLP_ARROW_TIME},
      {"last_updated_timestamp", MLP_ARROW_TIME},
      {"aliases", MLP_ARROW_TEXTS}},
     {{NULL, "tags", MLP_ARROW_TEXT}}},
    {"model_versions",
     NULL,
     {{"name", MLP_ARROW_TEXT},
      {"version", MLP_ARROW_INT},
      {"aliases", MLP_ARROW_TEXTS},
      {"current_stage", MLP_ARROW_TEXT},
      {"status", MLP_ARROW_TEXT},
      {"source", MLP_ARROW_TEXT},
      {"run_id", MLP_ARROW_TEXT},
      {"description", MLP_ARROW_TEXT},
      {"creation_timestamp", MLP_ARROW_TIME},
      {"last_updated_timestamp", MLP_ARROW_TIME},
      {"user_id", MLP_ARROW_TEXT}},
     {{NULL, "tags", MLP_ARROW_TEXT}}},
    {"models",
     "info",
     {{"model_id", MLP_ARROW_TEXT},
      {"name", MLP_ARROW_TEXT},
      {"experiment_id", MLP_ARROW_TEXT},
      {"source_run_id", MLP_ARROW_TEXT},
      {"model_type", MLP_ARROW_TEXT},
      {"status", MLP_ARROW_TEXT},
      {"creation_timestamp_ms", MLP_ARROW_TIME},
      {"last_updated_timestamp_ms", MLP_ARROW_TIME},
      {"artifact_uri", MLP_ARROW_TEXT}},
     {{"data", "metrics", MLP_ARROW_DOUBLE}, {"data", "params", MLP_ARROW_TEXT}, {"info", "tags", MLP_ARROW_TEXT}}},
    {"metrics",
     NULL,
     {{"key", MLP_ARROW_TEXT}, {"value", MLP_ARROW_DOUBLE}, {"timestamp", MLP_ARROW_TIME}, {"step", MLP_ARROW_INT}},
     {{NULL, NULL, NULL}}},
};

static const json_t *within(const json_t *item, const char *name)
{
    return name ? json_object_get(item, name) : item;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* ["champion"], or [{"alias": "champion", "version": "1"}] */
static void put_texts(mlp_column *c, const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        const char *text = json_is_object(item) ? mlp_markup_string(item, "alias") : json_string_value(item);
        if (text)
            mlp_column_text(c->items, text, strlen(text));
    }
    mlp_column_end_list(c);
}

static void put_number(mlp_column *c, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    char *end = NULL;
    if (json_is_integer(value))
        mlp_column_int(c, json_integer_value(value));
    else if (text && *text && (strtoll(text, &end, 10), !*end))
        mlp_column_int(c, strtoll(text, NULL, 10)); /* versions are strings */
    else
        mlp_column_null(c);
}

static void put_value(mlp_column *c, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number;
    if (c->format[0] == '+' && json_is_array(value))
        put_texts(c, value);
    else if (c->format[0] == 'l' || c->format[0] == 't')
        put_number(c, object, key);
    else if (c->format[0] == 'g' && mlp_markup_double(object, key, &number))
        mlp_column_double(c, number);
    else if (c->format[0] == 'u' && json_is_string(value))
        mlp_column_text(c, json_string_value(value), json_string_length(value));
    else
        mlp_column_null(c);
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of all rows' pairs, as a table of places in the order of the keys. */
static mlplat_status pair_columns(mlp_table *table, const char *list, const char *format, json_t *keys,
                                  mlplat_error *err)
{
    const char *key;
    json_t *value;
    mlp_buf names = {0};
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s.", list);
    json_object_foreach(keys, key, value) mlp_buf_add(&names, &key, sizeof key);
    mlplat_status s = mlp_buf_ok(&names, err);
    if (s == MLPLAT_OK && names.size)
        qsort(names.data, names.size / sizeof key, sizeof key, by_name);
    for (size_t i = 0; s == MLPLAT_OK && i < names.size / sizeof key; i++) {
        size_t at = 0;
        memcpy(&key, names.data + i * sizeof key, sizeof key);
        s = mlp_table_column(table, prefix, key, format, &at, err);
        /* in the table of keys already, so that its keys stay where they are */
        if (s == MLPLAT_OK)
            json_integer_set(json_object_get(keys, key), (json_int_t)at);
    }
    mlp_buf_free(&names);
    return s;
}

static mlplat_status find_keys(const json_t *rows, const char *in, const char *list, json_t *keys, mlplat_error *err)
{
    size_t i, k;
    json_t *row, *pair;
    mlplat_status s = MLPLAT_OK;
    json_array_foreach((json_t *)rows, i, row)
    {
        json_array_foreach(json_object_get(within(row, in), list), k, pair)
        {
            const char *key = json_string_value(json_object_get(pair, "key"));
            if (s == MLPLAT_OK && key && !json_object_get(keys, key))
                s = mlp_json_set(keys, key, json_integer(0), err);
        }
    }
    return s;
}

static void put_pairs(mlp_table *table, const json_t *list, const json_t *keys, int64_t row)
{
    size_t i;
    json_t *pair;
    json_array_foreach((json_t *)list, i, pair)
    {
        const char *key = json_string_value(json_object_get(pair, "key"));
        const json_t *at = key ? json_object_get(keys, key) : NULL;
        mlp_column *c = at ? &table->columns[json_integer_value(at)] : NULL;
        if (c && c->n == row)
            put_value(c, pair, "value");
    }
}

static void put_row(mlp_table *table, const kind *k, const json_t *item, json_t *const *keys, int64_t row)
{
    for (size_t i = 0; i < MEMBERS_MOST && k->members[i].name; i++)
        put_value(&table->columns[i], within(item, k->within), k->members[i].name);
    for (size_t i = 0; i < PAIRS_MOST && k->pairs[i].list; i++)
        put_pairs(table, json_object_get(within(item, k->pairs[i].within), k->pairs[i].list), keys[i], row);
    for (size_t i = 0; i < table->n; i++)
        if (table->columns[i].n == row)
            mlp_column_null(&table->columns[i]);
}

static mlplat_status fill(mlp_table *table, const kind *k, const json_t *rows, json_t *const *keys,
                          struct ArrowArrayStream *out, mlplat_error *err)
{
    size_t i;
    json_t *item;
    mlplat_status s = MLPLAT_OK;
    for (i = 0; s == MLPLAT_OK && i < MEMBERS_MOST && k->members[i].name; i++)
        s = mlp_table_column(table, "", k->members[i].name, k->members[i].format, NULL, err);
    for (i = 0; s == MLPLAT_OK && i < PAIRS_MOST && k->pairs[i].list; i++) {
        s = find_keys(rows, k->pairs[i].within, k->pairs[i].list, keys[i], err);
        if (s == MLPLAT_OK)
            s = pair_columns(table, k->pairs[i].list, k->pairs[i].format, keys[i], err);
    }
    if (s == MLPLAT_OK)
        s = mlp_arrow_stream(table, out, err);
    if (s != MLPLAT_OK)
        return s;
    json_array_foreach((json_t *)rows, i, item) put_row(table, k, item, keys, (int64_t)i);
    s = mlp_arrow_batch(table, (int64_t)json_array_size(rows), out, err);
    if (s != MLPLAT_OK)
        out->release(out);
    return s;
}

mlplat_status mlplat_list_arrow(const mlplat_doc *list, struct ArrowArrayStream *out, mlplat_error *err)
{
    const json_t *json = list ? mlp_doc_json(list) : NULL;
    json_t *keys[PAIRS_MOST] = {json_object(), json_object(), json_object()};
    mlp_table table = {0};
    const kind *k = NULL;
    *out = (struct ArrowArrayStream){0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !k; i++)
        k = json_is_array(json_object_get(json, kinds[i].list)) ? &kinds[i] : NULL;
    mlplat_status s = k ? MLPLAT_OK
                        : mlp_fail(err, MLPLAT_INVALID,
                                   "no list in the document: \"runs\", \"experiments\", \"registered_models\", "
                                   "\"model_versions\", \"models\" or \"metrics\" is expected");
    if (s == MLPLAT_OK)
        s = fill(&table, k, json_object_get(json, k->list), keys, out, err);
    for (size_t i = 0; i < PAIRS_MOST; i++)
        json_decref(keys[i]);
    mlp_table_free(&table);
    return s;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static mlplat_status put_points(mlp_table *table, const char *run, const char *key, const mlp_metric_points *p,
                                struct ArrowArrayStream *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t at = 0, n; s == MLPLAT_OK && at < p->n; at += n) {
        n = p->n - at < BATCH_ROWS ? p->n - at : BATCH_ROWS;
        mlp_column_same_text(&table->columns[0], run, n);
        mlp_column_same_text(&table->columns[1], key, n);
        mlp_column_many(&table->columns[2], p->steps + at, n);
        mlp_column_many(&table->columns[3], p->times + at, n);
        mlp_column_many(&table->columns[4], p->values + at, n);
        s = mlp_arrow_batch(table, (int64_t)n, out, err);
    }
    return s;
}

static mlplat_status read_points(mlplat *ml, const mlp_names *runs, const mlp_names *keys, const mlp_hook *hook,
                                 mlp_table *table, struct ArrowArrayStream *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < runs->n * keys->n; i++) {
        const char *run = runs->names[i / keys->n], *key = keys->names[i % keys->n];
        mlp_metric_points points;
        s = mlp_points_read(ml, run, key, MLP_POINTS_ALL, hook, &points, err);
        if (s == MLPLAT_OK)
            s = put_points(table, run, key, &points, out, err);
        mlp_points_free(&points);
    }
    return s;
}

mlplat_status mlplat_metric_arrow(mlplat *ml, const char *run_ids, const char *keys, mlplat_progress progress,
                                  void *user, struct ArrowArrayStream *out, mlplat_error *err)
{
    static const char *const names[] = {"run_id", "key", "step", "timestamp", "value"};
    static const char *const formats[] = {MLP_ARROW_TEXT, MLP_ARROW_TEXT, MLP_ARROW_INT, MLP_ARROW_TIME,
                                          MLP_ARROW_DOUBLE};
    mlp_hook hook = {progress, user};
    mlp_names runs = {0}, metrics = {0};
    mlp_table table = {0};
    *out = (struct ArrowArrayStream){0};
    mlplat_status s = mlp_names_split(run_ids, "runs", &runs, err);
    if (s == MLPLAT_OK)
        s = mlp_names_split(keys, "metrics", &metrics, err);
    for (size_t i = 0; s == MLPLAT_OK && i < 5; i++)
        s = mlp_table_column(&table, "", names[i], formats[i], NULL, err);
    if (s == MLPLAT_OK)
        s = mlp_arrow_stream(&table, out, err);
    if (s == MLPLAT_OK) {
        s = read_points(ml, &runs, &metrics, &hook, &table, out, err);
        if (s != MLPLAT_OK)
            out->release(out);
    }
    mlp_table_free(&table);
    mlp_names_free(&runs);
    mlp_names_free(&metrics);
    return s;
}

/* The first reading of an archive: what is in it, and what becomes of each part. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "store/import.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The group in hand. */
typedef struct group {
    json_t *head;
    int table;
    mlp_sha256 sha;
} group;

typedef struct checking {
    mlp_importing *im;
    mlp_archive_lines lines;
    group now;
    json_t *experiments; /* a set of names: those that are in the archive */
    uint64_t counts[MLP_STORE_TABLES + 1];
} checking;

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

/* Ids become names of folders. */
static bool is_id(const char *id)
{
    size_t n = strlen(id);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)id[i]) && !(i && strchr("-_", id[i])))
            return false;
    return n >= 1 && n <= 255;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static mlplat_status add_fate(mlp_importing *im, int table, mlp_import_fate fate, mlplat_error *err)
{
    if (im->n_groups == im->cap) {
        size_t cap = im->cap ? im->cap * 2 : 256;
        unsigned char *grown = mlp_realloc(im->fates, cap);
        if (!grown)
            return mlp_fail_memory(err);
        im->fates = grown;
        im->cap = cap;
    }
    im->fates[im->n_groups++] = (unsigned char)fate;
    im->counts[table][fate]++;
    return MLPLAT_OK;
}

static mlplat_status end_group(checking *c, mlplat_error *err)
{
    char sha256[65];
    mlp_import_fate fate = MLP_FATE_NEW;
    if (!c->now.head)
        return MLPLAT_OK;
    mlp_sha256_end(&c->now.sha, sha256);
    mlplat_status s = mlp_import_compare(c->im, c->now.table, c->now.head, sha256, &fate, err);
    if (s == MLPLAT_OK)
        s = add_fate(c->im, c->now.table, fate, err);
    json_decref(c->now.head);
    c->now.head = NULL;
    return s;
}

/* Heads stand in the order in which they are exported, so that none comes twice, and what others need comes first. */
static bool comes_next(const json_t *last, int last_table, const json_t *row, int table)
{
    static const struct {
        int rank; /* of the table */
        const char *major, *minor;
    } of[MLP_STORE_TABLES] = {
        [MLP_EXPERIMENTS] = {0, "", "name"},        [MLP_RUNS] = {1, "experiment", "run_uuid"},
        [MLP_LOGGED_MODELS] = {2, "", "model_id"},  [MLP_REGISTERED_MODELS] = {3, "", "name"},
        [MLP_MODEL_VERSIONS] = {3, "", "name"},
    };
    if (!last || of[table].rank != of[last_table].rank)
        return table != MLP_MODEL_VERSIONS && (!last || of[table].rank > of[last_table].rank);
    int major = strcmp(text_of(row, of[table].major), text_of(last, of[table].major));
    int minor = strcmp(text_of(row, of[table].minor), text_of(last, of[table].minor));
    if (table == MLP_MODEL_VERSIONS)
        return minor == 0 && (last_table != table || json_integer_value(json_object_get(row, "version")) >
                                                         json_integer_value(json_object_get(last, "version")));
    return major > 0 || (major == 0 && minor > 0);
}

static mlplat_status check_order(checking *c, const json_t *row, mlplat_error *err)
{
    int table = c->lines.table;
    if (!comes_next(c->now.head, c->now.table, row, table))
        return mlp_archive_lines_fail(&c->lines, "does not stand in its place, or is there twice", err);
    if (table == MLP_EXPERIMENTS)
        return mlp_json_set(c->experiments, text_of(row, "name"), json_true(), err);
    if ((table == MLP_RUNS || table == MLP_LOGGED_MODELS) &&
        !json_object_get(c->experiments, text_of(row, "experiment")))
        return mlp_archive_lines_fail(&c->lines, "is of an experiment that the archive does not have", err);
    return MLPLAT_OK;
}

static mlplat_status begin_group(checking *c, json_t *row, mlplat_error *err)
{
    static const struct {
        int table;
        const char *id;
        bool path;
    } heads[] = {
        {MLP_EXPERIMENTS, "name", false},      {MLP_RUNS, "run_uuid", true},
        {MLP_LOGGED_MODELS, "model_id", true}, {MLP_REGISTERED_MODELS, "name", false},
        {MLP_MODEL_VERSIONS, "name", false},
    };
    mlplat_status s = check_order(c, row, err);
    if (s == MLPLAT_OK)
        s = end_group(c, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof heads / sizeof heads[0]; i++)
        if (heads[i].table == c->lines.table &&
            (heads[i].path ? !is_id(text_of(row, heads[i].id)) : !*text_of(row, heads[i].id)))
            s = mlp_archive_lines_fail(&c->lines, "has no name or id that can be used", err);
    if (s == MLPLAT_OK && c->lines.table == MLP_MODEL_VERSIONS && !json_is_integer(json_object_get(row, "version")))
        s = mlp_archive_lines_fail(&c->lines, "has no version", err);
    json_decref(c->now.head);
    c->now.head = json_incref(row);
    c->now.table = c->lines.table;
    mlp_sha256_begin(&c->now.sha);
    return s;
}

/* A row stands with the head that it belongs to. */
static bool belongs(const checking *c, const json_t *row)
{
    static const struct {
        int table, head;
        const char *key, *id;
    } owners[] = {
        {MLP_EXPERIMENT_TAGS, MLP_EXPERIMENTS, "experiment", "name"},
        {MLP_DATASETS, MLP_EXPERIMENTS, "experiment", "name"},
        {MLP_PARAMS, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_TAGS, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_METRICS, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_LATEST_METRICS, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_INPUTS, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_LOGGED_MODEL_PARAMS, MLP_LOGGED_MODELS, "model_id", "model_id"},
        {MLP_LOGGED_MODEL_TAGS, MLP_LOGGED_MODELS, "model_id", "model_id"},
        {MLP_LOGGED_MODEL_METRICS, MLP_LOGGED_MODELS, "model_id", "model_id"},
        {MLP_REGISTERED_MODEL_TAGS, MLP_REGISTERED_MODELS, "name", "name"},
        {MLP_MODEL_VERSION_TAGS, MLP_MODEL_VERSIONS, "name", "name"},
        {MLP_REGISTERED_MODEL_ALIASES, MLP_REGISTERED_MODELS, "name", "name"},
        {MLP_REGISTERED_MODEL_ALIASES, MLP_MODEL_VERSIONS, "name", "name"},
        {MLP_ARTIFACT_LINE, MLP_RUNS, "run_uuid", "run_uuid"},
        {MLP_ARTIFACT_LINE, MLP_LOGGED_MODELS, "model_id", "model_id"},
    };
    for (size_t i = 0; c->now.head && i < sizeof owners / sizeof owners[0]; i++)
        if (owners[i].table == c->lines.table && owners[i].head == c->now.table)
            return *text_of(row, owners[i].key) &&
                   strcmp(text_of(row, owners[i].key), text_of(c->now.head, owners[i].id)) == 0;
    return false;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static mlplat_status check_artifact(checking *c, const json_t *row, mlplat_error *err)
{
    mlplat_error why = {0};
    char name[MLP_ARCHIVE_NAME];
    const char *path = text_of(row, "path");
    mlplat_status s = mlp_file_check_relative(path, "artifact path", &why);
    if (s == MLPLAT_NO_MEMORY)
        return mlp_fail_memory(err);
    if (s != MLPLAT_OK)
        return mlp_archive_lines_fail(&c->lines, why.message, err);
    if (!c->im->manifest.artifacts)
        return mlp_archive_lines_fail(&c->lines, "is an artifact, and the manifest says there are none", err);
    if (json_is_true(json_object_get(row, "folder")))
        return MLPLAT_OK;
    snprintf(name, sizeof name, "files/%.64s.zst", text_of(row, "sha256"));
    const mlp_manifest_file *file = mlp_manifest_find(&c->im->manifest, name);
    if (!file || (json_int_t)file->info.raw_size != json_integer_value(json_object_get(row, "size")))
        return mlp_archive_lines_fail(&c->lines, "is an artifact whose file is not there or has another size", err);
    return MLPLAT_OK;
}

/* Keys that stand for a column of another name. */
static const char *column_of(int table, const char *key)
{
    if (strcmp(key, "experiment") == 0)
        return "experiment_id";
    if (table == MLP_LOGGED_MODEL_METRICS && strcmp(key, "of_dataset") == 0)
        return "dataset_uuid";
    if (table == MLP_MODEL_VERSIONS && strcmp(key, "source_in") == 0)
        return "source";
    if (table == MLP_MODEL_VERSIONS && strcmp(key, "storage_location_in") == 0)
        return "storage_location";
    return key;
}

/* Numbers, and with artifacts places, are the target's: an archive does not choose where its files go. */
static bool is_ours(const checking *c, const char *key)
{
    const mlp_store_spec *spec = &mlp_store_specs[c->lines.table];
    return mlp_store_word(spec->hidden, key) || (c->im->manifest.artifacts && mlp_store_word(spec->located, key));
}

/* A newer MLflow may have columns that the target lacks: nothing of the archive is dropped silently. */
static mlplat_status check_columns(checking *c, const json_t *row, mlplat_error *err)
{
    const mlp_store_table *table = &c->im->rows.tables[c->lines.table];
    const char *key, *name = mlp_store_specs[c->lines.table].name;
    json_t *value;
    if (!table->n)
        return mlp_fail(err, MLPLAT_UNSUPPORTED, "the store (head %s) has no table %s, and the archive has rows of it: "
                                                 "upgrade the store, then import",
                        c->im->view.schema.head, name);
    if (c->lines.table == MLP_METRICS || c->lines.table == MLP_INPUTS)
        return c->lines.table == MLP_INPUTS && json_object_get(row, "step") && !mlp_store_has_column(table, "step")
                   ? mlp_fail(err, MLPLAT_UNSUPPORTED, "the store (head %s) cannot hold the steps of model outputs: "
                                                       "upgrade the store, then import",
                              c->im->view.schema.head)
                   : MLPLAT_OK;
    json_object_foreach((json_t *)row, key, value)
    {
        if (is_ours(c, key))
            return mlp_archive_lines_fail(&c->lines, "tells what each store decides for itself", err);
        if (strcmp(key, "table") != 0 && !mlp_store_has_column(table, column_of(c->lines.table, key)))
            return mlp_fail(err, MLPLAT_UNSUPPORTED,
                            "the store (head %s) has no column %s.%s, and the archive has values for it: upgrade the "
                            "store, then import",
                            c->im->view.schema.head, name, key);
    }
    return MLPLAT_OK;
}

static bool is_point(const json_t *point)
{
    const json_t *value = json_array_get(point, 2);
    return json_is_integer(json_array_get(point, 0)) && json_is_integer(json_array_get(point, 1)) &&
           (json_is_number(value) || (json_is_string(value) && strcmp(json_string_value(value), "NaN") == 0));
}

static mlplat_status check_points(checking *c, const json_t *row, mlplat_error *err)
{
    size_t i;
    json_t *point;
    const json_t *points = json_object_get(row, "points");
    if (!*text_of(row, "key") || !json_array_size(points))
        return mlp_archive_lines_fail(&c->lines, "has no key or no points", err);
    json_array_foreach((json_t *)points, i, point) if (!is_point(point)) return mlp_archive_lines_fail(
        &c->lines, "has a point that is not [timestamp, step, value]", err);
    c->counts[MLP_METRICS] += json_array_size(points);
    return MLPLAT_OK;
}

/* So many bytes tell of equality: what only names a row inside one store comes last, and does not. */
static size_t compared(const checking *c, const char *text, size_t n)
{
    const char *tail = c->lines.table == MLP_INPUTS ? ",\"input_uuid\":" : NULL, *found = NULL;
    for (const char *at = text; tail && (at = strstr(at, tail)); at++)
        found = at;
    return found ? (size_t)(found - text) : n - 1; /* without the brace */
}

static mlplat_status check_line(checking *c, json_t *row, const char *text, size_t n, mlplat_error *err)
{
    int table = c->lines.table;
    mlplat_status s = MLPLAT_OK;
    if (c->lines.head)
        s = begin_group(c, row, err);
    else if (!belongs(c, row))
        return mlp_archive_lines_fail(&c->lines, "does not stand with what it belongs to", err);
    if (s == MLPLAT_OK)
        s = table == MLP_ARTIFACT_LINE ? check_artifact(c, row, err) : check_columns(c, row, err);
    if (s == MLPLAT_OK && table == MLP_METRICS)
        s = check_points(c, row, err);
    else if (s == MLPLAT_OK)
        c->counts[table]++;
    if (s == MLPLAT_OK && (table == MLP_EXPERIMENT_TAGS || table == MLP_REGISTERED_MODEL_TAGS ||
                           table == MLP_REGISTERED_MODEL_ALIASES))
        s = mlp_import_compare_row(c->im, table, row, err);
    else
        mlp_sha256_add(&c->now.sha, text, compared(c, text, n));
    return s;
}

static mlplat_status check_counts(checking *c, mlplat_error *err)
{
    for (int i = 0; i <= MLP_STORE_TABLES; i++)
        if (i != MLP_INPUT_TAGS && c->counts[i] != c->im->manifest.counts[i])
            return mlp_fail(err, MLPLAT_CORRUPT,
                            "the archive is damaged: '%s' has %llu of %s, and the manifest says %llu", MLP_ARCHIVE_DATA,
                            (unsigned long long)c->counts[i],
                            i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts,
                            (unsigned long long)c->im->manifest.counts[i]);
    return MLPLAT_OK;
}

static mlplat_status check_lines(void *ctx, mlplat_error *err)
{
    checking *c = ctx;
    const char *text = "";
    size_t n = 0;
    mlplat_status s = mlp_rows_begin(&c->im->rows, err);
    while (s == MLPLAT_OK && (s = mlp_archive_lines_next(&c->lines, &text, &n, err)) == MLPLAT_OK && text) {
        json_t *row = NULL;
        s = mlp_archive_lines_json(&c->lines, &row, err);
        if (s == MLPLAT_OK)
            s = check_line(c, row, text, n, err);
        json_decref(row);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&c->im->pace, n + 1, err);
    }
    if (s == MLPLAT_OK)
        s = end_group(c, err);
    return s == MLPLAT_OK ? check_counts(c, err) : s;
}

mlplat_status mlp_import_check(mlp_importing *im, mlplat_error *err)
{
    checking c = {.im = im, .experiments = json_object()};
    mlplat_status s = c.experiments ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_archive_lines_open(im->root_fd, &im->manifest, &c.lines, err);
    if (s == MLPLAT_OK)
        s = mlp_store_view_read(&im->view, check_lines, &c, err);
    json_decref(c.now.head);
    json_decref(c.experiments);
    mlp_archive_lines_close(&c.lines);
    if (s == MLPLAT_OK)
        s = mlp_import_check_files(im, err);
    if (s == MLPLAT_OK && im->refusal.status) {
        s = im->refusal.status;
        if (err)
            *err = im->refusal;
    }
    return s;
}

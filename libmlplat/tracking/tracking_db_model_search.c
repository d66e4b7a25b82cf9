/* Searches over logged models: with an order and a restriction to datasets of their own, and a page token that knows
 * its search, all as in MLflow. */
#include "base/alloc.h"
#include "base/err.h"
#include "db/page.h"
#include "db/search_page.h"
#include "tracking/tracking_db.h"
#include "tracking/tracking_search.h"
#include <string.h>

enum { USUAL = 100 };

typedef struct model_search {
    const mlp_tracking_db_store *store;
    const mlplat_logged_model_query *query;
    json_t *ids;      /* of experiments, as numbers */
    json_t *order;    /* the order_by as JSON; lends names to the search; NULL: none */
    json_t *datasets; /* values of among */
    mlp_buf among, also;
    json_t *also_values;
    mlp_search search;
    mlp_search_sql sql;
    mlp_search_page page;
    json_t *out;
} model_search;

/* ---- datasets ---------------------------------------------------------------------------------------------------- */

static mlplat_status put_dataset(model_search *ms, const json_t *dataset, mlplat_error *err)
{
    const char *name = json_string_value(json_object_get(dataset, "dataset_name"));
    const json_t *digest = json_object_get(dataset, "dataset_digest");
    if (!name || !*name)
        return mlp_fail(err, MLPLAT_INVALID, "datasets: each needs a \"dataset_name\"");
    if (digest && !json_is_string(digest) && !json_is_null(digest))
        return mlp_fail(err, MLPLAT_INVALID, "datasets: the \"dataset_digest\" of '%.100s' is no text", name);
    mlp_buf_printf(&ms->among, "%s(x.dataset_name = ?%s)", ms->among.size ? " OR " : "",
                   json_is_string(digest) ? " AND x.dataset_digest = ?" : "");
    mlplat_status s = mlp_json_push(ms->datasets, json_string(name), err);
    if (s == MLPLAT_OK && json_is_string(digest))
        s = mlp_json_push(ms->datasets, json_deep_copy(digest), err);
    return s;
}

static mlplat_status parse_datasets(model_search *ms, mlplat_error *err)
{
    size_t i;
    json_t *item, *list = NULL;
    const char *text = ms->query->datasets;
    if (!text)
        return MLPLAT_OK;
    mlplat_status s = mlp_json_parse(text, strlen(text), &list, err);
    if (s == MLPLAT_OK && !json_is_array(list))
        s = mlp_fail(err, MLPLAT_INVALID, "datasets: expected a JSON list of {\"dataset_name\": ...}");
    if (s == MLPLAT_OK && !(ms->datasets = json_array()))
        s = mlp_fail_memory(err);
    json_array_foreach(list, i, item) if (s == MLPLAT_OK) s = put_dataset(ms, item, err);
    json_decref(list);
    return s == MLPLAT_OK ? mlp_buf_ok(&ms->among, err) : s;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static mlplat_status fail_field(const char *name, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_INVALID, "order_by, field_name '%.100s': %s", name, mlp_tracking_search_models.names);
}

/* "metrics.auc" or an attribute, taken as it is: quotes are part of a key here. */
static mlplat_status find_field(const char *name, mlp_search_term *t, mlplat_error *err)
{
    const char *dot = strchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : 0;
    for (const mlp_search_prefix *p = mlp_tracking_search_models.orders; p->name && !t->entity; p++)
        if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
            t->entity = p->entity;
    if (!t->entity)
        return fail_field(name, err);
    for (const mlp_search_attribute *a = t->entity->of; a && a->name && !t->attribute; a++)
        if (strcmp(a->name, name) == 0)
            t->attribute = a;
    if (t->entity->of && !t->attribute)
        return fail_field(name, err);
    t->key = mlp_strdup(dot ? dot + 1 : name);
    return t->key ? MLPLAT_OK : mlp_fail_memory(err);
}

static mlplat_status add_field(model_search *ms, const json_t *field, mlplat_error *err)
{
    const char *name = json_string_value(json_object_get(field, "field_name"));
    const json_t *up = json_object_get(field, "ascending");
    const char *dataset = json_string_value(json_object_get(field, "dataset_name"));
    const char *digest = json_string_value(json_object_get(field, "dataset_digest"));
    mlp_search_term t = {.down = json_is_false(up),
                         .dataset = dataset && *dataset ? dataset : NULL,
                         .dataset_digest = digest && *digest ? digest : NULL};
    if (!name || (up && !json_is_boolean(up)))
        return mlp_fail(err, MLPLAT_INVALID,
                        "order_by: expected a JSON list of {\"field_name\": \"metrics.auc\", \"ascending\": true}");
    mlplat_status s = find_field(name, &t, err);
    if (s == MLPLAT_OK)
        return mlp_search_add_order(&ms->search, &t, err);
    mlp_free(t.key);
    return s;
}

/* What MLflow would be given for the keys of a text. */
static mlplat_status order_of_text(model_search *ms, mlplat_error *err)
{
    mlplat_status s = (ms->order = json_array()) ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < ms->search.n_orders; i++) {
        const mlp_search_term *t = &ms->search.orders[i];
        json_t *field = json_object();
        s = mlp_json_push(ms->order, field, err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(field, "field_name",
                             t->attribute ? json_string(t->attribute->name) : json_sprintf("metrics.%s", t->key), err);
        if (s == MLPLAT_OK)
            s = mlp_json_set(field, "ascending", json_boolean(!t->down), err);
    }
    return s;
}

static mlplat_status parse_search(model_search *ms, mlplat_error *err)
{
    size_t i;
    json_t *field;
    const char *order = ms->query->order_by;
    bool listed = order && order[strspn(order, " \t\r\n")] == '[';
    mlplat_status s =
        mlp_search_parse(&mlp_tracking_search_models, ms->query->filter, listed ? NULL : order, &ms->search, err);
    if (s == MLPLAT_OK && listed)
        s = mlp_json_parse(order, strlen(order), &ms->order, err);
    else if (s == MLPLAT_OK && ms->search.n_orders)
        return order_of_text(ms, err);
    json_array_foreach(ms->order, i, field) if (s == MLPLAT_OK) s = add_field(ms, field, err);
    return s;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* Ids of experiments as MLflow has them in its tokens, texts. */
static json_t *id_texts(const json_t *ids)
{
    size_t i;
    json_t *id, *texts = json_array();
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        if (texts && json_array_append_new(texts, json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(id))) != 0) {
            json_decref(texts);
            texts = NULL;
        }
    }
    return texts;
}

static json_t *or_null(json_t *value)
{
    return value ? json_incref(value) : json_null();
}

/* What makes this search, with the place of a page. */
static mlplat_status token_document(const model_search *ms, int64_t offset, json_t **out, mlplat_error *err)
{
    const char *filter = ms->query->filter;
    *out = json_object();
    mlplat_status s = *out ? mlp_json_set(*out, "experiment_ids", id_texts(ms->ids), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(*out, "filter_string", filter && *filter ? json_string(filter) : json_null(), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(*out, "order_by", or_null(ms->order), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(*out, "offset", json_integer(offset), err);
    return s;
}

static mlplat_status read_token(model_search *ms, mlplat_error *err)
{
    static const char *const parts[] = {"experiment_ids", "filter_string", "order_by"};
    json_t *token = NULL, *mine = NULL;
    if (!ms->query->page_token || !*ms->query->page_token)
        return MLPLAT_OK;
    mlplat_status s = mlp_page_decode(ms->query->page_token, &token, err);
    if (s == MLPLAT_OK)
        s = token_document(ms, 0, &mine, err);
    for (int i = 0; s == MLPLAT_OK && i < 3; i++)
        if (!json_equal(json_object_get(token, parts[i]), json_object_get(mine, parts[i])))
            s = mlp_fail(err, MLPLAT_INVALID, "the page token is of a search with another %s: begin it anew", parts[i]);
    ms->page.offset = json_integer_value(json_object_get(token, "offset"));
    if (s == MLPLAT_OK && ms->page.offset < 0)
        s = mlp_page_fail(ms->query->page_token, err);
    json_decref(token);
    json_decref(mine);
    return s;
}

static mlplat_status put_token(model_search *ms, mlplat_error *err)
{
    json_t *document = NULL;
    mlp_buf token = {0};
    mlplat_status s = token_document(ms, ms->page.offset + ms->page.limit, &document, err);
    if (s == MLPLAT_OK)
        s = mlp_page_encode(document, &token, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(ms->out, "next_page_token", json_string(token.data), err);
    json_decref(document);
    mlp_buf_free(&token);
    return s;
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static bool compares_metrics(const mlp_search *search)
{
    for (size_t i = 0; i < search->n_terms; i++)
        if (search->terms[i].entity->among)
            return true;
    return false;
}

/* Which models are looked at, besides the filter. */
static mlplat_status put_also(model_search *ms, mlplat_error *err)
{
    bool any = ms->among.size && !compares_metrics(&ms->search);
    mlp_buf_puts(&ms->also, " AND m.lifecycle_stage != 'deleted'");
    if (any)
        mlp_buf_printf(&ms->also,
                       " AND EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model_id = m.model_id AND (%s))",
                       ms->among.data);
    mlp_tracking_db_put_ids(ms->ids, "m.experiment_id", &ms->also);
    ms->also_values = json_array();
    if (!ms->also_values || (any && json_array_extend(ms->also_values, ms->datasets) != 0) ||
        (ms->ids && json_array_extend(ms->also_values, ms->ids) != 0))
        return mlp_fail_memory(err);
    return mlp_buf_ok(&ms->also, err);
}

static mlplat_status model_doc(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    (void)user;
    return mlp_tracking_db_model_doc(db, stmt, out, err);
}

static mlplat_status search_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    model_search *ms = ctx;
    bool more = false;
    json_t *list = json_array();
    json_decref(ms->out);
    ms->out = json_object();
    mlplat_status s = mlp_json_set(ms->out, "models", list, err);
    if (s == MLPLAT_OK)
        s = mlp_search_page_read(db, &ms->page, list, &more, err);
    return s == MLPLAT_OK && more ? put_token(ms, err) : s;
}

static mlplat_status prepare(model_search *ms, mlplat_error *err)
{
    const mlplat_logged_model_query *q = ms->query;
    ms->page = (mlp_search_page){.select = "SELECT " MLP_TRACKING_DB_MODEL_COLUMNS " FROM logged_models m",
                                 .sql = &ms->sql,
                                 .limit = q->max_results ? q->max_results : USUAL,
                                 .doc = model_doc};
    if (q->max_results < 0)
        return mlp_fail(err, MLPLAT_INVALID, "max_results is %d: 1 or more, or 0 for %d", q->max_results, USUAL);
    mlplat_status s = mlp_tracking_db_models_there(ms->store, err);
    if (s == MLPLAT_OK && q->experiment_ids && *q->experiment_ids)
        s = mlp_tracking_db_parse_ids(q->experiment_ids, &ms->ids, err);
    if (s == MLPLAT_OK)
        s = parse_datasets(ms, err);
    if (s == MLPLAT_OK)
        s = parse_search(ms, err);
    if (s == MLPLAT_OK)
        s = read_token(ms, err);
    ms->search.among = ms->among.size ? ms->among.data : NULL;
    ms->search.among_values = ms->datasets;
    if (s == MLPLAT_OK)
        s = mlp_search_sql_make(&ms->search, &ms->sql, err);
    return s == MLPLAT_OK ? put_also(ms, err) : s;
}

mlplat_status mlp_tracking_db_model_search(void *store, const mlplat_logged_model_query *query, json_t **out,
                                           mlplat_error *err)
{
    model_search ms = {.store = store, .query = query};
    mlplat_status s = prepare(&ms, err);
    ms.page.also = ms.also.data;
    ms.page.also_values = ms.also_values;
    if (s == MLPLAT_OK)
        s = mlp_db_read(ms.store->db, search_fn, &ms, &ms.store->ml->hook, err);
    if (s == MLPLAT_OK)
        *out = ms.out;
    else
        json_decref(ms.out);
    mlp_search_sql_free(&ms.sql);
    mlp_search_free(&ms.search);
    mlp_buf_free(&ms.among);
    mlp_buf_free(&ms.also);
    json_decref(ms.ids);
    json_decref(ms.order);
    json_decref(ms.datasets);
    json_decref(ms.also_values);
    return s;
}

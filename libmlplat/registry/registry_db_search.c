/* Searches over registered models and their versions. Prompts are kept as registered models with a tag; they are found
 * only by a filter that asks for the tag, as in MLflow. */
#include "base/err.h"
#include "db/page.h"
#include "db/search_page.h"
#include "registry/registry_db.h"
#include "registry/registry_search.h"
#include <string.h>
#include <strings.h>

#define PROMPT "mlflow.prompt.is_prompt"

typedef struct search_call {
    mlp_registry_db_store *store;
    const char *list, *model;
    mlp_search search;
    mlp_search_sql sql;
    mlp_search_page page;
    json_t *out;
} search_call;

/* ---- prompts ----------------------------------------------------------------------------------------------------- */

static bool is_about_prompts(const mlp_search_term *t)
{
    return !t->attribute && strcmp(t->key, PROMPT) == 0;
}

/* The first comparison of the tag decides. */
static bool wants_prompts(const mlp_search *search)
{
    for (size_t i = 0; i < search->n_terms; i++) {
        const mlp_search_term *t = &search->terms[i];
        const char *value = json_string_value(t->value);
        if (is_about_prompts(t))
            return (strcmp(t->how->words[0], "=") == 0 && strcasecmp(value, "true") == 0) ||
                   (strcmp(t->how->words[0], "!=") == 0 && strcasecmp(value, "false") == 0);
    }
    return false;
}

/* Without prompts the tag is not compared at all: models do not have it. */
static const char *leave_prompts_out(mlp_search *search, const char *no_prompt)
{
    if (wants_prompts(search))
        return "";
    for (size_t i = search->n_terms; i-- > 0;)
        if (is_about_prompts(&search->terms[i]))
            mlp_search_drop(search, i);
    return no_prompt;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static mlplat_status call_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    search_call *call = ctx;
    bool more = false;
    json_t *list = json_array();
    json_decref(call->out);
    call->out = json_object();
    mlplat_status s = mlp_json_set(call->out, call->list, list, err);
    if (s == MLPLAT_OK && call->model)
        s = mlp_registry_db_need_model(call->store, call->model, err);
    if (s == MLPLAT_OK)
        s = mlp_search_page_read(db, &call->page, list, &more, err);
    return s == MLPLAT_OK && more ? mlp_page_put(call->out, call->page.offset + call->page.limit, err) : s;
}

static mlplat_status run_call(search_call *call, json_t **out, mlplat_error *err)
{
    call->page.sql = &call->sql;
    call->page.user = call->store;
    mlplat_status s = mlp_search_sql_make(&call->search, &call->sql, err);
    if (s == MLPLAT_OK)
        s = mlp_db_read(call->store->db, call_fn, call, &call->store->ml->hook, err);
    if (s == MLPLAT_OK)
        *out = call->out;
    else
        json_decref(call->out);
    mlp_search_sql_free(&call->sql);
    return s;
}

/* ---- registered models ------------------------------------------------------------------------------------------- */

static mlplat_status model_doc(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    (void)db;
    return mlp_registry_db_model_doc(user, mlp_stmt_col_text(stmt, 0), out, err);
}

#define NO_PROMPT(table, owner)                                                                                        \
    " AND NOT EXISTS (SELECT 1 FROM " table " t WHERE t.name = " owner ".name AND t.key = '" PROMPT                    \
    "' AND t.value = 'true'"
#define HERE(owner) " AND " owner ".workspace = 'default'"

mlplat_status mlp_registry_db_model_search(void *object, const mlp_registry_query *query, json_t **out,
                                           mlplat_error *err)
{
    mlp_registry_db_store *store = object;
    bool workspaces = store->schema.registry_workspace;
    search_call call = {.store = store,
                        .list = "registered_models",
                        .page = {.select = "SELECT m.name FROM registered_models m",
                                 .limit = query->limit,
                                 .doc = model_doc}};
    mlplat_status s =
        mlp_search_parse(mlp_registry_search_models(workspaces), query->filter, query->order_by, &call.search, err);
    if (s == MLPLAT_OK)
        s = mlp_page_parse(query->page_token, &call.page.offset, err);
    if (s == MLPLAT_OK) {
        const char *also =
            leave_prompts_out(&call.search, workspaces ? NO_PROMPT("registered_model_tags", "m") HERE("t") ")" HERE("m")
                                                       : NO_PROMPT("registered_model_tags", "m") ")");
        call.page.also = *also || !workspaces ? also : HERE("m");
        s = run_call(&call, out, err);
    }
    mlp_search_free(&call.search);
    return s;
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

static mlplat_status version_doc(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err)
{
    (void)db;
    return mlp_registry_db_version_doc(user, mlp_stmt_col_text(stmt, 0), mlp_stmt_col_int(stmt, 1), out, err);
}

#define LIVES " AND v.current_stage <> 'Deleted_Internal'"

mlplat_status mlp_registry_db_version_search(void *object, const mlp_registry_query *query, json_t **out,
                                             mlplat_error *err)
{
    mlp_registry_db_store *store = object;
    bool workspaces = store->schema.registry_workspace;
    search_call call = {.store = store,
                        .list = "model_versions",
                        .model = query->model,
                        .page = {.select = "SELECT v.name, v.version FROM model_versions v",
                                 .limit = query->limit,
                                 .doc = version_doc}};
    mlp_buf also = {0};
    json_t *values = query->model ? json_pack("[s]", query->model) : NULL;
    mlplat_status s =
        mlp_search_parse(mlp_registry_search_versions(workspaces), query->filter, query->order_by, &call.search, err);
    if (s == MLPLAT_OK)
        s = mlp_page_parse(query->page_token, &call.page.offset, err);
    if (s == MLPLAT_OK) {
        const char *no_prompt =
            workspaces ? NO_PROMPT("model_version_tags", "v") HERE("t") ")" : NO_PROMPT("model_version_tags", "v") ")";
        mlp_buf_printf(&also, "%s%s%s%s", LIVES, workspaces ? HERE("v") : "",
                       leave_prompts_out(&call.search, no_prompt), query->model ? " AND v.name = ?" : "");
        s = query->model && !values ? mlp_fail_memory(err) : mlp_buf_ok(&also, err);
    }
    call.page.also = also.data;
    call.page.also_values = values;
    if (s == MLPLAT_OK)
        s = run_call(&call, out, err);
    mlp_search_free(&call.search);
    json_decref(values);
    mlp_buf_free(&also);
    return s;
}

BLOCKING(mlplat_registered_model_create)
BLOCKING(mlplat_registered_model_get)
BLOCKING(mlplat_registered_model_update)
BLOCKING(mlplat_registered_model_rename)
BLOCKING(mlplat_registered_model_delete)
BLOCKING(mlplat_registered_model_set_tag)
BLOCKING(mlplat_registered_model_delete_tag)
BLOCKING(mlplat_model_version_get)
BLOCKING(mlplat_model_version_latest)
BLOCKING(mlplat_model_version_transition)
BLOCKING(mlplat_model_version_copy)
BLOCKING(mlplat_model_version_update)
BLOCKING(mlplat_model_version_delete)
BLOCKING(mlplat_model_version_set_tag)
BLOCKING(mlplat_model_version_delete_tag)
BLOCKING(mlplat_model_alias_set)
BLOCKING(mlplat_model_alias_delete)
BLOCKING(mlplat_prompt_create)
BLOCKING(mlplat_prompt_get)
BLOCKING(mlplat_prompt_version_get)
BLOCKING(mlplat_prompt_load)
BLOCKING(mlplat_prompt_version_set_config)
BLOCKING(mlplat_webhook_get)
BLOCKING(mlplat_webhook_delete)
BLOCKING(webhook_test)
BLOCKING(webhook_create)
BLOCKING(webhook_update)
BLOCKING(webhook_list)
REPLACED(webhook_of)
REPLACED(mlplat_webhook_create)
REPLACED(mlplat_webhook_update)
REPLACED(mlplat_webhook_list)
REPLACED(mlplat_webhook_test)
BLOCKING(prompt_register)
BLOCKING(prompt_search)
BLOCKING(prompt_version_search)
REPLACED(mlplat_prompt_register)
REPLACED(mlplat_prompt_search)
REPLACED(mlplat_prompt_version_search)
BLOCKING(registered_model_search)
BLOCKING(model_version_create)
BLOCKING(model_version_search)
REPLACED(mlplat_registered_model_search)
REPLACED(mlplat_model_version_create)
REPLACED(mlplat_model_version_search)
%include <mlplat/registry.h>

%inline %{
static mlplat_status prompt_register(mlplat *ml, const char *name, const char *text, optional_text commit_message,
                                     optional_text tags, int chat, optional_text response_format,
                                     optional_text model_config, optional_text experiment_id, int64_t *version,
                                     mlplat_error *err)
{
    mlplat_prompt_options o = MLPLAT_PROMPT_OPTIONS_INIT;
    o.commit_message = commit_message;
    o.tags = tags;
    o.chat = chat;
    o.response_format = response_format;
    o.model_config = model_config;
    o.experiment_id = experiment_id;
    return mlplat_prompt_register(ml, name, text, &o, version, err);
}

static mlplat_status prompt_search(mlplat *ml, optional_text filter, optional_text order_by, int max_results,
                                   optional_text page_token, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = filter;
    q.order_by = order_by;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_prompt_search(ml, &q, out, err);
}

static mlplat_status prompt_version_search(mlplat *ml, const char *name, int max_results, optional_text page_token,
                                           mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_prompt_version_search(ml, name, &q, out, err);
}

static mlplat_status registered_model_search(mlplat *ml, optional_text filter, optional_text order_by, int max_results,
                                             optional_text page_token, mlplat_doc **out, mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.filter = filter;
    q.order_by = order_by;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_registered_model_search(ml, &q, out, err);
}

static mlplat_status model_version_create(mlplat *ml, const char *name, optional_path source, optional_text run_id,
                                          optional_text description, optional_text tags, optional_text run_link,
                                          int64_t *version, mlplat_error *err)
{
    mlplat_model_version_options o = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    o.run_id = run_id;
    o.description = description;
    o.tags = tags;
    o.run_link = run_link;
    return mlplat_model_version_create(ml, name, source ? source : "", &o, version, err);
}

static mlplat_status model_version_search(mlplat *ml, optional_text model, optional_text filter, optional_text order_by,
                                          int max_results, optional_text page_token, mlplat_doc **out,
                                          mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.model = model;
    q.filter = filter;
    q.order_by = order_by;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_model_version_search(ml, &q, out, err);
}

static mlplat_webhook webhook_of(optional_text name, optional_text url, optional_text events, optional_text description,
                                 optional_text secret, optional_text status)
{
    mlplat_webhook w = MLPLAT_WEBHOOK_INIT;
    w.name = name;
    w.url = url;
    w.events = events;
    w.description = description;
    w.secret = secret;
    w.status = status;
    return w;
}

static mlplat_status webhook_create(mlplat *ml, optional_text name, optional_text url, optional_text events,
                                    optional_text description, optional_text secret, optional_text status,
                                    mlplat_doc **out, mlplat_error *err)
{
    mlplat_webhook w = webhook_of(name, url, events, description, secret, status);
    return mlplat_webhook_create(ml, &w, out, err);
}

static mlplat_status webhook_update(mlplat *ml, const char *webhook_id, optional_text name, optional_text url,
                                    optional_text events, optional_text description, optional_text secret,
                                    optional_text status, mlplat_doc **out, mlplat_error *err)
{
    mlplat_webhook w = webhook_of(name, url, events, description, secret, status);
    return mlplat_webhook_update(ml, webhook_id, &w, out, err);
}

static mlplat_status webhook_list(mlplat *ml, int max_results, optional_text page_token, mlplat_doc **out,
                                  mlplat_error *err)
{
    mlplat_search q = MLPLAT_SEARCH_INIT;
    q.max_results = max_results;
    q.page_token = page_token;
    return mlplat_webhook_list(ml, &q, out, err);
}

static mlplat_status webhook_test(mlplat *ml, const char *webhook_id, optional_text event, mlplat_doc **out,
                                  mlplat_error *err)
{
    return mlplat_webhook_test(ml, webhook_id, event, out, err);
}
%}

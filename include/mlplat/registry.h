/**
 * The model registry: registered models, their versions, tags and aliases, in MLflow's own store.
 *
 * Documents have the shape of MLflow's REST answers: a registered model is {"name", "creation_timestamp",
 * "last_updated_timestamp", "description", "tags": [{"key", "value"}], "aliases": [{"alias", "version"}],
 * "latest_versions": [...]}; a model version is {"name", "version": "1", "creation_timestamp",
 * "last_updated_timestamp", "current_stage", "description", "source", "run_id", "run_link", "status", "tags",
 * "aliases": ["champion"], "user_id"}, and "status_message" where there is one.
 *
 * Names of models are 1 to 256 characters without '/' and ':'. Every call waits for the store. Any thread.
 */
#ifndef MLPLAT_REGISTRY_H
#define MLPLAT_REGISTRY_H
#include <mlplat/doc.h>
#include <mlplat/session.h>
#include <mlplat/tracking.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Create a registered model. @param description  or NULL @param tags  JSON object of strings, or NULL
 * @return MLPLAT_OK; MLPLAT_EXISTS; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_registered_model_create(mlplat *ml, const char *name, const char *description,
                                                        const char *tags, mlplat_error *err);
/** A registered model. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_registered_model_get(mlplat *ml, const char *name, mlplat_doc **out,
                                                     mlplat_error *err);
/**
 * Registered models: {"registered_models": [...], "next_page_token"}. *out is yours.
 *
 * A filter knows name (=, !=, LIKE, ILIKE, IN, NOT IN) and tags.<key> (the same without lists), an order name,
 * timestamp and last_updated_timestamp; without one they come by name. Prompts, which are registered models too, are
 * found only by a filter that asks for them: "tags.`mlflow.prompt.is_prompt` = 'true'".
 * @param query  NULL: all; max_results 1 to 1,000, 0: 100; experiment_ids and view are not used
 * @return MLPLAT_OK; MLPLAT_INVALID: the filter, the order or the token, with the place
 */
MLPLAT_API mlplat_status mlplat_registered_model_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                                        mlplat_error *err);
/** Change the description; NULL takes it away.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: over 5,000 characters */
MLPLAT_API mlplat_status mlplat_registered_model_update(mlplat *ml, const char *name, const char *description,
                                                        mlplat_error *err);
/** Give a registered model another name, and its versions, tags and aliases with it. What names it elsewhere, such as
 * the source "models:/<name>/1" of a copy, stays as it is.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_EXISTS: the new name is taken; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_registered_model_rename(mlplat *ml, const char *name, const char *new_name,
                                                        mlplat_error *err);
/** Delete a registered model with its versions, tags and aliases. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_registered_model_delete(mlplat *ml, const char *name, mlplat_error *err);
/** Set a tag. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_registered_model_set_tag(mlplat *ml, const char *name, const char *key,
                                                         const char *value, mlplat_error *err);
/** Remove a tag; one that is not there is fine. @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such model */
MLPLAT_API mlplat_status mlplat_registered_model_delete_tag(mlplat *ml, const char *name, const char *key,
                                                            mlplat_error *err);

/** How to create a model version. */
typedef struct mlplat_model_version_options {
    size_t size;
    const char *run_id;      /**< the run that made it; NULL: none, or taken from a runs:/ source */
    const char *description; /**< or NULL */
    const char *tags;        /**< JSON object of strings, or NULL */
    const char *run_link;    /**< or NULL */
} mlplat_model_version_options;
#define MLPLAT_MODEL_VERSION_OPTIONS_INIT { sizeof(mlplat_model_version_options), 0, 0, 0, 0 }

/**
 * Register a version; the model is created if it is not there. *version is the new number, 1 for the first.
 * @param source  URI of the model directory: runs:/<run id>/model, models:/..., a path or another artifact URI; kept
 *                as it is (an alias as the number it has now), and beside it the place that it stands for now
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_NOT_FOUND: a runs:/ or models:/ source that is not there
 */
MLPLAT_API mlplat_status mlplat_model_version_create(mlplat *ml, const char *name, const char *source,
                                                     const mlplat_model_version_options *options, int64_t *version,
                                                     mlplat_error *err);
/**
 * A model version. *out is yours.
 * @param version  "3", an alias as "@champion", "latest", or a stage as "Production": the newest version in it
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_model_version_get(mlplat *ml, const char *name, const char *version, mlplat_doc **out,
                                                  mlplat_error *err);
/**
 * Versions, those that changed last first: {"model_versions": [...], "next_page_token"}. *out is yours.
 *
 * A filter knows name and run_id (=, !=, LIKE, ILIKE, IN, NOT IN), source_path and tags.<key> (the same without lists)
 * and version_number (=, !=, <, <=, >, >=), an order name, version_number, creation_timestamp and
 * last_updated_timestamp. Versions of prompts are found as prompts are.
 * @param query  NULL: all; model: of one model; max_results 1 to 200,000, 0: 10,000
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: query->model is not there; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_model_version_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                                     mlplat_error *err);
/** The newest version of each stage: {"model_versions": [...]}; the stage that was used first comes first. *out is
 * yours.
 * @param stages  "Staging,Production", in any case of letters; NULL or "": all of None, Staging, Production, Archived
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such model; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_version_latest(mlplat *ml, const char *name, const char *stages,
                                                     mlplat_doc **out, mlplat_error *err);
/** Move a version to a stage, as users of MLflow did before there were aliases. *out, the version as it is then, is
 * yours.
 * @param stage  None, Staging, Production or Archived, in any case of letters
 * @param archive_existing  1: all other versions in that stage become Archived; for Staging and Production only
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_version_transition(mlplat *ml, const char *name, const char *version,
                                                         const char *stage, int archive_existing, mlplat_doc **out,
                                                         mlplat_error *err);
/** Make a version of one model a version of another, which is created if it is not there. The copy has the source
 * models:/<name>/<number>, and the run, description and tags of the version; its files are the same, no copies.
 * *version, which may be NULL, is the new number.
 * @param source  models:/<name>/<version>, models:/<name>@<alias>, models:/<name>/latest, models:/<name>/<stage>
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_version_copy(mlplat *ml, const char *source, const char *to, int64_t *version,
                                                   mlplat_error *err);
/** Change the description; NULL takes it away. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_version_update(mlplat *ml, const char *name, const char *version,
                                                     const char *description, mlplat_error *err);
/** Delete a version with its aliases; its number is not given again.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: "latest" or a stage, which may be another in a moment */
MLPLAT_API mlplat_status mlplat_model_version_delete(mlplat *ml, const char *name, const char *version,
                                                     mlplat_error *err);
/** Set a tag. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_version_set_tag(mlplat *ml, const char *name, const char *version,
                                                      const char *key, const char *value, mlplat_error *err);
/** Remove a tag; one that is not there is fine. @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such version */
MLPLAT_API mlplat_status mlplat_model_version_delete_tag(mlplat *ml, const char *name, const char *version,
                                                         const char *key, mlplat_error *err);
/** Point an alias at a version, from wherever it pointed before, in one step.
 * @param alias  1 to 255 letters, digits, '_' and '-', not "latest", not "v" and digits
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such version; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_alias_set(mlplat *ml, const char *name, const char *alias, const char *version,
                                                mlplat_error *err);
/** Remove an alias; one that is not there is fine. @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such model */
MLPLAT_API mlplat_status mlplat_model_alias_delete(mlplat *ml, const char *name, const char *alias,
                                                   mlplat_error *err);

/**
 * Prompts, as MLflow keeps them: registered models with a tag, in no list of models. A prompt is {"name",
 * "creation_timestamp", "last_updated_timestamp", "description", "tags", "aliases"}; a version is {"name", "version",
 * "creation_timestamp", "last_updated_timestamp", "commit_message", "type": "text" or "chat", "template": text or
 * [{"role", "content"}], "variables": ["name"], "response_format", "model_config", "tags", "aliases"}.
 *
 * Tags, aliases, versions to delete: by the calls for models. Names are 1 to 256 of letters, digits, '_', '-' and '.'.
 */
typedef struct mlplat_prompt_options {
    size_t size;
    const char *commit_message;  /**< what is new in it, or NULL; the description of a prompt that is made */
    const char *tags;            /**< JSON object of strings, of the version and of the prompt; or NULL */
    int chat;                    /**< 1: the text is a JSON array of messages, {"role", "content"} */
    const char *response_format; /**< JSON object: the schema of answers; or NULL */
    const char *model_config;    /**< JSON object: "model_name", "temperature", "max_tokens", ...; or NULL */
    const char *experiment_id;   /**< whose page in MLflow shows it; NULL: MLFLOW_EXPERIMENT_ID, else "0" */
} mlplat_prompt_options;
#define MLPLAT_PROMPT_OPTIONS_INIT { sizeof(mlplat_prompt_options), 0, 0, 0, 0, 0, 0 }

/** Create a prompt without versions. @param description  or NULL @param tags  JSON object of strings, or NULL
 * @return MLPLAT_OK; MLPLAT_EXISTS: a prompt or a model of this name; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_prompt_create(mlplat *ml, const char *name, const char *description, const char *tags,
                                              mlplat_error *err);
/** Register a version of a prompt, which is created if it is not there. *version, which may be NULL, is its number.
 * @param text  up to 100,000 characters with variables as "{{ name }}"
 * @return MLPLAT_OK; MLPLAT_INVALID, also for the name of a model */
MLPLAT_API mlplat_status mlplat_prompt_register(mlplat *ml, const char *name, const char *text,
                                                const mlplat_prompt_options *options, int64_t *version,
                                                mlplat_error *err);
/** A prompt. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: a model has this name */
MLPLAT_API mlplat_status mlplat_prompt_get(mlplat *ml, const char *name, mlplat_doc **out, mlplat_error *err);
/** Prompts: {"prompts": [...], "next_page_token"}. *out is yours.
 * @param query  as for models, which here are prompts; "experiment_id = '1'" finds those of an experiment
 * @return MLPLAT_OK; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_prompt_search(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                              mlplat_error *err);
/** Versions of a prompt, newest first: {"prompt_versions": [...], "next_page_token"}. *out is yours.
 * @param query  NULL or max_results (0: 100) and page_token
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_prompt_version_search(mlplat *ml, const char *name, const mlplat_search *query,
                                                      mlplat_doc **out, mlplat_error *err);
/** A version of a prompt. *out is yours. @param version  "3", an alias as "@live", or "latest"
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID; MLPLAT_CORRUPT: it is kept in a form that nobody can read */
MLPLAT_API mlplat_status mlplat_prompt_version_get(mlplat *ml, const char *name, const char *version,
                                                   mlplat_doc **out, mlplat_error *err);
/** A version of a prompt. *out is yours.
 * @param uri  prompts:/<name>/<version>, prompts:/<name>@<alias>, or a name: its latest version
 * @return as mlplat_prompt_version_get */
MLPLAT_API mlplat_status mlplat_prompt_load(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err);
/** Change the model and the settings that a version names. @param config  as model_config; NULL takes them away
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_prompt_version_set_config(mlplat *ml, const char *name, const char *version,
                                                          const char *model_config, mlplat_error *err);
/** Put values in the place of a text's variables. *out is yours: mlplat_free.
 * @param values  JSON object of strings @param partial  1: variables without a value stay
 * @return MLPLAT_OK; MLPLAT_INVALID: a variable without a value; MLPLAT_UNSUPPORTED: a template of Jinja, with {% */
MLPLAT_API mlplat_status mlplat_prompt_format(const char *text, const char *values, int partial, char **out,
                                              mlplat_error *err);

/**
 * Webhooks of an MLflow server, 3.3 or newer, which calls a URL when something happens in its registry. An embedded
 * store has nobody who would call: there all of these answer MLPLAT_UNSUPPORTED. A webhook is {"webhook_id", "name",
 * "url", "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}], "description", "status": "ACTIVE",
 * "creation_timestamp", "last_updated_timestamp"}. Its secret is in no document and no message.
 */
typedef struct mlplat_webhook {
    size_t size;
    const char *name;
    const char *url;         /**< servers take https:// alone, to addresses that are not private */
    const char *events;      /**< "model_version.created, model_version_alias.created": what it is called for */
    const char *description; /**< or NULL; "" takes it away */
    const char *secret;      /**< calls are signed with it (HMAC, header X-MLflow-Signature); or NULL */
    const char *status;      /**< "ACTIVE" or "DISABLED"; NULL: "ACTIVE", or as it is */
} mlplat_webhook;
#define MLPLAT_WEBHOOK_INIT { sizeof(mlplat_webhook), 0, 0, 0, 0, 0, 0 }

/** Create a webhook. *out, the webhook, is yours. @param webhook  with name, url and events
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_UNSUPPORTED: no server, or one before MLflow 3.3 */
MLPLAT_API mlplat_status mlplat_webhook_create(mlplat *ml, const mlplat_webhook *webhook, mlplat_doc **out,
                                               mlplat_error *err);
/** A webhook. *out is yours. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_webhook_get(mlplat *ml, const char *webhook_id, mlplat_doc **out, mlplat_error *err);
/** Webhooks: {"webhooks": [...], "next_page_token"}. *out is yours.
 * @param query  NULL or max_results (1 to 1,000, 0: 100) and page_token
 * @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_webhook_list(mlplat *ml, const mlplat_search *query, mlplat_doc **out,
                                             mlplat_error *err);
/** Change what is not NULL in webhook. *out, the webhook as it is then, is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_webhook_update(mlplat *ml, const char *webhook_id, const mlplat_webhook *webhook,
                                               mlplat_doc **out, mlplat_error *err);
/** Delete a webhook. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_webhook_delete(mlplat *ml, const char *webhook_id, mlplat_error *err);
/** Have the server call the URL with an example: {"success", "response_status", "response_body", "error_message"}. *out
 * is yours. @param event  as in events; NULL: the webhook's first
 * @return MLPLAT_OK, also where the call failed; MLPLAT_NOT_FOUND; MLPLAT_INVALID; MLPLAT_UNSUPPORTED */
MLPLAT_API mlplat_status mlplat_webhook_test(mlplat *ml, const char *webhook_id, const char *event, mlplat_doc **out,
                                             mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif

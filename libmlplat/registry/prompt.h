/* Prompts: what MLflow keeps where, the documents that we hand out, and templates. */
#ifndef MLP_PROMPT_H
#define MLP_PROMPT_H
#include "registry/registry_store.h"

/* Tags of a version. The prompt itself has MLP_PROMPT_TAG, and the experiments that it belongs to. */
#define MLP_PROMPT_TEXT_TAG "mlflow.prompt.text"
#define MLP_PROMPT_TYPE_TAG "_mlflow_prompt_type" /* "text" or "chat" */
#define MLP_PROMPT_FORMAT_TAG "_mlflow_prompt_response_format"
#define MLP_PROMPT_CONFIG_TAG "_mlflow_prompt_model_config"
#define MLP_PROMPT_EXPERIMENTS_TAG "_mlflow_experiment_ids"
#define MLP_PROMPT_SOURCE "dummy-source" /* MLflow's word for the source that a version must have and a prompt lacks */

/* What a prompt takes; all answer INVALID. *out, a new reference, is what is kept; NULL: nothing. */
mlplat_status mlp_prompt_check_name(const char *name, mlplat_error *err);
mlplat_status mlp_prompt_check_messages(const char *text, mlplat_error *err);
mlplat_status mlp_prompt_check_format(const char *text, json_t **out, mlplat_error *err);
mlplat_status mlp_prompt_check_config(const char *text, json_t **out, mlplat_error *err);
mlplat_status mlp_prompt_check_experiment(const char *id, mlplat_error *err);

/* The session's registry, and the document of a prompt in it. INVALID: it is a model. */
mlplat_status mlp_prompt_read(mlplat *ml, const char *name, mlp_registry **registry, json_t **out, mlplat_error *err);

/* Documents of a registered model and of a model version; INVALID: it is no prompt. *out is a new reference. */
mlplat_status mlp_prompt_doc(const json_t *model, json_t **out, mlplat_error *err);
mlplat_status mlp_prompt_doc_version(const json_t *version, json_t **out, mlplat_error *err);
/* MLflow's pages show the prompts of an experiment by a list in a tag: ",1,12,", so that a pattern finds whole ids. The
 * list with one more, the caller's; NULL: it is there already. */
mlplat_status mlp_prompt_experiments(const char *list, const char *id, char **longer, mlplat_error *err);
const char *mlp_prompt_doc_tag(const json_t *doc, const char *key); /* NULL: there is no such tag */

/* The next "{{ name }}" in text: its name's begin and length, and the whole; false: there is none. */
typedef struct mlp_prompt_variable {
    const char *name, *begin, *end;
    size_t name_n;
} mlp_prompt_variable;
bool mlp_prompt_variable_next(const char *text, mlp_prompt_variable *out);
/* The names in text, each once and sorted. *out is a new reference. */
mlplat_status mlp_prompt_variables(const char *text, json_t **out, mlplat_error *err);

#endif

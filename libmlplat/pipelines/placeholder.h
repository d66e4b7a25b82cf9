/* KFP's placeholders in commands, arguments, environments and constants: one pass, what was put in is never looked at
 * again. */
#ifndef MLP_PLACEHOLDER_H
#define MLP_PLACEHOLDER_H
#include "base/json.h"
#include <stdbool.h>

/* What they stand for; lent. A NULL member leaves its placeholders as they are. */
typedef struct mlp_placeholders {
    const json_t *input; /* ExecutorInput: "{{$}}" and all of inputs and outputs */
    const json_t
        *component; /* ComponentSpec: an input it declares and that has no value is "", another stays as it is */
    const char *job_name, *job_uuid, *job_resource;
    const char *task_name, *task_uuid;
    const char *root, *workspace, *created;
} mlp_placeholders;

mlplat_status mlp_placeholder_expand(const mlp_placeholders *values, const char *text, mlp_buf *out, mlplat_error *err);
/* One word of a command: may be {"IfPresent": ...} or {"Concat": [...]}, which give any number of words. */
mlplat_status mlp_placeholder_word(const mlp_placeholders *values, const char *word, json_t *words, mlplat_error *err);
bool mlp_placeholder_any(const char *text); /* is there one of ours in it? */
/* INVALID if it names an input or output that the component does not declare; what stands in front of the message. */
mlplat_status mlp_placeholder_check(const json_t *component, const char *text, const char *what, mlplat_error *err);

#endif

/* What a plain YAML scalar means. */
#ifndef MLP_YAML_SCALAR_H
#define MLP_YAML_SCALAR_H
#include "base/json.h"
#include <stdbool.h>

/* By the YAML 1.2 core schema; integers that do not fit 64 bits are refused. New reference. */
mlplat_status mlp_yaml_scalar_read(const char *text, json_t **out, mlplat_error *err);
/* Whether any reader, of YAML 1.1 or 1.2, might take this string for something else when it stands plain. */
bool mlp_yaml_scalar_ambiguous(const char *text);

#endif

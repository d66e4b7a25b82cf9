/* What a registry takes: MLflow's rules (its utils/validation.py), plus valid UTF-8. All answer INVALID. */
#ifndef MLP_REGISTRY_CHECK_H
#define MLP_REGISTRY_CHECK_H
#include "registry/registry_store.h"

mlplat_status mlp_registry_check_name(const char *name, mlplat_error *err);
mlplat_status mlp_registry_check_description(const char *description, mlplat_error *err); /* NULL is fine */
mlplat_status mlp_registry_check_tag(const char *key, const char *value, mlplat_error *err);
mlplat_status mlp_registry_check_alias(const char *alias, mlplat_error *err);     /* characters and length */
mlplat_status mlp_registry_check_new_alias(const char *alias, mlplat_error *err); /* and not a reserved one */
/* The place in mlp_stages, in any case of letters; a list "Staging,Production" as a set, none: all. */
mlplat_status mlp_registry_check_stage(const char *stage, int *out, mlplat_error *err);
mlplat_status mlp_registry_check_stages(const char *stages, unsigned *out, mlplat_error *err);
bool mlp_registry_check_space(uint32_t c); /* white space, as Python has it */
/* "3", "@champion", "latest", "Production". ref lends from version. */
mlplat_status mlp_registry_check_version(const char *version, mlp_version_ref *ref, mlplat_error *err);
/* A JSON object of tags, each checked; NULL gives an empty one. *out is a new reference. */
mlplat_status mlp_registry_check_tags(const char *text, json_t **out, mlplat_error *err);
/* usual: how many come on a page when the query does not say; most: how many it may ask for. */
mlplat_status mlp_registry_check_query(const mlplat_search *query, int usual, int most, mlp_registry_query *out,
                                       mlplat_error *err);

/* NOT_FOUND, in the words of every store. */
mlplat_status mlp_registry_no_model(const char *name, mlplat_error *err);
mlplat_status mlp_registry_no_version(const char *name, const mlp_version_ref *ref, mlplat_error *err);

#endif

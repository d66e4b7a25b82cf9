/* Whether this build has a store for the URIs of a session, and where they lead. */
#ifndef MLP_STORE_URI_H
#define MLP_STORE_URI_H
#include "base/config.h"

/* Looks at the URIs only: no I/O. UNSUPPORTED names what this build has; INVALID says where the setting came from. */
mlplat_status mlp_store_uri_check(const mlp_config *config, mlplat_error *err);
/* The places among the settings, made absolute: a process that goes to another folder takes its store along. Those that
 * are absolute stay NULL. */
mlplat_status mlp_store_uri_anchor(const mlp_config *config, char *places[MLP_SET_COUNT], mlplat_error *err);

#endif

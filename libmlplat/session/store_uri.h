/* Whether this build has a store for the URIs of a session. */
#ifndef MLP_STORE_URI_H
#define MLP_STORE_URI_H
#include "base/config.h"

/* Looks at the URIs only: no I/O. UNSUPPORTED names what this build has; INVALID says where the setting came from. */
mlplat_status mlp_store_uri_check(const mlp_config *config, mlplat_error *err);

#endif

/* "runs:/<run id>/<path>" for artifacts/. */
#ifndef MLP_TRACKING_RESOLVER_H
#define MLP_TRACKING_RESOLVER_H
#include "session/session.h"

extern const mlp_resolver mlp_tracking_resolver;

#endif

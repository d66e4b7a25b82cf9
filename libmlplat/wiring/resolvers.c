/* Which module resolves which scheme for artifacts/: a new one is one line here. */
#include "registry/registry_resolver.h"
#include "session/session.h"
#include "tracking/tracking_resolver.h"
#include <stddef.h>

const mlp_resolver *const mlp_resolvers[] = {
    &mlp_tracking_resolver,
    &mlp_registry_resolver,
    NULL,
};

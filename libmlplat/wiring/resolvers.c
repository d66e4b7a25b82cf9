/* Which module resolves which scheme for artifacts/: a new one is one line here. */
#include "session/session.h"
#include "tracking/tracking_resolver.h"
#include <stddef.h>
#ifndef MLPLAT_MINIMAL
#include "registry/registry_resolver.h"
#endif

const mlp_resolver *const mlp_resolvers[] = {
    &mlp_tracking_resolver,
#ifndef MLPLAT_MINIMAL
    &mlp_registry_resolver,
#endif
    NULL,
};

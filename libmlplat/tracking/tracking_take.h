/* Options as a program gives them: built against older headers it passes a shorter struct, against newer ones a longer.
 */
#ifndef MLP_TRACKING_TAKE_H
#define MLP_TRACKING_TAKE_H
#include "base/err.h"
#include <mlplat/tracking.h>
#include <string.h>

static inline mlplat_status mlp_tracking_take(void *to, size_t room, const void *from, const char *what,
                                              mlplat_error *err)
{
    size_t size = 0;
    if (!from)
        return MLPLAT_OK;
    memcpy(&size, from, sizeof size);
    if (size < sizeof size + sizeof(void *))
        return mlp_fail(err, MLPLAT_INVALID, "%s: size is %zu: start from its _INIT", what, size);
    memcpy(to, from, size < room ? size : room);
    return MLPLAT_OK;
}
/* Copies *from over *to, which was set by its _INIT; NULL leaves that. */
#define MLP_TAKE(to, from, err) mlp_tracking_take(to, sizeof *(to), from, #from, err)

mlplat_status mlp_tracking_take_search(const mlplat_search *query, mlplat_search *out, mlplat_error *err);

#endif

/* Where an answer may send us: anywhere within the same origin, and nowhere else. */
#ifndef MLP_REDIRECT_H
#define MLP_REDIRECT_H
#include "transport/origin.h"

enum { MLP_REDIRECT_MOST = 3 };

bool mlp_redirect_status(int status); /* 301, 302, 303, 307, 308 */
/* The path, with query, that a Location header of an answer to method and path leads to. Yours, with mlp_free.
 * INVALID: to another origin, to a broken address, or with a body that would be lost. */
mlplat_status mlp_redirect_follow(const mlp_origin *origin, int status, const char *method, const char *path,
                                  const char *location, char **out, mlplat_error *err);

#endif

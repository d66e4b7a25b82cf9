/* Filling the caller's error. All return the status, so that `return mlp_fail(...)` reads well. err may be NULL. */
#ifndef MLP_ERR_H
#define MLP_ERR_H
#include <mlplat/error.h>

mlplat_status mlp_fail(mlplat_error *err, mlplat_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Maps errno: ENOENT NOT_FOUND; EACCES EPERM EROFS DENIED; ENOSPC EDQUOT EFBIG NO_SPACE; EEXIST EXISTS; ENOMEM
 * NO_MEMORY; ENAMETOOLONG INVALID; others IO. Appends ": <strerror>". */
mlplat_status mlp_fail_errno(mlplat_error *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
mlplat_status mlp_fail_memory(mlplat_error *err);
/* Adds words in front: "while replaying journal x: ...". Returns err's status, or status if err is NULL. */
mlplat_status mlp_fail_prefix(mlplat_error *err, mlplat_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
mlplat_status mlp_fail_cancelled(mlplat_error *err, const char *what);

#endif

/* Filling the caller's error. All return the status, so that `return mlp_fail(...)` reads well. err may be NULL. */
#ifndef MLP_ERR_H
#define MLP_ERR_H
#include <assert.h>
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

/* A failure is never MLPLAT_OK: builds for debugging hold it, and static checks read it here. */
static inline mlplat_status mlp_err_sure(mlplat_status status)
{
    assert(status != MLPLAT_OK);
    return status;
}
#define mlp_fail(...) mlp_err_sure(mlp_fail(__VA_ARGS__))
#define mlp_fail_errno(...) mlp_err_sure(mlp_fail_errno(__VA_ARGS__))
#define mlp_fail_memory(err) mlp_err_sure(mlp_fail_memory(err))
#define mlp_fail_prefix(...) mlp_err_sure(mlp_fail_prefix(__VA_ARGS__))
#define mlp_fail_cancelled(err, what) mlp_err_sure(mlp_fail_cancelled(err, what))

#endif

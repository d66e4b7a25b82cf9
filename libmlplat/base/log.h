/* Log lines, redacted on the way. A logger is part of the session; NULL writes warnings and errors to stderr. */
#ifndef MLP_LOG_H
#define MLP_LOG_H
#include <mlplat/session.h>

typedef struct mlp_logger {
    mlplat_log fn; /* NULL: warnings and errors to stderr as "mlplat: warning: ..." */
    void *user;
} mlp_logger;

void mlp_log(const mlp_logger *logger, mlplat_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Replaces in place what looks like a secret by ***: userinfo in URIs, values after password= token= secret= key=
 * authorization: (any case, also in JSON), AWS key ids, bearer tokens. Used by log, errors and config. */
void mlp_redact(char *text);

#endif

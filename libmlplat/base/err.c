#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mlplat_status_name(mlplat_status status)
{
    static const char *const names[] = {
        "OK",        "INVALID", "NOT_FOUND", "EXISTS",   "CONFLICT",  "DENIED",      "UNAVAILABLE", "TIMEOUT",
        "CANCELLED", "CORRUPT", "IO",        "NO_SPACE", "NO_MEMORY", "UNSUPPORTED", "STATE",
    };
    size_t i = (size_t)status;
    return i < sizeof names / sizeof names[0] ? names[i] : "UNKNOWN";
}

/* One line of valid UTF-8 without secrets, cut where a character ends. Redaction comes before the cut: a secret that is
 * cut short is still a secret. */
static void set_message(mlplat_error *err, char *text)
{
    size_t room = sizeof err->message;
    mlp_redact(text);
    mlp_text_repair(text);
    size_t n = strlen(text);
    if (n >= room) {
        n = room - 4;
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        memcpy(text + n, "...", 4);
        n += 3;
    }
    memcpy(err->message, text, n + 1);
}

/* The arguments may point into err->message, so the text is made aside. */
static mlplat_status fail(mlplat_error *err, mlplat_status status, const char *tail, const char *format, va_list args)
{
    char text[2048];
    if (!err)
        return status;
    int n = vsnprintf(text, sizeof text, format, args);
    size_t used = n < 0 ? 0 : strlen(text);
    snprintf(text + used, sizeof text - used, "%s", tail);
    *err = (mlplat_error){.status = status};
    set_message(err, text);
    return status;
}

mlplat_status (mlp_fail)(mlplat_error *err, mlplat_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(err, status, "", format, args);
    va_end(args);
    return status;
}

static mlplat_status status_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return MLPLAT_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return MLPLAT_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MLPLAT_NO_SPACE;
    case EEXIST:
        return MLPLAT_EXISTS;
    case ENOMEM:
        return MLPLAT_NO_MEMORY;
    case ENAMETOOLONG:
        return MLPLAT_INVALID;
    default:
        return MLPLAT_IO;
    }
}

/* strerror_r gives the text in glibc and a number elsewhere. */
static const char *text_of_pointer(const char *text, const char *buf)
{
    return text ? text : buf;
}

static const char *text_of_number(int failed, const char *buf)
{
    return failed ? "unknown error" : buf;
}
#define ERRNO_TEXT(errnum, buf)                                                                                        \
    _Generic(strerror_r(errnum, buf, sizeof(buf)), char *: text_of_pointer, int: text_of_number)(                      \
        strerror_r(errnum, buf, sizeof(buf)), buf)

mlplat_status (mlp_fail_errno)(mlplat_error *err, int errnum, const char *format, ...)
{
    char buf[128] = "", tail[160];
    va_list args;
    (void)text_of_pointer, (void)text_of_number; /* one of them is used, by platform */
    snprintf(tail, sizeof tail, ": %s", ERRNO_TEXT(errnum, buf));
    va_start(args, format);
    mlplat_status status = fail(err, status_of(errnum), tail, format, args);
    va_end(args);
    return status;
}

mlplat_status (mlp_fail_memory)(mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_NO_MEMORY, "out of memory");
}

mlplat_status (mlp_fail_prefix)(mlplat_error *err, mlplat_status status, const char *format, ...)
{
    char text[1024];
    if (!err)
        return status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text - sizeof err->message - 3, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : strlen(text);
    snprintf(text + used, sizeof text - used, ": %s", err->message);
    set_message(err, text);
    return err->status;
}

mlplat_status (mlp_fail_cancelled)(mlplat_error *err, const char *what)
{
    return mlp_fail(err, MLPLAT_CANCELLED, "%s was cancelled by the caller", what);
}

#include "base/log.h"
#include "base/fork_gate.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write, so that lines of several threads and processes do not mix. There is nobody to tell when it fails. */
static void to_stderr(mlplat_log_level level, const char *line)
{
    char text[2100];
    int n = snprintf(text, sizeof text, "mlplat: %s: %s\n", level == MLPLAT_LOG_ERROR ? "error" : "warning", line);
    size_t size = n < 0 ? 0 : strlen(text);
    ssize_t done = size ? write(STDERR_FILENO, text, size) : 0;
    (void)done;
}

void mlp_log(const mlp_logger *logger, mlplat_log_level level, const char *format, ...)
{
    mlplat_log fn = logger ? logger->fn : NULL;
    if (!fn && level < MLPLAT_LOG_WARNING)
        return;
    int saved = errno;
    char line[2048];
    va_list args;
    va_start(args, format);
    if (vsnprintf(line, sizeof line, format, args) < 0)
        line[0] = 0;
    va_end(args);
    mlp_redact(line);
    mlp_text_repair(line);
    int gate = mlp_fork_gate_step_out();
    if (fn)
        fn(logger->user, level, line);
    else
        to_stderr(level, line);
    mlp_fork_gate_step_in(gate);
    errno = saved;
}

#include "cli.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

/* One interrupt stops one call: what follows, ending the runs that were started, is let through. */
static int go_on(void *user, uint64_t done, uint64_t total)
{
    cli *c = user;
    (void)done, (void)total;
    bool stop = interrupted && !c->stopped;
    c->stopped = c->stopped || stop;
    return stop;
}

int cli_exit_code(mlplat_status status)
{
    switch (status) {
    case MLPLAT_OK:
        return CLI_OK;
    case MLPLAT_INVALID:
        return CLI_USAGE;
    case MLPLAT_NOT_FOUND:
        return CLI_NOT_FOUND;
    case MLPLAT_DENIED:
        return CLI_DENIED;
    case MLPLAT_UNAVAILABLE:
    case MLPLAT_TIMEOUT:
        return CLI_TRY_AGAIN;
    case MLPLAT_EXISTS:
    case MLPLAT_CONFLICT:
        return CLI_CONFLICT;
    case MLPLAT_CANCELLED:
        return CLI_INTERRUPTED;
    default:
        return CLI_FAILED;
    }
}

int cli_result(cli *c, mlplat_status status)
{
    if (status != MLPLAT_OK)
        fprintf(stderr, "mlplat: %s\n", c->err.message[0] ? c->err.message : mlplat_status_name(status));
    return cli_exit_code(status);
}

int cli_usage(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("mlplat: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return CLI_USAGE;
}

static int durability(cli *c, mlplat_durability *out)
{
    static const char *const names[] = {"memory", "process", "disk", "remote"};
    const char *given = cli_get(c, "durability");
    for (int i = 0; given && i < 4; i++)
        if (strcmp(given, names[i]) == 0) {
            *out = (mlplat_durability)(i + 1);
            return CLI_OK;
        }
    return given ? cli_usage("--durability %s: it is memory, process, disk or remote", given) : CLI_OK;
}

void cli_catch(int signal_number)
{
    struct sigaction once = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&once.sa_mask);
    sigaction(signal_number, &once, NULL);
}

int cli_open(cli *c)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    int code = durability(c, &options.durability);
    if (code != CLI_OK)
        return code;
    options.tracking_uri = cli_get(c, "tracking-uri");
    options.registry_uri = cli_get(c, "registry-uri");
    options.mirror_uri = cli_get(c, "mirror-uri");
    options.artifact_root = cli_get(c, "artifact-root");
    options.spool_dir = cli_get(c, "spool");
    options.profile = cli_get(c, "profile");
    options.config_file = cli_get(c, "config");
    options.progress = go_on;
    options.user = c;
    cli_catch(SIGINT);
    signal(SIGPIPE, SIG_IGN);
    return cli_result(c, mlplat_open(&options, &c->ml, &c->err));
}

int cli_read(const char *path, cli_text *out)
{
    char block[65536];
    size_t n;
    bool own = strcmp(path, "-") != 0;
    FILE *file = own ? fopen(path, "rb") : stdin;
    if (!file) {
        int missing = errno == ENOENT;
        fprintf(stderr, "mlplat: %s: %s\n", path, strerror(errno));
        return missing ? CLI_NOT_FOUND : CLI_DENIED;
    }
    cli_text_add(out, "", 0);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        cli_text_add(out, block, n);
    int broken = ferror(file) ? errno : 0;
    if (own)
        fclose(file);
    if (broken)
        fprintf(stderr, "mlplat: %s: %s\n", path, strerror(broken));
    return broken ? CLI_FAILED : CLI_OK;
}

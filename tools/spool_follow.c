/* `spool sync --follow`: beside a job, storing what its programs leave as soon as they are gone. */
#include "cli.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 200, REST_MS = 500, LONGEST_REST_MS = 10000 };

typedef struct {
    int64_t pid;  /* it ends when this process has; 0: no such */
    int rest_ms;  /* while the store fails: doubled each time; 0: it does not */
    bool damaged; /* a journal was */
    bool titled;
} following;

/* One that nobody waited for is gone all the same, with its last thread: until then its locks are held. */
static bool is_zombie(int64_t pid)
{
    char path[64], stat[512] = "";
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[n] = '\0';
    const char *name_end = strrchr(stat, ')');
    char state = 0, threads[8] = "";
    return name_end &&
           sscanf(name_end, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %7s", &state,
                  threads) == 2 &&
           (state == 'Z' || state == 'X') && (strcmp(threads, "0") == 0 || strcmp(threads, "1") == 0);
}

static bool job_ended(const following *f)
{
    return f->pid > 0 && ((kill((pid_t)f->pid, 0) == -1 && errno == ESRCH) || is_zombie(f->pid));
}

static int64_t number(const mlplat_doc *doc, const char *path)
{
    int64_t n = 0;
    mlplat_doc_int(doc, path, &n, NULL);
    return n;
}

/* A line each time something came in. */
static int tell(cli *c, following *f, mlplat_doc *doc)
{
    int64_t replayed = number(doc, "replayed"), dead = number(doc, "dead"), journals = number(doc, "journals");
    bool rows = c->format == CLI_TABLE || c->format == CLI_TSV;
    if (replayed + dead + journals == 0 || c->quiet || !rows) {
        int code = replayed + dead + journals > 0 ? cli_print(c, doc, "") : CLI_OK;
        if (replayed + dead + journals == 0)
            mlplat_doc_free(doc);
        return code;
    }
    bool table = c->format == CLI_TABLE;
    if (!f->titled)
        puts(table ? "REPLAYED    DEAD        JOURNALS" : "REPLAYED\tDEAD\tJOURNALS");
    f->titled = true;
    printf(table ? "%-10" PRId64 "  %-10" PRId64 "  %" PRId64 "\n" : "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n",
           replayed, dead, journals);
    mlplat_doc_free(doc);
    return cli_written(CLI_OK);
}

/* CLI_TRY_AGAIN: the store fails, which is said once. */
static int sync_once(cli *c, following *f)
{
    mlplat_doc *doc = NULL;
    mlplat_status status = mlplat_spool_sync(c->ml, &doc, &c->err);
    if (status == MLPLAT_CANCELLED)
        return CLI_OK; /* and once more, with an end */
    if (status != MLPLAT_OK && (c->err.retryable || cli_exit_code(status) == CLI_TRY_AGAIN)) {
        if (f->rest_ms == 0)
            cli_result(c, status);
        f->rest_ms = f->rest_ms == 0 ? REST_MS : f->rest_ms < LONGEST_REST_MS / 2 ? f->rest_ms * 2 : LONGEST_REST_MS;
        return CLI_TRY_AGAIN;
    }
    f->rest_ms = 0;
    f->damaged = f->damaged || status == MLPLAT_CORRUPT;
    int code = status == MLPLAT_OK ? tell(c, f, doc) : cli_result(c, status);
    return status == MLPLAT_CORRUPT ? CLI_OK : code;
}

static void rest(const following *f)
{
    for (int ms = 0; ms == 0 || (ms < f->rest_ms && !job_ended(f)); ms += LOOK_MS) {
        struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
        if (cli_interrupted() || nanosleep(&pause, NULL) == -1)
            break;
    }
}

/* What living programs have is theirs. */
static int tell_what_is_left(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_result(c, mlplat_spool_status(c->ml, &doc, &c->err));
    int64_t left = 0;
    size_t n = 0;
    mlplat_doc_size(doc, "journals", &n, NULL);
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        char path[64];
        const char *state = "";
        snprintf(path, sizeof path, "journals[%zu].state", i);
        mlplat_doc_string(doc, path, &state, NULL);
        bool busy = strcmp(state, "busy") == 0;
        snprintf(path, sizeof path, "journals[%zu].waiting", i);
        left += busy ? 0 : number(doc, path);
    }
    mlplat_doc_free(doc);
    if (left > 0)
        fprintf(stderr, "mlplat: %" PRId64 " record(s) of ended programs still wait: `mlplat spool sync` stores them\n",
                left);
    return left > 0 ? CLI_TRY_AGAIN : code;
}

int cli_spool_follow(cli *c)
{
    following f = {0};
    int code = cli_get_int(c, "pid", &f.pid);
    if (code == CLI_OK && cli_get(c, "pid") && (f.pid <= 0 || f.pid > INT32_MAX))
        return cli_usage("--pid %s: it is the number of a process", cli_get(c, "pid"));
    if (code == CLI_OK)
        code = cli_open(c);
    if (code != CLI_OK)
        return code;
    cli_catch(SIGTERM);
    c->until_stopped = true;
    for (bool last = false; !last && (code == CLI_OK || code == CLI_TRY_AGAIN);) {
        last = cli_interrupted() || job_ended(&f); /* looked at before: what the job left is there then */
        c->stopped = last;                         /* what is asked for now has an end of its own */
        code = sync_once(c, &f);
        if (!last && code != CLI_FAILED)
            rest(&f);
    }
    if (code != CLI_OK && code != CLI_TRY_AGAIN)
        return code;
    code = tell_what_is_left(c);
    return code == CLI_OK && f.damaged ? CLI_FAILED : code;
}

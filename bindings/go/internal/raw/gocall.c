#include "gocall.h"
#include "_cgo_export.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the call that is going on ---------------------------------------------------------------------------------- */

static _Thread_local mlp_gocall *now;
static _Thread_local const char *refused; /* the argument that cannot cross, and why */
static _Thread_local mlplat_status refused_status;
static _Thread_local bool owned; /* the arguments of the next call have a progress */

static void *refuse(const char *name, mlplat_status why)
{
    refused = name;
    refused_status = why;
    return NULL;
}

bool mlp_gocall_enter(mlp_gocall *call, mlp_gocall **outer)
{
    *outer = now;
    now = call;
    call->own = owned;
    owned = false;
    if (!refused)
        return true;
    call->error.status = refused_status;
    snprintf(call->error.message, sizeof call->error.message, refused_status == MLPLAT_NO_MEMORY
             ? "no memory for %s" : "%s has a zero byte in it: leave it out", refused);
    refused = NULL;
    return false;
}

void mlp_gocall_leave(mlp_gocall *outer) { now = outer; }

/* ---- text ------------------------------------------------------------------------------------------------------- */

char *mlp_gocall_text(const char *p, size_t n, const char *name)
{
    if (n && memchr(p, 0, n))
        return refuse(name, MLPLAT_INVALID);
    char *text = malloc(n + 1);
    if (!text)
        return refuse(name, MLPLAT_NO_MEMORY);
    if (n)
        memcpy(text, p, n);
    text[n] = 0;
    return text;
}

char *mlp_gocall_optional(const char *p, size_t n, const char *name)
{
    if (n == 0)
        return NULL;
    return mlp_gocall_text(p, n == 1 && !p[0] ? 0 : n, name);
}

static uint32_t length_at(const char *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

static size_t count_words(const char *p, size_t n)
{
    size_t words = 0;
    for (size_t at = 0; at < n; at += sizeof(uint32_t) + length_at(p + at))
        words++;
    return words;
}

void mlp_gocall_words(const char *p, size_t n, const char *name, mlp_gowords *out)
{
    out->array = calloc(count_words(p, n) + 1, sizeof *out->array);
    if (!out->array) {
        refuse(name, MLPLAT_NO_MEMORY);
        return;
    }
    for (size_t at = 0; at < n && (out->n == 0 || out->array[out->n - 1]); at += length_at(p + at) + sizeof(uint32_t))
        out->array[out->n++] = mlp_gocall_text(p + at + sizeof(uint32_t), length_at(p + at), name);
}

void mlp_gocall_words_free(mlp_gowords *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->array[i]);
    free(words->array);
}

static const char *unless_empty(const char *word) { return word && *word ? word : NULL; }

/* Five words a port. */
void mlp_gocall_ports(const char *p, size_t n, mlp_goports *out)
{
    mlp_gocall_words(p, n, "ports", &out->words);
    out->n = out->words.n / 5;
    out->array = calloc(out->n + 1, sizeof *out->array);
    if (!out->array)
        refuse("ports", MLPLAT_NO_MEMORY);
    for (size_t i = 0; out->array && i < out->n; i++) {
        char **word = out->words.array + 5 * i;
        out->array[i] = (mlplat_port){
            .direction = word[0] && word[0][0] == '1' ? MLPLAT_OUT : MLPLAT_IN,
            .name = word[1],
            .type = word[2],
            .default_json = unless_empty(word[3]),
            .description = unless_empty(word[4]),
        };
    }
}

void mlp_gocall_ports_free(mlp_goports *ports)
{
    mlp_gocall_words_free(&ports->words);
    free(ports->array);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------ */

static _Thread_local mlp_gonews *quick; /* of a call that must not go back to Go */

static int own_progress(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    return now && now->hooks ? mlplatGoProgress(now->hooks, 1, done, total) : 0;
}

mlplat_progress mlp_gocall_own_progress(void)
{
    owned = true;
    return own_progress;
}

int mlp_gocall_session_progress(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    return now && now->hooks ? mlplatGoProgress(now->hooks, !now->own, done, total) : 0;
}

int64_t mlp_gocall_write(void *user, const void *data, size_t n)
{
    (void)user;
    return now && now->hooks ? mlplatGoWrite(now->hooks, (void *)data, n) : -1;
}

static void keep_line(mlp_gonews *news, uintptr_t log, mlplat_log_level level, const char *line)
{
    size_t n = strlen(line) + 1;
    mlp_goline *kept = malloc(sizeof *kept + n);
    mlp_goline **end = &news->lines;
    if (!kept)
        return;
    while (*end)
        end = &(*end)->next;
    *kept = (mlp_goline){ .level = (int)level };
    memcpy(kept->text, line, n);
    *end = kept;
    news->log = log;
}

void mlp_gocall_log(void *user, mlplat_log_level level, const char *line)
{
    if (quick)
        keep_line(quick, (uintptr_t)user, level, line);
    else
        mlplatGoLog((uintptr_t)user, (int)level, (char *)line);
}

mlplat_status mlp_gocall_component(mlplat_step *step, void *user, mlplat_error *err)
{
    mlp_gocall *outer = now;
    now = NULL;
    mlplat_status s = (mlplat_status)mlplatGoComponent((uintptr_t)user, step, err);
    now = outer;
    return s;
}

/* ---- quick calls ------------------------------------------------------------------------------------------------ */

enum { KEY_BYTES = 1024 }; /* 250 characters of four bytes, and more than that is refused all the same */

static mlp_gonews nothing_left = { .error = { .status = MLPLAT_NO_MEMORY, .message = "no memory to say why" } };

static void free_lines(mlp_goline *line)
{
    for (mlp_goline *next; line; line = next) {
        next = line->next;
        free(line);
    }
}

static mlp_gonews *news_of(const mlp_gonews *here)
{
    mlp_gonews *news = malloc(sizeof *news);
    if (!news) {
        free_lines(here->lines);
        return &nothing_left;
    }
    *news = *here;
    return news;
}

mlp_gonews *mlp_gocall_log_metric(mlplat_run *run, const char *key, size_t n, double value, int64_t step,
                                  int64_t timestamp_ms)
{
    char name[KEY_BYTES];
    mlp_gonews here; /* the message is not cleared: it is read only if there is a status */
    mlp_gocall *outer = now;
    here.error.status = MLPLAT_OK;
    here.lines = NULL;
    if (n >= sizeof name)
        n = sizeof name - 1;
    if (n)
        memcpy(name, key, n);
    name[n] = 0;
    now = NULL;
    quick = &here;
    mlplat_status s = n && memchr(name, 0, n) ? MLPLAT_INVALID : MLPLAT_OK;
    if (s != MLPLAT_OK)
        here.error = (mlplat_error){ .status = s, .message = "metric key has a zero byte in it: leave it out" };
    else
        s = mlplat_run_log_metric_at(run, name, value, step, timestamp_ms, &here.error);
    quick = NULL;
    now = outer;
    if (s == MLPLAT_OK && !here.lines)
        return NULL;
    here.error.status = s;
    return news_of(&here);
}

void mlp_gocall_news_free(mlp_gonews *news)
{
    if (news == &nothing_left)
        return;
    free_lines(news->lines);
    free(news);
}

/* run tail: what is logged to a run, as it comes, until the run ends. */
#include "cli.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_MS = 150, /* between two looks at the run */
    LATE_MS = 2000, /* a point may come so much later than one with a later time */
    ALL_ROUNDS = 8, /* a metric whose latest value stays is looked at in every so many rounds */
    PAGE = 10000
};

/* One line of output; values are JSON texts. */
typedef struct {
    const char *kind;
    char *key, *value;
    int64_t step, time_ms; /* of a metric; of the status: when the run ended */
    bool has_step, has_time;
} event;

typedef struct {
    event *at;
    size_t n;
} events;

/* What was shown of one metric, param or tag. */
typedef struct {
    const char *kind;
    char *key, *latest;
    events recent;   /* of a metric: its points of the last LATE_MS */
    size_t n_sorted; /* so many of them, by time, step and value */
    int64_t newest_ms;
    int64_t floor_ms, floor_step; /* points up to this one are of before, and not wanted */
    bool settled;                 /* a while after the newest one nothing else had come: all up to it is shown */
} seen;

typedef struct {
    cli *c;
    const char *run_id;
    seen *all;
    size_t n;
    events fresh; /* of this round */
    char *status;
    int round;
    bool whole; /* every point, also of before */
    bool ended;
} tail;

static void *grown(void *at, size_t n, size_t size)
{
    void *more = realloc(at, n * size);
    if (!more) {
        fputs("mlplat: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return more;
}

static char *copy(const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(grown(NULL, n, 1), text, n);
}

static void clear(events *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->at[i].key);
        free(list->at[i].value);
    }
    free(list->at);
    *list = (events){NULL, 0};
}

static event *push(events *list, const char *kind, const char *key, const char *value)
{
    list->at = grown(list->at, list->n + 1, sizeof *list->at);
    list->at[list->n] = (event){.kind = kind, .key = copy(key), .value = copy(value)};
    return &list->at[list->n++];
}

static void push_point(events *list, const char *key, const event *point)
{
    event *added = push(list, point->kind, key, point->value);
    added->step = point->step;
    added->time_ms = point->time_ms;
    added->has_step = added->has_time = true;
}

/* The JSON text at a path; "null" if there is nothing. malloc'd. */
static char *text_at(const mlplat_doc *doc, const char *path)
{
    mlplat_doc *value = NULL;
    char *text = copy(mlplat_doc_at(doc, path, &value, NULL) == MLPLAT_OK ? mlplat_doc_text(value) : "null");
    mlplat_doc_free(value);
    return text;
}

/* ---- output --------------------------------------------------------------------------------------------------- */

static void add_event(cli_text *out, const event *e)
{
    char number[32];
    cli_text_add(out, "{\"kind\": ", 9);
    cli_text_quote(out, e->kind, strlen(e->kind));
    if (*e->key) {
        cli_text_add(out, ", \"key\": ", 9);
        cli_text_quote(out, e->key, strlen(e->key));
    }
    cli_text_add(out, ", \"value\": ", 11);
    cli_text_add(out, e->value, strlen(e->value));
    if (e->has_step) {
        snprintf(number, sizeof number, ", \"step\": %" PRId64, e->step);
        cli_text_add(out, number, strlen(number));
    }
    if (e->has_time) {
        cli_text_add(out, ", \"timestamp\": ", 15);
        snprintf(number, sizeof number, "%" PRId64, e->time_ms);
        cli_text_add(out, number, strlen(number));
    }
    cli_text_add(out, "}", 1);
}

static void show_clock(const event *e)
{
    char text[32] = "";
    time_t seconds = (time_t)(e->time_ms / 1000);
    struct tm tm;
    if (e->has_time && gmtime_r(&seconds, &tm))
        strftime(text, sizeof text, "%H:%M:%S", &tm);
    printf("%-8s  ", text);
}

/* A row for people: the text of a value without its quotes, and nothing that would move the cursor. */
static void show_row(const tail *t, const event *e)
{
    mlplat_doc *value = NULL;
    const char *text = e->value;
    const char *blank = t->c->format == CLI_TSV ? "\t" : "  ";
    if (mlplat_doc_parse(e->value, strlen(e->value), &value, NULL) == MLPLAT_OK)
        mlplat_doc_string(value, "", &text, NULL);
    cli_text row = {0};
    cli_text_add(&row, e->key, strlen(e->key));
    cli_text_add(&row, *e->key ? blank : "", *e->key ? strlen(blank) : 0);
    cli_text_add(&row, text, strlen(text));
    for (char *at = row.data; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            *at = ' ';
    if (t->c->format == CLI_TABLE) {
        show_clock(e);
        printf("%-6s  %s", e->kind, row.data);
        e->has_step ? printf("  step %" PRId64 "\n", e->step) : putchar('\n');
    } else {
        printf("%s%s%s", e->kind, *e->key ? "\t" : "\t\t", row.data);
        e->has_step ? printf("\t%" PRId64, e->step) : putchar('\t');
        e->has_time ? printf("\t%" PRId64 "\n", e->time_ms) : puts("\t");
    }
    free(row.data);
    mlplat_doc_free(value);
}

static void show_document(const tail *t, const event *e)
{
    cli_text text = {0};
    mlplat_doc *doc = NULL;
    char *yaml = NULL;
    add_event(&text, e);
    if (t->c->format == CLI_JSON)
        puts(text.data);
    else if (mlplat_doc_parse(text.data, text.n, &doc, NULL) == MLPLAT_OK &&
             mlplat_doc_yaml(doc, &yaml, NULL) == MLPLAT_OK)
        printf("---\n%s", yaml);
    mlplat_free(yaml);
    mlplat_doc_free(doc);
    free(text.data);
}

static int by_time(const void *a, const void *b)
{
    const event *x = a, *y = b;
    int order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
    order = order ? order : strcmp(x->key, y->key);
    return order ? order : (x->step > y->step) - (x->step < y->step);
}

static void show_fresh(tail *t)
{
    if (t->fresh.n)
        qsort(t->fresh.at, t->fresh.n, sizeof *t->fresh.at, by_time);
    for (size_t i = 0; i < t->fresh.n && !t->c->quiet; i++)
        if (t->c->format == CLI_TABLE || t->c->format == CLI_TSV)
            show_row(t, &t->fresh.at[i]);
        else
            show_document(t, &t->fresh.at[i]);
    clear(&t->fresh);
}

/* ---- what is new ---------------------------------------------------------------------------------------------- */

/* --key names what is wanted; without it all but MLflow's own tags is. */
static bool wanted(const tail *t, const char *kind, const char *key)
{
    if (!cli_given(t->c, "key"))
        return strcmp(kind, "tag") != 0 || strncmp(key, "mlflow.", 7) != 0;
    for (int i = 0; i < t->c->n_options; i++)
        if (strcmp(t->c->options[i].name, "key") == 0 && strcmp(t->c->options[i].value, key) == 0)
            return true;
    return false;
}

static seen *find(tail *t, const char *kind, const char *key, bool *is_new)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->all[i].kind == kind && strcmp(t->all[i].key, key) == 0) {
            *is_new = false;
            return &t->all[i];
        }
    t->all = grown(t->all, t->n + 1, sizeof *t->all);
    t->all[t->n] = (seen){.kind = kind, .key = copy(key), .latest = copy(""), .floor_ms = INT64_MIN};
    *is_new = true;
    return &t->all[t->n++];
}

static int by_point(const void *a, const void *b)
{
    const event *x = a, *y = b;
    int order = (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
    order = order ? order : (x->step > y->step) - (x->step < y->step);
    return order ? order : strcmp(x->value, y->value);
}

/* An answer has each point once: only those of earlier answers are to be compared with. */
static bool known(const seen *s, const event *e)
{
    return s->n_sorted && bsearch(e, s->recent.at, s->n_sorted, sizeof *e, by_point);
}

/* Points are remembered as long as they can come again in an answer. */
static void forget(seen *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->recent.n; i++)
        if (s->recent.at[i].time_ms >= s->newest_ms - LATE_MS) {
            s->recent.at[kept++] = s->recent.at[i];
        } else {
            free(s->recent.at[i].key);
            free(s->recent.at[i].value);
        }
    s->recent.n = s->n_sorted = kept;
    if (kept)
        qsort(s->recent.at, kept, sizeof *s->recent.at, by_point);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A time ahead of the clock is no reason to look past what comes now. */
static void raise_newest(seen *s, int64_t time_ms)
{
    int64_t now = now_ms();
    time_ms = time_ms < now ? time_ms : now;
    s->newest_ms = time_ms > s->newest_ms ? time_ms : s->newest_ms;
}

static void take_point(tail *t, seen *s, const mlplat_doc *page, size_t i)
{
    char path[64];
    event e = {.kind = s->kind, .key = s->key, .has_step = true, .has_time = true};
    snprintf(path, sizeof path, "metrics[%zu].step", i);
    mlplat_doc_int(page, path, &e.step, NULL);
    snprintf(path, sizeof path, "metrics[%zu].timestamp", i);
    mlplat_doc_int(page, path, &e.time_ms, NULL);
    snprintf(path, sizeof path, "metrics[%zu].value", i);
    e.value = text_at(page, path);
    bool before = e.time_ms < s->floor_ms || (e.time_ms == s->floor_ms && e.step <= s->floor_step);
    if (!before && !known(s, &e)) {
        push_point(&s->recent, "", &e);
        push_point(&t->fresh, s->key, &e);
    }
    raise_newest(s, e.time_ms);
    free(e.value);
}

/* From when on points are asked for: while they come, also those that come late. Once it has settled, of a batch of
 * very many points with one time none is read again. */
static int64_t since_ms(const seen *s, bool changed, int64_t latest_ms)
{
    bool old_time = changed && latest_ms <= s->newest_ms;
    int64_t since = s->settled && !old_time ? s->newest_ms + 1 : s->newest_ms - LATE_MS;
    since = since < s->floor_ms ? s->floor_ms : since;
    return since > 0 ? since : 0;
}

static int take_points(tail *t, seen *s, int64_t since)
{
    mlplat_doc *page = NULL;
    char token[256] = "";
    const char *next;
    int code;
    do {
        size_t n = 0;
        code = cli_result(t->c, mlplat_metric_history_since(t->c->ml, t->run_id, s->key, since, PAGE, token, &page,
                                                            &t->c->err));
        if (code != CLI_OK)
            return code;
        mlplat_doc_size(page, "metrics", &n, NULL);
        for (size_t i = 0; i < n; i++)
            take_point(t, s, page, i);
        *token = '\0';
        if (mlplat_doc_string(page, "next_page_token", &next, NULL) == MLPLAT_OK)
            snprintf(token, sizeof token, "%s", next);
        mlplat_doc_free(page);
        if (t->fresh.n >= PAGE)
            show_fresh(t);
        forget(s);
    } while (*token && !cli_interrupted());
    return code;
}

/* The time, and the step, of metric i of the run's document: of its latest point. */
static int64_t number_of(const mlplat_doc *run, size_t i, const char *member)
{
    char path[64];
    int64_t number = 0;
    snprintf(path, sizeof path, "data.metrics[%zu].%s", i, member);
    mlplat_doc_int(run, path, &number, NULL);
    return number;
}

/* A metric of before is shown by its latest point. */
static void begin_at_latest(tail *t, seen *s, const mlplat_doc *run, size_t i)
{
    char path[64];
    snprintf(path, sizeof path, "data.metrics[%zu].value", i);
    char *value = text_at(run, path);
    s->floor_ms = number_of(run, i, "timestamp");
    s->floor_step = number_of(run, i, "step");
    raise_newest(s, s->floor_ms);
    s->settled = now_ms() - s->newest_ms > LATE_MS;
    push_point(&t->fresh, s->key,
               &(event){.kind = "metric", .value = value, .time_ms = s->floor_ms, .step = s->floor_step});
    free(value);
}

static int take_metric(tail *t, const mlplat_doc *run, size_t i, const char *key)
{
    char path[64];
    bool is_new;
    seen *s = find(t, "metric", key, &is_new);
    snprintf(path, sizeof path, "data.metrics[%zu]", i);
    char *latest = text_at(run, path);
    bool changed = strcmp(latest, s->latest) != 0;
    int64_t since = since_ms(s, changed, number_of(run, i, "timestamp"));
    free(s->latest);
    s->latest = latest;
    if (is_new && !t->round && !t->whole) {
        begin_at_latest(t, s, run, i);
        return CLI_OK;
    }
    bool quiet = !changed && now_ms() - s->newest_ms > LATE_MS;
    /* A run that began again has smaller steps, which leave the latest value as it is. */
    bool look_again = t->ended || (quiet && !s->settled) || t->round % ALL_ROUNDS == 0;
    s->settled = !changed && (s->settled || quiet);
    return changed || look_again ? take_points(t, s, since) : CLI_OK;
}

static int take_pair(tail *t, const mlplat_doc *run, const char *list, size_t i, const char *kind, const char *key)
{
    char path[64];
    bool is_new;
    seen *s = find(t, kind, key, &is_new);
    snprintf(path, sizeof path, "%s[%zu].value", list, i);
    char *value = text_at(run, path);
    if (strcmp(value, s->latest) != 0)
        push(&t->fresh, kind, key, value);
    free(s->latest);
    s->latest = value;
    return CLI_OK;
}

static int take_list(tail *t, const mlplat_doc *run, const char *list, const char *kind)
{
    size_t n = 0;
    int code = CLI_OK;
    mlplat_doc_size(run, list, &n, NULL);
    for (size_t i = 0; i < n && code == CLI_OK; i++) {
        char path[64];
        const char *key = "";
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        mlplat_doc_string(run, path, &key, NULL);
        if (wanted(t, kind, key))
            code = strcmp(kind, "metric") == 0 ? take_metric(t, run, i, key) : take_pair(t, run, list, i, kind, key);
    }
    return code;
}

static void take_status(tail *t, const mlplat_doc *run)
{
    char *status = text_at(run, "info.status");
    if (!t->status || strcmp(status, t->status) != 0) {
        event *e = push(&t->fresh, "status", "", status);
        e->has_time = mlplat_doc_int(run, t->ended ? "info.end_time" : "info.start_time", &e->time_ms, NULL) ==
                      MLPLAT_OK;
    }
    free(t->status);
    t->status = status;
}

static bool has_ended(const mlplat_doc *run)
{
    const char *status = "";
    mlplat_doc_string(run, "info.status", &status, NULL);
    return strcmp(status, "RUNNING") != 0 && strcmp(status, "SCHEDULED") != 0;
}

/* The run is read once; when it has ended, all of its records were stored before. */
static int look(tail *t)
{
    mlplat_doc *run = NULL;
    const char *stage = "";
    int code = cli_result(t->c, mlplat_run_get(t->c->ml, t->run_id, &run, &t->c->err));
    if (code == CLI_OK) {
        t->ended = has_ended(run);
        mlplat_doc_string(run, "info.lifecycle_stage", &stage, NULL);
    }
    if (code == CLI_OK && !t->ended)
        take_status(t, run);
    show_fresh(t);
    if (code == CLI_OK)
        code = take_list(t, run, "data.params", "param");
    if (code == CLI_OK)
        code = take_list(t, run, "data.tags", "tag");
    if (code == CLI_OK)
        code = take_list(t, run, "data.metrics", "metric");
    show_fresh(t);
    if (code == CLI_OK && t->ended)
        take_status(t, run);
    show_fresh(t);
    if (code == CLI_OK && strcmp(stage, "deleted") == 0) {
        cli_usage("run %s is deleted: `mlplat run restore` brings it back", t->run_id);
        code = CLI_FAILED;
    }
    t->round++;
    mlplat_doc_free(run);
    return code;
}

/* False when nobody reads any more. */
static bool pause_a_little(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, PAUSE_MS) <= 0;
}

int cli_run_tail(cli *c)
{
    tail t = {.c = c, .run_id = c->args[0], .whole = cli_get(c, "all") != NULL};
    bool read = true;
    int code = cli_open(c);
    if (code == CLI_OK && c->format == CLI_TSV && !c->quiet)
        puts("KIND\tKEY\tVALUE\tSTEP\tTIMESTAMP");
    while (code == CLI_OK && read && !t.ended && !cli_interrupted()) {
        code = look(&t);
        read = fflush(stdout) == 0;
        if (code == CLI_OK && read && !t.ended && !cli_interrupted())
            read = pause_a_little();
    }
    for (size_t i = 0; i < t.n; i++) {
        clear(&t.all[i].recent);
        free(t.all[i].key);
        free(t.all[i].latest);
    }
    free(t.all);
    free(t.status);
    return code;
}

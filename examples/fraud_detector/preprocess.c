/*
 * First step of the fraud detector: a CSV file in, three out. Rows with missing cells are dropped; the rest is shuffled
 * with a seed and split into rows to train with, rows to test with and rows held back for the prediction.
 */
#include <mlplat.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct table {
    char *header;
    char **rows; /* lines without their end */
    size_t n, room;
    size_t columns;
    size_t dropped;
};

static mlplat_status fail(mlplat_error *err, mlplat_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static mlplat_status fail(mlplat_error *err, mlplat_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->status = status;
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->rows[i]);
    free(t->rows);
    free(t->header);
    *t = (struct table){ 0 };
}

static int is_missing(const char *cell)
{
    static const char *const words[] = { "", "na", "nan", "null", "none", "?" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return 1;
    return 0;
}

/* Cuts the next cell off *line into cell, without the blanks around it. @return 0 when the line has no more */
static int next_cell(const char **line, char *cell, size_t room)
{
    if (!*line)
        return 0;
    size_t n = strcspn(*line, ",");
    const char *from = *line, *to = *line + n;
    *line = *to ? to + 1 : NULL;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    snprintf(cell, room, "%.*s", (int)(to - from), from);
    return 1;
}

static size_t count_cells(const char *line)
{
    size_t n = 1;
    for (; *line; line++)
        n += *line == ',';
    return n;
}

/* Says in *complete whether every cell of the row is there; a cell that is there has to be a number. */
static mlplat_status check_row(const struct table *t, const char *row, const char *path, size_t line, int *complete,
                               mlplat_error *err)
{
    char cell[64], *end = NULL;
    size_t column = 0;
    *complete = 1;
    for (const char *rest = row; next_cell(&rest, cell, sizeof cell); column++) {
        if (is_missing(cell)) {
            *complete = 0;
        } else if (!isfinite(strtod(cell, &end)) || *end) {
            return fail(err, MLPLAT_INVALID, "%s line %zu, column %zu: \"%s\" is not a number", path, line, column + 1,
                        cell);
        }
    }
    if (column > t->columns)
        return fail(err, MLPLAT_INVALID, "%s line %zu has %zu cells and the header %zu", path, line, column,
                    t->columns);
    if (column < t->columns)
        *complete = 0;
    return MLPLAT_OK;
}

static mlplat_status add_row(struct table *t, const char *row, mlplat_error *err)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 256;
        char **rows = realloc(t->rows, room * sizeof *rows);
        if (!rows)
            return fail(err, MLPLAT_NO_MEMORY, "no memory for %zu rows", room);
        t->rows = rows;
        t->room = room;
    }
    t->rows[t->n] = strdup(row);
    if (!t->rows[t->n])
        return fail(err, MLPLAT_NO_MEMORY, "no memory for row %zu", t->n + 1);
    t->n++;
    return MLPLAT_OK;
}

static mlplat_status take_line(struct table *t, char *text, const char *path, size_t line, mlplat_error *err)
{
    int complete = 0;
    text[strcspn(text, "\r\n")] = 0;
    if (!t->header) {
        t->header = strdup(text);
        t->columns = count_cells(text);
        return t->header ? MLPLAT_OK : fail(err, MLPLAT_NO_MEMORY, "no memory for the header of %s", path);
    }
    if (!text[0])
        return MLPLAT_OK;
    mlplat_status s = check_row(t, text, path, line, &complete, err);
    if (s == MLPLAT_OK && complete)
        s = add_row(t, text, err);
    else if (s == MLPLAT_OK)
        t->dropped++;
    return s;
}

static mlplat_status read_table(const char *path, struct table *t, mlplat_error *err)
{
    char *text = NULL;
    size_t room = 0, line = 0;
    mlplat_status s = MLPLAT_OK;
    FILE *in = fopen(path, "r");
    if (!in)
        return fail(err, errno == ENOENT ? MLPLAT_NOT_FOUND : MLPLAT_IO, "cannot read %s: %s", path, strerror(errno));
    while (s == MLPLAT_OK && getline(&text, &room, in) >= 0)
        s = take_line(t, text, path, ++line, err);
    if (s == MLPLAT_OK && ferror(in))
        s = fail(err, MLPLAT_IO, "cannot read %s: %s", path, strerror(errno));
    if (s == MLPLAT_OK && t->n < 10)
        s = fail(err, MLPLAT_INVALID, "%s has %zu complete rows: at least 10 are needed to split it", path, t->n);
    free(text);
    fclose(in);
    return s;
}

/* splitmix64: the same seed gives the same rows on every machine. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void shuffle(struct table *t, int64_t seed)
{
    uint64_t state = (uint64_t)seed;
    for (size_t i = t->n - 1; i > 0; i--) {
        size_t j = (size_t)(next_random(&state) % (i + 1));
        char *row = t->rows[i];
        t->rows[i] = t->rows[j];
        t->rows[j] = row;
    }
}

static mlplat_status write_rows(mlplat_step *step, const char *port, const struct table *t, size_t from, size_t n,
                                mlplat_error *err)
{
    char count[32];
    const char *path = NULL;
    mlplat_status s = mlplat_step_output_path(step, port, &path, err);
    if (s != MLPLAT_OK)
        return s;
    FILE *out = fopen(path, "w");
    if (!out)
        return fail(err, MLPLAT_IO, "cannot write %s: %s", path, strerror(errno));
    int bad = fprintf(out, "%s\n", t->header) < 0;
    for (size_t i = from; i < from + n && !bad; i++)
        bad = fprintf(out, "%s\n", t->rows[i]) < 0;
    if (fclose(out) != 0 || bad)
        return fail(err, MLPLAT_IO, "cannot write %s: %s", path, strerror(errno));
    snprintf(count, sizeof count, "%zu", n);
    return mlplat_step_metadata(step, port, "rows", count, err);
}

struct split {
    int64_t seed;
    double test_share, holdout_share;
    size_t train, test, holdout;
};

static mlplat_status read_split(mlplat_step *step, struct split *p, mlplat_error *err)
{
    mlplat_status s = mlplat_step_int(step, "seed", &p->seed, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_double(step, "test_share", &p->test_share, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_double(step, "holdout_share", &p->holdout_share, err);
    if (s == MLPLAT_OK && !(p->test_share > 0 && p->holdout_share > 0 && p->test_share + p->holdout_share < 1))
        s = fail(err, MLPLAT_INVALID, "test_share %g and holdout_share %g: both above 0 and below 1 in all are wanted",
                 p->test_share, p->holdout_share);
    return s;
}

static mlplat_status split_rows(const struct table *t, struct split *p, mlplat_error *err)
{
    p->test = (size_t)((double)t->n * p->test_share + 0.5);
    p->holdout = (size_t)((double)t->n * p->holdout_share + 0.5);
    if (p->test == 0 || p->holdout == 0 || p->test + p->holdout >= t->n)
        return fail(err, MLPLAT_INVALID, "%zu rows cannot be split by test_share %g and holdout_share %g: a part is"
                    " empty", t->n, p->test_share, p->holdout_share);
    p->train = t->n - p->test - p->holdout;
    return MLPLAT_OK;
}

static mlplat_status track(mlplat_step *step, const char *source, const struct table *t, const struct split *p,
                           mlplat_error *err)
{
    char text[64];
    const struct {
        const char *key;
        size_t value;
    } counts[] = { { "rows_read", t->n + t->dropped }, { "rows_dropped", t->dropped }, { "rows_train", p->train },
                   { "rows_test", p->test },           { "rows_holdout", p->holdout } };
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_step_run(step, &run, err);
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof counts / sizeof counts[0]; i++)
        s = mlplat_run_log_metric(run, counts[i].key, (double)counts[i].value, MLPLAT_STEP_AUTO, err);
    snprintf(text, sizeof text, "%" PRId64, p->seed);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_param(run, "seed", text, err);
    snprintf(text, sizeof text, "%g", p->test_share);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_param(run, "test_share", text, err);
    snprintf(text, sizeof text, "%g", p->holdout_share);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_param(run, "holdout_share", text, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_param(run, "source", strrchr(source, '/') ? strrchr(source, '/') + 1 : source, err);
    return s;
}

static mlplat_status write_outputs(mlplat_step *step, const struct table *t, const struct split *p, mlplat_error *err)
{
    char text[32];
    mlplat_status s = write_rows(step, "train", t, 0, p->train, err);
    if (s == MLPLAT_OK)
        s = write_rows(step, "test", t, p->train, p->test, err);
    if (s == MLPLAT_OK)
        s = write_rows(step, "holdout", t, p->train + p->test, p->holdout, err);
    snprintf(text, sizeof text, "%zu", t->n);
    if (s == MLPLAT_OK)
        s = mlplat_step_output(step, "rows_kept", text, err);
    snprintf(text, sizeof text, "%zu", t->dropped);
    if (s == MLPLAT_OK)
        s = mlplat_step_output(step, "rows_dropped", text, err);
    return s;
}

static mlplat_status preprocess(mlplat_step *step, void *user, mlplat_error *err)
{
    struct table t = { 0 };
    struct split p = { 0 };
    const char *source = NULL;
    (void)user;
    mlplat_status s = mlplat_step_string(step, "source", &source, err);
    if (s == MLPLAT_OK)
        s = read_split(step, &p, err);
    if (s == MLPLAT_OK)
        s = read_table(source, &t, err);
    if (s == MLPLAT_OK)
        s = split_rows(&t, &p, err);
    if (s == MLPLAT_OK) {
        shuffle(&t, p.seed);
        s = write_outputs(step, &t, &p, err);
    }
    if (s == MLPLAT_OK)
        s = track(step, source, &t, &p, err);
    table_free(&t);
    return s;
}

int main(int argc, char **argv)
{
    static const mlplat_port ports[] = {
        { MLPLAT_IN, "source", "String", NULL, "path of the CSV file: a header line, then numbers" },
        { MLPLAT_IN, "test_share", "Double", "0.2", "share of the rows to test with" },
        { MLPLAT_IN, "holdout_share", "Double", "0.1", "share of the rows held back for the prediction" },
        { MLPLAT_IN, "seed", "Integer", "7", "of the shuffle: the same seed gives the same split" },
        { MLPLAT_OUT, "train", "Dataset", NULL, "rows to train with" },
        { MLPLAT_OUT, "test", "Dataset", NULL, "rows to test with" },
        { MLPLAT_OUT, "holdout", "Dataset", NULL, "rows held back for the prediction" },
        { MLPLAT_OUT, "rows_kept", "Integer", NULL, "complete rows" },
        { MLPLAT_OUT, "rows_dropped", "Integer", NULL, "rows with missing cells" },
    };
    mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
    def.name = "preprocess";
    def.description = "Drops rows with missing cells and splits the rest.";
    def.ports = ports;
    def.n_ports = sizeof ports / sizeof ports[0];
    def.fn = preprocess;
    return mlplat_component_main(argc, argv, &def);
}

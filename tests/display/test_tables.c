/* Tables: what Arrow streams hold, who frees it, and that points come out as they went in. */
#include "support/support.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct table {
    struct ArrowSchema schema;
    struct ArrowArray batch;
} table;

/* The only batch of a stream. */
static table take(struct ArrowArrayStream *stream)
{
    table out;
    struct ArrowArray next;
    assert_int_equal(stream->get_schema(stream, &out.schema), 0);
    assert_int_equal(stream->get_next(stream, &out.batch), 0);
    assert_non_null(out.batch.release);
    assert_int_equal(stream->get_next(stream, &next), 0);
    assert_null(next.release);
    stream->release(stream); /* what came out of it lives on */
    assert_null(stream->release);
    assert_string_equal(out.schema.format, "+s");
    assert_int_equal(out.schema.n_children, out.batch.n_children);
    return out;
}

static void put_back(table *t)
{
    t->schema.release(&t->schema);
    t->batch.release(&t->batch);
}

static const struct ArrowArray *column(const table *t, const char *name, const char *format)
{
    for (int64_t i = 0; i < t->schema.n_children; i++)
        if (strcmp(t->schema.children[i]->name, name) == 0) {
            assert_string_equal(t->schema.children[i]->format, format);
            return t->batch.children[i];
        }
    fail_msg("no column %s", name);
    return NULL;
}

static bool is_null(const struct ArrowArray *a, int64_t row)
{
    const uint8_t *valid = a->buffers[0];
    return valid && !(valid[row / 8] >> row % 8 & 1);
}

static void check_text(const struct ArrowArray *a, int64_t row, const char *want)
{
    const int32_t *offsets = a->buffers[1];
    const char *data = a->buffers[2];
    assert_int_equal(is_null(a, row), want == NULL);
    int32_t n = offsets[row + 1] - offsets[row];
    assert_int_equal(n, want ? strlen(want) : 0);
    if (want)
        assert_memory_equal(data + offsets[row], want, (size_t)n);
}

static struct ArrowArrayStream stream_of(const char *text)
{
    struct ArrowArrayStream stream;
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_parse(text, strlen(text), &doc, &err));
    assert_ok(mlplat_list_arrow(doc, &stream, &err));
    mlplat_doc_free(doc);
    return stream;
}

static void runs_are_a_row_each_and_keys_a_column(void **state)
{
    (void)state;
    struct ArrowArrayStream stream =
        stream_of("{\"runs\": [{\"info\": {\"run_id\": \"a\", \"start_time\": 5, \"status\": \"RUNNING\"}, \"data\": "
                  "{\"metrics\": "
                  "[{\"key\": \"loss\", \"value\": 0.5}, {\"key\": \"auc\", \"value\": \"NaN\"}], \"params\": "
                  "[{\"key\": \"loss\", "
                  "\"value\": \"\"}]}}, {\"info\": {\"run_id\": \"b\", \"end_time\": 7}, \"data\": {\"metrics\": "
                  "[{\"key\": \"loss\", "
                  "\"value\": \"-Infinity\"}], \"tags\": [{\"key\": \"\\u00e9\", \"value\": \"x\"}]}}, 7]}");
    table t = take(&stream);
    assert_int_equal(t.batch.length, 3);
    check_text(column(&t, "run_id", "u"), 0, "a");
    check_text(column(&t, "run_id", "u"), 2, NULL);
    check_text(column(&t, "status", "u"), 1, NULL);
    const struct ArrowArray *start = column(&t, "start_time", "tsm:UTC"), *loss = column(&t, "metrics.loss", "g");
    assert_int_equal(((const int64_t *)start->buffers[1])[0], 5);
    assert_true(is_null(start, 1) && start->null_count == 2);
    assert_true(((const double *)loss->buffers[1])[0] == 0.5 && ((const double *)loss->buffers[1])[1] == -INFINITY);
    const struct ArrowArray *auc = column(&t, "metrics.auc", "g");
    assert_true(!is_null(auc, 0) && isnan(((const double *)auc->buffers[1])[0]) && is_null(auc, 1));
    check_text(column(&t, "params.loss", "u"), 0, "");
    check_text(column(&t, "tags.\xc3\xa9", "u"), 1, "x");
    assert_string_equal(t.schema.children[9]->name, "metrics.auc"); /* keys in their order, behind the members */
    put_back(&t);
}

static void versions_have_numbers_and_lists_of_aliases(void **state)
{
    (void)state;
    struct ArrowArrayStream stream =
        stream_of("{\"model_versions\": [{\"name\": \"m\", \"version\": \"12\", \"aliases\": "
                  "[\"a\", \"b\"]}, {\"name\": \"m\", \"version\": \"x\", \"aliases\": []}, "
                  "{\"aliases\": [\"c\"]}, {}]}");
    table t = take(&stream);
    const struct ArrowArray *version = column(&t, "version", "l"), *aliases = column(&t, "aliases", "+l");
    assert_true(((const int64_t *)version->buffers[1])[0] == 12 && is_null(version, 1));
    static const int32_t want[] = {0, 2, 2, 3, 3};
    assert_memory_equal(aliases->buffers[1], want, sizeof want);
    assert_true(!is_null(aliases, 1) && is_null(aliases, 3));
    check_text(aliases->children[0], 2, "c");
    put_back(&t);
}

static void an_empty_list_has_its_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t columns;
    } lists[] = {{"{\"runs\": []}", 9},
                 {"{\"experiments\": []}", 6},
                 {"{\"registered_models\": []}", 5},
                 {"{\"model_versions\": []}", 11},
                 {"{\"models\": []}", 9},
                 {"{\"metrics\": []}", 4}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct ArrowArrayStream stream = stream_of(lists[i].text);
        table t = take(&stream);
        assert_int_equal(t.batch.length, 0);
        assert_int_equal(t.schema.n_children, lists[i].columns);
        put_back(&t);
    }
}

static void a_document_without_a_list_is_refused(void **state)
{
    (void)state;
    mlplat_error err = {0};
    static const char *const texts[] = {"{}", "[]", "{\"runs\": {}}", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ArrowArrayStream stream = {.private_data = &err};
        mlplat_doc *doc = NULL;
        assert_ok(mlplat_doc_parse(texts[i], strlen(texts[i]), &doc, &err));
        assert_status(mlplat_list_arrow(doc, &stream, &err), MLPLAT_INVALID);
        assert_null(stream.release);
        mlplat_doc_free(doc);
    }
}

static void parts_may_be_freed_in_any_order(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = stream_of("{\"experiments\": [{\"experiment_id\": \"1\", \"name\": \"e\"}]}");
    struct ArrowSchema one, two;
    assert_int_equal(stream.get_schema(&stream, &one), 0);
    assert_int_equal(stream.get_schema(&stream, &two), 0);
    one.release(&one);
    stream.release(&stream); /* with its batch still inside */
    assert_string_equal(two.children[1]->name, "name");
    struct ArrowSchema moved = *two.children[0]; /* as a consumer may take a child away */
    two.children[0]->release = NULL;
    two.release(&two);
    assert_string_equal(moved.name, "experiment_id");
    moved.release(&moved);
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

typedef struct place {
    char *folder;
    mlplat *ml;
    mlplat_run *run, *other;
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    mlplat_error err = {0};
    p->folder = test_folder_make();
    p->ml = test_open(p->folder);
    assert_ok(mlplat_run_start(p->ml, NULL, &p->run, &err));
    assert_ok(mlplat_run_start(p->ml, NULL, &p->other, &err));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    mlplat_run_free(p->run);
    mlplat_run_free(p->other);
    mlplat_close(p->ml);
    test_folder_remove(p->folder);
    free(p);
    return 0;
}

typedef struct shape {
    size_t n;
    int64_t times; /* points share a time in groups of so many; 0: all have one */
    bool back;     /* steps go down */
    size_t others; /* points of another run in between */
    int ends;      /* 1: the first and the last step that there can be are among them; 2: the last four alone */
} shape;

/* Few, and so many that threads share them; all at one time, spread, mixed with another run's. */
static const shape shapes[] = {{1, 1, false, 0, 0},       {1000, 0, true, 1000, 0},    {30000, 1, false, 0, 0},
                               {30000, 0, false, 100, 0}, {30000, 7000, true, 500, 0}, {25000, 3, true, 60000, 0},
                               {25000, 0, false, 0, 1},   {25000, 0, false, 0, 2}};

static void log_shape(place *p, const shape *s, const char *key)
{
    mlplat_error err = {0};
    size_t most = s->n > s->others ? s->n : s->others;
    double *values = calloc(most, sizeof *values);
    int64_t *steps = calloc(most, sizeof *steps), *times = calloc(most, sizeof *times);
    for (size_t i = 0; i < most; i++) {
        values[i] = i % 100 == 7 ? NAN : i % 100 == 8 ? INFINITY : (double)(i % 13) - 6;
        steps[i] = s->back ? (int64_t)(most - i) : (int64_t)i - 50;
        if (s->ends == 1 && (i == 0 || i == most - 1))
            steps[i] = i ? INT64_MAX : INT64_MIN + 1;
        if (s->ends == 2) {
            steps[i] = INT64_MAX - (int64_t)(i % 4);
            values[i] = (double)i;
        }
        times[i] = 1795824000000 + (s->times ? (int64_t)i / s->times : 0);
    }
    assert_ok(mlplat_run_log_metrics(p->run, key, steps, times, values, s->n, &err));
    if (s->others)
        assert_ok(mlplat_run_log_metrics(p->other, key, steps, times, values, s->others, &err));
    free(values);
    free(steps);
    free(times);
}

/* As mlplat_metric_history has them, point by point. */
static void check_points(place *p, const char *key, const table *t)
{
    mlplat_error err = {0};
    mlplat_doc *history = NULL;
    size_t n;
    const int64_t *steps = column(t, "step", "l")->buffers[1], *times = column(t, "timestamp", "tsm:UTC")->buffers[1];
    const double *values = column(t, "value", "g")->buffers[1];
    assert_ok(mlplat_metric_history(p->ml, mlplat_run_id(p->run), key, 0, NULL, &history, &err));
    assert_ok(mlplat_doc_size(history, "metrics", &n, &err));
    assert_int_equal(t->batch.length, n);
    for (size_t i = 0; i < n; i += 1 + i / 50) {
        char path[64];
        int64_t step, time;
        double value;
        snprintf(path, sizeof path, "metrics[%zu].step", i);
        assert_ok(mlplat_doc_int(history, path, &step, &err));
        snprintf(path, sizeof path, "metrics[%zu].timestamp", i);
        assert_ok(mlplat_doc_int(history, path, &time, &err));
        snprintf(path, sizeof path, "metrics[%zu].value", i);
        assert_ok(mlplat_doc_double(history, path, &value, &err));
        assert_true(steps[i] == step && times[i] == time);
        assert_true(values[i] == value || (isnan(values[i]) && isnan(value)));
    }
    mlplat_doc_free(history);
}

static void points_are_those_of_the_history_in_its_order(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        char key[16];
        struct ArrowArrayStream stream;
        snprintf(key, sizeof key, "shape%zu", i);
        log_shape(p, &shapes[i], key);
        assert_ok(mlplat_metric_arrow(p->ml, mlplat_run_id(p->run), key, NULL, NULL, &stream, &err));
        table t = take(&stream);
        check_points(p, key, &t);
        check_text(column(&t, "run_id", "u"), t.batch.length - 1, mlplat_run_id(p->run));
        check_text(column(&t, "key", "u"), t.batch.length / 2, key);
        put_back(&t);
    }
}

static void runs_and_keys_are_a_batch_each(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    char both[90];
    log_shape(p, &(shape){10, 1, false, 20, 0}, "a");
    log_shape(p, &(shape){30, 1, false, 40, 0}, "b");
    snprintf(both, sizeof both, "%s,%s", mlplat_run_id(p->run), mlplat_run_id(p->other));
    assert_ok(mlplat_metric_arrow(p->ml, both, "a,nothing,b", NULL, NULL, &stream, &err));
    for (int i = 0; i < 4; i++) {
        static const int64_t want[] = {10, 30, 20, 40};
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_int_equal(batch.length, want[i]);
        batch.release(&batch);
    }
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_null(batch.release);
    stream.release(&stream);
    assert_status(mlplat_metric_arrow(p->ml, "0123456789abcdef0123456789abcdef", "a", NULL, NULL, &stream, &err),
                  MLPLAT_NOT_FOUND);
    assert_status(mlplat_metric_arrow(p->ml, both, "a b\x01", NULL, NULL, &stream, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_arrow(NULL, both, "a", NULL, NULL, &stream, &err), MLPLAT_INVALID);
    assert_null(stream.release);
}

static int stop(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return ++*(int *)user > 0;
}

static void a_long_read_asks_whether_to_go_on(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    struct ArrowArrayStream stream;
    int calls = 0;
    for (int i = 0; i < 4; i++)
        log_shape(p, &(shape){100000, 1, i % 2, 0, 0}, "long");
    assert_ok(mlplat_flush(p->ml, -1, &err));
    mlplat_status s = mlplat_metric_arrow(p->ml, mlplat_run_id(p->run), "long", stop, &calls, &stream, &err);
    if (s == MLPLAT_OK) /* read before it was time to ask */
        stream.release(&stream);
    else
        assert_int_equal(s, MLPLAT_CANCELLED);
    assert_int_equal(s == MLPLAT_CANCELLED, calls > 0);
    calls = -1000;
    assert_ok(mlplat_metric_arrow(p->ml, mlplat_run_id(p->run), "long", stop, &calls, &stream, &err));
    stream.release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_a_row_each_and_keys_a_column),
        cmocka_unit_test(versions_have_numbers_and_lists_of_aliases),
        cmocka_unit_test(an_empty_list_has_its_columns),
        cmocka_unit_test(a_document_without_a_list_is_refused),
        cmocka_unit_test(parts_may_be_freed_in_any_order),
        cmocka_unit_test_setup_teardown(points_are_those_of_the_history_in_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(runs_and_keys_are_a_batch_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_read_asks_whether_to_go_on, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

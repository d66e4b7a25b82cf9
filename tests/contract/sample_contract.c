/* Decimated history, against all points. */
#include "contract/tracking_fixture.h"
#include <math.h>
#include <stdlib.h>

enum { POINTS = 5000 };

typedef struct points {
    size_t n;
    int64_t steps[POINTS], times[POINTS];
    double values[POINTS];
} points;

/* Steps in no order and some of them shared, some values equal, some NaN. */
static points *make_points(void)
{
    points *p = calloc(1, sizeof *p);
    unsigned seed = 7;
    p->n = POINTS;
    for (size_t i = 0; i < p->n; i++) {
        seed = seed * 1664525u + 1013904223u;
        p->steps[i] = (int64_t)(seed >> 8) % 4001 - 2000;
        p->times[i] = 1000000 + (int64_t)(seed >> 4) % 777777;
        p->values[i] = seed % 13 == 0 ? (double)NAN : (double)((seed >> 16) % 100);
    }
    return p;
}

static mlplat_doc *sample(mlplat *ml, const mlplat_run *run, const char *key, int buckets, mlplat_axis axis)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_metric_sample(ml, mlplat_run_id(run), key, buckets, axis, &doc, &err));
    return doc;
}

static double number(const mlplat_doc *doc, const char *format, size_t i)
{
    char path[80];
    snprintf(path, sizeof path, "buckets[%zu].%s", i, format);
    return double_at(doc, path);
}

static int64_t whole(const mlplat_doc *doc, const char *format, size_t i)
{
    char path[80];
    snprintf(path, sizeof path, "buckets[%zu].%s", i, format);
    return int_at(doc, path);
}

static bool member(const mlplat_doc *doc, const char *name, size_t i)
{
    char path[80];
    snprintf(path, sizeof path, "buckets[%zu].%s", i, name);
    return has(doc, path);
}

static int64_t place(const points *p, size_t i, mlplat_axis axis)
{
    return axis == MLPLAT_AXIS_TIME ? p->times[i] : p->steps[i];
}

/* Whether point i comes after point j, which may be none. */
static bool after(const points *p, size_t i, size_t j, mlplat_axis axis)
{
    int64_t a1 = place(p, i, axis), b1 = place(p, j, axis);
    int64_t a2 = place(p, i, !axis), b2 = place(p, j, !axis);
    double a3 = isnan(p->values[i]) ? 0 : p->values[i], b3 = isnan(p->values[j]) ? 0 : p->values[j];
    return a1 != b1 ? a1 > b1 : a2 != b2 ? a2 > b2 : a3 > b3;
}

/* Bucket b holds exactly the points between its start and the next one's. */
static void check_bucket(const mlplat_doc *doc, const points *p, size_t b, size_t n, mlplat_axis axis)
{
    int64_t from = whole(doc, "start", b), to = b + 1 < n ? whole(doc, "start", b + 1) : INT64_MAX;
    size_t count = 0, nans = 0, last = p->n;
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t i = 0; i < p->n; i++) {
        if (place(p, i, axis) < from || place(p, i, axis) >= to)
            continue;
        count++;
        nans += isnan(p->values[i]) != 0;
        last = last == p->n || after(p, i, last, axis) ? i : last;
        low = p->values[i] < low ? p->values[i] : low;
        high = p->values[i] > high ? p->values[i] : high;
    }
    assert_int_equal(whole(doc, "count", b), count);
    assert_int_equal(whole(doc, "nan", b), nans);
    assert_int_equal(member(doc, "min", b), count > nans);
    if (count > nans) {
        assert_true(number(doc, "min.value", b) == low);
        assert_true(number(doc, "max.value", b) == high);
    }
    assert_int_equal(whole(doc, "last.step", b), p->steps[last]);
    assert_int_equal(whole(doc, "last.timestamp", b), p->times[last]);
    if (!isnan(p->values[last]))
        assert_true(number(doc, "last.value", b) == p->values[last]);
}

static void a_sample_is_exact_over_all_points(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const int sizes[] = {1, 2, 7, 100, 4000, 4001, 100000};
    points *p = make_points();
    for (int many = 0; many < 2; many++) { /* a metric of one run, then one that many runs have */
        mlplat_run *run = start(f->ml, NULL);
        for (int other = 0; many && other < 4; other++) {
            mlplat_run *more = start(f->ml, NULL);
            assert_ok(mlplat_run_log_metric(more, "m", 1e9, 0, &err));
            end(more);
        }
        assert_ok(mlplat_run_log_metrics(run, "m", p->steps, p->times, p->values, p->n, &err));
        for (int axis = MLPLAT_AXIS_STEP; axis <= MLPLAT_AXIS_TIME; axis++)
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                mlplat_doc *doc = sample(f->ml, run, "m", sizes[i], (mlplat_axis)axis);
                size_t n = size_at(doc, "buckets");
                assert_true(n >= 1 && n <= (size_t)sizes[i]);
                assert_int_equal(int_at(doc, "count"), p->n);
                for (size_t b = 0; b < n; b += n > 50 ? n / 50 : 1)
                    check_bucket(doc, p, b, n, (mlplat_axis)axis);
                mlplat_doc_free(doc);
            }
        end(run);
    }
    free(p);
}

static void a_sample_of_extremes_and_of_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static const int64_t steps[] = {INT64_MIN + 1, INT64_MAX}, times[] = {0, INT64_MAX};
    static const double values[] = {-1, 2}, nans[] = {(double)NAN, (double)NAN};
    mlplat_run *run = start(f->ml, NULL);
    assert_ok(mlplat_run_log_metrics(run, "far", steps, times, values, 2, &err));
    assert_ok(mlplat_run_log_metrics(run, "nan", steps, times, nans, 2, &err));
    for (int axis = MLPLAT_AXIS_STEP; axis <= MLPLAT_AXIS_TIME; axis++) {
        mlplat_doc *doc = sample(f->ml, run, "far", 1000, (mlplat_axis)axis);
        assert_int_equal(size_at(doc, "buckets"), 2);
        assert_true(number(doc, "min.value", 0) == -1 && number(doc, "max.value", 1) == 2);
        mlplat_doc_free(doc);
    }
    mlplat_doc *doc = sample(f->ml, run, "nan", 1, MLPLAT_AXIS_STEP);
    assert_int_equal(int_at(doc, "nan"), 2);
    assert_false(member(doc, "min", 0));
    assert_string_equal(text_at(doc, "buckets[0].last.value"), "NaN");
    mlplat_doc_free(doc);
    doc = sample(f->ml, run, "none", 0, MLPLAT_AXIS_STEP);
    assert_int_equal(size_at(doc, "buckets"), 0);
    assert_int_equal(int_at(doc, "count"), 0);
    mlplat_doc_free(doc);
    doc = NULL;
    assert_status(mlplat_metric_sample(f->ml, "nobody", "m", 0, MLPLAT_AXIS_STEP, &doc, &err), MLPLAT_NOT_FOUND);
    assert_status(mlplat_metric_sample(f->ml, mlplat_run_id(run), "m", -1, MLPLAT_AXIS_STEP, &doc, &err),
                  MLPLAT_INVALID);
    assert_status(mlplat_metric_sample(f->ml, mlplat_run_id(run), "m", 100001, MLPLAT_AXIS_STEP, &doc, &err),
                  MLPLAT_INVALID);
    assert_status(mlplat_metric_sample(f->ml, mlplat_run_id(run), "m", 1, (mlplat_axis)2, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_sample(f->ml, mlplat_run_id(run), "..", 1, MLPLAT_AXIS_STEP, &doc, &err),
                  MLPLAT_INVALID);
    end(run);
}

static void one_metric_of_several_runs(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    mlplat_run *runs[2] = {start(f->ml, NULL), start(f->ml, NULL)};
    mlplat_doc *doc = NULL;
    char ids[200];
    for (int i = 0; i < 2; i++) {
        assert_ok(mlplat_run_log_metric_at(runs[i], "m", 1, 1, 20, &err));
        assert_ok(mlplat_run_log_metric_at(runs[i], "m", (double)NAN, 2, 10, &err));
        assert_ok(mlplat_run_log_metric(runs[i], "other", 1, 1, &err));
    }
    const char *a = mlplat_run_id(runs[0]), *b = mlplat_run_id(runs[1]);
    snprintf(ids, sizeof ids, "%s, %s,nobody,%s", b, a, b);
    assert_ok(mlplat_metric_history_bulk(f->ml, ids, "m", 0, &doc, &err));
    assert_int_equal(size_at(doc, "metrics"), 4);
    int first = strcmp(mlplat_run_id(runs[0]), mlplat_run_id(runs[1])) < 0 ? 0 : 1;
    assert_string_equal(text_at(doc, "metrics[0].run_id"), mlplat_run_id(runs[first]));
    assert_string_equal(text_at(doc, "metrics[3].run_id"), mlplat_run_id(runs[!first]));
    assert_string_equal(text_at(doc, "metrics[0].value"), "NaN");
    assert_int_equal(int_at(doc, "metrics[1].timestamp"), 20);
    mlplat_doc_free(doc);
    assert_ok(mlplat_metric_history_bulk(f->ml, ids, "m", 3, &doc, &err));
    assert_int_equal(size_at(doc, "metrics"), 3);
    mlplat_doc_free(doc);
    assert_status(mlplat_metric_history_bulk(f->ml, "", "m", 0, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_history_bulk(f->ml, "a,,b", "m", 0, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_history_bulk(f->ml, ids, "..", 0, &doc, &err), MLPLAT_INVALID);
    assert_status(mlplat_metric_history_bulk(f->ml, ids, "m", -1, &doc, &err), MLPLAT_INVALID);
    end(runs[0]);
    end(runs[1]);
}

int sample_contract_run(const char *store)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sample_is_exact_over_all_points),
        CASE(a_sample_of_extremes_and_of_nothing),
        CASE(one_metric_of_several_runs),
    };
    return _cmocka_run_group_tests(store, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}

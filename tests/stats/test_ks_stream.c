/* D in two passes is the D of sorting, whatever the values are. */
#include "stats/drift_vectors.h"
#include "stats/ks_stream.h"
#include "stats/sort.h"
#include "stats/two_sample.h"

enum { N = 30000, M = 20011 };

static uint64_t chance;

static double uniform(void)
{
    return (double)(test_roll(&chance, UINT64_MAX) >> 11) * 0x1p-53;
}

static double sum12(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum;
}

static double draw(int kind, double shift)
{
    switch (kind) {
    case 0:
        return sum12() + shift;
    case 1:
        return floor(uniform() * (20 + 10 * shift)); /* whole numbers */
    case 2:
        return uniform() < 0.5 + shift / 10 ? 0 : sum12(); /* a spike */
    case 3:
        return 1 / (1 - uniform()) + shift; /* a heavy tail */
    case 4:
        return 1e15 + floor(uniform() * 1000 + shift); /* an offset that takes the digits */
    case 5:
        return floor(uniform() * 1000 + shift) * 0x1p-1074; /* the smallest that there are */
    case 6:
        return uniform() < 0.1 ? (uniform() < 0.5 ? -(double)INFINITY : (double)NAN) : sum12() + shift;
    case 7:
        return floor(sum12() * 1000 + shift) / 1000;
    default:
        return 7;
    }
}

static size_t without_nan(double *values, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    return kept;
}

/* Sorts both. */
static void is_that_of_sorting(double *a, size_t n, double *b, size_t m, const mlp_ks_result *r)
{
    mlplat_error err = {0};
    mlp_two_sample s;
    int64_t i = 0, j = 0;
    n = without_nan(a, n);
    m = without_nan(b, m);
    assert_ok(mlp_sort_doubles(a, n, &err));
    assert_ok(mlp_sort_doubles(b, m, &err));
    mlp_two_sample_walk(a, n, b, m, &s);
    assert_int_equal(r->n, n);
    assert_int_equal(r->m, m);
    assert_int_equal(r->steps, s.ks_steps);
    assert_near(r->d, s.ks, 1e-15);
    while (i < (int64_t)n && a[i] <= r->at)
        i++;
    while (j < (int64_t)m && b[j] <= r->at)
        j++;
    assert_near(fabs((double)i / (double)n - (double)j / (double)m), s.ks, 1e-12); /* and it is reached there */
}

static void it_is_the_d_of_sorting(void **state)
{
    double *a = malloc(N * sizeof *a), *b = malloc(M * sizeof *b);
    mlplat_error err = {0};
    mlp_ks_result r;
    (void)state;
    chance = 99;
    for (int kind = 0; kind <= 8; kind++)
        for (int shift = 0; shift < 3; shift++) {
            size_t n = shift == 2 ? 5 : N, m = shift == 2 ? 3 : M;
            for (size_t i = 0; i < n; i++)
                a[i] = draw(kind, 0);
            for (size_t i = 0; i < m; i++)
                b[i] = draw(kind, shift * 0.05);
            b[0] = 1; /* never all NaN */
            a[0] = 2;
            assert_ok(mlp_ks_stream_spans(a, n, b, m, &r, &err));
            assert_true(r.picked < 2500 || n < 10); /* of 50,000 */
            is_that_of_sorting(a, n, b, m, &r);
        }
    free(a);
    free(b);
}

/* Bins of another day's values, and pieces. */
static void bins_that_do_not_fit_change_no_result(void **state)
{
    double *a = malloc(N * sizeof *a), *b = malloc(M * sizeof *b), other[500];
    mlplat_error err = {0};
    mlp_ks_stream *ks = NULL;
    mlp_ks_result r;
    (void)state;
    for (size_t i = 0; i < N; i++)
        a[i] = sum12();
    for (size_t i = 0; i < M; i++)
        b[i] = sum12() * 1.1;
    for (size_t i = 0; i < 500; i++)
        other[i] = i % 7 ? 1e30 * sum12() : (double)NAN;
    for (size_t samples = 0; samples <= 500; samples += 500) {
        assert_ok(mlp_ks_stream_open(other, samples, &ks, &err));
        for (size_t i = 0; i < N; i += 100)
            mlp_ks_stream_count(ks, 0, a + i, 100);
        mlp_ks_stream_count(ks, 1, b, M);
        assert_ok(mlp_ks_stream_narrow(ks, &err));
        assert_ok(mlp_ks_stream_pick(ks, 1, b, M, &err)); /* in any order */
        for (size_t i = N; i > 0; i -= 100)
            assert_ok(mlp_ks_stream_pick(ks, 0, a + i - 100, 100, &err));
        assert_ok(mlp_ks_stream_result(ks, &r, &err));
        mlp_ks_stream_free(ks);
        is_that_of_sorting(a, N, b, M, &r);
    }
    free(a);
    free(b);
}

/* One bin for all, and no usual value: they are sorted after all. */
static void what_is_too_much_to_pick_is_sorted(void **state)
{
    const size_t n = MLP_KS_PICKED + 1000, m = 5;
    double *a = malloc(n * sizeof *a), b[] = {3, 0x1p-600, 0x1p-599, 4, 5};
    mlplat_error err = {0};
    mlp_ks_stream *ks = NULL;
    mlp_ks_result r;
    (void)state;
    for (size_t i = 0; i < n; i++)
        a[i] = 3 + (double)(i % 1000000) * 0x1p-51;
    assert_ok(mlp_ks_stream_open(b, 1, &ks, &err));
    mlp_ks_stream_count(ks, 0, a, n);
    mlp_ks_stream_count(ks, 1, b, m);
    assert_ok(mlp_ks_stream_narrow(ks, &err));
    assert_status(mlp_ks_stream_pick(ks, 0, a, n, &err), MLPLAT_STATE);
    mlp_ks_stream_free(ks);
    assert_ok(mlp_ks_stream_spans(a, n, b, m, &r, &err));
    is_that_of_sorting(a, n, b, m, &r);
    free(a);
}

static void what_cannot_be_compared_is_told(void **state)
{
    const double nothing[] = {(double)NAN}, one[] = {1}, two[] = {2, 2};
    mlplat_error err = {0};
    mlp_ks_stream *ks = NULL;
    mlp_ks_result r;
    (void)state;
    assert_status(mlp_ks_stream_spans(one, 1, nothing, 1, &r, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "no value"));
    assert_status(mlp_ks_stream_spans(one, 0, one, 1, &r, &err), MLPLAT_INVALID);
    assert_ok(mlp_ks_stream_open(one, 1, &ks, &err)); /* 2 lies in a bin without a usual value */
    mlp_ks_stream_count(ks, 0, two, 2);
    mlp_ks_stream_count(ks, 1, two, 2);
    assert_ok(mlp_ks_stream_narrow(ks, &err));
    assert_ok(mlp_ks_stream_pick(ks, 0, two, 1, &err));
    assert_status(mlp_ks_stream_result(ks, &r, &err), MLPLAT_CORRUPT);
    mlp_ks_stream_free(ks);
    mlp_ks_stream_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_d_of_sorting),
        cmocka_unit_test(bins_that_do_not_fit_change_no_result),
        cmocka_unit_test(what_is_too_much_to_pick_is_sorted),
        cmocka_unit_test(what_cannot_be_compared_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

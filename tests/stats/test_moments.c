/* Moments in pieces and merged, and tests of means and variances against SciPy's. */
#include "stats/drift_vectors.h"
#include "stats/moments.h"

static void are_equal(const mlp_moments *a, const mlp_moments *b, double relative)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->nan, b->nan);
    assert_int_equal(a->plus_inf, b->plus_inf);
    assert_int_equal(a->minus_inf, b->minus_inf);
    assert_near(a->mean, b->mean, relative);
    assert_near(a->m2, b->m2, relative);
    assert_near(a->m3, b->m3, relative);
    assert_near(a->m4, b->m4, relative);
    assert_near(a->min, b->min, 0);
    assert_near(a->max, b->max, 0);
}

static void a_few_values_by_hand(void **state)
{
    const double values[] = {2, (double)NAN, 4, (double)INFINITY, 9, -(double)INFINITY, (double)INFINITY};
    const mlp_moments want = {
        .n = 3, .nan = 1, .plus_inf = 2, .minus_inf = 1, .mean = 5, .m2 = 26, .m3 = 36, .m4 = 338, .min = 2, .max = 9};
    mlp_moments got = {0}, none = {0};
    (void)state;
    mlp_moments_add(&got, values, 7);
    are_equal(&got, &want, 1e-15);
    assert_near(mlp_moments_variance(&got), 13, 1e-15);
    assert_near(mlp_moments_variance(&none), (double)NAN, 0);
    mlp_moments_merge(&got, &none);
    mlp_moments_merge(&none, &got);
    are_equal(&got, &want, 1e-15);
    are_equal(&none, &want, 1e-15);
}

static void pieces_and_merges_make_no_difference(void **state)
{
    enum { N = 10000 };
    double *values = malloc(N * sizeof *values);
    uint64_t chance = 5;
    mlp_moments whole = {0}, merged = {0};
    (void)state;
    for (size_t i = 0; i < N; i++)
        values[i] = 1e9 + (double)test_roll(&chance, 1000) * (double)test_roll(&chance, 1000) / 1000;
    values[17] = (double)NAN;
    mlp_moments_add(&whole, values, N);
    for (size_t at = 0, n; at < N; at += n) {
        mlp_moments piece = {0};
        n = 1 + test_roll(&chance, 700);
        n = n > N - at ? N - at : n;
        mlp_moments_add(&piece, values + at, n);
        mlp_moments_merge(&merged, &piece);
    }
    are_equal(&merged, &whole, 1e-9); /* m3 and m4 beside an offset of 1e9 */
    free(values);
}

static void no_sum_is_too_large(void **state)
{
    const double values[] = {1e308, 1.5e308, 1.2e308, 0x1p-1074};
    mlp_moments m = {0};
    (void)state;
    mlp_moments_add(&m, values, 4);
    assert_near(m.mean, 9.25e307, 1e-15);
}

static double number(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static void counts_are(const json_t *expect, const drift_sample *s, const mlp_moments *m)
{
    assert_int_equal(m->n, number(expect, "finite"));
    assert_int_equal(s->nan, number(expect, "nan"));
    assert_int_equal(m->plus_inf + m->minus_inf, number(expect, "inf"));
    if (m->n == 0)
        return;
    assert_near(m->mean, number(expect, "mean"), 1e-10); /* near 0, as sum over n beside what cancels */
    assert_near(m->min, number(expect, "min"), 0);
    assert_near(m->max, number(expect, "max"), 0);
    if (m->n > 1)
        assert_near(mlp_moments_variance(m), number(expect, "var"), 1e-12);
}

static void vectors_come_out(void **state)
{
    json_t *all = drift_vectors(), *one;
    size_t i, tests = 0;
    (void)state;
    if (!all) {
        print_message("skipped: ../shared/vectors is not here\n");
        skip();
    }
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        const json_t *expect = json_object_get(one, "expect"), *welch = json_object_get(expect, "welch");
        if (strcmp(json_string_value(json_object_get(one, "kind")), "numeric") != 0)
            continue;
        drift_sample a = drift_sample_make(json_object_get(one, "ref")),
                     b = drift_sample_make(json_object_get(one, "cur"));
        mlp_moments ma = {0}, mb = {0};
        mlp_moments_add(&ma, a.values, a.n);
        mlp_moments_add(&mb, b.values, b.n);
        counts_are(json_object_get(expect, "ref"), &a, &ma);
        counts_are(json_object_get(expect, "cur"), &b, &mb);
        if (welch) {
            mlp_mean_test t = mlp_moments_welch(&ma, &mb);
            assert_near(t.statistic, number(welch, "t"), 1e-10);
            assert_near(t.df1, number(welch, "df"), 1e-11);
            assert_near(t.p, number(welch, "p_mp"), 1e-10);
            tests++;
        }
        free(a.values);
        free(b.values);
    }
    assert_true(tests >= 8);
    json_decref(all);
}

/* SciPy 1.17.1: levene(a, b), which is with medians, and 2 min(f.sf, f.cdf) of the ratio of variances. */
static void variances_are_compared_as_scipy_does(void **state)
{
    static const double a[] = {8.88, 9.12, 9.04, 8.98, 9.00, 9.08, 9.01, 8.85, 9.06, 8.99};
    static const double b[] = {8.88, 8.95, 9.29, 9.44, 9.15, 9.58, 8.36, 9.18, 8.67, 9.05};
    double da[10], db[10];
    mlp_moments ma = {0}, mb = {0}, la = {0}, lb = {0};
    (void)state;
    mlp_moments_add(&ma, a, 10);
    mlp_moments_add(&mb, b, 10);
    for (int i = 0; i < 10; i++) {
        da[i] = fabs(a[i] - 9.005);
        db[i] = fabs(b[i] - 9.1);
    }
    mlp_moments_add(&la, da, 10);
    mlp_moments_add(&lb, db, 10);
    mlp_mean_test t = mlp_moments_levene(&la, &lb), f = mlp_moments_f(&ma, &mb), g = mlp_moments_f(&mb, &ma);
    assert_near(t.statistic, 8.461374333228711, 1e-11);
    assert_near(t.p, 0.009364737715584381, 1e-11);
    assert_near(f.statistic, 0.05395827136361681, 1e-11);
    assert_near(f.p, 0.0001772914239422415, 1e-11);
    assert_near(g.p, 0.0001772914239422415, 1e-11);
}

static void what_does_not_vary_has_no_number(void **state)
{
    static const double same[] = {3, 3, 3};
    mlp_moments m = {0}, one = {0};
    (void)state;
    mlp_moments_add(&m, same, 3);
    mlp_moments_add(&one, same, 1);
    assert_near(mlp_moments_welch(&m, &m).p, (double)NAN, 0);
    assert_near(mlp_moments_f(&m, &m).p, (double)NAN, 0);
    assert_near(mlp_moments_levene(&m, &m).p, (double)NAN, 0);
    assert_near(mlp_moments_welch(&one, &m).p, (double)NAN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_values_by_hand),
        cmocka_unit_test(pieces_and_merges_make_no_difference),
        cmocka_unit_test(no_sum_is_too_large),
        cmocka_unit_test(vectors_come_out),
        cmocka_unit_test(variances_are_compared_as_scipy_does),
        cmocka_unit_test(what_does_not_vary_has_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

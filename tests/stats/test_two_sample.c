/* Sorting, and statistics of two samples against SciPy's and exact ones. */
#include "stats/cramer.h"
#include "stats/drift_vectors.h"
#include "stats/exact.h"
#include "stats/kolmogorov.h"
#include "stats/sort.h"
#include "stats/two_sample.h"

/* ---- sorting ----------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void sorted_as_by_comparing(double *values, size_t n)
{
    mlplat_error err = {0};
    double *want = malloc((n + 1) * sizeof *want);
    memcpy(want, values, n * sizeof *want);
    qsort(want, n, sizeof *want, compare);
    assert_ok(mlp_sort_doubles(values, n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_true(values[i] == want[i]);
        assert_false(values[i] == 0 && signbit(values[i]));
    }
    free(want);
}

static void any_doubles_are_sorted(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 23, 1023, 1024, 5000};
    uint64_t chance = 7;
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int kind = 0; kind < 3; kind++) {
            double *values = malloc((sizes[s] + 1) * sizeof *values);
            for (size_t i = 0; i < sizes[s]; i++) {
                uint64_t bits = test_roll(&chance, UINT64_MAX);
                memcpy(&values[i], &bits, sizeof bits);
                if (kind > 0 || isnan(values[i]))
                    values[i] = kind == 1 ? (double)(bits % 5) - 2 : (double)i;
                if (i % 100 == 3)
                    values[i] = i % 200 == 3 ? -0.0 : (double)INFINITY;
            }
            sorted_as_by_comparing(values, sizes[s]);
            free(values);
        }
}

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

static double at(const json_t *expect, const char *what, const char *key)
{
    const json_t *value = json_object_get(json_object_get(expect, what), key);
    return value ? json_number_value(value) : (double)NAN;
}

static void ks_is_exact(const mlp_two_sample *s, const json_t *expect)
{
    mlplat_error err = {0};
    double p, n = (double)s->n, m = (double)s->m;
    assert_near(s->ks, at(expect, "ks", "d"), 1e-15);
    assert_true(fabs(s->ks - at(expect, "ks", "d_num") / at(expect, "ks", "d_den")) < 1e-15);
    assert_near(mlp_kolmogorov_sf(s->ks * sqrt(n * m / (n + m))), at(expect, "ks", "p_limit_mp"), 1e-10);
    if (!json_object_get(json_object_get(expect, "ks"), "p_exact"))
        return;
    assert_ok(mlp_kolmogorov_two_sf(s->n, s->m, s->ks_steps, &p, &err));
    assert_near(p, at(expect, "ks", "p_exact"), 1e-12);
}

static void ranks_are_scipys(const mlp_two_sample *s, const json_t *expect)
{
    mlplat_error err = {0};
    double p;
    if (json_object_get(expect, "mwu")) {
        assert_near(s->u, at(expect, "mwu", "u1"), 0);
        assert_near(mlp_two_sample_whitney_p(s), at(expect, "mwu", "p_normal_cc_mp"), 1e-11);
    }
    if (json_object_get(json_object_get(expect, "mwu"), "p_exact")) {
        assert_ok(mlp_exact_mann_whitney(s->n, s->m, s->u, &p, &err));
        assert_near(p, at(expect, "mwu", "p_exact"), 1e-13);
    }
    assert_near(s->cramer, at(expect, "cvm", "t"), 1e-8); /* of SciPy's, where n is large, no more digits are right */
    assert_near(mlp_cramer_two_sf(at(expect, "cvm", "t"), (double)s->n, (double)s->m), at(expect, "cvm", "p_asymp_mp"),
                1e-10);
    if (!json_object_get(expect, "anderson")) /* which takes SciPy too long, or all are equal */
        return;
    assert_near(s->anderson, at(expect, "anderson", "a2_normalised_midrank"), 1e-9);
    assert_near(mlp_anderson_k_sf(s->anderson, 2), at(expect, "anderson", "p_scipy"), 1e-8);
}

static void a_case(const json_t *one)
{
    mlplat_error err = {0};
    mlp_two_sample s;
    const json_t *expect = json_object_get(one, "expect");
    drift_sample a = drift_sample_make(json_object_get(one, "ref")), b = drift_sample_make(json_object_get(one, "cur"));
    assert_ok(mlp_sort_doubles(a.values, a.n, &err));
    assert_ok(mlp_sort_doubles(b.values, b.n, &err));
    if (a.n > 0 && b.n > 0) {
        mlp_two_sample_walk(a.values, a.n, b.values, b.n, &s);
        ks_is_exact(&s, expect);
        ranks_are_scipys(&s, expect);
        assert_near(s.wasserstein, at(expect, "wasserstein", "w1"), 1e-10);
        assert_near(s.energy, at(expect, "energy", "scipy"), 1e-8); /* and of a root of differences */
    }
    free(a.values);
    free(b.values);
}

static void statistics_are_scipys(void **state)
{
    json_t *all = drift_vectors(), *one;
    size_t i, cases = 0;
    (void)state;
    if (!all) {
        print_message("skipped: ../shared/vectors is not here\n");
        skip();
    }
    json_array_foreach(json_object_get(all, "cases"), i,
                       one) if (strcmp(json_string_value(json_object_get(one, "kind")), "numeric") == 0)
    {
        a_case(one);
        cases++;
    }
    assert_true(cases >= 11);
    json_decref(all);
}

/* ---- what vectors do not have ------------------------------------------------------------------------------------ */

static void the_place_and_the_sides_of_ks_are_told(void **state)
{
    static const double a[] = {1, 2, 3, 9}, b[] = {4, 5, 6, 7};
    mlp_two_sample s;
    (void)state;
    mlp_two_sample_walk(a, 4, b, 4, &s);
    assert_near(s.ks, 0.75, 0);
    assert_near(s.ks_plus, 0.75, 0);
    assert_near(s.ks_minus, 0.25, 0);
    assert_near(s.ks_at, 3, 0);
    assert_int_equal(s.ks_steps, 3);
    assert_near(s.u, 4, 0);
}

static void infinities_have_ranks_and_no_distance(void **state)
{
    const double inf = (double)INFINITY, a[] = {-inf, 1, inf}, b[] = {inf, inf};
    mlp_two_sample s;
    (void)state;
    mlp_two_sample_walk(a, 3, b, 2, &s);
    assert_near(s.ks, 2 / 3.0, 1e-15);
    assert_near(s.u, 1, 0);
    assert_near(s.wasserstein, (double)NAN, 0);
    assert_near(s.wasserstein_n, 1, 0);
    assert_near(s.wasserstein_m, 0, 0);
}

static void large_offsets_cost_no_digits(void **state)
{
    static const double a[] = {1e15, 1e15 + 1, 1e15 + 2}, b[] = {1e15 + 1, 1e15 + 2, 1e15 + 3};
    mlp_two_sample s;
    (void)state;
    mlp_two_sample_walk(a, 3, b, 3, &s);
    assert_near(s.wasserstein, 1, 1e-15);
    assert_near(s.energy, sqrt(2.0 / 3), 1e-15); /* twice 3 gaps of 1/9 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_doubles_are_sorted),
        cmocka_unit_test(statistics_are_scipys),
        cmocka_unit_test(the_place_and_the_sides_of_ks_are_told),
        cmocka_unit_test(infinities_have_ranks_and_no_distance),
        cmocka_unit_test(large_offsets_cost_no_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Distances between shares, tables of two rows and many p-values, against SciPy's and statsmodels'. */
#include "stats/drift_vectors.h"
#include "stats/exact.h"
#include "stats/multiple.h"
#include "stats/shares.h"

enum { MOST = 64 };

static json_t *needed_vectors(void)
{
    json_t *all = drift_vectors();
    if (!all) {
        print_message("skipped: ../shared/vectors is not here\n");
        skip();
    }
    return all;
}

static double number(const json_t *object, const char *key)
{
    assert_true(json_is_number(json_object_get(object, key)));
    return json_number_value(json_object_get(object, key));
}

static size_t counts_of(const json_t *list, double counts[MOST])
{
    size_t n = json_array_size(list);
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        counts[i] = json_number_value(json_array_get(list, i));
    return n;
}

static void shares_are(const double *a, const double *b, size_t k, const json_t *expect)
{
    mlp_shares s;
    mlp_shares_compare(a, b, k, MLP_SHARES_ZERO_EVIDENTLY, &s);
    assert_near(s.psi, number(expect, "psi_evidently"), 1e-10);
    assert_near(s.kl, number(expect, "kl_evidently"), 1e-10); /* their own last digits cancel */
    assert_near(s.js, number(expect, "js_distance_base2"), 1e-10);
    assert_near(s.hellinger, number(expect, "hellinger"), 1e-10);
    assert_near(s.tvd, number(expect, "tvd"), 1e-12);
    assert_near(s.linf, number(expect, "linf"), 1e-12);
}

/* The categories of both, those of the reference first. */
static size_t both_rows(const json_t *one, double a[MOST], double b[MOST])
{
    const char *name;
    json_t *value, *ref = json_object_get(json_object_get(one, "ref"), "counts"),
                   *cur = json_object_get(json_object_get(one, "cur"), "counts");
    size_t k = 0;
    json_object_foreach(ref, name, value)
    {
        a[k] = json_number_value(value);
        b[k++] = json_number_value(json_object_get(cur, name));
    }
    json_object_foreach(cur, name, value) if (!json_object_get(ref, name))
    {
        a[k] = 0;
        b[k++] = json_number_value(value);
    }
    return k;
}

static void table_is(const double *a, const double *b, size_t k, const json_t *expect)
{
    mlp_homogeneity h;
    double z, p;
    mlp_shares_homogeneity(a, b, k, &h);
    assert_near(h.chi2, number(json_object_get(expect, "chi2"), "x2"), 1e-12);
    assert_int_equal(h.df, number(json_object_get(expect, "chi2"), "df"));
    assert_near(h.p, number(json_object_get(expect, "chi2"), "p_mp"), 1e-12);
    if (json_object_get(expect, "g")) {
        assert_near(h.g, number(json_object_get(expect, "g"), "g"), 1e-12);
        assert_near(h.g_p, number(json_object_get(expect, "g"), "p_mp"), 1e-12);
        assert_near(h.cramers_v, number(expect, "cramers_v"), 1e-12);
        assert_near(h.cramers_v_corrected, number(expect, "cramers_v_corrected"), 1e-12);
    }
    if (json_object_get(expect, "fisher")) {
        p = mlp_exact_fisher((int64_t)a[0], (int64_t)a[1], (int64_t)b[0], (int64_t)b[1]);
        assert_near(p, number(json_object_get(expect, "fisher"), "p_exact"), 1e-12);
        mlp_shares_two_proportions(a[0], a[0] + a[1], b[0], b[0] + b[1], &z, &p);
        assert_near(z, number(json_object_get(expect, "two_proportion_z"), "z"), 1e-12);
        assert_near(p, number(json_object_get(expect, "two_proportion_z"), "p_mp"), 1e-12);
    }
}

static void vectors_come_out(void **state)
{
    json_t *all = needed_vectors(), *one;
    double a[MOST] = {0}, b[MOST] = {0};
    size_t i, bins = 0, categories = 0;
    (void)state;
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        const json_t *expect = json_object_get(one, "expect"), *binned = json_object_get(expect, "binned");
        if (binned) {
            size_t k = counts_of(json_object_get(binned, "counts_ref"), a);
            assert_int_equal(counts_of(json_object_get(binned, "counts_cur"), b), k);
            shares_are(a, b, k, binned);
            bins++;
        }
        if (json_object_get(expect, "shares")) {
            size_t k = both_rows(one, a, b);
            shares_are(a, b, k, json_object_get(expect, "shares"));
            table_is(a, b, k, expect);
            categories++;
        }
    }
    assert_true(bins >= 8 && categories >= 4);
    json_decref(all);
}

static void empty_bins_may_get_half_a_unit(void **state)
{
    static const double a[] = {9, 0}, b[] = {4, 5};
    mlp_shares s;
    (void)state;
    mlp_shares_compare(a, b, 2, MLP_SHARES_ZERO_HALF, &s);
    assert_near(s.kl, 0.95 * log(0.95 / 0.45) + 0.05 * log(0.05 / 0.55), 1e-14);
    assert_near(s.tvd, 5.0 / 9, 1e-15);
}

static void p_values_are_adjusted_as_statsmodels_does(void **state)
{
    static const struct {
        mlp_multiple method;
        const char *name;
    } methods[] = {{MLP_MULTIPLE_BONFERRONI, "bonferroni"},
                   {MLP_MULTIPLE_HOLM, "holm"},
                   {MLP_MULTIPLE_BH, "fdr_bh"},
                   {MLP_MULTIPLE_BY, "fdr_by"}};
    json_t *all = needed_vectors(), *one;
    mlplat_error err = {0};
    size_t i, cases = 0;
    double p[MOST], got[MOST], want[MOST];
    (void)state;
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "kind")), "multiple") != 0)
            continue;
        size_t n = counts_of(json_object_get(one, "p"), p);
        for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
            const json_t *expect = json_object_get(json_object_get(one, "expect"), methods[m].name);
            assert_int_equal(counts_of(json_object_get(expect, "adjusted"), want), n);
            assert_ok(mlp_multiple_adjust(methods[m].method, p, n, got, &err));
            for (size_t k = 0; k < n; k++)
                assert_near(got[k], want[k], 1e-14);
        }
        cases++;
    }
    assert_true(cases > 0);
    json_decref(all);
}

static void what_has_no_p_value_does_not_count(void **state)
{
    const double p[] = {0.04, (double)NAN, 0.01};
    double got[3];
    mlplat_error err = {0};
    (void)state;
    assert_ok(mlp_multiple_adjust(MLP_MULTIPLE_HOLM, p, 3, got, &err));
    assert_near(got[0], 0.04, 1e-15);
    assert_near(got[1], (double)NAN, 0);
    assert_near(got[2], 0.02, 1e-15);
    assert_ok(mlp_multiple_adjust(MLP_MULTIPLE_NONE, p, 3, got, &err));
    assert_near(got[0], 0.04, 0);
    assert_ok(mlp_multiple_adjust(MLP_MULTIPLE_BH, p, 0, got, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_come_out),
        cmocka_unit_test(empty_bins_may_get_half_a_unit),
        cmocka_unit_test(p_values_are_adjusted_as_statsmodels_does),
        cmocka_unit_test(what_has_no_p_value_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Kolmogorov and Smirnov's p-values against exact fractions and values of 60 digits (mpmath). */
#include "stats/kolmogorov.h"
#include "stats/near.h"

typedef struct of_one {
    double x, want, log;
} of_one;
typedef struct one_sample {
    int64_t n;
    double d, want;
} one_sample;
typedef struct two_samples {
    int64_t n, m, steps;
    double want;
} two_samples;

static const of_one limits[] = {
    {0.25, 9.9999997317618991517e-1, -2.6823810444588227705e-8},
    {0.5, 9.6394524366487509439e-1, -3.6720787162354873459e-2},
    {0.9, 3.9273070794065434327e-1, -9.3463112350949640738e-1},
    {1.0, 2.699996716773545212e-1, -1.309334535994299704},
    {1.36, 4.948587675537788364e-2, -3.0060679681916118389},
    {2.5, 7.4533063441573416001e-6, -1.1806852819440054742e+1},
    {10.0, 2.7677930534734750613e-87, -1.9930685281944005469e+2},
    {18.0, 7.5544999447242496366e-282, -6.4730685281944005469e+2},
    {30.0, 0, -1.7993068528194400547e+3},
};

static const one_sample ones[] = {
    {1, 0.75, 5.0e-1},
    {2, 0.5, 5.0e-1},
    {5, 0.3125, 6.14615576171875e-1},
    {30, 0.18, 2.5336507374759645981e-1},
    {30, 0.375, 2.6860751678947940828e-4},
    {100, 0.0625, 8.0623240962775890892e-1},
    {100, 0.125, 8.050040280210455721e-2},
    {400, 0.0625, 8.4195872801653086446e-2},
    {400, 0.15, 2.5400354626118723666e-8},
};

static const two_samples twos[] = {
    {3, 4, 9, 2.2857142857142857143e-1},
    {5, 6, 9, 8.961038961038961039e-1},
    {60, 45, 40, 1.3872209324195221941e-1},
    {600, 600, 25, 6.7533317610409207688e-1},
    {600, 600, 400, 1.009418049313474745e-126},
    {1, 1, 1, 1.0},
    {7, 1, 7, 2.5e-1},
    {100, 37, 3700, 5.1248653254116759179e-34},
    {200, 250, 80, 4.5299325727688790465e-1},
};

#define EACH(row, rows) for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]) && ((row) = &(rows)[i]); i++)

static void the_limit_has_its_digits_in_both_series(void **state)
{
    const of_one *r;
    (void)state;
    EACH(r, limits)
    {
        assert_near(mlp_kolmogorov_sf(r->x), r->want, 1e-14);
        assert_near(mlp_kolmogorov_sf_log(r->x), r->log, 1e-14);
    }
    assert_near(mlp_kolmogorov_sf(0), 1, 0);
    assert_near(mlp_kolmogorov_sf(-1), 1, 0);
    assert_near(mlp_kolmogorov_sf((double)NAN), (double)NAN, 0);
    assert_near(mlp_kolmogorov_sf_log(0), 0, 0);
}

static double of_one_sample(int64_t n, double d)
{
    mlplat_error err = {0};
    double p = -1;
    assert_ok(mlp_kolmogorov_n_sf(n, d, &p, &err));
    return p;
}

static void one_sample_has_the_digits_of_the_matrix_and_of_the_sum(void **state)
{
    const one_sample *r;
    mlplat_error err = {0};
    double p;
    (void)state;
    EACH(r, ones)
    assert_near(of_one_sample(r->n, r->d), r->want, 1e-12);
    assert_near(of_one_sample(10, 0.05), 1, 0); /* 1 / (2 n) is the least */
    assert_near(of_one_sample(10, 1), 0, 0);
    assert_near(mlp_kolmogorov_one_sided_sf(1, 0.25), 0.75, 1e-15);
    assert_near(mlp_kolmogorov_one_sided_sf(2, 0.5), 0.25, 1e-15);
    assert_near(mlp_kolmogorov_one_sided_sf(0, 0.5), (double)NAN, 0);
    assert_status(mlp_kolmogorov_n_sf(0, 0.5, &p, &err), MLPLAT_INVALID);
    assert_status(mlp_kolmogorov_n_sf(3, (double)NAN, &p, &err), MLPLAT_INVALID);
}

/* The series of larger samples goes on where the matrix ends. */
static void larger_samples_follow_the_smaller_ones(void **state)
{
    static const double at[] = {0.5, 0.8, 1.2};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        double before = of_one_sample(999, at[i] / sqrt(999)), last = of_one_sample(1000, at[i] / sqrt(1000)),
               next = of_one_sample(1001, at[i] / sqrt(1001));
        assert_near(next - last, last - before, 0.1); /* a part in a million of p is the step */
    }
}

static void two_samples_have_the_digits_of_fractions(void **state)
{
    const two_samples *r;
    mlplat_error err = {0};
    double p = -1;
    (void)state;
    EACH(r, twos)
    {
        assert_ok(mlp_kolmogorov_two_sf(r->n, r->m, r->steps, &p, &err));
        assert_near(p, r->want, 1e-13);
        assert_ok(mlp_kolmogorov_two_sf(r->m, r->n, r->steps, &p, &err));
        assert_near(p, r->want, 1e-13);
    }
    assert_ok(mlp_kolmogorov_two_sf(4, 6, 0, &p, &err));
    assert_near(p, 1, 0);
    assert_status(mlp_kolmogorov_two_sf(0, 6, 1, &p, &err), MLPLAT_INVALID);
    assert_status(mlp_kolmogorov_two_sf(4, 6, -1, &p, &err), MLPLAT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_has_its_digits_in_both_series),
        cmocka_unit_test(one_sample_has_the_digits_of_the_matrix_and_of_the_sum),
        cmocka_unit_test(larger_samples_follow_the_smaller_ones),
        cmocka_unit_test(two_samples_have_the_digits_of_fractions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

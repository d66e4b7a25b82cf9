/* P-values by counting against fractions of whole numbers, and the limits of Cramer, von Mises, Anderson and Darling.
 */
#include "stats/cramer.h"
#include "stats/exact.h"
#include "stats/near.h"

typedef struct of_one {
    double x, want, log;
} of_one;
typedef struct table {
    int64_t a, b, c, d;
    double want;
} table;
typedef struct u_of_two {
    int64_t n, m;
    double u, want;
} u_of_two;

static const table fishers[] = {
    {12, 5, 9, 14, 6.2355169407449718907e-2},
    {3, 1, 1, 3, 4.8571428571428571429e-1},
    {0, 10, 10, 0, 1.0825088224469029423e-5},
    {439, 0, 2, 17, 4.7850827139971354596e-29},
    {1, 9, 11, 3, 2.7594561852200834567e-3},
    {500, 300, 200, 450, 1.0480769570686045224e-33},
    {0, 0, 3, 4, 1.0},
    {7, 0, 5, 0, 1.0},
};

static const u_of_two whitneys[] = {
    {3, 4, 1, 1.1428571428571428571e-1},
    {3, 4, 11, 1.1428571428571428571e-1},
    {1, 1, 0, 1.0},
    {12, 12, 80, 6.7065953295593893252e-1},
    {12, 12, 20, 1.8297760927993799174e-3},
    {25, 7, 30, 7.0935892682277554358e-3},
    {7, 25, 30, 7.0935892682277554358e-3},
    {40, 30, 0, 3.6135170070159585223e-20},
    {20, 20, 200, 1.0},
};

static const of_one cramers[] = {
    {0.025, 9.895863557275079881e-1, -1.0468245663109312781e-2},
    {0.05, 8.7628093104134897354e-1, -1.3206854192242223657e-1},
    {0.125, 4.7560059339249571186e-1, -7.4317686649493515423e-1},
    {0.1875, 2.9305280778834793923e-1, -1.227402454845240706},
    {0.25, 1.8836975917743530222e-1, -1.6693484436438071411},
    {0.5, 3.9833217565607594776e-2, -3.2230541025856428983},
    {0.743, 1.0025523981497413646e-2, -4.602621039674362594},
    {1.5, 1.7269621978801884e-4, -8.6639764619451333307},
    {3.0, 7.5677434593160198534e-8, -1.6396785810859262549e+1},
    {8.0, 9.0197562599277261694e-19, -4.1549699455358403038e+1},
    {20.0, 1.0972093165653866469e-44, -1.0122097412047384046e+2},
};

#define EACH(row, rows) for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]) && ((row) = &(rows)[i]); i++)

static void fisher_has_the_digits_of_fractions(void **state)
{
    const table *r;
    (void)state;
    EACH(r, fishers)
    {
        assert_near(mlp_exact_fisher(r->a, r->b, r->c, r->d), r->want, 1e-13);
        assert_near(mlp_exact_fisher(r->c, r->d, r->a, r->b), r->want, 1e-13);
        assert_near(mlp_exact_fisher(r->b, r->a, r->d, r->c), r->want, 1e-13);
    }
    assert_near(mlp_exact_fisher(-1, 1, 1, 1), (double)NAN, 0);
}

static void mann_whitney_has_them(void **state)
{
    const u_of_two *r;
    mlplat_error err = {0};
    double p = -1;
    (void)state;
    EACH(r, whitneys)
    {
        assert_ok(mlp_exact_mann_whitney(r->n, r->m, r->u, &p, &err));
        assert_near(p, r->want, 1e-13);
        assert_ok(mlp_exact_mann_whitney(r->m, r->n, (double)(r->n * r->m) - r->u, &p, &err));
        assert_near(p, r->want, 1e-13);
    }
    assert_status(mlp_exact_mann_whitney(0, 2, 0, &p, &err), MLPLAT_INVALID);
    assert_status(mlp_exact_mann_whitney(2, 2, 5, &p, &err), MLPLAT_INVALID);
    assert_status(mlp_exact_mann_whitney(2, 2, (double)NAN, &p, &err), MLPLAT_INVALID);
}

static void cramer_has_its_digits_in_the_series_and_the_integral(void **state)
{
    const of_one *r;
    (void)state;
    EACH(r, cramers)
    {
        assert_near(mlp_cramer_sf(r->x), r->want, 1e-13);
        assert_near(mlp_cramer_sf_log(r->x), r->log, 1e-13);
    }
    assert_near(mlp_cramer_sf(0), 1, 0);
    assert_near(mlp_cramer_sf((double)NAN), (double)NAN, 0);
    assert_near(mlp_cramer_sf_log(200), -990.6338625591112, 1e-13);
    assert_near(mlp_cramer_two_sf(0.3928571428571428, 3, 4), 0.07582212096499531, 1e-12); /* SciPy 1.17.1 */
}

static void anderson_is_scipys(void **state)
{
    (void)state;
    assert_near(mlp_anderson_k_sf(1.6788623598364767, 2), 0.06593069627452064, 1e-10); /* SciPy 1.17.1 */
    assert_near(mlp_anderson_k_sf(-1, 2), 0.25, 0);
    assert_near(mlp_anderson_k_sf(100, 3), 0.001, 0);
    assert_near(mlp_anderson_k_sf(1, 1), (double)NAN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fisher_has_the_digits_of_fractions),
        cmocka_unit_test(mann_whitney_has_them),
        cmocka_unit_test(cramer_has_its_digits_in_the_series_and_the_integral),
        cmocka_unit_test(anderson_is_scipys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

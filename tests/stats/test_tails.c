/* Tails of the classic distributions against values of 60 digits (mpmath). */
#include "stats/near.h"
#include "stats/tails.h"

typedef struct of_one {
    double x, want, log;
} of_one;
typedef struct of_two {
    double a, x, want, log;
} of_two;
typedef struct of_three {
    double a, b, c, want, log;
} of_three;

static const of_two gammas[] = {
    {0.5, 0.01, 8.8753708398171510663e-1, -1.1930497373739559964e-1},
    {0.5, 3.0, 1.4305878435429639526e-2, -4.2470847467855897372},
    {1.0, 1.0, 3.678794411714423216e-1, -1.0},
    {3.5, 12.5, 7.5880025565825021886e-4, -7.1837719829790512976},
    {10.0, 10.0, 4.5792971447185220831e-1, -7.8103956849627799636e-1},
    {100.0, 80.0, 9.8289168696486688583e-1, -1.7256351106458189177e-2},
    {100.0, 180.0, 2.9482945576482845174e-11, -2.4247209135807721072e+1},
    {10000.0, 10200.0, 2.3287322133598803947e-2, -3.7598461809322813229},
    {1000000.0, 1002500.0, 6.2403548610883072557e-3, -5.0767182294536158163},
    {0.001, 0.8, 3.1086307103409436595e-4, -8.0761580288034137853},
    {50.0, 700.0, 4.4774296035997467233e-228, -5.2349035207006906175e+2},
};

static const of_three betas[] = {
    {0.5, 0.5, 0.25, 3.3333333333333333333e-1, -1.0986122886681096914},
    {2.0, 3.0, 0.125, 7.8857421875e-2, -2.5401138434966871727},
    {8.5, 0.5, 0.75, 2.9258036236649517317e-2, -3.5316009999059379129},
    {100.0, 200.0, 0.25, 6.588924984657823371e-4, -7.3249501650451376701},
    {0.25, 40.0, 0.0078125, 7.7667174156543800561e-1, -2.5273748690742169821e-1},
    {1000.0, 1500.0, 0.4375, 9.9992644988752426637e-1, -7.3552817417889570379e-5},
    {5.0, 5.0, 0.96875, 9.9999662063129335365e-1, -3.379374416725638297e-6},
};

static const of_two ts[] = {
    {2.5, 17.0, 2.2947806986384930913e-2, -3.7745329031901672927},
    {0.25, 3.0, 8.1872922242882958587e-1, -2.0000186954084395192e-1},
    {12.0, 1.0, 5.2929352119179750904e-2, -2.938797233520051558},
    {40.0, 30.0, 1.3726045194406402787e-27, -6.1853087466739230294e+1},
    {3.0, 100000.0, 2.7004608840647191901e-3, -5.9143328227373178707},
    {0.0, 5.0, 1.0, 0},
};

static const of_three fs[] = {
    {2.5, 3.0, 20.0, 8.8843751937689211504e-2, -2.420876048320784994},
    {0.5, 10.0, 10.0, 8.5515419397449575776e-1, -1.5647348247555081497e-1},
    {40.0, 2.0, 50.0, 4.2234397271284135101e-11, -2.3887786125685909036e+1},
    {1.25, 1000.0, 2000.0, 1.8408856212188791701e-5, -1.0902678693264842021e+1},
    {9.0, 1.0, 1.0, 2.0483276469913345165e-1, -1.5855614147303533465},
};

static const of_one normals[] = {
    {-7.5, 9.9999999999996809108e-1, -3.1908916729109471367e-14},
    {-1.0, 8.4134474606854294859e-1, -1.7275377902344988953e-1},
    {0.0, 5.0e-1, -6.9314718055994530942e-1},
    {0.5, 3.0853753872598689636e-1, -1.1759117615936186089},
    {3.0, 1.3498980316300945267e-3, -6.6077262215103495433},
    {5.0, 2.8665157187919391167e-7, -1.5064998393988725736e+1},
    {8.25, 7.919726314642477341e-17, -3.7074589931901532919e+1},
    {20.0, 2.7536241186062336951e-89, -2.0391715537109726394e+2},
    {37.0, 5.7255712225245768227e-300, -6.890305855768905936e+2},
    {400.0, 0, -8.0006910409330215001e+4},
};

#define EACH(row, rows) for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]) && ((row) = &(rows)[i]); i++)
#define DIGITS          1e-14

static void gamma_has_its_digits_on_both_sides_and_in_the_tail(void **state)
{
    const of_two *r;
    (void)state;
    EACH(r, gammas)
    {
        assert_near(mlp_gamma_q(r->a, r->x), r->want, DIGITS);
        assert_near(mlp_gamma_q_log(r->a, r->x), r->log, DIGITS);
        assert_near(mlp_gamma_p(r->a, r->x), 1 - r->want, 1e-12);
        assert_near(mlp_chi2_sf(2 * r->x, 2 * r->a), r->want, DIGITS);
        assert_near(mlp_chi2_sf_log(2 * r->x, 2 * r->a), r->log, DIGITS);
    }
}

static void beta_t_and_f_have_theirs(void **state)
{
    const of_three *r;
    const of_two *t;
    (void)state;
    EACH(r, betas)
    {
        assert_near(mlp_beta_i(r->c, 1 - r->c, r->a, r->b), r->want, DIGITS);
        assert_near(mlp_beta_i_log(r->c, 1 - r->c, r->a, r->b), r->log, DIGITS);
        assert_near(mlp_beta_i(1 - r->c, r->c, r->b, r->a), 1 - r->want, 1e-12);
    }
    EACH(r, fs)
    {
        assert_near(mlp_f_sf(r->a, r->b, r->c), r->want, DIGITS);
        assert_near(mlp_f_sf_log(r->a, r->b, r->c), r->log, DIGITS);
    }
    EACH(t, ts)
    {
        assert_near(mlp_t_sf2(t->a, t->x), t->want, DIGITS);
        assert_near(mlp_t_sf2(-t->a, t->x), t->want, DIGITS);
        assert_near(mlp_t_sf2_log(t->a, t->x), t->log, DIGITS);
    }
}

static void normal_has_its_digits_and_comes_back(void **state)
{
    const of_one *r;
    (void)state;
    EACH(r, normals)
    {
        assert_near(mlp_normal_sf(r->x), r->want, DIGITS);
        assert_near(mlp_normal_sf_log(r->x), r->log, DIGITS);
        if (r->x > 0 && r->want > 0)
            assert_near(mlp_normal_quantile(r->want), -r->x, DIGITS);
    }
    assert_near(mlp_normal_quantile(0.975), 1.9599639845400542355, DIGITS);
    assert_true(fabs(mlp_normal_quantile(0.5)) < 1e-16);
    assert_near(mlp_normal_quantile(0), -(double)INFINITY, 0);
    assert_near(mlp_normal_quantile(1), (double)INFINITY, 0);
}

static void ends_are_exact_and_what_is_no_argument_is_no_number(void **state)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    (void)state;
    assert_near(mlp_gamma_q(2, 0), 1, 0);
    assert_near(mlp_gamma_p(2, 0), 0, 0);
    assert_near(mlp_gamma_q(2, inf), 0, 0);
    assert_near(mlp_gamma_q(0, 1), nan, 0);
    assert_near(mlp_gamma_q(1, -1), nan, 0);
    assert_near(mlp_gamma_q(nan, 1), nan, 0);
    assert_near(mlp_chi2_sf(0, 0), 1, 0);
    assert_near(mlp_chi2_sf(1, 0), 0, 0);
    assert_near(mlp_chi2_sf_log(0, 0), 0, 0);
    assert_near(mlp_beta_i(0, 1, 2, 3), 0, 0);
    assert_near(mlp_beta_i(1, 0, 2, 3), 1, 0);
    assert_near(mlp_beta_i(0.5, 0.5, 0, 3), nan, 0);
    assert_near(mlp_t_sf2(inf, 3), 0, 0);
    assert_near(mlp_t_sf2(1, -1), nan, 0);
    assert_near(mlp_f_sf(0, 2, 3), 1, 0);
    assert_near(mlp_f_sf(inf, 2, 3), 0, 0);
    assert_near(mlp_f_sf(1, 0, 3), nan, 0);
    assert_near(mlp_normal_sf(nan), nan, 0);
    assert_near(mlp_normal_quantile(1.5), nan, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gamma_has_its_digits_on_both_sides_and_in_the_tail),
        cmocka_unit_test(beta_t_and_f_have_theirs),
        cmocka_unit_test(normal_has_its_digits_and_comes_back),
        cmocka_unit_test(ends_are_exact_and_what_is_no_argument_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

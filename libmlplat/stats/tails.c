#include "stats/tails.h"
#include "stats/density.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>

#define TINY 1e-300L /* Lentz's: instead of a zero in a denominator */

/* ---- a continued fraction ---------------------------------------------------------------------------------------- */

/* b0 + a1/(b1 + a2/(b2 + ...)) by W. J. Lentz's method as I. J. Thompson and A. R. Barnett changed it, 1986. */
typedef struct fraction {
    long double value, c, d;
} fraction;

static fraction fraction_begin(long double b0)
{
    if (b0 == 0)
        b0 = TINY;
    return (fraction){.value = b0, .c = b0};
}

/* false: this term changed nothing any more. */
static bool fraction_next(fraction *f, long double a, long double b)
{
    f->d = b + a * f->d;
    f->c = b + a / f->c;
    if (f->d == 0)
        f->d = TINY;
    if (f->c == 0)
        f->c = TINY;
    f->d = 1 / f->d;
    long double by = f->c * f->d;
    f->value *= by;
    return fabsl(by - 1) > LDBL_EPSILON;
}

/* ---- normal ------------------------------------------------------------------------------------------------------ */

double mlp_normal_sf(double z)
{
    return (double)(0.5L * erfcl(z / sqrtl(2)));
}

/* From 5 on by Laplace's fraction of Mills' ratio. */
double mlp_normal_sf_log(double z)
{
    if (!(z > 5))
        return (double)(z < 0 ? log1pl(-0.5L * erfcl(-z / sqrtl(2))) : logl(0.5L * erfcl(z / sqrtl(2))));
    fraction f = fraction_begin(z);
    for (int k = 1; fraction_next(&f, k, z);)
        k++;
    return (double)(-0.5L * (long double)z * z - 0.5L * logl(2 * MLP_PI) - logl(f.value));
}

/* A first guess, right to some per cent, of the z with P(Z > z) = p, p <= 0.5 (Abramowitz and Stegun 26.2.23). */
static long double guess(long double log_p)
{
    long double t = sqrtl(-2 * log_p);
    return t - (2.515517L + t * (0.802853L + t * 0.010328L)) / (1 + t * (1.432788L + t * (0.189269L + t * 0.001308L)));
}

/* Newton's steps on the logarithm, which is nearly a parabola: it comes to rest in four or five of them. */
double mlp_normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1))
        return (double)NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -(double)INFINITY : (double)INFINITY;
    long double upper = p < 0.5 ? p : 1 - (long double)p, z = guess(logl(upper));
    for (int i = 0; i < 8; i++) {
        long double sf = 0.5L * erfcl(z / sqrtl(2));
        long double density = expl(-0.5L * z * z) / sqrtl(2 * MLP_PI);
        z += (logl(sf) - logl(upper)) * sf / density;
    }
    return (double)(p < 0.5 ? -z : z);
}

/* ---- incomplete gamma -------------------------------------------------------------------------------------------- */

/* The smaller way: the logarithm of P (lower) or of Q. */
static long double gamma_log(long double a, long double x, bool *lower)
{
    long double begin = mlp_density_poisson_log(a, x);
    *lower = x < a + 1;
    if (*lower) {
        long double term = 1, sum = 1;
        for (long double k = a + 1; term > sum * LDBL_EPSILON; k++)
            sum += term *= x / k;
        return begin + logl(sum);
    }
    fraction f = fraction_begin(x + 1 - a);
    for (long double k = 1; fraction_next(&f, -k * (k - a), x + 2 * k + 1 - a);)
        k++;
    return begin + logl(a) - logl(f.value);
}

static bool gamma_known(double a, double x, bool want_lower, long double *log_value)
{
    bool lower = false;
    if (!(a > 0 && x >= 0) || isinf(a)) {
        *log_value = NAN;
        return true;
    }
    if (x == 0 || isinf(x))
        *log_value = (x == 0) == want_lower ? -INFINITY : 0;
    else
        *log_value = gamma_log(a, x, &lower);
    return x == 0 || isinf(x) || lower == want_lower;
}

static long double gamma_side(double a, double x, bool want_lower)
{
    long double log_value;
    return gamma_known(a, x, want_lower, &log_value) ? log_value : log1pl(-expl(log_value));
}

double mlp_gamma_p(double a, double x)
{
    return (double)expl(gamma_side(a, x, true));
}

double mlp_gamma_q(double a, double x)
{
    return (double)expl(gamma_side(a, x, false));
}

double mlp_gamma_q_log(double a, double x)
{
    return (double)gamma_side(a, x, false);
}

double mlp_chi2_sf(double x, double df)
{
    return df == 0 && x >= 0 ? x == 0 : mlp_gamma_q(df / 2, x / 2);
}

double mlp_chi2_sf_log(double x, double df)
{
    if (df == 0 && x >= 0)
        return x == 0 ? 0 : -(double)INFINITY;
    return mlp_gamma_q_log(df / 2, x / 2);
}

/* ---- incomplete beta --------------------------------------------------------------------------------------------- */

/* log I_x(a, b) where x is below its turning point. */
static long double beta_log(long double x, long double y, long double a, long double b)
{
    fraction f = fraction_begin(1);
    bool more = true;
    for (long double m = 0; more; m++) {
        long double at = a + 2 * m;
        more = m == 0 || fraction_next(&f, m * (b - m) * x / ((at - 1) * at), 1);
        more = fraction_next(&f, -(a + m) * (a + b + m) * x / (at * (at + 1)), 1) && more;
    }
    return mlp_density_binomial_log(a, b, x, y) + logl(b / (a + b)) - logl(f.value);
}

static long double beta_side(long double x, long double y, long double a, long double b)
{
    if (!(x >= 0 && y >= 0 && a > 0 && b > 0) || isinf(a) || isinf(b))
        return NAN;
    if (x == 0 || y == 0)
        return x == 0 ? -INFINITY : 0;
    if (x <= (a + 1) / (a + b + 2))
        return beta_log(x, y, a, b);
    return log1pl(-expl(beta_log(y, x, b, a)));
}

double mlp_beta_i(double x, double y, double a, double b)
{
    return (double)expl(beta_side(x, y, a, b));
}

double mlp_beta_i_log(double x, double y, double a, double b)
{
    return (double)beta_side(x, y, a, b);
}

static long double t_log(double t, double df)
{
    long double square = (long double)t * t, sum = df + square;
    return isinf(t) ? -INFINITY : beta_side(df / sum, square / sum, df / 2.0L, 0.5L);
}

double mlp_t_sf2(double t, double df)
{
    return (double)expl(t_log(t, df));
}

double mlp_t_sf2_log(double t, double df)
{
    return (double)t_log(t, df);
}

static long double f_log(double f, double df1, double df2)
{
    long double upper = (long double)df1 * f, sum = df2 + upper;
    if (f <= 0 && df1 > 0 && df2 > 0)
        return 0;
    return isinf(f) ? -INFINITY : beta_side(df2 / sum, upper / sum, df2 / 2.0L, df1 / 2.0L);
}

double mlp_f_sf(double f, double df1, double df2)
{
    return (double)expl(f_log(f, df1, df2));
}

double mlp_f_sf_log(double f, double df1, double df2)
{
    return (double)f_log(f, df1, df2);
}

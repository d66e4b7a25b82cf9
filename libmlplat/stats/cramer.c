#include "stats/cramer.h"
#include "stats/density.h"
#include <float.h>
#include <math.h>

/* ---- the series: small x ----------------------------------------------------------------------------------------- */

/* e^q K_1/4(q) = integral over t > 0 of exp(-q (cosh t - 1)) cosh(t / 4) (NIST DLMF 10.32.9): a sum of steps, which for
 * such an integrand is right to all digits. */
static long double bessel_scaled(long double q)
{
    const long double h = 1 / 32.0L;
    long double sum = 0.5L, term = 1;
    for (int i = 1; term > sum * LDBL_EPSILON; i++) {
        long double t = (long double)i * h;
        term = expl(-q * 2 * sinhl(t / 2) * sinhl(t / 2)) * coshl(t / 4);
        sum += term;
    }
    return sum * h;
}

/* 1 - P(W2 > x). */
static long double series(long double x)
{
    long double sum = 0, term = 1, weight = 1; /* Gamma(k + 1/2) / (Gamma(1/2) k!) */
    for (int k = 0; term > sum * LDBL_EPSILON; k++) {
        long double y = 4 * k + 1, q = y * y / (16 * x);
        term = weight * sqrtl(y) * expl(-2 * q) * bessel_scaled(q);
        sum += term;
        weight *= (k + 0.5L) / (k + 1);
    }
    return sum / (MLP_PI * sqrtl(x));
}

/* ---- the integral: all other x ----------------------------------------------------------------------------------- */

/* From (2 k - 1) pi to 2 k pi of exp(-x (u^2 - pi^2) / 2) / sqrt(u |sin u|), by Chebyshev's nodes, which take both
 * square roots at the ends. */
static long double piece(long double x, int k)
{
    enum { NODES = 512 };
    long double sum = 0, mid = (2 * k - 0.5L) * MLP_PI;
    for (int i = 0; i < NODES; i++) {
        long double angle = (i + 0.5L) * MLP_PI / NODES, u = mid + MLP_PI / 2 * cosl(angle);
        long double edge = sinl(angle), sine = cosl(MLP_PI / 2 * cosl(angle)); /* |sin u| */
        sum += edge * expl(-0.5L * x * (u * u - MLP_PI * MLP_PI)) / sqrtl(u * sine);
    }
    return sum * MLP_PI / NODES * MLP_PI / 2;
}

static long double integral_log(long double x)
{
    long double sum = 0, part = 1;
    for (int k = 1; part > sum * LDBL_EPSILON; k++) {
        part = piece(x, k);
        sum += k % 2 ? part : -part;
    }
    return logl(2 / MLP_PI * sum) - 0.5L * x * MLP_PI * MLP_PI;
}

#define SMALL 0.2

double mlp_cramer_sf_log(double x)
{
    if (!(x > 0.002))
        return isnan(x) ? x : 0;
    return (double)(x < SMALL ? log1pl(-series(x)) : integral_log(x));
}

double mlp_cramer_sf(double x)
{
    if (!(x > 0.002))
        return isnan(x) ? x : 1;
    return (double)(x < SMALL ? 1 - series(x) : expl(integral_log(x)));
}

double mlp_cramer_two_sf(double t, double n, double m)
{
    double all = n + m, product = n * m;
    double mean = (1 + 1 / all) / 6;
    double variance =
        (all + 1) * (4 * product * all - 3 * (n * n + m * m) - 2 * product) / (45 * all * all * 4 * product);
    return mlp_cramer_sf(1 / 6.0 + (t - mean) / sqrt(45 * variance));
}

/* ---- Anderson and Darling ---------------------------------------------------------------------------------------- */

enum { LEVELS = 7 };

/* The parabola of least squares through seven points: its normal equations by Cramer's rule. */
static double parabola_at(const double x[LEVELS], const double y[LEVELS], double at)
{
    double s[5] = {0}, t[3] = {0}; /* x^0..4, and y x^0..2, about the middle point */
    double middle = x[LEVELS / 2];
    for (int i = 0; i < LEVELS; i++) {
        double power = 1, d = x[i] - middle;
        for (int k = 0; k < 5; k++, power *= d) {
            s[k] += power;
            if (k < 3)
                t[k] += y[i] * power;
        }
    }
    double a = s[2] * s[4] - s[3] * s[3], b = s[2] * s[3] - s[1] * s[4], c = s[1] * s[3] - s[2] * s[2];
    double d = s[0] * s[4] - s[2] * s[2], e = s[1] * s[2] - s[0] * s[3], f = s[0] * s[2] - s[1] * s[1];
    double whole = s[0] * a + s[1] * b + s[2] * c, from = at - middle;
    double c0 = (t[0] * a + t[1] * b + t[2] * c) / whole, c1 = (t[0] * b + t[1] * d + t[2] * e) / whole,
           c2 = (t[0] * c + t[1] * e + t[2] * f) / whole;
    return c0 + from * (c1 + from * c2);
}

double mlp_anderson_k_sf(double a2, int k)
{
    static const double level[LEVELS] = {0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001};
    static const double b0[LEVELS] = {0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085};
    static const double b1[LEVELS] = {-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615};
    static const double b2[LEVELS] = {-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154};
    double critical[LEVELS], logs[LEVELS], m = k - 1;
    if (isnan(a2) || k < 2)
        return (double)NAN;
    for (int i = 0; i < LEVELS; i++) {
        critical[i] = b0[i] + b1[i] / sqrt(m) + b2[i] / m;
        logs[i] = log(level[i]);
    }
    if (a2 < critical[0])
        return level[0];
    if (a2 > critical[LEVELS - 1])
        return level[LEVELS - 1];
    return exp(parabola_at(critical, logs, a2));
}

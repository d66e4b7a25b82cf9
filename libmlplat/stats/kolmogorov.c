#include "stats/kolmogorov.h"
#include "base/alloc.h"
#include "stats/density.h"
#include "stats/whole.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { EXACT_N = 1000 };

/* ---- the limit --------------------------------------------------------------------------------------------------- */

/* 1 - P(K > x), for x up to about 1. */
static long double limit_cdf(long double x)
{
    long double sum = 0, term = 1;
    for (int k = 1; term > sum * LDBL_EPSILON; k += 2)
        sum += term = expl(-(long double)(k * k) * MLP_PI * MLP_PI / (8 * x * x));
    return sqrtl(2 * MLP_PI) / x * sum;
}

/* Of P(K > x) what its first term, 2 exp(-2 x^2), is multiplied by. */
static long double limit_factor(long double x)
{
    long double sum = 1, term = 1;
    int sign = -1;
    for (long double k = 2; term > LDBL_EPSILON; k++, sign = -sign)
        sum += (long double)sign * (term = expl(-2 * (k * k - 1) * x * x));
    return sum;
}

double mlp_kolmogorov_sf_log(double x)
{
    if (!(x > 0.02))
        return isnan(x) ? x : 0; /* 1 - 1e-1300 */
    if (x < 1)
        return (double)log1pl(-limit_cdf(x));
    return (double)(logl(2 * limit_factor(x)) - 2 * (long double)x * x);
}

double mlp_kolmogorov_sf(double x)
{
    if (!(x > 0.02))
        return isnan(x) ? x : 1;
    if (x < 1)
        return (double)(1 - limit_cdf(x));
    return (double)(2 * limit_factor(x) * expl(-2 * (long double)x * x));
}

/* ---- one sample -------------------------------------------------------------------------------------------------- */

double mlp_kolmogorov_one_sided_sf(int64_t n, double d)
{
    if (n < 1 || isnan(d))
        return (double)NAN;
    if (d <= 0 || d >= 1)
        return d <= 0;
    long double sum = 0, step = d;
    for (int64_t j = 0; j <= (int64_t)((long double)n * (1 - step)); j++) {
        long double p = step + (long double)j / (long double)n, q = 1 - p;
        if (q >= 0)
            sum += expl(mlp_density_binomial_log((long double)j, (long double)(n - j), p, q)) * step / p;
    }
    return (double)sum;
}

/* A square matrix times ten to the `tens`, as its powers grow beyond any number. */
typedef struct matrix {
    long double *at;
    size_t size;
    int tens;
} matrix;

static void multiply(const matrix *a, const matrix *b, matrix *out)
{
    size_t m = out->size;
    memset(out->at, 0, sizeof *out->at * m * m);
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < m; k++) {
            long double by = a->at[i * m + k];
            for (size_t j = 0; by != 0 && j < m; j++)
                out->at[i * m + j] += by * b->at[k * m + j];
        }
    out->tens = a->tens + b->tens;
    if (out->at[(m / 2) * m + m / 2] > 1e140L) {
        for (size_t i = 0; i < m * m; i++)
            out->at[i] *= 1e-140L;
        out->tens += 140;
    }
}

/* Durbin's matrix for n d = k - h, 0 <= h < 1; of size 2 k - 1. */
static void fill(matrix *a, long double h)
{
    size_t m = a->size;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            a->at[i * m + j] = i + 1 >= j;
    for (size_t i = 0; i < m; i++) {
        a->at[i * m] -= powl(h, (long double)i + 1);
        a->at[(m - 1) * m + i] -= powl(h, (long double)(m - i));
    }
    a->at[(m - 1) * m] += 2 * h - 1 > 0 ? powl(2 * h - 1, (long double)m) : 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            for (size_t g = 2; g + j <= i + 1; g++)
                a->at[i * m + j] /= (long double)g;
}

/* Three of them in turns: the power, its squares, and where the next product goes. */
static void power(matrix all[3], int64_t n)
{
    matrix *result = &all[0], *square = &all[1], *next = &all[2], *was;
    memset(result->at, 0, sizeof *result->at * result->size * result->size);
    for (size_t i = 0; i < result->size; i++)
        result->at[i * result->size + i] = 1;
    result->tens = 0;
    for (; n > 0; n /= 2) {
        if (n % 2) {
            multiply(result, square, next);
            was = result, result = next, next = was;
        }
        multiply(square, square, next);
        was = square, square = next, next = was;
    }
    matrix result_of = *result;
    if (result != &all[0])
        *result = all[0];
    all[0] = result_of;
}

/* P(D < d). */
static mlplat_status durbin(int64_t n, long double d, long double *out, mlplat_error *err)
{
    size_t k = (size_t)((long double)n * d) + 1, m = 2 * k - 1, each = m * m;
    long double *room = mlp_alloc_array(3 * each, sizeof *room), p;
    if (!room)
        return mlp_fail_memory(err);
    matrix all[3] = {{room, m, 0}, {room + each, m, 0}, {room + 2 * each, m, 0}};
    fill(&all[1], (long double)k - (long double)n * d);
    power(all, n);
    p = all[0].at[(k - 1) * m + k - 1];
    int tens = all[0].tens;
    for (int64_t i = 1; i <= n; i++) { /* n! / n^n */
        p *= (long double)i / (long double)n;
        if (p < 1e-140L) {
            p *= 1e140L;
            tens -= 140;
        }
    }
    *out = p * powl(10, tens);
    mlp_free(room);
    return MLPLAT_OK;
}

/* P(D < d), of z = sqrt(n) d. Sums over all k of two families of terms: Pelz and Good's K0 to K3. */
static long double pelz_good(int64_t n, long double d)
{
    long double root = sqrtl((long double)n), z = root * d, z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, z7 = z6 * z,
                z8 = z4 * z4, z10 = z8 * z2;
    long double pi2 = MLP_PI * MLP_PI, pi4 = pi2 * pi2, pi6 = pi4 * pi2, k0 = 0, k1 = 0, k2 = 0, k2b = 0, k3 = 0,
                k3b = 0;
    for (int k = 0; k < 60; k++) {
        long double a = (k + 0.5L) * (k + 0.5L), e = expl(-a * pi2 / (2 * z2)), b = (long double)k * k,
                    f = k > 0 ? expl(-b * pi2 / (2 * z2)) : 0;
        k0 += e;
        k1 += (pi2 * a - z2) * e;
        k2 += (6 * z6 + 2 * z4 + pi2 * (2 * z4 - 5 * z2) * a + pi4 * (1 - 2 * z2) * a * a) * e;
        k2b += pi2 * b * f;
        k3 += (-30 * z6 - 90 * z8 + pi2 * (135 * z4 - 96 * z6) * a + pi4 * (212 * z4 - 60 * z2) * a * a +
               pi6 * (5 - 30 * z2) * a * a * a) *
              e;
        k3b += (3 * pi2 * b * z2 - pi4 * b * b) * f;
    }
    long double by = sqrtl(2 * MLP_PI);
    k0 *= by / z;
    k1 *= by / (6 * z4);
    k2 = by * (k2 / (72 * z7) - k2b / (36 * z2 * z));
    k3 = by * (k3 / (6480 * z10) + k3b / (216 * z6));
    return k0 + (k1 + (k2 + k3 / root) / root) / root;
}

mlplat_status mlp_kolmogorov_n_sf(int64_t n, double d, double *out, mlplat_error *err)
{
    if (n < 1 || isnan(d))
        return mlp_fail(err, MLPLAT_INVALID, "a sample of %lld has no Kolmogorov statistic %g", (long long)n, d);
    long double step = (long double)n * d, cdf = 0;
    mlplat_status status = MLPLAT_OK;
    if (step <= 0.5L || d >= 1)
        *out = d < 1;
    else if (d >= 0.5 || step * d > 4.7L)
        *out = 2 * mlp_kolmogorov_one_sided_sf(n, d);
    else {
        if (n <= EXACT_N)
            status = durbin(n, d, &cdf, err);
        else
            cdf = pelz_good(n, d);
        *out = (double)(1 - cdf);
    }
    return status;
}

/* ---- two samples ------------------------------------------------------------------------------------------------- */

/* share[j] is, of the paths from (0, 0) to (i, j), the share that was outside: all that end there are, and the others
 * came from (i - 1, j) or (i, j - 1). Outside of the band nothing is computed: [from, to) is inside. */
static void next_row(double *share, int64_t i, int64_t from, int64_t to)
{
    for (int64_t j = from; j < to; j++) {
        double up = share[j], left = j > 0 ? share[j - 1] : 0, both = (double)(i + j);
        share[j] = both > 0 ? up * ((double)i / both) + left * ((double)j / both) : 0;
    }
}

mlplat_status mlp_kolmogorov_two_sf(int64_t n, int64_t m, int64_t steps, double *out, mlplat_error *err)
{
    if (n < 1 || m < 1 || steps < 0)
        return mlp_fail(err, MLPLAT_INVALID, "samples of %lld and %lld have no Smirnov statistic", (long long)n,
                        (long long)m);
    int64_t common = mlp_whole_divisor(n, m), a = m / common, b = n / common; /* outside: |i a - j b| >= steps */
    double *share = mlp_alloc_array((size_t)m + 1, sizeof *share);
    if (!share)
        return mlp_fail_memory(err);
    for (int64_t j = 0; j <= m; j++)
        share[j] = 1;
    for (int64_t i = 0; steps > 0 && i <= n; i++) {
        int64_t low = i * a - steps, from = low < 0 ? 0 : low / b + 1, to = (i * a + steps - 1) / b + 1;
        if (from > 0 && from <= m)
            share[from - 1] = 1;
        next_row(share, i, from, to > m + 1 ? m + 1 : to);
    }
    *out = share[m];
    mlp_free(share);
    return MLPLAT_OK;
}

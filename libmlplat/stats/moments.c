#include "stats/moments.h"
#include "stats/tails.h"
#include <math.h>
#include <stdbool.h>

enum { BLOCK = 512 };

/* The finite values of a piece, and counts of the others. */
static size_t keep_finite(mlp_moments *m, const double *values, size_t n, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        double value = values[i];
        out[kept] = value;
        bool good = value - value == 0;
        kept += good;
        if (!good) {
            m->nan += value != value;
            m->plus_inf += value > 0;
            m->minus_inf += value < 0;
        }
    }
    return kept;
}

/* From the first value on, so that equal ones have exactly that mean; four sums beside each other, as one would wait
 * for itself; and small enough that no sum becomes infinite. */
static double block_mean(const double *x, size_t n, double most)
{
    double sum[4] = {0}, scale = most > 1e300 ? 0x1p-12 : 1, from = x[0] * scale;
    for (size_t i = 0; i < n; i++)
        sum[i % 4] += x[i] * scale - from;
    return (from + ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (double)n) / scale;
}

static mlp_moments of_block(const double *x, size_t n)
{
    mlp_moments b = {.n = (int64_t)n, .min = x[0], .max = x[0]};
    for (size_t i = 1; i < n; i++) {
        b.min = x[i] < b.min ? x[i] : b.min;
        b.max = x[i] > b.max ? x[i] : b.max;
    }
    b.mean = block_mean(x, n, b.max > -b.min ? b.max : -b.min);
    double d2[4] = {0}, d3[4] = {0}, d4[4] = {0};
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - b.mean, square = d * d;
        d2[i % 4] += square;
        d3[i % 4] += square * d;
        d4[i % 4] += square * square;
    }
    b.m2 = (d2[0] + d2[1]) + (d2[2] + d2[3]);
    b.m3 = (d3[0] + d3[1]) + (d3[2] + d3[3]);
    b.m4 = (d4[0] + d4[1]) + (d4[2] + d4[3]);
    return b;
}

void mlp_moments_add(mlp_moments *m, const double *values, size_t n)
{
    double x[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t kept = keep_finite(m, values + at, n - at < BLOCK ? n - at : BLOCK, x);
        if (kept == 0)
            continue;
        mlp_moments block = of_block(x, kept);
        mlp_moments_merge(m, &block);
    }
}

static void merge_powers(mlp_moments *m, const mlp_moments *o)
{
    double a = (double)m->n, b = (double)o->n, n = a + b, d = o->mean - m->mean, by = d / n;
    m->m4 += o->m4 + by * by * by * d * a * b * (a * a - a * b + b * b) +
             6 * by * by * (a * a * o->m2 + b * b * m->m2) + 4 * by * (a * o->m3 - b * m->m3);
    m->m3 += o->m3 + by * by * d * a * b * (a - b) + 3 * by * (a * o->m2 - b * m->m2);
    m->m2 += o->m2 + by * d * a * b;
    m->mean += by * b;
}

void mlp_moments_merge(mlp_moments *m, const mlp_moments *o)
{
    m->nan += o->nan;
    m->plus_inf += o->plus_inf;
    m->minus_inf += o->minus_inf;
    if (o->n == 0)
        return;
    bool first = m->n == 0;
    if (!first)
        merge_powers(m, o);
    m->n += o->n;
    m->mean = first ? o->mean : m->mean;
    m->m2 = first ? o->m2 : m->m2;
    m->m3 = first ? o->m3 : m->m3;
    m->m4 = first ? o->m4 : m->m4;
    m->min = first || o->min < m->min ? o->min : m->min;
    m->max = first || o->max > m->max ? o->max : m->max;
}

double mlp_moments_variance(const mlp_moments *m)
{
    return m->n > 1 ? m->m2 / (double)(m->n - 1) : (double)NAN;
}

mlp_mean_test mlp_moments_welch(const mlp_moments *a, const mlp_moments *b)
{
    double n = (double)a->n, m = (double)b->n, va = mlp_moments_variance(a) / n, vb = mlp_moments_variance(b) / m;
    mlp_mean_test t = {.statistic = (a->mean - b->mean) / sqrt(va + vb), .df2 = (double)NAN};
    t.df1 = (va + vb) * (va + vb) / (va * va / (n - 1) + vb * vb / (m - 1));
    t.p = mlp_t_sf2(t.statistic, t.df1);
    return t;
}

mlp_mean_test mlp_moments_f(const mlp_moments *a, const mlp_moments *b)
{
    mlp_mean_test t = {.statistic = mlp_moments_variance(a) / mlp_moments_variance(b)};
    t.df1 = (double)(a->n - 1);
    t.df2 = (double)(b->n - 1);
    double upper = mlp_f_sf(t.statistic, t.df1, t.df2), lower = mlp_f_sf(1 / t.statistic, t.df2, t.df1);
    t.p = 2 * (upper < lower ? upper : lower);
    if (isnan(upper) || isnan(lower))
        t.p = (double)NAN;
    else if (t.p > 1)
        t.p = 1;
    return t;
}

mlp_mean_test mlp_moments_levene(const mlp_moments *a, const mlp_moments *b)
{
    double n = (double)a->n, m = (double)b->n, d = a->mean - b->mean;
    mlp_mean_test t = {.df1 = 1, .df2 = n + m - 2};
    t.statistic = t.df2 * (d * d * n * m / (n + m)) / (a->m2 + b->m2);
    t.p = mlp_f_sf(t.statistic, t.df1, t.df2);
    return t;
}

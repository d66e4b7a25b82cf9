#include "stats/shares.h"
#include "stats/density.h"
#include "stats/tails.h"
#include <math.h>

static double sum_of(const double *counts, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += counts[i];
    return sum;
}

/* ---- distances --------------------------------------------------------------------------------------------------- */

typedef struct filler {
    mlp_shares_zero how;
    double share, sum, k; /* of a row: what an empty bin has, and what its counts add up to */
    double whole;         /* what its shares add up to when empty bins have theirs */
} filler;

static filler filler_of(const double *counts, size_t k, mlp_shares_zero how)
{
    filler f = {.how = how, .sum = sum_of(counts, k), .k = (double)k};
    double least = 1;
    for (size_t i = 0; i < k; i++)
        if (counts[i] > 0)
            least = fmin(least, counts[i] / f.sum);
    f.share = least <= 1e-4 ? least / 1e6 : 1e-4;
    f.whole = 1;
    for (size_t i = 0; i < k && how == MLP_SHARES_ZERO_EVIDENTLY; i++)
        f.whole += counts[i] > 0 ? 0 : f.share;
    return f;
}

static double filled(const filler *f, double count)
{
    if (f->how == MLP_SHARES_ZERO_HALF)
        return (count + 0.5) / (f->sum + 0.5 * f->k);
    return count > 0 ? count / f->sum : f->share;
}

/* Evidently's PSI takes the shares as they are filled, its KL (SciPy's entropy) brings their sum to 1 again. As both
 * sums are 1, p log(p / q) may have q - p more, which leaves nothing to cancel between the bins. */
static void add_logs(const filler *f, double a, const filler *s, double b, mlp_shares *out)
{
    double p = filled(f, a), q = filled(s, b);
    out->psi += (p - q) * log1p((p - q) / q);
    out->kl += (double)mlp_density_deviance(p / f->whole, q / s->whole);
}

/* p log(p / m) + q log(q / m), m their mean: m ((1 + d) log(1 + d) + (1 - d) log(1 - d)), and its series where d is
 * small. */
static double js_term(double p, double q)
{
    double m = (p + q) / 2, d = m > 0 ? fabs(p - q) / (p + q) : 0, square = d * d, sum = 0, power = square;
    if (d > 0.3)
        return m * ((1 + d) * log1p(d) + (d < 1 ? (1 - d) * log1p(-d) : 0));
    for (int k = 1; k < 40 && power > sum * 1e-18; k++) {
        sum += power / (k * (2 * k - 1));
        power *= square;
    }
    return m * sum;
}

void mlp_shares_compare(const double *first, const double *second, size_t k, mlp_shares_zero zero, mlp_shares *out)
{
    filler f = filler_of(first, k, zero), s = filler_of(second, k, zero);
    double js = 0, roots = 0;
    *out = (mlp_shares){0};
    for (size_t i = 0; i < k; i++) {
        double p = first[i] / f.sum, q = second[i] / s.sum;
        add_logs(&f, first[i], &s, second[i], out);
        js += js_term(p, q);
        roots += (sqrt(p) - sqrt(q)) * (sqrt(p) - sqrt(q));
        out->tvd += fabs(p - q) / 2;
        out->linf = fmax(out->linf, fabs(p - q));
    }
    out->js = sqrt(js / 2 / log(2));
    out->hellinger = sqrt(roots / 2); /* 1 - sum sqrt(p q) without the digits that cancel */
}

/* ---- homogeneity ------------------------------------------------------------------------------------------------- */

static void add_category(double a, double b, double n, double m, mlp_homogeneity *out)
{
    double all = n + m, column = a + b, want_a = column * n / all, want_b = column * m / all;
    double off = a - want_a; /* and b - want_b is its opposite */
    out->chi2 += off * off * (1 / want_a + 1 / want_b);
    out->g += a > 0 ? 2 * a * log(a / want_a) : 0;
    out->g += b > 0 ? 2 * b * log(b / want_b) : 0;
    out->df++;
}

static void add_strength(double all, mlp_homogeneity *out)
{
    double phi2 = out->chi2 / all, k = (double)out->df + 1;
    double better = fmax(0, phi2 - (k - 1) / (all - 1));
    double rows = 2 - 1 / (all - 1), columns = k - (k - 1) * (k - 1) / (all - 1);
    out->cramers_v = out->df > 0 ? sqrt(phi2) : 0;
    out->cramers_v_corrected = out->df > 0 ? sqrt(better / fmin(rows - 1, columns - 1)) : 0;
}

void mlp_shares_homogeneity(const double *first, const double *second, size_t k, mlp_homogeneity *out)
{
    double n = sum_of(first, k), m = sum_of(second, k);
    *out = (mlp_homogeneity){.df = -1};
    for (size_t i = 0; i < k; i++)
        if (first[i] + second[i] > 0)
            add_category(first[i], second[i], n, m, out);
    out->g = fmax(out->g, 0);
    out->p = out->df > 0 ? mlp_chi2_sf(out->chi2, (double)out->df) : 1;
    out->g_p = out->df > 0 ? mlp_chi2_sf(out->g, (double)out->df) : 1;
    add_strength(n + m, out);
}

void mlp_shares_two_proportions(double x1, double n1, double x2, double n2, double *z, double *p)
{
    double pooled = (x1 + x2) / (n1 + n2);
    *z = (x1 / n1 - x2 / n2) / sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
    *p = fmin(1, 2 * mlp_normal_sf(fabs(*z)));
}

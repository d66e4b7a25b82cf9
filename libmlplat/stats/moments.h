/* Count, mean and central sums of powers in one pass; they merge, and are the same for the same pieces in the same
 * order. */
#ifndef MLP_MOMENTS_H
#define MLP_MOMENTS_H
#include <stddef.h>
#include <stdint.h>

/* Of finite values alone; the others are counted. All zero: of none. */
typedef struct mlp_moments {
    int64_t n, nan, plus_inf, minus_inf;
    double mean, m2, m3, m4; /* sums of (x - mean)^k */
    double min, max;         /* of none: 0 */
} mlp_moments;

void mlp_moments_add(mlp_moments *m, const double *values, size_t n);
/* P. Pebay 2008, (3.1). */
void mlp_moments_merge(mlp_moments *m, const mlp_moments *other);
/* m2 / (n - 1); NaN for less than two values. */
double mlp_moments_variance(const mlp_moments *m);

typedef struct mlp_mean_test {
    double statistic, df1, df2, p;
} mlp_mean_test;

/* Are the means equal? B. L. Welch 1947, t, two-sided; df2 is not used. NaN where neither varies. */
mlp_mean_test mlp_moments_welch(const mlp_moments *a, const mlp_moments *b);
/* Are the variances equal, both normal? F = var(a) / var(b), two-sided: twice the smaller tail. */
mlp_mean_test mlp_moments_f(const mlp_moments *a, const mlp_moments *b);
/* Are the variances equal? H. Levene's W with medians (M. B. Brown and A. B. Forsythe 1974), from the moments of
 * |x - median| of each. */
mlp_mean_test mlp_moments_levene(const mlp_moments *a, const mlp_moments *b);

#endif

/* Exact p-values by counting. */
#ifndef MLP_EXACT_H
#define MLP_EXACT_H
#include <base/err.h>
#include <stdint.h>

/* P of a 2 x 2 table {{a, b}, {c, d}} of counts with its margins given, two-sided: all tables that are as rare or rarer
 * (within 1e-7 of its weight, as R and SciPy have it). 1 where a margin is 0. NaN for negative counts.
 * Right to 1e-13 of its value; as much work as the smallest margin has units. R. A. Fisher 1922. */
double mlp_exact_fisher(int64_t a, int64_t b, int64_t c, int64_t d);

/* P(U as far from n m / 2 as u, or farther) of Mann and Whitney's U, 0 <= u <= n m, of n and m values without ties,
 * two-sided: twice the smaller tail, 1 at most. Right to 1e-13 of its value. n m min(u, n m - u) steps of work.
 * H. B. Mann and D. R. Whitney 1947. MLPLAT_NO_MEMORY; MLPLAT_INVALID for other arguments. */
mlplat_status mlp_exact_mann_whitney(int64_t n, int64_t m, double u, double *out, mlplat_error *err);

#endif

/* P-values of Kolmogorov and Smirnov's statistics: of the limit, and exact ones for one sample and for two.
 * NaN for what is no argument; a logarithm where a double ends. */
#ifndef MLP_KOLMOGOROV_H
#define MLP_KOLMOGOROV_H
#include <base/err.h>
#include <stdint.h>

/* P(K > x) of Kolmogorov's limit distribution, right to 1e-14 of its value: 2 sum (-1)^(k-1) exp(-2 k^2 x^2), and
 * below x = 1 its transformed series (Kolmogorov 1933; NIST DLMF 20.7.32). */
double mlp_kolmogorov_sf(double x);
double mlp_kolmogorov_sf_log(double x);

/* P(D+ >= d) of one sample of n against a continuous distribution, one-sided: Smirnov's sum (Birnbaum and Tingey 1951).
 */
double mlp_kolmogorov_one_sided_sf(int64_t n, double d);
/* P(D >= d), two-sided. Up to n = 1,000 right to 1e-12 of its value: twice the one-sided one where both sides at once
 * are out of the question, else the matrix of J. Durbin 1973 as G. Marsaglia, W. W. Tsang and J. Wang (2003) power it.
 * Beyond: the asymptotic series of W. Pelz and I. J. Good 1976, right to 1e-7. The choice follows R. Simard and
 * P. L'Ecuyer 2011. MLPLAT_NO_MEMORY; MLPLAT_INVALID for n < 1 and d that is NaN. */
mlplat_status mlp_kolmogorov_n_sf(int64_t n, double d, double *out, mlplat_error *err);

/* P(D >= steps / lcm(n, m)) of two samples of n and m without ties, or given the ties of none: the share of all orders
 * of n + m values that leave the band, counted from the outside, so that a tiny one has its digits too. n m / lcm
 * steps at most; n + m additions of relative rounding. About n m (less outside of the band) steps of work.
 * MLPLAT_NO_MEMORY; MLPLAT_INVALID for n or m < 1, steps < 0. */
mlplat_status mlp_kolmogorov_two_sf(int64_t n, int64_t m, int64_t steps, double *out, mlplat_error *err);

#endif

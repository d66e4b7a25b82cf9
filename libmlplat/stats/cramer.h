/* P-values of the limits of Cramer and von Mises' and of Anderson and Darling's statistics. */
#ifndef MLP_CRAMER_H
#define MLP_CRAMER_H

/* P(W2 > x) of the limit of Cramer and von Mises' statistic, right to 1e-13 of its value, however small: N. V.
 * Smirnov's integral (1936), and below x = 0.2 the series of S. Csorgo and J. J. Faraway 1996. */
double mlp_cramer_sf(double x);
double mlp_cramer_sf_log(double x);
/* Of two samples of n and m: their statistic t (T of T. W. Anderson 1962, U / (n m (n + m)) - (4 n m - 1) / (6 (n +
 * m))) brought to the mean and variance of the limit, as SciPy does. */
double mlp_cramer_two_sf(double t, double n, double m);

/* P of the k-sample statistic of F. W. Scholz and M. A. Stephens 1987, normalised, of k samples: their table of
 * critical values, interpolated by a parabola in its logarithm as SciPy does, 0.001 at least and 0.25 at most. k >= 2.
 */
double mlp_anderson_k_sf(double a2, int k);

#endif

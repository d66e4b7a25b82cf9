/* Poisson and binomial weights for any real arguments, right to the last digits far out in the tails too: what the
 * incomplete gamma and beta functions, hypergeometric sums and Smirnov's sum begin with.
 * C. Loader, Fast and Accurate Computation of Binomial Probabilities, 2000. */
#ifndef MLP_DENSITY_H
#define MLP_DENSITY_H

#define MLP_PI 3.14159265358979323846264338327950288L

/* x log(x / m) + m - x without the digits that cancel where x is near m; x >= 0, m > 0. */
long double mlp_density_deviance(long double x, long double m);
/* log(lambda^x e^-lambda / Gamma(x + 1)), x >= 0, lambda > 0. */
long double mlp_density_poisson_log(long double x, long double lambda);
/* log(Gamma(a + b + 1) / (Gamma(a + 1) Gamma(b + 1)) p^a q^b), p + q = 1; a, b >= 0. q is given as 1 - p has no
 * digits where p is nearly 1. */
long double mlp_density_binomial_log(long double a, long double b, long double p, long double q);

#endif

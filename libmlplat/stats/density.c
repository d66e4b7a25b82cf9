#include "stats/density.h"
#include <math.h>
#include <stddef.h>

enum { SERIES_FROM = 16 };

/* log(x!) less Stirling's log(sqrt(2 pi x) (x/e)^x): its series of Bernoulli numbers, and below x = 16 the steps to it.
 */
static long double stirling_error(long double x)
{
    static const long double bernoulli[] = {1 / 12.0L,    -1 / 360.0L,       1 / 1260.0L,
                                            -1 / 1680.0L, 1 / 1188.0L,       -691 / 360360.0L,
                                            1 / 156.0L,   -3617 / 122400.0L, 43867 / 244188.0L};
    long double steps = 0, sum = 0;
    while (x < SERIES_FROM) {
        steps += (x + 0.5L) * log1pl(1 / x) - 1;
        x += 1;
    }
    for (size_t i = sizeof bernoulli / sizeof bernoulli[0]; i-- > 0;)
        sum = sum / (x * x) + bernoulli[i];
    return steps + sum / x;
}

long double mlp_density_deviance(long double x, long double m)
{
    if (x == 0)
        return m;
    if (fabsl(x - m) >= 0.1L * (x + m))
        return x * logl(x / m) + m - x;
    long double v = (x - m) / (x + m), sum = (x - m) * v, term = 2 * x * v, before;
    int j = 1;
    do {
        before = sum;
        term *= v * v;
        sum += term / (2 * j++ + 1);
    } while (sum != before);
    return sum;
}

long double mlp_density_poisson_log(long double x, long double lambda)
{
    if (x == 0)
        return -lambda;
    return -0.5L * logl(2 * MLP_PI * x) - stirling_error(x) - mlp_density_deviance(x, lambda);
}

long double mlp_density_binomial_log(long double a, long double b, long double p, long double q)
{
    long double n = a + b;
    if (a == 0)
        return p < q ? n * log1pl(-p) : n * logl(q);
    if (b == 0)
        return q < p ? n * log1pl(-q) : n * logl(p);
    return 0.5L * (logl(n / a) - logl(2 * MLP_PI * b)) + stirling_error(n) - stirling_error(a) - stirling_error(b) -
           mlp_density_deviance(a, n * p) - mlp_density_deviance(b, n * q);
}

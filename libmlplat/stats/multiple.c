#include "stats/multiple.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>

typedef struct place {
    double p;
    size_t at;
} place;

static int by_p(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->p < y->p ? -1 : x->p > y->p;
}

static size_t collect(const double *p, size_t n, double *adjusted, place *places)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(p[i]))
            places[k++] = (place){p[i], i};
        adjusted[i] = p[i];
    }
    qsort(places, k, sizeof *places, by_p);
    return k;
}

/* Upwards: each is no less than the one below it. */
static void step_down(const place *places, size_t k, double *adjusted)
{
    double largest = 0;
    for (size_t i = 0; i < k; i++) {
        largest = fmax(largest, places[i].p * (double)(k - i));
        adjusted[places[i].at] = fmin(largest, 1);
    }
}

/* Downwards: each is no more than the one above it. */
static void step_up(const place *places, size_t k, double by, double *adjusted)
{
    double least = 1;
    for (size_t i = k; i-- > 0;) {
        least = fmin(least, places[i].p * by * (double)k / (double)(i + 1));
        adjusted[places[i].at] = least;
    }
}

static double harmonic_sum(size_t k)
{
    double sum = 0;
    for (size_t i = k; i > 0; i--)
        sum += 1 / (double)i;
    return sum;
}

mlplat_status mlp_multiple_adjust(mlp_multiple method, const double *p, size_t n, double *adjusted, mlplat_error *err)
{
    place *places = mlp_alloc_array(n + 1, sizeof *places);
    if (!places)
        return mlp_fail_memory(err);
    size_t k = collect(p, n, adjusted, places);
    if (method == MLP_MULTIPLE_BONFERRONI)
        for (size_t i = 0; i < k; i++)
            adjusted[places[i].at] = fmin(1, places[i].p * (double)k);
    else if (method == MLP_MULTIPLE_HOLM)
        step_down(places, k, adjusted);
    else if (method == MLP_MULTIPLE_BH || method == MLP_MULTIPLE_BY)
        step_up(places, k, method == MLP_MULTIPLE_BY ? harmonic_sum(k) : 1, adjusted);
    mlp_free(places);
    return MLPLAT_OK;
}

/* The cases of ../shared/vectors/drift.json: their inputs as they are told there, and what is expected. */
#ifndef DRIFT_VECTORS_H
#define DRIFT_VECTORS_H
#include "stats/near.h"
#include <jansson.h>
#include <stdlib.h>

typedef struct drift_sample {
    double *values;
    size_t n, nan;
} drift_sample;

/* NULL: that folder is not here, and the test is to be skipped. */
static inline json_t *drift_vectors(void)
{
    char path[2000];
    const char *source = getenv("MLPLAT_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/../shared/vectors/drift.json", source ? source : ".");
    return json_load_file(path, 0, NULL);
}

static inline double drift_uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static inline double drift_draw(uint64_t *state, const json_t *in, size_t i)
{
    const char *dist = json_string_value(json_object_get(in, "dist"));
    double u = drift_uniform(state), sum = u;
    if (strcmp(dist, "sum12") == 0) {
        for (int k = 1; k < 12; k++)
            sum += drift_uniform(state);
        return sum - 6;
    }
    if (strcmp(dist, "sqrt") == 0)
        return sqrt(u);
    if (strcmp(dist, "square") == 0)
        return u * u;
    if (strcmp(dist, "ratio") == 0)
        return (u - 0.5) / (drift_uniform(state) + 0.001);
    if (strcmp(dist, "pareto") == 0)
        return 1.0 / (1.0 - u);
    if (strcmp(dist, "int") == 0)
        return floor(u * json_number_value(json_object_get(in, "k")));
    if (strcmp(dist, "mix") == 0)
        return u < 0.5 ? drift_uniform(state) : drift_uniform(state) + 2.0;
    if (strcmp(dist, "bern") == 0)
        return u < json_number_value(json_object_get(in, "p"));
    if (strcmp(dist, "steps") == 0)
        return (json_int_t)i < json_integer_value(json_object_get(in, "cut"))
                   ? u
                   : u + json_number_value(json_object_get(in, "jump"));
    assert_string_equal(dist, "uniform");
    return u;
}

static inline bool drift_every(const json_t *in, const char *name, size_t i)
{
    json_int_t every = json_integer_value(json_object_get(in, name));
    return every > 0 && (json_int_t)(i + 1) % every == 0;
}

static inline double drift_value(uint64_t *state, const json_t *in, size_t i)
{
    volatile double x = drift_draw(state, in, i), product; /* no fused multiplication */
    const json_t *b = json_object_get(in, "b"), *a = json_object_get(in, "a"), *r = json_object_get(in, "round");
    if (a || b) {
        product = (b ? json_number_value(b) : 1) * x;
        x = json_number_value(a) + product;
    }
    if (r) {
        product = x * json_number_value(r);
        x = floor(product + 0.5) / json_number_value(r);
    }
    if (drift_every(in, "nan_every", i))
        return (double)NAN;
    if (drift_every(in, "inf_every", i))
        return (double)INFINITY;
    return drift_every(in, "neginf_every", i) ? -(double)INFINITY : x;
}

static inline double drift_inline(const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return json_number_value(value);
    return strcmp(text, "NaN") == 0 ? (double)NAN : *text == '-' ? -(double)INFINITY : (double)INFINITY;
}

/* The generator's own check: sum of bits(x) (2 i + 1). */
static inline void drift_check(const json_t *in, const double *values, size_t n)
{
    uint64_t sum = 0, bits;
    char text[20];
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &values[i], sizeof bits);
        sum += (isnan(values[i]) ? 0x7ff8000000000000u : bits) * (2 * i + 1);
    }
    snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
    if (json_object_get(in, "check"))
        assert_string_equal(text, json_string_value(json_object_get(in, "check")));
}

/* Its values without NaN, which are counted. Free values. */
static inline drift_sample drift_sample_make(const json_t *in)
{
    const json_t *given = json_object_get(in, "inline");
    size_t all = given ? json_array_size(given) : (size_t)json_integer_value(json_object_get(in, "n"));
    uint64_t state = (uint64_t)json_integer_value(json_object_get(in, "seed"));
    drift_sample s = {.values = malloc((all + 1) * sizeof(double))};
    for (size_t i = 0; i < all; i++)
        s.values[i] = given ? drift_inline(json_array_get(given, i)) : drift_value(&state, in, i);
    drift_check(in, s.values, all);
    for (size_t i = 0; i < all; i++)
        if (isnan(s.values[i]))
            s.nan++;
        else
            s.values[s.n++] = s.values[i];
    return s;
}

#endif

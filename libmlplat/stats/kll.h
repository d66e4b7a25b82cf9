/* Quantiles of a stream in a few kilobytes: the KLL sketch of Z. Karnin, K. Lang and E. Liberty 2016, with their
 * sampler in place of the lowest levels, and with the bytes of Apache DataSketches (family 15), theirs and ours to
 * read.
 *
 * The rank of a value that it tells is off by at most mlp_kll_error() of n, with a probability of 99 in 100. It is
 * deterministic: the same values in the same pieces, and merges in the same order, give the same bytes. */
#ifndef MLP_KLL_H
#define MLP_KLL_H
#include "base/buf.h"
#include <base/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MLP_KLL_K = 200, MLP_KLL_MIN_K = 8, MLP_KLL_MAX_K = 65535, MLP_KLL_LEVELS = 61 };

typedef struct mlp_kll_level {
    double *items; /* sorted, but for the lowest that is fed */
    uint32_t n, room;
} mlp_kll_level;

typedef struct mlp_kll {
    uint16_t k, min_k; /* min_k: the least k of all that were merged, which its error follows */
    bool floats;       /* items are floats; told, as the bytes do not tell it */
    int levels, fed;   /* how many; the one that values enter: one of 2^fed */
    uint32_t left;     /* values that may enter before its levels are looked at */
    uint64_t n, chance;
    uint64_t seen, pick; /* of the block of 2^fed: values until now, and which of them is taken */
    double last, picked;
    double min, max;
    mlp_kll_level level[MLP_KLL_LEVELS];
} mlp_kll;

/* k: MLP_KLL_MIN_K and more, 0: MLP_KLL_K. Free with mlp_kll_free. */
void mlp_kll_init(mlp_kll *kll, uint16_t k, bool floats, uint64_t seed);
void mlp_kll_free(mlp_kll *kll);

/* NaN is passed over, infinities are values. MLPLAT_NO_MEMORY leaves it as after some of the values. */
mlplat_status mlp_kll_add(mlp_kll *kll, const double *values, size_t n, mlplat_error *err);
/* Both of doubles, or both of floats (MLPLAT_INVALID). */
mlplat_status mlp_kll_merge(mlp_kll *kll, const mlp_kll *other, mlplat_error *err);

/* What it knows, in order. ranks[i]: the share of n that is values[i] or less; the last is 1. Yours: mlp_free each. */
typedef struct mlp_kll_view {
    double *values, *ranks;
    size_t n;
} mlp_kll_view;
mlplat_status mlp_kll_look(const mlp_kll *kll, mlp_kll_view *out, mlplat_error *err);
void mlp_kll_view_free(mlp_kll_view *view);
/* The least value whose rank is q or more; NaN of none. The share that is value or less (DataSketches' inclusive). */
double mlp_kll_view_quantile(const mlp_kll_view *view, double q);
double mlp_kll_view_rank(const mlp_kll_view *view, double value);
/* Of a rank, one-sided, 99 in 100: 2.296 / k^0.9021, DataSketches' measurement; 0 while all values are kept. */
double mlp_kll_error(const mlp_kll *kll);

/* DataSketches' compact bytes, serial version 1 or 2. */
mlplat_status mlp_kll_write(const mlp_kll *kll, mlp_buf *out, mlplat_error *err);
/* MLPLAT_CORRUPT for anything that is none, MLPLAT_UNSUPPORTED for Java's updatable form (serial version 3). */
mlplat_status mlp_kll_read(const void *data, size_t n, bool floats, mlp_kll *out, mlplat_error *err);

#endif

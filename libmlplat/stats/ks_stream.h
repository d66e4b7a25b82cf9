/* Kolmogorov and Smirnov's D of two samples exactly, without sorting them: two passes over the values, in pieces of any
 * size and order. The first counts them in bins that are narrow where a sample is dense. At the edges of bins F - G is
 * known then, and inside of one it goes no farther than its counts: few bins may hide more than the best edge. The
 * second pass picks the values of these, and only they are sorted. What most values of such a bin are equal to is not
 * picked but counted, so that whole numbers and spikes cost no more than others. */
#ifndef MLP_KS_STREAM_H
#define MLP_KS_STREAM_H
#include <base/err.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_ks_stream mlp_ks_stream;

/* Bins for values like these, of either or both (MLP_KS_SAMPLE of them are enough, spread over all): other values cost
 * more, and change no result. About 11 MiB. MLPLAT_NO_MEMORY. */
#define MLP_KS_SAMPLE 131072
mlplat_status mlp_ks_stream_open(const double *sample, size_t n, mlp_ks_stream **out, mlplat_error *err);
void mlp_ks_stream_free(mlp_ks_stream *ks);

/* The first pass. which: 0 or 1. NaN is not counted. About 3 ns a value. */
void mlp_ks_stream_count(mlp_ks_stream *ks, int which, const double *values, size_t n);
/* Ends it. MLPLAT_INVALID where one of both has no value, or more than 2^32, or where the product of their sizes
 * exceeds 2^62. */
mlplat_status mlp_ks_stream_narrow(mlp_ks_stream *ks, mlplat_error *err);
/* The second pass, over the same values. MLPLAT_NO_MEMORY; MLPLAT_STATE if more than MLP_KS_PICKED of them would have
 * to be sorted: sort them all then. */
#define MLP_KS_PICKED 2000000
mlplat_status mlp_ks_stream_pick(mlp_ks_stream *ks, int which, const double *values, size_t n, mlplat_error *err);

typedef struct mlp_ks_result {
    int64_t n, m, steps; /* D = steps / lcm(n, m) */
    double d, at;        /* and a value at which it is reached */
    size_t picked;       /* values that were sorted */
} mlp_ks_result;

/* MLPLAT_CORRUPT where the second pass saw other values than the first; MLPLAT_NO_MEMORY. */
mlplat_status mlp_ks_stream_result(mlp_ks_stream *ks, mlp_ks_result *out, mlplat_error *err);

/* All of it for two spans in memory; sorts copies where many are equal to no one value of their bins. */
mlplat_status mlp_ks_stream_spans(const double *a, size_t n, const double *b, size_t m, mlp_ks_result *out,
                                  mlplat_error *err);

#endif

/*
 * A metric's points decimated for reading: a fixed number of buckets of equal width over their steps or times, each
 * with its smallest, its largest and its last point. One pass, exact over all points, no document a point.
 */
#ifndef MLP_METRIC_BUCKETS_H
#define MLP_METRIC_BUCKETS_H
#include <mlplat/tracking.h>
#include <stdbool.h>

typedef struct mlp_bucket_point {
    int64_t step, timestamp_ms;
    double value; /* NaN only in last */
} mlp_bucket_point;

typedef struct mlp_bucket {
    uint64_t n, n_nan;               /* all points, and those of them that are NaN */
    mlp_bucket_point min, max, last; /* min and max hold if n > n_nan: the first of equals. last: the latest */
} mlp_bucket;

typedef struct mlp_buckets {
    bool by_time;
    int64_t low, high; /* the smallest and the largest step or time; bucket i begins at mlp_buckets_start(b, i) */
    uint64_t n_points, n_nan;
    size_t n; /* buckets; 0: there are no points */
    mlp_bucket *at;
    uint64_t magic; /* how a place is found */
} mlp_buckets;

enum { MLP_BUCKETS_MOST = 100000 };

/* Reads after what this process logged is stored. n: at most so many buckets. Free also after a failure.
 * NOT_FOUND: no such run. */
mlplat_status mlp_metric_buckets(mlplat *ml, const char *run_id, const char *key, size_t n, bool by_time,
                                 mlp_buckets *out, mlplat_error *err);
void mlp_buckets_free(mlp_buckets *buckets);
int64_t mlp_buckets_start(const mlp_buckets *buckets, size_t i);

/* For stores: makes the buckets, and puts a point into its one (true: more may come). */
mlplat_status mlp_buckets_make(mlp_buckets *buckets, size_t n, bool by_time, int64_t low, int64_t high,
                               mlplat_error *err);
bool mlp_buckets_add(void *buckets, int64_t step, int64_t timestamp_ms, double value, bool is_nan);

#endif

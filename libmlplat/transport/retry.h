/* When to try again: full jitter below a growing limit, not before the server wants it, within a time and a number. */
#ifndef MLP_RETRY_H
#define MLP_RETRY_H
#include <stdbool.h>
#include <stdint.h>

typedef struct mlp_retry {
    int64_t first_ms, most_ms; /* the first wait is below first_ms, each next below twice as much, all below most_ms */
    int64_t budget_ms;         /* from the first try to the beginning of the last */
    int64_t tries;             /* after the first; negative: as many as fit */
    int64_t begin_ns, done;
} mlp_retry;

void mlp_retry_begin(mlp_retry *retry);
/* How long to wait before the next try; -1: no more. after_ms is what the server asked for, -1 if it did not. */
int64_t mlp_retry_next(mlp_retry *retry, int64_t after_ms);
int64_t mlp_retry_elapsed_ms(const mlp_retry *retry);

/* A Retry-After header in milliseconds from now_ms (since 1970): seconds, or one of the three forms of HTTP's dates.
 * -1: neither. At most a day. */
int64_t mlp_retry_after(const char *value, int64_t now_ms);

#endif

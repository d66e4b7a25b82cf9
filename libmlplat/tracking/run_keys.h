/*
 * The metric keys that a run handle has seen: what stands here was validated, and has its next step. Looking up takes
 * no lock; a key stays where it is until the handle is freed.
 */
#ifndef MLP_RUN_KEYS_H
#define MLP_RUN_KEYS_H
#include <mlplat/error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_run_key {
    _Atomic int64_t next_step;
    size_t n;
    uint64_t hash;
    char name[]; /* ends with NUL */
} mlp_run_key;

typedef struct mlp_run_key_table mlp_run_key_table;

typedef struct mlp_run_keys {
    mlp_run_key_table *_Atomic table;
    pthread_mutex_t lock; /* of adding */
    size_t count;
} mlp_run_keys;

void mlp_run_keys_init(mlp_run_keys *keys);
void mlp_run_keys_free(mlp_run_keys *keys);
/* NULL: not seen yet. */
mlp_run_key *mlp_run_keys_find(mlp_run_keys *keys, const char *name);
/* Finds or adds a key that was validated. NO_MEMORY. */
mlplat_status mlp_run_keys_add(mlp_run_keys *keys, const char *name, mlp_run_key **out, mlplat_error *err);

/* Takes the key's next n steps: *first and those after it. False: there are no more after the largest. */
bool mlp_run_keys_take_steps(mlp_run_key *key, int64_t n, int64_t *first);
/* The next step is after this one. */
void mlp_run_keys_pass_step(mlp_run_key *key, int64_t step);

#endif

#include "tracking/run_keys.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

/* Open addressing; a table never changes its size: a larger one takes its place, and it stays for those who still read
 * it. */
struct mlp_run_key_table {
    mlp_run_key_table *older;
    size_t mask;
    mlp_run_key *_Atomic slots[];
};

void mlp_run_keys_init(mlp_run_keys *keys)
{
    atomic_init(&keys->table, NULL);
    pthread_mutex_init(&keys->lock, NULL);
    keys->count = 0;
}

void mlp_run_keys_free(mlp_run_keys *keys)
{
    mlp_run_key_table *table = atomic_load(&keys->table);
    for (size_t i = 0; table && i <= table->mask; i++) /* the newest holds all keys */
        mlp_free(atomic_load(&table->slots[i]));
    while (table) {
        mlp_run_key_table *older = table->older;
        mlp_free(table);
        table = older;
    }
    pthread_mutex_destroy(&keys->lock);
}

static uint64_t hash_of(const char *name, size_t *n)
{
    uint64_t h = 14695981039346656037u;
    const char *p = name;
    for (; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    *n = (size_t)(p - name);
    return h ^ h >> 32;
}

static mlp_run_key *find(mlp_run_key_table *table, const char *name, size_t n, uint64_t hash)
{
    for (size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        mlp_run_key *key = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        if (!key || (key->hash == hash && key->n == n && memcmp(key->name, name, n) == 0))
            return key;
    }
}

mlp_run_key *mlp_run_keys_find(mlp_run_keys *keys, const char *name)
{
    size_t n;
    uint64_t hash = hash_of(name, &n);
    mlp_run_key_table *table = atomic_load_explicit(&keys->table, memory_order_acquire);
    return table ? find(table, name, n, hash) : NULL;
}

static void put(mlp_run_key_table *table, mlp_run_key *key)
{
    size_t i = key->hash & table->mask;
    while (atomic_load_explicit(&table->slots[i], memory_order_relaxed))
        i = (i + 1) & table->mask;
    atomic_store_explicit(&table->slots[i], key, memory_order_release);
}

/* With the lock held: a table with room for one more key. */
static mlp_run_key_table *roomy_table(mlp_run_keys *keys)
{
    mlp_run_key_table *old = atomic_load(&keys->table);
    size_t size = old ? old->mask + 1 : 16;
    if (old && keys->count < size / 2)
        return old;
    size *= old ? 2 : 1;
    mlp_run_key_table *table = mlp_alloc(sizeof *table + size * sizeof table->slots[0]);
    if (!table)
        return NULL;
    table->older = old;
    table->mask = size - 1;
    for (size_t i = 0; old && i <= old->mask; i++) {
        mlp_run_key *key = atomic_load(&old->slots[i]);
        if (key)
            put(table, key);
    }
    atomic_store_explicit(&keys->table, table, memory_order_release);
    return table;
}

static mlp_run_key *new_key(const char *name, size_t n, uint64_t hash)
{
    mlp_run_key *key = mlp_alloc(sizeof *key + n + 1);
    if (!key)
        return NULL;
    atomic_init(&key->next_step, 0);
    key->n = n;
    key->hash = hash;
    memcpy(key->name, name, n + 1);
    return key;
}

mlplat_status mlp_run_keys_add(mlp_run_keys *keys, const char *name, mlp_run_key **out, mlplat_error *err)
{
    size_t n;
    uint64_t hash = hash_of(name, &n);
    pthread_mutex_lock(&keys->lock);
    mlp_run_key_table *table = atomic_load(&keys->table);
    *out = table ? find(table, name, n, hash) : NULL;
    if (!*out && (table = roomy_table(keys)) && (*out = new_key(name, n, hash))) {
        put(table, *out);
        keys->count++;
    }
    pthread_mutex_unlock(&keys->lock);
    return *out ? MLPLAT_OK : mlp_fail_memory(err);
}

bool mlp_run_keys_take_steps(mlp_run_key *key, int64_t n, int64_t *first)
{
    int64_t at = atomic_load_explicit(&key->next_step, memory_order_relaxed);
    do {
        if (at > INT64_MAX - n)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&key->next_step, &at, at + n, memory_order_relaxed,
                                                    memory_order_relaxed));
    *first = at;
    return true;
}

void mlp_run_keys_pass_step(mlp_run_key *key, int64_t step)
{
    int64_t next = step == INT64_MAX ? step : step + 1,
            at = atomic_load_explicit(&key->next_step, memory_order_relaxed);
    while (at < next && !atomic_compare_exchange_weak_explicit(&key->next_step, &at, next, memory_order_relaxed,
                                                               memory_order_relaxed))
        ;
}

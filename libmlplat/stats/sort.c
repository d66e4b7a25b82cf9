#include "stats/sort.h"
#include "base/alloc.h"
#include "stats/key.h"
#include <stdbool.h>
#include <stdint.h>

enum { FEW = 1024, DIGITS = 8, VALUES = 256 };

typedef uint64_t __attribute__((may_alias)) word; /* doubles become their keys where they lie */

/* Ciura's gaps: for what is too little to count digits of. */
static void sort_few(double *values, size_t n)
{
    static const size_t gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (size_t i = gaps[g]; i < n; i++) {
            double value = values[i];
            size_t at = i;
            for (; at >= gaps[g] && values[at - gaps[g]] > value; at -= gaps[g])
                values[at] = values[at - gaps[g]];
            values[at] = value;
        }
}

static void count_digits(const word *keys, size_t n, size_t counts[DIGITS][VALUES])
{
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++)
            counts[d][keys[i] >> (8 * d) & 255]++;
}

/* false: all have the same digit, nothing moved. */
static bool move_by_digit(const word *from, word *to, size_t n, int digit, const size_t counts[VALUES])
{
    size_t at[VALUES], sum = 0;
    if (n > 0 && counts[from[0] >> (8 * digit) & 255] == n)
        return false;
    for (int v = 0; v < VALUES; v++) {
        at[v] = sum;
        sum += counts[v];
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i] >> (8 * digit) & 255]++] = from[i];
    return true;
}

/* Digit by digit from the lowest, between the two arrays. Returns the one in which they end. */
static const word *sort_keys(word *keys, word *room, size_t n)
{
    size_t counts[DIGITS][VALUES] = {{0}};
    word *from = keys, *to = room;
    count_digits(keys, n, counts);
    for (int d = 0; d < DIGITS; d++)
        if (move_by_digit(from, to, n, d, counts[d])) {
            word *was = from;
            from = to;
            to = was;
        }
    return from;
}

mlplat_status mlp_sort_doubles(double *values, size_t n, mlplat_error *err)
{
    if (n < FEW) {
        for (size_t i = 0; i < n; i++)
            values[i] += 0.0;
        sort_few(values, n);
        return MLPLAT_OK;
    }
    word *room = mlp_alloc_array(n, sizeof *room), *keys = (word *)values;
    if (!room)
        return mlp_fail_memory(err);
    for (size_t i = 0; i < n; i++)
        keys[i] = mlp_key_of(values[i]);
    const word *sorted = sort_keys(keys, room, n);
    for (size_t i = 0; i < n; i++)
        values[i] = mlp_key_value(sorted[i]);
    mlp_free(room);
    return MLPLAT_OK;
}

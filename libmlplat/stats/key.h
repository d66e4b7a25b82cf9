/* Doubles as whole numbers in the same order. */
#ifndef MLP_KEY_H
#define MLP_KEY_H
#include <stdint.h>
#include <string.h>

/* All bits of a negative one turned, the sign of the others. -0 has the key of 0. NaN lies beyond the infinities. */
static inline uint64_t mlp_key_of(double value)
{
    uint64_t bits;
    value += 0.0; /* of -0 */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ (((uint64_t)0 - (bits >> 63)) | (uint64_t)1 << 63);
}

static inline double mlp_key_value(uint64_t key)
{
    double value;
    key ^= ((key >> 63) - 1) | (uint64_t)1 << 63;
    memcpy(&value, &key, sizeof value);
    return value;
}

#endif

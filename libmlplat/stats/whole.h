/* Whole numbers. */
#ifndef MLP_WHOLE_H
#define MLP_WHOLE_H
#include <stdint.h>

/* The greatest common divisor of two numbers above 0. */
static inline int64_t mlp_whole_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif

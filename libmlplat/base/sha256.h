/* SHA-256 (FIPS 180-4), piece by piece. */
#ifndef MLP_SHA256_H
#define MLP_SHA256_H
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} mlp_sha256;

void mlp_sha256_begin(mlp_sha256 *sha);
void mlp_sha256_add(mlp_sha256 *sha, const void *data, size_t n);
void mlp_sha256_end(mlp_sha256 *sha, char hex[65]); /* 64 hexadecimal digits */

#endif

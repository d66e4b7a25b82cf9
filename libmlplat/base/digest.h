/* Checksums and random ids. */
#ifndef MLP_DIGEST_H
#define MLP_DIGEST_H
#include <mlplat/error.h>
#include <stddef.h>
#include <stdint.h>

uint32_t mlp_crc32c(uint32_t crc, const void *data, size_t n); /* Castagnoli; start with 0; hardware where there is */
uint32_t mlp_crc32c_table(uint32_t crc, const void *data, size_t n); /* the same without hardware, for comparison */
mlplat_status mlp_random_hex(char out[33], mlplat_error *err); /* 128 random bits, a version 4 uuid without dashes */

#endif

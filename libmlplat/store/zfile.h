/* A zstd-compressed file of an archive: written once, read once, both piece by piece and with digests. */
#ifndef MLP_ZFILE_H
#define MLP_ZFILE_H
#include "base/sha256.h"
#include <mlplat/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mlp_zfile_info {
    uint64_t size, raw_size; /* compressed, and what comes out */
    char sha256[65];         /* of the compressed bytes */
} mlp_zfile_info;

typedef struct mlp_zout {
    int fd; /* plus 1; 0: not open */
    void *stream;
    char *out;
    mlp_sha256 sha;
    uint64_t size, raw_size;
} mlp_zout;

/* A new file below a folder. The name is checked, and lent for messages by the caller. */
mlplat_status mlp_zout_open(int root_fd, const char *name, mlp_zout *out, mlplat_error *err);
mlplat_status mlp_zout_write(mlp_zout *z, const void *data, size_t n, mlplat_error *err);
mlplat_status mlp_zout_finish(mlp_zout *z, mlp_zfile_info *info, mlplat_error *err); /* synced */
void mlp_zout_free(mlp_zout *z);

typedef struct mlp_zin {
    int fd; /* plus 1; 0: not open */
    void *stream;
    char *in;
    size_t at, n;  /* of in */
    size_t wanted; /* 0: a frame ended here */
    bool ended;
    mlp_sha256 sha;
    uint64_t size, raw_size;
    mlp_zfile_info expected;
    const char *name; /* lent */
} mlp_zin;

/* All that is wrong with the file is CORRUPT and names it: links, sizes, digests, what is no zstd, and bytes beyond the
 * expected number, before they are written anywhere. */
mlplat_status mlp_zin_open(int root_fd, const char *name, const mlp_zfile_info *expected, mlp_zin *out,
                           mlplat_error *err);
/* *got 0: the end, and everything was as expected. */
mlplat_status mlp_zin_read(mlp_zin *z, void *data, size_t n, size_t *got, mlplat_error *err);
void mlp_zin_free(mlp_zin *z);

#endif

/*
 * A segment's bytes, packed: its head as it is, then pieces of up to 64 KiB of the segment, each packed by itself and
 * with a checksum, so that damage costs the piece it hit alone. What is behind the last piece was zeros.
 */
#ifndef MLP_PACK_H
#define MLP_PACK_H
#include "base/buf.h"
#include "spool/frame.h"

/* Adds the packed form of base[0, end) to out. UNSUPPORTED in builds without zstd. */
mlplat_status mlp_pack_bytes(const unsigned char *base, size_t end, mlp_buf *out, mlplat_error *err);
/* The segment again, in memory of its own: at least `least` bytes, zeros where nothing was or a piece is damaged; *size
 * is less than the head's capacity if the last piece is missing. */
mlplat_status mlp_pack_open(const unsigned char *packed, size_t n, size_t least, unsigned char **out, size_t *size,
                            mlplat_error *err);

#endif

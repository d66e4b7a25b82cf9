#include "spool/pack.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/err.h"
#include <stdbool.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL = 1, PIECE = 1 << 16 };
#define LAST 0x80000000u

/* As in the file, in front of a piece's packed bytes. */
typedef struct piece {
    char magic[4];
    uint32_t at;  /* in the segment */
    uint32_t n;   /* packed bytes, and LAST */
    uint32_t crc; /* of the three before it and the packed bytes */
} piece;

static const char MAGIC[4] = {'M', 'L', 'P', 'Z'};

static uint32_t crc_of(const piece *p, const void *bytes, size_t n)
{
    return mlp_crc32c(mlp_crc32c(0, p, offsetof(piece, crc)), bytes, n);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

static mlplat_status pack_piece(ZSTD_CCtx *ctx, char *room, size_t room_n, const unsigned char *base, size_t at,
                                size_t end, mlp_buf *out, mlplat_error *err)
{
    size_t raw = end - at < PIECE ? end - at : PIECE;
    size_t n = ZSTD_compressCCtx(ctx, room, room_n, base + at, raw, LEVEL);
    if (ZSTD_isError(n))
        return mlp_fail_memory(err); /* compressing has no other reason to fail */
    piece p = {.at = (uint32_t)at, .n = (uint32_t)n | (at + raw == end ? LAST : 0u)};
    memcpy(p.magic, MAGIC, sizeof p.magic);
    p.crc = crc_of(&p, room, n);
    mlp_buf_add(out, (const char *)&p, sizeof p);
    mlp_buf_add(out, room, n);
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_pack_bytes(const unsigned char *base, size_t end, mlp_buf *out, mlplat_error *err)
{
    size_t room_n = ZSTD_compressBound(PIECE);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    char *room = mlp_alloc(room_n);
    mlplat_status s = ctx && room ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        mlp_buf_add(out, (const char *)base, MLP_SEGMENT_HEAD);
    for (size_t at = 0; s == MLPLAT_OK && at < end; at += PIECE)
        s = pack_piece(ctx, room, room_n, base, at, end, out, err);
    ZSTD_freeCCtx(ctx);
    mlp_free(room);
    return s;
}

/* ---- unpacking --------------------------------------------------------------------------------------------------- */

typedef struct walk {
    const unsigned char *packed;
    size_t n, at;
    piece piece;
    const unsigned char *bytes; /* of the piece */
    size_t bytes_n;
} walk;

/* The next whole piece; bytes that are none are passed over. */
static bool next_piece(walk *w)
{
    for (; w->n - w->at > sizeof w->piece; w->at++) {
        const unsigned char *from = w->packed + w->at;
        if (memcmp(from, MAGIC, sizeof MAGIC) != 0)
            continue;
        memcpy(&w->piece, from, sizeof w->piece);
        w->bytes = from + sizeof w->piece;
        w->bytes_n = w->piece.n & ~LAST;
        if (w->piece.at % PIECE != 0 || w->piece.at >= MLP_SEGMENT_MAX ||
            w->bytes_n > w->n - w->at - sizeof w->piece || w->piece.crc != crc_of(&w->piece, w->bytes, w->bytes_n))
            continue;
        w->at += sizeof w->piece + w->bytes_n;
        return true;
    }
    return false;
}

/* How far the pieces reach, and, if the last one is there, the capacity that the head tells. */
static size_t size_of(const unsigned char *packed, size_t n)
{
    walk w = {.packed = packed, .n = n, .at = MLP_SEGMENT_HEAD};
    mlp_segment_head head;
    size_t reach = MLP_SEGMENT_HEAD;
    bool whole = false;
    while (next_piece(&w)) {
        reach = w.piece.at + PIECE > reach ? w.piece.at + PIECE : reach;
        whole = whole || (w.piece.n & LAST);
    }
    bool told = whole && mlp_frame_head_get(packed, n, &head) == MLP_HEAD_GOOD && head.capacity <= MLP_SEGMENT_MAX;
    return told && head.capacity > reach - PIECE ? (size_t)head.capacity : reach;
}

/* Every piece begins before `size`, which size_of had from the same pieces. */
static bool open_pieces(const unsigned char *packed, size_t n, unsigned char *out, size_t size)
{
    walk w = {.packed = packed, .n = n, .at = MLP_SEGMENT_HEAD};
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    memcpy(out, packed, MLP_SEGMENT_HEAD);
    while (ctx && next_piece(&w)) {
        size_t room = size - w.piece.at < PIECE ? size - w.piece.at : PIECE;
        size_t got = ZSTD_decompressDCtx(ctx, out + w.piece.at, room, w.bytes, w.bytes_n);
        got = ZSTD_isError(got) ? 0 : got; /* its frames will be missed */
        memset(out + w.piece.at + got, 0, room - got); /* zstd uses what room there is */
    }
    ZSTD_freeDCtx(ctx);
    return ctx != NULL;
}

mlplat_status mlp_pack_open(const unsigned char *packed, size_t n, size_t least, unsigned char **out, size_t *size,
                            mlplat_error *err)
{
    *size = n < MLP_SEGMENT_HEAD ? n : size_of(packed, n);
    *out = mlp_alloc(*size > least ? *size : least + 1);
    if (!*out)
        return mlp_fail_memory(err);
    if (n < MLP_SEGMENT_HEAD)
        memcpy(*out, packed, n);
    else if (!open_pieces(packed, n, *out, *size)) {
        mlp_free(*out);
        *out = NULL;
        return mlp_fail_memory(err);
    }
    return MLPLAT_OK;
}

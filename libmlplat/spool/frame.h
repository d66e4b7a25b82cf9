/*
 * Records as bytes. A segment is a head and frames behind each other, each at a multiple of 8; the rest is zeros, or
 * stale frames of the segment's earlier life, which the salt makes invalid. Native byte order: the magic tells a
 * foreign one.
 */
#ifndef MLP_FRAME_H
#define MLP_FRAME_H
#include "spool/spool.h"

#define MLP_SEGMENT_HEAD 128u
#define MLP_SEGMENT_MAX  (1u << 30)

typedef enum mlp_lane_kind { MLP_LANE_MEMORY, MLP_LANE_PROCESS, MLP_LANE_DISK, MLP_LANE_COUNT } mlp_lane_kind;

/* As in the file. A magic of zeros: the segment was never used, or was used up. */
typedef struct mlp_segment_head {
    char magic[4]; /* goes in last */
    uint16_t version, lane;
    uint32_t crc; /* of all of it, with crc as 0 */
    uint32_t salt;
    uint64_t number, first_seq;
    uint64_t store; /* mlp_place.identity: whose records these are */
    uint64_t capacity;
    char journal[32]; /* id, no NUL */
    unsigned char boot[16];
    unsigned char rest[32];
} mlp_segment_head;

typedef enum mlp_head_state { MLP_HEAD_GOOD, MLP_HEAD_BLANK, MLP_HEAD_DAMAGED } mlp_head_state;

void mlp_frame_head_put(unsigned char *at, const mlp_segment_head *head); /* fills magic, version and crc */
void mlp_frame_head_clear(unsigned char *at);
mlp_head_state mlp_frame_head_get(const unsigned char *at, size_t size, mlp_segment_head *out);

/* The points of a span lie in frames of so many: one head, one checksum, and of each point its numbers alone. A flipped
 * bit costs a frame. */
#define MLP_FRAME_POINTS 256u /* at most 16383 */

/* Bytes that the record takes; 0: a length is over its limit. */
size_t mlp_frame_size(const mlp_record *record);
/* more: the records of one call go on in the next frame; without that one none of them counts. durable: up to this
 * offset the segment is known to be on disk. Returns mlp_frame_size. */
size_t mlp_frame_put(unsigned char *at, const mlp_record *record, uint64_t seq, bool more, uint32_t durable,
                     uint32_t salt);
/* Bytes that the span takes, MLP_SEGMENT_MAX if that is more than there may be; 0: a length is over its limit. */
size_t mlp_frame_span_size(const mlp_span *span);
size_t mlp_frame_put_span(unsigned char *at, const mlp_span *span, uint64_t first_seq, uint32_t durable, uint32_t salt);
/* Stands behind a group that is on the disk, unsynced, until the next group overwrites it: after a kill -9 it tells
 * what was promised of the last group too. */
#define MLP_FRAME_MARK 56u
void mlp_frame_mark(unsigned char out[MLP_FRAME_MARK], uint32_t durable, uint32_t salt);
/* Copies the frame at `from` for a segment where nothing is durable yet; alone: its records are a call of their own.
 * Returns its size. */
size_t mlp_frame_move(unsigned char *to, const unsigned char *from, bool alone, uint32_t salt);

/* Goes through a segment's bytes. Zero it, set base, size, salt, trusted; `at` and `inside`, to go on where another one
 * stood. */
typedef struct mlp_frame_walk {
    const unsigned char *base;
    size_t size; /* where the bytes end */
    size_t at;   /* 0: start behind the head */
    size_t inside; /* points of the frame there that were told; 0 at first */
    size_t begin, end; /* of the frame found last */
    uint32_t salt;
    bool trusted;     /* the bytes are our own memory: no checksum */
    bool more;        /* of the frame found last */
    uint32_t durable; /* the largest that a frame has told */
    uint64_t last_seq;
    size_t hole;   /* where the first hole begins that a valid frame follows; 0: none */
    size_t effort; /* bytes that were checksummed in vain: bounds the search in hostile bytes */
} mlp_frame_walk;

/* The next valid record, in place; false at the end. Invalid bytes are searched through for the next valid frame: stale
 * ones do not pass for one, since every life of a segment has a salt of its own. */
bool mlp_frame_next(mlp_frame_walk *walk, mlp_record *out);

typedef struct mlp_frame_summary {
    size_t limit;      /* records up to here count: behind it only part of a call's records is there */
    size_t records;    /* with a seq above `mark` */
    uint64_t last_seq; /* 0: no record */
    bool damaged;      /* a hole where none may be */
} mlp_frame_summary;

/*
 * What a whole segment holds. The end of what was written may be torn or full of holes, which is normal: in a disk
 * segment behind what was known to be durable, in another after a power cut (boot differs from this system's). That the
 * file is shorter than its head says is as normal in another after a power cut, and nowhere else.
 */
void mlp_frame_summarize(const unsigned char *base, size_t size, const mlp_segment_head *head,
                         const unsigned char boot[16], uint64_t mark, mlp_frame_summary *out);

#endif

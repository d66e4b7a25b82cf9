/*
 * A segment that was written, and what became of its bytes, told by a few bytes of input: which records, in which
 * calls, over which earlier life of the segment; then damages. What a record holds follows from its number and one
 * byte, so that one that nobody wrote is told from those that somebody wrote.
 */
#ifndef JOURNAL_STORY_H
#define JOURNAL_STORY_H
#include "fuzz.h"
#include "spool/frame.h"

enum { STORY_BYTES = 4096, STORY_RECORDS = 16, STORY_STALE = 5 };

typedef struct story {
    unsigned char bytes[STORY_BYTES];
    mlp_segment_head head;
    unsigned char boot[16]; /* of the system that reads it */
    uint8_t shape[STORY_RECORDS];
    bool more[STORY_RECORDS];
    size_t end_of[STORY_RECORDS]; /* where a frame ends */
    size_t n, whole;              /* records, and those of calls that are whole */
    uint64_t first_seq;
    size_t size;        /* of what is left of the file */
    size_t intact;      /* bytes before the first damage */
    bool cut, damaged;
} story;

/* Points of a span have a name and a sign in common. */
static inline bool story_spans(uint8_t shape)
{
    return (shape & 0xe0) == 0x20;
}

static inline mlp_record story_record(uint8_t shape, uint64_t seq)
{
    static const char text[] = "MLPS0123456789abcdefghijklmnopqrstuvwxyz\0\1\2\3ABCDEFGHIJKLMNOPQRST\xc3\xa4";
    return (mlp_record){.kind = shape & 64 ? MLP_RECORD_TAG : MLP_RECORD_METRIC,
                        .seq = seq,
                        .run_id = text + 4,
                        .run_id_n = 32,
                        .key = text + (story_spans(shape) ? shape % 32 : seq % 32),
                        .key_n = 1 + shape % 7,
                        .text = text + seq % 8,
                        .text_n = shape & 128 ? shape % 56 : 0,
                        .value = (double)seq / 2,
                        .step = (int64_t)seq * (shape & 1 ? -1 : 1),
                        .timestamp_ms = (int64_t)(1000 + seq)};
}

static inline bool story_same(const mlp_record *a, const mlp_record *b)
{
    return a->kind == b->kind && a->seq == b->seq && a->run_id_n == b->run_id_n && a->key_n == b->key_n &&
           a->text_n == b->text_n && memcmp(a->run_id, b->run_id, a->run_id_n) == 0 &&
           memcmp(a->key, b->key, a->key_n) == 0 && memcmp(a->text, b->text, a->text_n) == 0 && a->value == b->value &&
           a->step == b->step && a->timestamp_ms == b->timestamp_ms;
}

/* Was this record written? */
static inline bool story_has(const story *s, const mlp_record *r)
{
    uint64_t i = r->seq - s->first_seq;
    mlp_record want = story_record(i < s->n ? s->shape[i] : 0, r->seq);
    return i < s->n && story_same(r, &want);
}

/* An earlier life, whose frames lie there still under another salt. */
static inline void story_stale(story *s, fuzz_input *in)
{
    size_t end = MLP_SEGMENT_HEAD, n = fuzz_byte(in) % (STORY_STALE + 1);
    for (size_t i = 0; i < n; i++) {
        mlp_record r = story_record((uint8_t)(i * 77), 1000 + i);
        end += mlp_frame_put(s->bytes + end, &r, s->first_seq + i * 3, false, 0, s->head.salt ^ 0x55u);
    }
}

/* Up to 8 points, as far as there is a place for them. Their frame's size. */
static inline size_t story_span(story *s, size_t end, size_t durable, unsigned n)
{
    const uint8_t shape = s->shape[s->n];
    const mlp_record first = story_record(shape, s->first_seq + s->n);
    double values[8];
    int64_t steps[8], times[8];
    n = n > STORY_RECORDS - s->n ? (unsigned)(STORY_RECORDS - s->n) : n;
    for (size_t i = 0; i < n; i++) {
        const mlp_record r = story_record(shape, first.seq + i);
        values[i] = r.value;
        steps[i] = r.step;
        times[i] = r.timestamp_ms;
        s->shape[s->n + i] = shape;
        s->more[s->n + i] = i + 1 < n;
    }
    const mlp_span span = {.run_id = first.run_id, .run_id_n = first.run_id_n, .key = first.key, .key_n = first.key_n,
                           .values = values, .steps = shape & 1 ? steps : NULL, .timestamps_ms = times, .n = n,
                           .step = first.step};
    size_t size = mlp_frame_put_span(s->bytes + end, &span, first.seq, (uint32_t)durable, s->head.salt);
    for (size_t i = 0; i < n; i++)
        s->end_of[s->n + i] = end + size;
    s->n += n - 1;
    return size;
}

static inline void story_records(story *s, fuzz_input *in)
{
    size_t end = MLP_SEGMENT_HEAD, durable = 0;
    for (unsigned n = fuzz_byte(in) % (STORY_RECORDS + 1); s->n < n; s->n++) {
        unsigned how = fuzz_byte(in);
        s->shape[s->n] = (uint8_t)fuzz_byte(in);
        s->more[s->n] = how & 1;
        mlp_record r = story_record(s->shape[s->n], s->first_seq + s->n);
        if (story_spans(s->shape[s->n]))
            end += story_span(s, end, durable, how / 4 % 8 + 1);
        else
            end += mlp_frame_put(s->bytes + end, &r, r.seq, s->more[s->n], (uint32_t)durable, s->head.salt);
        s->end_of[s->n] = end;
        if (!s->more[s->n])
            s->whole = s->n + 1;
        if (how & 2 && s->head.lane == MLP_LANE_DISK)
            durable = end;
    }
    s->size = s->intact = STORY_BYTES;
}

/* Up to four bytes changed (which a CRC of 32 bits always sees), a piece that never came to the disk, or a cut. */
static inline void story_damage(story *s, fuzz_input *in)
{
    unsigned what = fuzz_byte(in), high = fuzz_byte(in), at = (high << 8 | fuzz_byte(in)) % STORY_BYTES, changed = 0;
    if (what % 4 == 0) {
        s->size = at < s->size ? at : s->size;
        s->cut = true;
        changed = 1;
    } else if (what % 4 == 1) {
        for (unsigned i = at & ~63u; i < (at & ~63u) + 64; i++) {
            changed |= s->bytes[i];
            s->bytes[i] = 0;
        }
        at &= ~63u;
    } else {
        for (unsigned i = 0; i < what / 4 % 4 + 1 && at + i < STORY_BYTES; i++) {
            unsigned flip = fuzz_byte(in);
            s->bytes[at + i] ^= (unsigned char)flip;
            changed |= flip;
        }
    }
    if (changed && at < s->intact)
        s->intact = at;
    s->damaged = s->damaged || changed;
}

static inline void story_tell(story *s, fuzz_input *in, const char journal[32], uint64_t store, uint64_t number,
                              uint64_t first_seq)
{
    unsigned how = fuzz_byte(in);
    memset(s, 0, sizeof *s);
    s->first_seq = first_seq;
    s->head = (mlp_segment_head){.lane = (uint16_t)(how % MLP_LANE_COUNT), .salt = 0x5eed1234u + how, .number = number,
                                 .first_seq = first_seq, .store = store, .capacity = STORY_BYTES};
    memcpy(s->head.journal, journal, 32);
    memset(s->head.boot, 'b', 16);
    memset(s->boot, how & 4 ? 'c' : 'b', 16);
    mlp_frame_head_put(s->bytes, &s->head);
    story_stale(s, in);
    story_records(s, in);
    for (unsigned n = fuzz_byte(in) % 4; n > 0; n--)
        story_damage(s, in);
}

#endif

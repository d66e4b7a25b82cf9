#include "spool/frame.h"
#include "base/digest.h"
#include <string.h>

#define VERSION   2u
#define TYPE_MORE 0x8000u
#define TYPE_MARK 0x7fffu
#define TEXT_MAX  (16u << 20)

static const char MAGIC[4] = {'M', 'L', 'P', 'S'};

/* len and crc come first and go in last. The checksum, begun with the salt, covers everything behind it. */
typedef struct frame {
    uint32_t len; /* of the frame, strings included, before rounding up */
    uint32_t crc;
    uint64_t seq;
    uint16_t type, run_n, key_n, span; /* span: 0 of a frame with one record */
    uint32_t text_n, durable;
    double value;
    int64_t step, timestamp_ms;
} frame;

/* A span is told by how many points it has, and what beside values its text has of each of them, one column behind the
 * other, 8 bytes a number. Without that of the steps they follow the first one, without that of the times all have the
 * same. */
enum { SPAN_STEPS = 1, SPAN_TIMES = 2, SPAN_POINT = 4 };

_Static_assert(sizeof(frame) == 56, "no padding in a frame");
_Static_assert(sizeof(frame) == MLP_FRAME_MARK, "a mark is a frame without strings");
_Static_assert(sizeof(mlp_segment_head) == MLP_SEGMENT_HEAD, "no padding in a head");

static size_t round_up(size_t n)
{
    return (n + 7u) & ~(size_t)7u;
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

static uint32_t head_crc(mlp_segment_head head)
{
    head.crc = 0;
    return mlp_crc32c(0, &head, sizeof head);
}

static void set_magic(unsigned char *at, const char magic[4])
{
    uint32_t word;
    memcpy(&word, magic, sizeof word);
    __atomic_store_n((uint32_t *)(void *)at, word, __ATOMIC_RELEASE);
}

void mlp_frame_head_put(unsigned char *at, const mlp_segment_head *head)
{
    mlp_segment_head h = *head;
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.version = VERSION;
    memset(h.rest, 0, sizeof h.rest);
    h.crc = head_crc(h);
    memcpy(at + sizeof h.magic, (const char *)&h + sizeof h.magic, sizeof h - sizeof h.magic);
    set_magic(at, h.magic); /* a process killed before it leaves a blank segment, never half a head */
}

void mlp_frame_head_clear(unsigned char *at)
{
    set_magic(at, "\0\0\0");
}

mlp_head_state mlp_frame_head_get(const unsigned char *at, size_t size, mlp_segment_head *out)
{
    static const char blank[sizeof MAGIC];
    if (size < sizeof *out)
        return size < sizeof blank || memcmp(at, blank, sizeof blank) == 0 ? MLP_HEAD_BLANK : MLP_HEAD_DAMAGED;
    memcpy(out, at, sizeof *out);
    if (memcmp(out->magic, blank, sizeof blank) == 0)
        return MLP_HEAD_BLANK;
    if (memcmp(out->magic, MAGIC, sizeof MAGIC) != 0 || out->crc != head_crc(*out) || out->version != VERSION ||
        out->lane >= MLP_LANE_COUNT)
        return MLP_HEAD_DAMAGED;
    return MLP_HEAD_GOOD;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

size_t mlp_frame_size(const mlp_record *r)
{
    if (r->run_id_n > UINT16_MAX || r->key_n > UINT16_MAX || r->text_n > TEXT_MAX)
        return 0;
    return round_up(sizeof(frame) + r->run_id_n + r->key_n + r->text_n);
}

/* Checksum, then length: until the length is there this is no frame. */
static void seal(unsigned char *at, uint32_t len, uint32_t salt)
{
    uint32_t crc = mlp_crc32c(salt, at + offsetof(frame, seq), len - offsetof(frame, seq));
    memcpy(at + offsetof(frame, crc), &crc, sizeof crc);
    __atomic_store_n((uint32_t *)(void *)at, len, __ATOMIC_RELEASE);
}

static unsigned char *put_text(unsigned char *at, const char *text, size_t n)
{
    if (n)
        memcpy(at, text, n);
    return at + n;
}

/* It is filled where it lies: a copy of what was written a moment ago would have to wait for it. */
static void begin(unsigned char *at, uint64_t seq, bool more, size_t span, uint32_t durable)
{
    frame *f = (frame *)(void *)at;
    __atomic_store_n(&f->len, 0, __ATOMIC_RELAXED);
    f->seq = seq;
    f->type = more ? TYPE_MORE : 0;
    f->span = (uint16_t)span;
    f->durable = durable;
}

/* The record's text, and behind it what a span has beside values: as many bytes each, NULL if not. */
static size_t put(unsigned char *at, const mlp_record *r, const int64_t *steps, const int64_t *times, uint32_t salt)
{
    frame *f = (frame *)(void *)at;
    f->type = (uint16_t)((unsigned)r->kind | f->type);
    f->run_n = (uint16_t)r->run_id_n;
    f->key_n = (uint16_t)r->key_n;
    f->text_n = (uint32_t)(r->text_n * (1u + !!steps + !!times));
    f->value = r->value;
    f->step = r->step;
    f->timestamp_ms = r->timestamp_ms;
    unsigned char *p = put_text(at + sizeof *f, r->run_id, r->run_id_n);
    p = put_text(p, r->key, r->key_n);
    p = put_text(p, r->text, r->text_n);
    if (steps)
        p = put_text(p, (const char *)steps, r->text_n);
    if (times)
        p = put_text(p, (const char *)times, r->text_n);
    seal(at, (uint32_t)(p - at), salt);
    return round_up((size_t)(p - at));
}

size_t mlp_frame_put(unsigned char *at, const mlp_record *r, uint64_t seq, bool more, uint32_t durable, uint32_t salt)
{
    begin(at, seq, more, 0, durable);
    return put(at, r, NULL, NULL, salt);
}

/* ---- spans ------------------------------------------------------------------------------------------------------- */

static unsigned columns_of(const mlp_span *span)
{
    return (span->steps ? SPAN_STEPS : 0u) | (span->timestamps_ms ? SPAN_TIMES : 0u);
}

static size_t bytes_of_point(unsigned columns)
{
    return 8u + (columns & SPAN_STEPS) * 8u + (columns & SPAN_TIMES) * 4u;
}

size_t mlp_frame_span_size(const mlp_span *span)
{
    size_t frames = (span->n + MLP_FRAME_POINTS - 1) / MLP_FRAME_POINTS;
    if (span->run_id_n > UINT16_MAX || span->key_n > UINT16_MAX)
        return 0;
    if (span->n > MLP_SEGMENT_MAX / 16)
        return MLP_SEGMENT_MAX;
    return frames * round_up(sizeof(frame) + span->run_id_n + span->key_n) +
           span->n * bytes_of_point(columns_of(span));
}

size_t mlp_frame_put_span(unsigned char *at, const mlp_span *span, uint64_t first_seq, uint32_t durable, uint32_t salt)
{
    const int64_t *steps = span->steps, *times = span->timestamps_ms;
    size_t size = 0;
    for (size_t i = 0; i < span->n; i += MLP_FRAME_POINTS) {
        bool more = span->n - i > MLP_FRAME_POINTS;
        size_t n = more ? MLP_FRAME_POINTS : span->n - i;
        const mlp_record r = {.kind = MLP_RECORD_METRIC,
                              .run_id = span->run_id,
                              .run_id_n = span->run_id_n,
                              .key = span->key,
                              .key_n = span->key_n,
                              .text = (const char *)(span->values + i),
                              .text_n = n * 8,
                              .step = span->step + (int64_t)i,
                              .timestamp_ms = span->timestamp_ms};
        begin(at + size, first_seq + i, more, n * SPAN_POINT + columns_of(span), durable);
        size += put(at + size, &r, steps ? steps + i : NULL, times ? times + i : NULL, salt);
    }
    return size;
}

static size_t points_of(const frame *f)
{
    return f->span ? f->span / SPAN_POINT : 1;
}

size_t mlp_frame_move(unsigned char *to, const unsigned char *from, bool alone, uint32_t salt)
{
    frame f;
    memcpy(&f, from, sizeof f);
    uint32_t len = f.len;
    f.len = 0;
    f.durable = 0;
    f.type = (uint16_t)(alone ? f.type & ~TYPE_MORE : f.type);
    memcpy(to, &f, sizeof f);
    memcpy(to + sizeof f, from + sizeof f, len - sizeof f);
    seal(to, len, salt);
    return round_up(len);
}

void mlp_frame_mark(unsigned char out[MLP_FRAME_MARK], uint32_t durable, uint32_t salt)
{
    frame f = {.type = TYPE_MARK, .durable = durable};
    memcpy(out, &f, sizeof f);
    seal(out, sizeof f, salt);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool plausible_span(const frame *f)
{
    size_t n = points_of(f);
    return (f->type & ~TYPE_MORE) == MLP_RECORD_METRIC && n * bytes_of_point(f->span) == f->text_n &&
           f->seq <= UINT64_MAX - n;
}

static bool plausible(const frame *f, size_t room)
{
    unsigned kind = f->type & ~TYPE_MORE;
    return f->len >= sizeof *f && f->len <= room && (f->span == 0 || plausible_span(f)) &&
           f->len == sizeof *f + (uint64_t)f->run_n + f->key_n + f->text_n &&
           ((kind >= MLP_RECORD_METRIC && kind <= MLP_RECORD_LAST) || (f->type == TYPE_MARK && f->len == sizeof *f));
}

static void fill(const frame *f, const unsigned char *at, mlp_record *out)
{
    const char *text = (const char *)at + sizeof *f;
    *out = (mlp_record){
        .kind = (mlp_record_kind)(f->type & ~TYPE_MORE),
        .seq = f->seq,
        .run_id = text,
        .run_id_n = f->run_n,
        .key = text + f->run_n,
        .key_n = f->key_n,
        .text = text + f->run_n + f->key_n,
        .text_n = f->text_n,
        .value = f->value,
        .step = f->step,
        .timestamp_ms = f->timestamp_ms,
    };
}

/* fill made it of all. */
static void fill_point(const frame *f, size_t i, mlp_record *out)
{
    size_t n = points_of(f);
    const char *column = out->text + 8 * i;
    memcpy(&out->value, column, 8);
    out->step = (int64_t)((uint64_t)f->step + i);
    if (f->span & SPAN_STEPS)
        memcpy(&out->step, column += 8 * n, 8);
    if (f->span & SPAN_TIMES)
        memcpy(&out->timestamp_ms, column + 8 * n, 8);
    out->seq += i;
    out->text_n = 0;
}

static bool valid_at(mlp_frame_walk *w, frame *f)
{
    const unsigned char *at = w->base + w->at;
    memcpy(f, at, sizeof *f);
    if (!plausible(f, w->size - w->at) || w->inside >= points_of(f) ||
        (f->type != TYPE_MARK && f->seq + w->inside <= w->last_seq))
        return false;
    bool known = w->trusted || w->inside > 0; /* the frame's first point was told */
    if (known || f->crc == mlp_crc32c(w->salt, at + offsetof(frame, seq), f->len - offsetof(frame, seq)))
        return true;
    w->effort += f->len;
    return false;
}

static void tell(mlp_frame_walk *w, const frame *f, mlp_record *out)
{
    fill(f, w->base + w->at, out);
    if (f->span)
        fill_point(f, w->inside, out);
    bool last = ++w->inside == points_of(f);
    w->begin = w->at;
    w->end = w->at + round_up(f->len);
    w->last_seq = out->seq;
    w->more = !last || (f->type & TYPE_MORE);
    if (last) {
        w->at = w->end;
        w->inside = 0;
    }
}

bool mlp_frame_next(mlp_frame_walk *w, mlp_record *out)
{
    frame f;
    if (w->at == 0)
        w->at = w->end = MLP_SEGMENT_HEAD;
    for (; w->at < w->size && w->size - w->at >= sizeof f && w->effort / 64 <= w->size;
         w->at += 8, w->inside = 0) {
        if (!valid_at(w, &f))
            continue;
        if (f.durable > w->durable)
            w->durable = f.durable;
        if (f.type == TYPE_MARK)
            continue; /* the next group overwrites it */
        if (w->at != w->end && w->inside == 0 && w->hole == 0)
            w->hole = w->end;
        tell(w, &f, out);
        return true;
    }
    return false;
}

/* A disk segment had its size, and each group, on the disk before anybody was told of a record in it. */
static bool is_damaged(const mlp_frame_walk *w, const mlp_segment_head *head, bool same_boot)
{
    bool cut = w->size < head->capacity, disk = head->lane == MLP_LANE_DISK;
    if (disk)
        return cut || w->end < w->durable || (w->hole && w->hole < w->durable);
    return same_boot && (cut || w->hole);
}

void mlp_frame_summarize(const unsigned char *base, size_t size, const mlp_segment_head *head,
                         const unsigned char boot[16], uint64_t mark, mlp_frame_summary *out)
{
    static const unsigned char unknown[16];
    mlp_frame_walk w = {.base = base, .size = size, .salt = head->salt};
    mlp_record r;
    size_t above = 0;
    *out = (mlp_frame_summary){.limit = MLP_SEGMENT_HEAD};
    while (mlp_frame_next(&w, &r)) {
        above += r.seq > mark;
        if (w.more)
            continue;
        out->limit = w.end;
        out->records = above;
        out->last_seq = r.seq;
    }
    bool same_boot = memcmp(head->boot, boot, 16) == 0 && memcmp(boot, unknown, 16) != 0;
    out->damaged = is_damaged(&w, head, same_boot);
}

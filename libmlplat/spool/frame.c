#include "spool/frame.h"
#include "base/digest.h"
#include <string.h>

#define VERSION   1u
#define TYPE_MORE 0x8000u
#define TYPE_MARK 0x7fffu
#define TEXT_MAX  (16u << 20)

static const char MAGIC[4] = {'M', 'L', 'P', 'S'};

/* len and crc come first and go in last. The checksum, begun with the salt, covers everything behind it. */
typedef struct frame {
    uint32_t len; /* of the frame, strings included, before rounding up */
    uint32_t crc;
    uint64_t seq;
    uint16_t type, run_n, key_n, zero;
    uint32_t text_n, durable;
    double value;
    int64_t step, timestamp_ms;
} frame;

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

size_t mlp_frame_put(unsigned char *at, const mlp_record *r, uint64_t seq, bool more, uint32_t durable, uint32_t salt)
{
    size_t len = sizeof(frame) + r->run_id_n + r->key_n + r->text_n;
    frame f = {
        .seq = seq,
        .type = (uint16_t)((unsigned)r->kind | (more ? TYPE_MORE : 0u)),
        .run_n = (uint16_t)r->run_id_n,
        .key_n = (uint16_t)r->key_n,
        .text_n = (uint32_t)r->text_n,
        .durable = durable,
        .value = r->value,
        .step = r->step,
        .timestamp_ms = r->timestamp_ms,
    };
    __atomic_store_n((uint32_t *)(void *)at, 0, __ATOMIC_RELAXED);
    memcpy(at + offsetof(frame, seq), (const char *)&f + offsetof(frame, seq), sizeof f - offsetof(frame, seq));
    unsigned char *p = put_text(at + sizeof f, r->run_id, r->run_id_n);
    p = put_text(p, r->key, r->key_n);
    put_text(p, r->text, r->text_n);
    seal(at, (uint32_t)len, salt);
    return round_up(len);
}

size_t mlp_frame_move(unsigned char *to, const unsigned char *from, uint32_t salt)
{
    frame f;
    memcpy(&f, from, sizeof f);
    uint32_t len = f.len;
    f.len = 0;
    f.durable = 0;
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

static bool plausible(const frame *f, size_t room)
{
    unsigned kind = f->type & ~TYPE_MORE;
    return f->len >= sizeof *f && f->len <= room && f->zero == 0 &&
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

static bool valid_at(mlp_frame_walk *w, frame *f)
{
    const unsigned char *at = w->base + w->at;
    memcpy(f, at, sizeof *f);
    if (!plausible(f, w->size - w->at) || (f->type != TYPE_MARK && f->seq <= w->last_seq))
        return false;
    if (w->trusted || f->crc == mlp_crc32c(w->salt, at + offsetof(frame, seq), f->len - offsetof(frame, seq)))
        return true;
    w->effort += f->len;
    return false;
}

bool mlp_frame_next(mlp_frame_walk *w, mlp_record *out)
{
    frame f;
    if (w->at == 0)
        w->at = w->end = MLP_SEGMENT_HEAD;
    for (; w->at < w->size && w->size - w->at >= sizeof f && w->effort / 64 <= w->size; w->at += 8) {
        if (!valid_at(w, &f))
            continue;
        if (f.durable > w->durable)
            w->durable = f.durable;
        if (f.type == TYPE_MARK)
            continue; /* the next group overwrites it */
        if (w->at != w->end && w->hole == 0)
            w->hole = w->end;
        fill(&f, w->base + w->at, out);
        w->at = w->end = w->at + round_up(f.len);
        w->last_seq = f.seq;
        w->more = (f.type & TYPE_MORE) != 0;
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

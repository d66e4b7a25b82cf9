/* Segments of a journal: nothing is found that was not written, in the order in which it was written, and all before
 * the first damage is found. Input: a byte; then a segment's bytes as they are, or a story (journal_story.h). */
#include "journal_story.h"

#define ID "0123456789abcdef0123456789abcdef"

/* A frame's end is told rounded up, which a cut may be in the midst of. */
static size_t rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static void check_found(const story *s, const unsigned char *bytes)
{
    mlp_frame_walk w = {.base = bytes, .size = s->size, .salt = s->head.salt};
    mlp_record r;
    uint64_t last = 0;
    size_t n = 0, intact = 0;
    for (; mlp_frame_next(&w, &r); n++) {
        fuzz_check(r.seq > last && story_has(s, &r) && w.end <= rounded(s->size));
        last = r.seq;
        intact += n == intact && r.seq == s->first_seq + n;
    }
    size_t must = 0;
    while (must < s->n && s->end_of[must] <= s->intact)
        must++;
    fuzz_check(intact >= must);
    if (!s->damaged)
        fuzz_check(n == s->n && !w.hole);
}

static void check_summary(const story *s, const unsigned char *bytes, uint64_t mark)
{
    mlp_frame_summary sum;
    mlp_frame_summarize(bytes, s->size, &s->head, s->boot, mark, &sum);
    fuzz_check(sum.limit >= MLP_SEGMENT_HEAD && (sum.limit == MLP_SEGMENT_HEAD || sum.limit <= rounded(s->size)));
    fuzz_check(sum.records <= s->n && sum.last_seq < s->first_seq + s->n);
    if (!s->damaged) {
        uint64_t last = s->first_seq + s->whole - 1, behind = last > mark ? last - mark : 0;
        uint64_t above = mark < s->first_seq ? s->whole : behind;
        fuzz_check(!sum.damaged && sum.records == above);
        fuzz_check(s->whole ? sum.last_seq == last && sum.limit == s->end_of[s->whole - 1] : sum.last_seq == 0);
    }
}

/* Frames that are brought to another segment hold the same records. */
static void check_moved(const story *s)
{
    static unsigned char to[STORY_BYTES];
    size_t end = s->n ? s->end_of[s->n - 1] : MLP_SEGMENT_HEAD; /* what is trusted is what was put there */
    mlp_frame_walk w = {.base = s->bytes, .size = end, .salt = s->head.salt, .trusted = true};
    mlp_frame_walk other = {.base = to, .size = end, .salt = 7};
    mlp_record r, moved;
    if (s->damaged)
        return;
    for (size_t at = MLP_SEGMENT_HEAD; at < end;)
        at += mlp_frame_move(to + at, s->bytes + at, false, 7);
    while (mlp_frame_next(&w, &r))
        fuzz_check(mlp_frame_next(&other, &moved) && story_same(&r, &moved) && w.end == other.end);
    fuzz_check(!mlp_frame_next(&other, &moved));
}

static void try_story(fuzz_input *in)
{
    static story s;
    story_tell(&s, in, ID, 1, 1, 1 + fuzz_byte(in));
    unsigned char *bytes = malloc(s.size ? s.size : 1); /* so that a sanitizer sees its end */
    memcpy(bytes, s.bytes, s.size);
    mlp_segment_head head;
    mlp_head_state state = mlp_frame_head_get(bytes, s.size, &head);
    if (s.intact >= MLP_SEGMENT_HEAD)
        fuzz_check(state == MLP_HEAD_GOOD && memcmp(head.journal, ID, 32) == 0 && head.first_seq == s.first_seq);
    check_found(&s, bytes);
    check_summary(&s, bytes, s.first_seq + s.n / 2);
    check_moved(&s);
    free(bytes);
}

/* Bytes that anybody wrote: what is found lies within them. */
static void try_bytes(const uint8_t *data, size_t size)
{
    mlp_segment_head head = {0};
    mlp_frame_summary sum;
    mlp_record r;
    unsigned char boot[16] = "boot";
    unsigned char *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    if (mlp_frame_head_get(bytes, size, &head) == MLP_HEAD_GOOD)
        fuzz_check(head.lane < MLP_LANE_COUNT);
    mlp_frame_walk w = {.base = bytes, .size = size, .salt = head.salt};
    uint64_t last = 0;
    while (mlp_frame_next(&w, &r)) {
        const char *begin = (const char *)bytes + MLP_SEGMENT_HEAD, *end = (const char *)bytes + size;
        fuzz_check(r.seq > last && r.run_id >= begin && r.text + r.text_n <= end && r.key == r.run_id + r.run_id_n);
        last = r.seq;
    }
    mlp_frame_summarize(bytes, size, &head, boot, 0, &sum);
    fuzz_check(sum.last_seq <= last && sum.limit <= (size > MLP_SEGMENT_HEAD ? rounded(size) : MLP_SEGMENT_HEAD));
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    if (fuzz_byte(&in) % 4 == 3)
        try_bytes(in.at, in.n);
    else
        try_story(&in);
    return 0;
}

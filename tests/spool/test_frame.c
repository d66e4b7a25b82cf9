/* Records as bytes: what a scan finds, and what it never takes for a record. */
#include "spool/frame.h"
#include "support/support.h"
#include <stdlib.h>

#define SIZE 4096u
#define SALT 0x5eed1234u

typedef struct segment {
    unsigned char *bytes; /* of their own, so that a sanitizer sees a read behind them */
    mlp_segment_head head;
    size_t at[40], n, end;
} segment;

static mlp_record record_of(uint64_t i)
{
    static const char *const texts[] = {"", "a", "some words", "0123456789012345678901234567890123456789"};
    const char *text = texts[i % 4];
    return (mlp_record){.kind = i % 3 == 2 ? MLP_RECORD_TAG : MLP_RECORD_METRIC,
                        .run_id = "run",
                        .run_id_n = 3,
                        .key = "key",
                        .key_n = 3,
                        .text = text,
                        .text_n = strlen(text),
                        .value = (double)i,
                        .step = (int64_t)i,
                        .timestamp_ms = 7};
}

static void begin(segment *s, mlp_lane_kind lane, uint32_t salt)
{
    if (!s->bytes)
        s->bytes = calloc(1, SIZE);
    s->head = (mlp_segment_head){.lane = (uint16_t)lane, .salt = salt, .number = 1, .first_seq = 1, .capacity = SIZE};
    memcpy(s->head.journal, "0123456789abcdef0123456789abcdef", 32);
    memset(s->head.boot, 'b', 16);
    mlp_frame_head_put(s->bytes, &s->head);
    s->n = 0;
    s->end = MLP_SEGMENT_HEAD;
}

static void add(segment *s, bool more, uint32_t durable)
{
    mlp_record r = record_of(s->n + 1);
    s->at[s->n] = s->end;
    s->end += mlp_frame_put(s->bytes + s->end, &r, s->n + 1, more, durable, s->head.salt);
    s->n++;
}

static bool same(const mlp_record *r)
{
    mlp_record want = record_of(r->seq);
    return r->kind == want.kind && r->text_n == want.text_n && memcmp(r->text, want.text, want.text_n) == 0 &&
           r->run_id_n == 3 && memcmp(r->run_id, "run", 3) == 0 && r->key_n == 3 && memcmp(r->key, "key", 3) == 0 &&
           r->value == want.value && r->step == want.step && r->timestamp_ms == 7;
}

/* How many records are found; each must be one that was put in. */
static size_t found(const unsigned char *bytes, size_t size, uint32_t salt)
{
    mlp_frame_walk w = {.base = bytes, .size = size, .salt = salt};
    mlp_record r;
    size_t n = 0;
    uint64_t last = 0;
    for (; mlp_frame_next(&w, &r); n++) {
        assert_true(r.seq > last);
        assert_true(same(&r));
        last = r.seq;
    }
    return n;
}

static mlp_frame_summary summary(const segment *s, size_t size)
{
    mlp_frame_summary out;
    unsigned char boot[16];
    memset(boot, 'b', 16);
    mlp_frame_summarize(s->bytes, size, &s->head, boot, 0, &out);
    return out;
}

static void ten(segment *s, mlp_lane_kind lane)
{
    begin(s, lane, SALT);
    for (int i = 0; i < 10; i++)
        add(s, false, (uint32_t)s->end); /* each a group of its own, all before it durable */
}

static void what_was_put_in_is_found(void **state)
{
    (void)state;
    segment s = {0};
    ten(&s, MLP_LANE_PROCESS);
    assert_int_equal(found(s.bytes, SIZE, SALT), 10);
    mlp_frame_summary sum = summary(&s, SIZE);
    assert_int_equal(sum.records, 10);
    assert_int_equal(sum.last_seq, 10);
    assert_int_equal(sum.limit, s.end);
    assert_false(sum.damaged);
    free(s.bytes);
}

static void a_head_is_good_blank_or_damaged(void **state)
{
    (void)state;
    segment s = {0};
    mlp_segment_head head;
    begin(&s, MLP_LANE_DISK, SALT);
    assert_int_equal(mlp_frame_head_get(s.bytes, SIZE, &head), MLP_HEAD_GOOD);
    assert_int_equal(head.salt, SALT);
    for (size_t i = 0; i < sizeof head * 8; i++) {
        s.bytes[i / 8] ^= (unsigned char)(1u << i % 8);
        assert_int_equal(mlp_frame_head_get(s.bytes, SIZE, &head), MLP_HEAD_DAMAGED);
        s.bytes[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    mlp_frame_head_clear(s.bytes);
    assert_int_equal(mlp_frame_head_get(s.bytes, SIZE, &head), MLP_HEAD_BLANK);
    for (size_t n = 0; n < sizeof head; n++)
        assert_int_equal(mlp_frame_head_get(s.bytes, n, &head), MLP_HEAD_BLANK);
    free(s.bytes);
}

static void a_file_torn_or_cut_anywhere_gives_the_whole_records_before_the_cut(void **state)
{
    (void)state;
    segment s = {0};
    ten(&s, MLP_LANE_DISK);
    for (size_t cut = MLP_SEGMENT_HEAD; cut <= s.end; cut++) {
        size_t whole = 0;
        unsigned char *copy = calloc(1, SIZE);
        memcpy(copy, s.bytes, cut);
        for (size_t i = 0; i < s.n; i++) { /* a frame's padding need not be there */
            mlp_record r = record_of(i + 1);
            whole += s.at[i] + 56 + 6 + r.text_n <= cut;
        }
        assert_int_equal(found(copy, cut, SALT), whole);
        segment part = {.bytes = copy, .head = s.head};
        assert_false(summary(&part, SIZE).damaged); /* torn: zeros, as the file was made with */
        assert_true(summary(&part, cut).damaged);   /* cut: no kill and no power cut makes a synced file shorter */
        free(copy);
    }
    free(s.bytes);
}

static void a_record_half_written_is_none(void **state)
{
    (void)state;
    segment s = {0};
    ten(&s, MLP_LANE_PROCESS);
    size_t last = s.at[9];
    for (size_t zeros = 1; zeros <= s.end - last - 8; zeros++) { /* the end has not come to the disk */
        unsigned char copy[SIZE];
        memcpy(copy, s.bytes, SIZE);
        mlp_record r = record_of(10);
        size_t end = last + 56 + 6 + r.text_n;
        memset(copy + end - zeros, 0, zeros);
        if (memcmp(copy + last, s.bytes + last, end - last) != 0)
            assert_int_equal(found(copy, SIZE, SALT), 9);
    }
    free(s.bytes);
}

static void records_of_an_earlier_life_are_none(void **state)
{
    (void)state;
    segment s = {0};
    ten(&s, MLP_LANE_PROCESS);
    size_t old_end = s.end;
    begin(&s, MLP_LANE_PROCESS, SALT + 1);
    assert_int_equal(found(s.bytes, SIZE, SALT + 1), 0);
    add(&s, false, 0);
    add(&s, false, 0);
    assert_true(s.end < old_end);
    assert_int_equal(found(s.bytes, SIZE, SALT + 1), 2);
    assert_false(summary(&s, SIZE).damaged);
    free(s.bytes);
}

static void a_call_that_was_cut_off_counts_for_nothing(void **state)
{
    (void)state;
    segment s = {0};
    begin(&s, MLP_LANE_PROCESS, SALT);
    add(&s, false, 0);
    add(&s, true, 0);
    add(&s, true, 0);
    mlp_frame_summary sum = summary(&s, SIZE);
    assert_int_equal(sum.records, 1);
    assert_int_equal(sum.limit, s.at[1]);
    add(&s, false, 0);
    assert_int_equal(summary(&s, SIZE).records, 4);
    free(s.bytes);
}

static void a_flipped_bit_costs_its_record_alone_and_is_noticed_where_it_may_not_be(void **state)
{
    (void)state;
    segment s = {0};
    ten(&s, MLP_LANE_DISK);
    for (size_t bit = MLP_SEGMENT_HEAD * 8; bit < s.end * 8; bit++) {
        size_t hit = 0, byte = bit / 8;
        while (hit + 1 < s.n && s.at[hit + 1] <= byte)
            hit++;
        mlp_record r = record_of(hit + 1);
        if (byte >= s.at[hit] + 56 + 6 + r.text_n)
            continue; /* padding */
        s.bytes[byte] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(found(s.bytes, SIZE, SALT), 9);
        s.head.lane = MLP_LANE_DISK;
        assert_int_equal(summary(&s, SIZE).damaged, hit < 9); /* the last one cannot be told from a torn end */
        s.head.lane = MLP_LANE_PROCESS;
        assert_int_equal(summary(&s, SIZE).damaged, hit < 9);
        memset(s.head.boot, 'x', 16); /* a power cut lay between: holes in a mapping are normal */
        assert_false(summary(&s, SIZE).damaged);
        memset(s.head.boot, 'b', 16);
        s.bytes[byte] ^= (unsigned char)(1u << bit % 8);
    }
    free(s.bytes);
}

static void a_hole_behind_the_watermark_is_normal(void **state)
{
    (void)state;
    segment s = {0};
    begin(&s, MLP_LANE_DISK, SALT);
    for (int i = 0; i < 3; i++)
        add(&s, false, 0);
    uint32_t durable = (uint32_t)s.end;
    for (int i = 0; i < 3; i++)
        add(&s, false, durable); /* one group, not known to be down */
    memset(s.bytes + s.at[3], 0, s.at[4] - s.at[3]);
    assert_false(summary(&s, SIZE).damaged);
    memset(s.bytes + s.at[2], 0, s.at[3] - s.at[2]);
    assert_true(summary(&s, SIZE).damaged);
    free(s.bytes);
}

static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    return *x ^= *x << 5;
}

static void bytes_of_an_enemy_are_read_safely_and_quickly(void **state)
{
    (void)state;
    uint32_t x = 2463534242u;
    segment s = {0};
    ten(&s, MLP_LANE_DISK);
    for (int round = 0; round < 20000; round++) {
        size_t size = MLP_SEGMENT_HEAD + 1 + next_random(&x) % (s.end - MLP_SEGMENT_HEAD + 64);
        unsigned char *copy = malloc(size);
        memcpy(copy, s.bytes, size);
        for (uint32_t k = next_random(&x) % 8; k > 0; k--)
            copy[MLP_SEGMENT_HEAD + next_random(&x) % (size - MLP_SEGMENT_HEAD)] = (unsigned char)next_random(&x);
        found(copy, size, SALT);
        free(copy);
    }
    free(s.bytes);
}

static void a_million_lying_lengths_are_given_up_soon(void **state)
{
    (void)state;
    size_t size = 1u << 20;
    unsigned char *bytes = calloc(1, size);
    mlp_record r = record_of(1);
    r.text = (const char *)bytes;                                  /* zeros */
    for (size_t at = MLP_SEGMENT_HEAD; at + 64 < size; at += 64) { /* each claims all that follows */
        uint32_t len = (uint32_t)(size - at), text = len - 56;
        uint64_t seq = 1;
        uint16_t type = MLP_RECORD_TAG;
        memcpy(bytes + at, &len, 4);
        memcpy(bytes + at + 8, &seq, 8);
        memcpy(bytes + at + 16, &type, 2);
        memcpy(bytes + at + 24, &text, 4);
    }
    mlp_frame_walk w = {.base = bytes, .size = size, .salt = SALT};
    assert_false(mlp_frame_next(&w, &r));
    assert_true(w.effort < 70 * size);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_is_found),
        cmocka_unit_test(a_head_is_good_blank_or_damaged),
        cmocka_unit_test(a_file_torn_or_cut_anywhere_gives_the_whole_records_before_the_cut),
        cmocka_unit_test(a_record_half_written_is_none),
        cmocka_unit_test(records_of_an_earlier_life_are_none),
        cmocka_unit_test(a_call_that_was_cut_off_counts_for_nothing),
        cmocka_unit_test(a_flipped_bit_costs_its_record_alone_and_is_noticed_where_it_may_not_be),
        cmocka_unit_test(a_hole_behind_the_watermark_is_normal),
        cmocka_unit_test(bytes_of_an_enemy_are_read_safely_and_quickly),
        cmocka_unit_test(a_million_lying_lengths_are_given_up_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

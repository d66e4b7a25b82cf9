/* Spans: points that lie in one frame, and are records of their own to everybody who reads them. */
#include "spool_fixture.h"

#define SALT 0x5eed1234u

enum { POINTS = 2 * MLP_FRAME_POINTS + 40, FIRST = 7, ROOM = 64 * 1024, MOST = 20000 };

static double values[MOST];
static int64_t steps[MOST], times[MOST];

static const struct shape {
    bool steps, times;
} shapes[] = {{false, false}, {true, false}, {false, true}, {true, true}};

static mlp_span span_of(const struct shape *shape, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)i / 7;
        steps[i] = 1000 - (int64_t)i * 3;
        times[i] = 1700000000000 + (int64_t)i * 11;
    }
    return (mlp_span){.run_id = RUN,
                      .run_id_n = 32,
                      .key = "accuracy", /* no byte of a frame is padding */
                      .key_n = 8,
                      .values = values,
                      .steps = shape->steps ? steps : NULL,
                      .timestamps_ms = shape->times ? times : NULL,
                      .n = n,
                      .step = 50,
                      .timestamp_ms = 1600000000000};
}

static bool is_point(const mlp_record *r, const struct shape *shape, size_t i)
{
    return r->kind == MLP_RECORD_METRIC && r->run_id_n == 32 && memcmp(r->run_id, RUN, 32) == 0 && r->key_n == 8 &&
           memcmp(r->key, "accuracy", 8) == 0 && r->text_n == 0 && r->value == values[i] &&
           r->step == (shape->steps ? steps[i] : 50 + (int64_t)i) &&
           r->timestamp_ms == (shape->times ? times[i] : 1600000000000);
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* A span at the beginning of a segment, whose end. */
static size_t put_span(unsigned char *bytes, const struct shape *shape)
{
    const mlp_span span = span_of(shape, POINTS);
    memset(bytes, 0, ROOM);
    size_t n = mlp_frame_put_span(bytes + MLP_SEGMENT_HEAD, &span, FIRST, 0, SALT);
    assert_int_equal(n, mlp_frame_span_size(&span));
    return MLP_SEGMENT_HEAD + n;
}

static void each_point_is_found_wherever_a_reader_goes_on(void **state)
{
    (void)state;
    static unsigned char bytes[ROOM];
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        size_t end = put_span(bytes, &shapes[k]);
        mlp_frame_walk w = {.base = bytes, .size = ROOM, .salt = SALT};
        mlp_record r, again;
        for (size_t i = 0; i < POINTS; i++) {
            mlp_frame_walk other = {
                .base = bytes, .size = ROOM, .salt = SALT, .at = w.at, .end = w.at, .inside = w.inside};
            assert_true(mlp_frame_next(&w, &r));
            assert_true(is_point(&r, &shapes[k], i) && r.seq == FIRST + i);
            assert_int_equal(w.more, i + 1 < POINTS);
            assert_true(mlp_frame_next(&other, &again));
            assert_true(is_point(&again, &shapes[k], i) && again.seq == r.seq && other.at == w.at);
        }
        assert_false(mlp_frame_next(&w, &r));
        assert_int_equal(w.at > end ? w.end : 0, end);
        assert_int_equal(w.hole, 0);
    }
}

static mlp_frame_summary summary(const unsigned char *bytes, size_t size)
{
    const mlp_segment_head head = {.lane = MLP_LANE_PROCESS, .salt = SALT, .capacity = ROOM, .boot = "boot"};
    mlp_frame_summary out;
    mlp_frame_summarize(bytes, size, &head, (const unsigned char *)"boot\0\0\0\0\0\0\0\0\0\0\0", 0, &out);
    return out;
}

static void of_a_span_that_was_cut_off_nothing_counts(void **state)
{
    (void)state;
    static unsigned char bytes[ROOM];
    size_t end = put_span(bytes, &shapes[0]);
    assert_int_equal(summary(bytes, ROOM).records, POINTS);
    assert_int_equal(summary(bytes, ROOM).last_seq, FIRST + POINTS - 1);
    assert_int_equal(summary(bytes, ROOM).limit, end);
    memset(bytes + end - 8, 0x55, 8); /* of the last frame */
    assert_int_equal(summary(bytes, ROOM).records, 0);
    assert_int_equal(summary(bytes, ROOM).limit, MLP_SEGMENT_HEAD);
    assert_false(summary(bytes, ROOM).damaged);
}

static void a_flipped_bit_costs_its_frame_and_is_noticed(void **state)
{
    (void)state;
    static unsigned char bytes[ROOM];
    size_t end = put_span(bytes, &shapes[3]), first = mlp_frame_span_size(&(mlp_span){
                                                  .run_id_n = 32, .key_n = 8, .steps = steps, .timestamps_ms = times,
                                                  .n = MLP_FRAME_POINTS});
    for (size_t byte = MLP_SEGMENT_HEAD; byte < end; byte += 13) {
        mlp_frame_walk w = {.base = bytes, .size = ROOM, .salt = SALT};
        mlp_record r;
        size_t n = 0, left = byte < MLP_SEGMENT_HEAD + first ? POINTS - MLP_FRAME_POINTS : MLP_FRAME_POINTS + 40;
        if (byte >= MLP_SEGMENT_HEAD + 2 * first)
            left = (size_t)2 * MLP_FRAME_POINTS;
        bytes[byte] ^= 4;
        for (; mlp_frame_next(&w, &r); n++)
            assert_true(is_point(&r, &shapes[3], r.seq - FIRST));
        bytes[byte] ^= 4;
        assert_int_equal(n, left);
        assert_int_equal(w.hole != 0, byte < MLP_SEGMENT_HEAD + 2 * first);
    }
}

/* The checksum is right, as if somebody meant it. */
static void a_frame_that_says_what_no_span_is_holds_nothing(void **state)
{
    (void)state;
    static unsigned char bytes[ROOM];
    static const struct {
        size_t at;
        uint16_t is; /* in the frame's head */
    } lies[] = {{22, 1}, {22, 3}, {22, 4 * MLP_FRAME_POINTS + 1}, {22, 4 * MLP_FRAME_POINTS + 4},
              {22, 4 * MLP_FRAME_POINTS - 4}, {16, MLP_RECORD_TAG}, {14, 0xffff}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        mlp_frame_walk w = {.base = bytes, .size = ROOM, .salt = SALT};
        mlp_record r;
        put_span(bytes, &shapes[0]);
        size_t n = mlp_frame_span_size(&(mlp_span){.run_id_n = 32, .key_n = 8, .n = MLP_FRAME_POINTS});
        for (size_t k = 8; k < 16 && lies[i].at == 14; k++)
            bytes[MLP_SEGMENT_HEAD + k] = 0xff; /* a number behind which there are none */
        memcpy(bytes + MLP_SEGMENT_HEAD + lies[i].at, &lies[i].is, 2);
        unsigned char *lie = malloc(ROOM);
        memcpy(lie, bytes, ROOM);
        mlp_frame_move(bytes + MLP_SEGMENT_HEAD, lie + MLP_SEGMENT_HEAD, false, SALT);
        memset(bytes + MLP_SEGMENT_HEAD + n, 0, ROOM - MLP_SEGMENT_HEAD - n);
        free(lie);
        assert_false(mlp_frame_next(&w, &r));
    }
}

/* ---- through the spool ------------------------------------------------------------------------------------------- */

static const mlplat_durability levels[] = {MLPLAT_DURABILITY_MEMORY, MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK,
                                           MLPLAT_DURABILITY_REMOTE};

static void append_span(fixture *f, const char *key, const double *from, int64_t step, size_t n,
                        mlplat_durability level)
{
    mlplat_error err = {0};
    const mlp_span span = {.run_id = RUN, .run_id_n = 32, .key = key, .key_n = strlen(key), .values = from, .n = n,
                           .step = step, .timestamp_ms = 1700000000000};
    assert_ok(mlp_spool_append_span(f->spool, &span, level, &err));
}

static int64_t stored(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

/* Each is once there, where it belongs. */
static void check_all(fixture *f, int64_t n)
{
    assert_int_equal(stored(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where seq != n or step != n - 1 or "
                                            "value != step * 0.5 or kind != 1 or run != '" RUN "'"),
                     0);
}

static void halves(void)
{
    for (size_t i = 0; i < MOST; i++)
        values[i] = (double)i * 0.5;
}

static void spans_of_every_level_come_in_order_between_others(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t at = 0;
    halves();
    fixture_open(f, MLPLAT_DURABILITY_MEMORY);
    for (int i = 0; i < 40; i++) {
        const int64_t n = (int64_t)i * 17;
        append_span(f, "m", values + at, at, (size_t)n, levels[i % 4]);
        at += n;
        assert_ok(put(f->spool, "m", at++, levels[i / 4 % 3], &err));
    }
    drain(f);
    check_all(f, at);
}

static bool fails(mlp_spool *sp)
{
    pthread_mutex_lock(&sp->lock);
    bool failing = sp->failing_since != 0;
    pthread_mutex_unlock(&sp->lock);
    return failing;
}

static void a_batch_that_ends_within_a_span_goes_on_there_after_a_failure(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    halves();
    f->sink->poison = MLPLAT_UNAVAILABLE;
    f->sink->retryable = true;
    f->sink->hold = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    append_span(f, "m", values, 0, 30, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls > 0); /* with those alone */
    append_span(f, "m", values + 30, 30, 30, MLPLAT_DURABILITY_DEFAULT);
    append_span(f, "m", values + 60, 60, MOST - 61, MLPLAT_DURABILITY_DEFAULT);
    assert_ok(put(f->spool, "poison", MOST - 1, MLPLAT_DURABILITY_DEFAULT, &err));
    f->sink->hold = false;
    wait_until(fails(f->spool) && stored(f) > 0);
    int64_t n = stored(f);
    assert_true(n < MOST);
    assert_true((n - 60) % MLP_FRAME_POINTS != 0); /* in the midst of a frame */
    f->sink->poison = 0;
    drain(f);
    check_all(f, MOST);
    uint64_t accepted, durable, given, dead;
    mlp_spool_count(f->spool, &accepted, &durable, &given, &dead);
    assert_int_equal(given, MOST); /* none was given twice: a store without a mark would not know it */
}

static void spans_of_a_dead_process_are_brought_in(void **state)
{
    fixture *f = *state;
    int how = 0;
    halves();
    fake_sink_close(f->sink);
    pid_t child = fork();
    if (child == 0) {
        f->sink = fake_sink_open(f->store);
        f->sink->fail = MLPLAT_UNAVAILABLE;
        f->sink->fail_times = -1;
        f->sink->retryable = true;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        append_span(f, "m", values, 0, 300, MLPLAT_DURABILITY_PROCESS);
        append_span(f, "m", values + 300, 300, MOST - 300, MLPLAT_DURABILITY_DISK);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    f->sink = fake_sink_open(f->store);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    check_all(f, MOST);
}

static void what_is_no_span_of_a_journal_is_refused_before_a_byte_is_written(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    static char name[70000];
    memset(name, 'a', sizeof name - 1);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlp_span span = span_of(&shapes[0], 1);
    span.key = name;
    span.key_n = sizeof name - 1;
    assert_status(mlp_spool_append_span(f->spool, &span, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_INVALID);
    span.key_n = 4;
    span.n = MLP_SEGMENT_MAX / 16 + 1;
    assert_status(mlp_spool_append_span(f->spool, &span, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "more than one call may log"));
    span.n = 0;
    assert_ok(mlp_spool_append_span(f->spool, &span, MLPLAT_DURABILITY_DEFAULT, &err));
    assert_true(mlp_spool_idle(f->spool));
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_point_is_found_wherever_a_reader_goes_on),
        cmocka_unit_test(of_a_span_that_was_cut_off_nothing_counts),
        cmocka_unit_test(a_flipped_bit_costs_its_frame_and_is_noticed),
        cmocka_unit_test(a_frame_that_says_what_no_span_is_holds_nothing),
        CASE(spans_of_every_level_come_in_order_between_others),
        CASE(a_batch_that_ends_within_a_span_goes_on_there_after_a_failure),
        CASE(spans_of_a_dead_process_are_brought_in),
        CASE(what_is_no_span_of_a_journal_is_refused_before_a_byte_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A sink that is away for long: segments that wait are packed, and a quota bounds what waits. */
#include "base/file.h"
#include "spool/pack.h"
#include "spool_calls.h"

enum { MANY = 60000, SEGMENT_HOLDS = 2700 };

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void all_there_once(fixture *f, int64_t n)
{
    assert_int_equal(count(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static void sink_away(fixture *f, bool away)
{
    f->sink->retryable = true;
    f->sink->fail_times = -1;
    f->sink->fail = away ? MLPLAT_UNAVAILABLE : 0;
}

static void open_with(fixture *f, uint64_t quota, mlp_spool_full full, const mlp_hook *hook)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.quota = quota;
    o.full = full;
    o.hook = hook;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static const char *journal(fixture *f)
{
    char name[300];
    assert_int_equal(entries(f->spool_folder, "-", name), 1);
    return test_path(f->spool_folder, name);
}

static int packed(fixture *f)
{
    return entries(journal(f), ".mlz", NULL);
}

static void log_groups(fixture *f, int64_t from, int64_t to, mlplat_durability level)
{
    enum { GROUP = 1000 };
    mlp_record r[GROUP];
    mlplat_error err = {0};
    for (int64_t at = from; at < to; at += GROUP) {
        for (int k = 0; k < GROUP; k++)
            r[k] = metric("m", at + k);
        assert_ok(mlp_spool_append(f->spool, r, GROUP, level, &err));
    }
}

/* All but the segments that stay in memory. */
static void log_and_wait_until_packed(fixture *f, int64_t from, int64_t to, mlplat_durability level)
{
    put_many(f->spool, "m", from, to, level);
    wait_until(packed(f) >= (to - from) / SEGMENT_HOLDS - 8);
}

/* A child that does so and is killed. */
static void packed_orphan(fixture *f, int64_t n, mlplat_durability level)
{
    _Atomic int *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_sink_close(f->sink);
    f->sink = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        sink_away(f, true);
        fixture_open(f, level);
        if (level == MLPLAT_DURABILITY_DISK)
            log_groups(f, 0, n, level);
        else
            put_many(f->spool, "m", 0, n, level);
        while (packed(f) < n / SEGMENT_HOLDS - 8)
            mlp_clock_sleep_ms(1);
        *done = 1;
        for (;;)
            pause();
    }
    wait_until(*done);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    munmap((void *)done, 4096);
    f->sink = fake_sink_open(f->store);
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

static void what_waits_is_packed_and_delivered_once(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        int64_t n = i == 0 ? MANY : MANY / 2;
        sink_away(f, true);
        fixture_open(f, levels[i]);
        log_groups(f, 0, n, levels[i]);
        wait_until(packed(f) >= n / SEGMENT_HOLDS - 8);
        sink_away(f, false);
        drain(f);
        all_there_once(f, n);
        fixture_close(f);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

static void packed_segments_take_less_room_and_are_private(void **state)
{
    fixture *f = *state;
    json_t *status = NULL;
    mlplat_error err = {0};
    struct stat st;
    char name[300];
    sink_away(f, true);
    mode_t mask = umask(0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    log_and_wait_until_packed(f, 0, MANY, MLPLAT_DURABILITY_PROCESS);
    umask(mask);
    entries(journal(f), ".mlz", name);
    assert_int_equal(stat(test_path(journal(f), name), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(st.st_size < (off_t)MLP_SEGMENT_BYTES / 2);
    assert_ok(mlp_spool_status(f->spool, &status, &err));
    assert_int_equal(json_integer_value(json_object_get(status, "waiting")), MANY);
    json_decref(status);
    sink_away(f, false);
}

static void a_killed_process_leaves_packed_segments_to_the_next(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        int64_t n = i == 0 ? MANY : MANY / 2;
        packed_orphan(f, n, levels[i]);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        all_there_once(f, n);
        fixture_close(f);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

/* Whatever call of the packing fails, the segment is there once, packed or not. */
static void a_call_that_fails_while_packing_loses_and_doubles_nothing(void **state)
{
    static const struct {
        planned_call call;
        const char *holding;
        int error;
    } cases[] = {
        {ON_OPEN, ".mlz.new", EMFILE}, {ON_OPEN, ".mlz.new", ENOSPC}, {ON_FSYNC, NULL, EIO},
        {ON_RENAME, ".mlz", EIO},      {ON_UNLINK, ".mls", EIO},      {ON_PREAD, NULL, EIO},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sink_away(f, true);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        log_groups(f, 0, 60000, cases[i].call == ON_FSYNC ? MLPLAT_DURABILITY_DISK : MLPLAT_DURABILITY_PROCESS);
        int64_t n = 60000;
        plan_calls(cases[i].call, cases[i].holding, 0xaaaaaaaau, cases[i].error);
        wait_until(plan.met >= 2);
        plan_none();
        sink_away(f, false);
        drain(f);
        all_there_once(f, n);
        fixture_close(f);
        mlplat_error err = {0};
        mlp_file_remove_tree(f->spool_folder, &err);
        fake_sink_ask(f->sink, "delete from rows");
        fake_sink_ask(f->sink, "delete from marks");
    }
}

/* Between the packed file's name and the end of the plain one, a kill leaves both. */
static void a_segment_that_is_there_twice_is_stored_once(void **state)
{
    fixture *f = *state;
    char name[300], plain[1600], copy[1600];
    packed_orphan(f, MANY, MLPLAT_DURABILITY_PROCESS);
    const char *folder = journal(f);
    entries(folder, ".mlz", name);
    unsigned char *bytes;
    size_t size;
    mlplat_error err = {0};
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    assert_ok(mlp_segment_read(fd, name, 0, &bytes, &size, &err));
    close(fd);
    snprintf(plain, sizeof plain, "%s/%.16s.mls", folder, name);
    snprintf(copy, sizeof copy, "%s/%.16s.mlz.new", folder, name);
    assert_int_equal(size, MLP_SEGMENT_BYTES);
    fd = open(plain, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    fd = open(copy, O_WRONLY | O_CREAT, 0600); /* and one that was being written */
    assert_int_equal(write(fd, bytes, 1000), 1000);
    close(fd);
    free(bytes);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, MANY);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_false(fixture_logged(f, "damaged"));
}

static void a_kill_at_any_moment_of_packing_loses_nothing(void **state)
{
    fixture *f = *state;
    int cycles = getenv("MLPLAT_HEAVY") ? 200 : 10;
    int64_t total = 0;
    for (int i = 0; i < cycles; i++) {
        _Atomic int64_t *accepted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        fake_sink_close(f->sink);
        f->sink = NULL;
        pid_t pid = fork();
        if (pid == 0) {
            f->sink = fake_sink_open(f->store);
            sink_away(f, true);
            fixture_open(f, MLPLAT_DURABILITY_PROCESS);
            for (int64_t k = total;; k++) {
                mlplat_error err = {0};
                if (put(f->spool, "m", k, MLPLAT_DURABILITY_DEFAULT, &err) != MLPLAT_OK)
                    _exit(1);
                *accepted = k + 1;
            }
        }
        int64_t enough = total + 12000 + i * 1777 % 9000;
        wait_until(*accepted >= enough);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        int64_t told = *accepted;
        munmap((void *)accepted, 4096);
        f->sink = fake_sink_open(f->store);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS); /* stores what is left */
        int64_t stored = count(f);
        assert_true(stored == told || stored == told + 1); /* one may be in its call */
        all_there_once(f, stored);
        fixture_close(f);
        total = stored;
    }
    assert_false(fixture_logged(f, "damaged"));
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

static void flip(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void a_bit_flipped_in_a_packed_segment_costs_its_piece_alone(void **state)
{
    static const int places[] = {12, 130, 150, 5000, 18000}; /* salt, head of a piece, bytes of pieces */
    fixture *f = *state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char name[300];
        mlplat_error err = {0};
        json_t *out = NULL;
        packed_orphan(f, MANY, MLPLAT_DURABILITY_PROCESS);
        entries(journal(f), ".mlz", name);
        flip(test_path(journal(f), name), places[i]);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        int64_t n = count(f);
        if (places[i] == 12) /* the head is in the first piece as well */
            assert_int_equal(n, MANY);
        else
            assert_true(n < MANY && n >= MANY - (1 << 16) / 96 - 2);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) - count(distinct step) from rows"), 0);
        if (places[i] != 12) {
            assert_int_equal(entries(f->spool_folder, ".mlz.bad", NULL), 1);
            assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
        }
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
        mlp_file_remove_tree(f->spool_folder, &err);
    }
}

static void a_packed_segment_that_is_cut_gives_what_is_left(void **state)
{
    fixture *f = *state;
    char name[300];
    packed_orphan(f, MANY, MLPLAT_DURABILITY_PROCESS);
    entries(journal(f), ".mlz", name);
    const char *path = test_path(journal(f), name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_true(count(f) < MANY && count(f) > MANY - SEGMENT_HOLDS);
    assert_int_equal(entries(f->spool_folder, ".mlz.bad", NULL), 1);
}

/* Any cut and any bytes: no crash, nothing that was not there. */
static void made_up_bytes_are_no_records(void **state)
{
    mlp_buf out = {0};
    mlplat_error err = {0};
    unsigned char *base = calloc(1, MLP_SEGMENT_BYTES), *back;
    size_t at = MLP_SEGMENT_HEAD, size;
    mlp_segment_head head = {.lane = MLP_LANE_PROCESS, .salt = 7, .number = 1, .first_seq = 1,
                             .capacity = MLP_SEGMENT_BYTES};
    (void)state;
    mlp_frame_head_put(base, &head);
    for (uint64_t seq = 1; at + 200 < MLP_SEGMENT_BYTES; seq++) {
        mlp_record r = metric("m", (int64_t)seq);
        at += mlp_frame_put(base + at, &r, seq, false, 0, 7);
    }
    assert_ok(mlp_pack_bytes(base, at, &out, &err));
    assert_ok(mlp_pack_open((unsigned char *)out.data, out.size, 0, &back, &size, &err));
    assert_int_equal(size, MLP_SEGMENT_BYTES);
    assert_memory_equal(back, base, MLP_SEGMENT_BYTES);
    free(back);
    for (size_t n = 0; n <= out.size; n += n < 300 ? 1 : 997) {
        assert_ok(mlp_pack_open((unsigned char *)out.data, n, 0, &back, &size, &err));
        assert_true(n == out.size || size < MLP_SEGMENT_BYTES);
        free(back);
    }
    for (size_t i = 0; i < 4000; i++) {
        size_t bit = i * 7919 % (out.size * 8);
        mlp_frame_walk w = {.salt = 7};
        mlp_record r;
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
        assert_ok(mlp_pack_open((unsigned char *)out.data, out.size, 0, &back, &size, &err));
        w.base = back;
        w.size = size;
        while (mlp_frame_next(&w, &r))
            assert_true(r.step == (int64_t)r.seq && r.key_n == 1);
        free(back);
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
    }
    mlp_buf_free(&out);
    free(base);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static int64_t resident_kib(void)
{
    char line[200];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %lld", &kib) == 1)
            break;
    fclose(file);
    return kib;
}

static void a_million_points_neither_fill_memory_nor_the_disk(void **state)
{
    fixture *f = *state;
    int64_t n = getenv("MLPLAT_HEAVY") ? 10000000 : 1000000, slowest = 0, most = 0;
    mlp_record r[100];
    mlplat_error err = {0};
    sink_away(f, true);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 100, MLPLAT_DURABILITY_DEFAULT);
    int64_t before = resident_kib();
    for (int64_t at = 100; at < n; at += 100) {
        for (int k = 0; k < 100; k++)
            r[k] = metric("m", at + k);
        int64_t begin = mlp_clock_mono_ns();
        assert_ok(mlp_spool_append(f->spool, r, 100, MLPLAT_DURABILITY_DEFAULT, &err));
        int64_t took = mlp_clock_mono_ns() - begin;
        slowest = took > slowest ? took : slowest;
        if (at % 50000 == 0 && resident_kib() > most)
            most = resident_kib();
    }
    printf("resident %lld KiB more while logging, slowest call of 100 %lld us\n", (long long)(most - before),
           (long long)slowest / 1000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(most - before < 16 << 10);
#endif
    wait_until(packed(f) > n / SEGMENT_HOLDS - 8);
    sink_away(f, false);
    while (!mlp_spool_idle(f->spool)) {
        (void)mlp_spool_drain(f->spool, 50, NULL, &err);
        if (resident_kib() > most)
            most = resident_kib();
    }
    printf("resident %lld KiB more at most\n", (long long)(most - before));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(most - before < 16 << 10);
#endif
    assert_int_equal(count(f), n);
}

/* ---- quota ------------------------------------------------------------------------------------------------------- */

#define QUOTA ((uint64_t)4 << 20)

static void at_its_quota_a_spool_refuses_if_it_is_to(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t n = 0;
    uint64_t accepted, durable, stored, dead;
    sink_away(f, true);
    open_with(f, QUOTA, MLP_FULL_ERROR, NULL);
    while (put(f->spool, "m", n, MLPLAT_DURABILITY_DEFAULT, &err) == MLPLAT_OK && n < 1000000)
        n++;
    assert_int_equal(err.status, MLPLAT_NO_SPACE);
    assert_non_null(strstr(err.message, "MLPLAT_SPOOL_QUOTA"));
    assert_true(fixture_logged(f, "has used up its 4194304 bytes"));
    mlp_spool_count(f->spool, &accepted, &durable, &stored, &dead);
    assert_int_equal(accepted, n);
    sink_away(f, false);
    drain(f);
    all_there_once(f, n);
    assert_ok(put(f->spool, "m", n, MLPLAT_DURABILITY_DEFAULT, &err));
    drain(f);
    all_there_once(f, n + 1);
}

static void at_its_quota_a_spool_drops_the_oldest_if_it_is_to(void **state)
{
    fixture *f = *state;
    json_t *status = NULL;
    mlplat_error err = {0};
    enum { FAR = 400000 };
    sink_away(f, true);
    open_with(f, QUOTA, MLP_FULL_DROP_OLDEST, NULL);
    put_many(f->spool, "m", 0, FAR, MLPLAT_DURABILITY_DEFAULT);
    assert_ok(mlp_spool_status(f->spool, &status, &err));
    int64_t dropped = json_integer_value(json_object_get(status, "dropped"));
    assert_true(dropped > 0);
    assert_int_equal(json_integer_value(json_object_get(status, "waiting")), FAR - dropped);
    assert_true(json_integer_value(json_object_get(status, "bytes")) <= (json_int_t)QUOTA);
    json_decref(status);
    sink_away(f, false);
    drain(f);
    assert_int_equal(count(f), FAR - dropped);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) - count(distinct step) from rows"), 0);
    assert_int_equal(fake_sink_ask(f->sink, "select max(step) from rows"), FAR - 1);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    assert_true(fixture_logged(f, "the oldest records are dropped"));
}

static int bring_sink_back(void *user, uint64_t done, uint64_t total)
{
    fixture *f = user;
    (void)done, (void)total;
    sink_away(f, false);
    return 0;
}

static void at_its_quota_a_call_waits_until_there_is_room(void **state)
{
    fixture *f = *state;
    enum { FAR = 400000 };
    json_t *status = NULL;
    mlplat_error err = {0};
    mlp_hook hook = {bring_sink_back, f};
    sink_away(f, true);
    open_with(f, QUOTA, MLP_FULL_BLOCK, &hook);
    put_many(f->spool, "m", 0, FAR, MLPLAT_DURABILITY_DEFAULT);
    assert_ok(mlp_spool_status(f->spool, &status, &err));
    assert_true(json_integer_value(json_object_get(status, "blocked")) > 0);
    json_decref(status);
    drain(f);
    all_there_once(f, FAR);
    assert_true(fixture_logged(f, "calls wait until there is room"));
}

static int refuse_to_wait(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    return 1;
}

static void a_call_that_waits_for_room_can_be_cancelled(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    int64_t n = 0;
    mlp_hook hook = {refuse_to_wait, NULL};
    sink_away(f, true);
    open_with(f, QUOTA, MLP_FULL_BLOCK, &hook);
    while (put(f->spool, "m", n, MLPLAT_DURABILITY_DEFAULT, &err) == MLPLAT_OK && n < 1000000)
        n++;
    assert_int_equal(err.status, MLPLAT_CANCELLED);
    sink_away(f, false);
    drain(f);
    all_there_once(f, n);
}

static uint64_t others_of(fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    uint64_t bytes = f->spool->quota.others;
    pthread_mutex_unlock(&f->spool->lock);
    return bytes;
}

/* What a process before left counts as well. */
static void other_journals_of_the_store_count(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    packed_orphan(f, 120000, MLPLAT_DURABILITY_PROCESS);
    sink_away(f, true);
    open_with(f, 3 * QUOTA, MLP_FULL_ERROR, NULL);
    int64_t n = 1;
    put_many(f->spool, "m", 120000, 120001, MLPLAT_DURABILITY_DEFAULT);
    wait_until(others_of(f) > 0);
    while (put(f->spool, "m", 120000 + n, MLPLAT_DURABILITY_DEFAULT, &err) == MLPLAT_OK && n < 1000000)
        n++;
    assert_int_equal(err.status, MLPLAT_NO_SPACE);
    assert_true(others_of(f) > 200000);
    assert_true(f->spool->quota.bytes + others_of(f) <= 3 * QUOTA);
    sink_away(f, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_packed_and_delivered_once),
        TEST(packed_segments_take_less_room_and_are_private),
        TEST(a_killed_process_leaves_packed_segments_to_the_next),
        TEST(a_call_that_fails_while_packing_loses_and_doubles_nothing),
        TEST(a_segment_that_is_there_twice_is_stored_once),
        TEST(a_kill_at_any_moment_of_packing_loses_nothing),
        TEST(a_bit_flipped_in_a_packed_segment_costs_its_piece_alone),
        TEST(a_packed_segment_that_is_cut_gives_what_is_left),
        TEST(made_up_bytes_are_no_records),
        TEST(a_million_points_neither_fill_memory_nor_the_disk),
        TEST(at_its_quota_a_spool_refuses_if_it_is_to),
        TEST(at_its_quota_a_spool_drops_the_oldest_if_it_is_to),
        TEST(at_its_quota_a_call_waits_until_there_is_room),
        TEST(a_call_that_waits_for_room_can_be_cancelled),
        TEST(other_journals_of_the_store_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A session's own segments when somebody or the disk does something to them, and calls that meet at one of them. */
#include "spool_calls.h"

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void all_there_once(fixture *f, int64_t n)
{
    assert_int_equal(count(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static bool has_head(const char *journal, const char *name)
{
    char path[1600], first = 0;
    snprintf(path, sizeof path, "%s/%s", journal, name);
    int fd = open(path, O_RDONLY);
    bool has = fd != -1 && read(fd, &first, 1) == 1 && first != 0;
    close(fd);
    return has;
}

/* The path of a segment of the only journal: the nth by name of those that are no spares. */
static void segment_path(fixture *f, int nth, char out[1600])
{
    char journal[300], names[40][300];
    int n = 0;
    assert_int_equal(entries(f->spool_folder, "-", journal), 1);
    const char *folder = test_path(f->spool_folder, journal);
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir)) && n < 40;)
        if (strstr(e->d_name, ".mls") && has_head(folder, e->d_name))
            snprintf(names[n++], sizeof names[0], "%s", e->d_name);
    closedir(dir);
    assert_true(nth < n);
    qsort(names, (size_t)n, sizeof names[0], (int (*)(const void *, const void *))strcmp);
    snprintf(out, 1600, "%s/%s/%s", f->spool_folder, journal, names[nth]);
}

/* A session whose store is held, with so many records that all segments but a few are in their files alone. */
static void log_far_ahead(fixture *f, int64_t n)
{
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    f->sink->hold = true;
    put_many(f->spool, "m", 1, n, MLPLAT_DURABILITY_DEFAULT);
}

static void a_segment_that_cannot_be_read_back_at_once_is_read_later(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    log_far_ahead(f, 30000);
    plan_calls(ON_OPEN, ".mls", EACH, EMFILE);
    f->sink->hold = false;
    assert_status(mlp_spool_drain(f->spool, 60000, NULL, &err), MLPLAT_IO);
    assert_non_null(strstr(err.message, "cannot be opened"));
    plan_none();
    drain(f);
    all_there_once(f, 30000);
    fixture_close(f);
    assert_true(fixture_logged(f, "does not take records"));
}

enum { FAR = 45000, BEHIND = 9 }; /* records; the first segment that the batch that is held cannot have come to */

static void damage_in_a_segment_of_ours_is_set_aside_and_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    char path[1600];
    log_far_ahead(f, FAR);
    segment_path(f, BEHIND, path);
    int fd = open(path, O_WRONLY);
    char garbage[4096];
    memset(garbage, 0x5a, sizeof garbage);
    for (off_t at = 128 << 10; at < 256 << 10; at += (off_t)sizeof garbage)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
    close(fd);
    f->sink->hold = false;
    drain(f);
    assert_true(count(f) < FAR);
    assert_true(count(f) > FAR - 2000); /* half a segment */
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) - count(distinct step) from rows"), 0);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
    fixture_close(f);
    assert_true(fixture_logged(f, "a segment of our own journal is damaged and was set aside"));
}

static void a_segment_of_ours_that_is_cut_gives_what_is_left(void **state)
{
    fixture *f = *state;
    char path[1600];
    log_far_ahead(f, FAR);
    segment_path(f, BEHIND, path);
    assert_int_equal(truncate(path, 128 << 10), 0);
    f->sink->hold = false;
    drain(f);
    assert_true(count(f) < FAR);
    assert_true(count(f) > FAR - 2000);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
}

static void a_file_that_cannot_be_removed_doubles_nothing(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    log_far_ahead(f, 30000);
    plan_calls(ON_UNLINK, ".mls", EACH, EIO);
    f->sink->hold = false;
    drain(f);
    fixture_close(f);
    assert_true(plan.met > 3);
    assert_int_equal(entries(f->spool_folder, "left-", NULL), 1);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS); /* nor can the heir remove it */
    fixture_close(f);
    plan_none();
    all_there_once(f, 30000);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    all_there_once(f, 30000);
}

static void a_disk_that_fails_the_second_file_too_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    put_many(f->spool, "m", 0, 5, MLPLAT_DURABILITY_DEFAULT);
    plan_calls(ON_FDATASYNC, NULL, 1u | 4u, EIO); /* of the group; not of the new file; of the group in it */
    assert_status(put(f->spool, "lost", 0, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_IO);
    assert_int_equal(plan.met, 3);
    plan_none();
    put_many(f->spool, "m", 5, 10, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    all_there_once(f, 10);
    fixture_close(f);
    assert_true(fixture_logged(f, "given up"));
}

static _Atomic int mmaps_to_fail;

static void *mmap_that_may_fail(size_t n, int fd, off_t at)
{
    if (mmaps_to_fail > 0 && mmaps_to_fail-- > 0) {
        errno = ENOMEM;
        return NULL;
    }
    return mlp_os_default()->mmap(n, fd, at);
}

static int spares(fixture *f, int *awake)
{
    const mlp_lane *lane = &f->spool->lane[MLP_LANE_PROCESS];
    pthread_mutex_lock(&f->spool->lock);
    int n = lane->n_spare;
    *awake = 0;
    for (int i = 0; i < n; i++)
        *awake += lane->spare[i]->base != NULL;
    pthread_mutex_unlock(&f->spool->lock);
    return n;
}

/* Of many spares that were made ahead few have memory, and one that gets none later is only missed. */
static void spares_that_wait_are_files_until_they_are_needed(void **state)
{
    fixture *f = *state;
    mlp_os table = *mlp_os_default();
    int awake;
    log_far_ahead(f, FAR);
    f->sink->hold = false;
    drain(f);
    int64_t n = FAR + 1500; /* half a segment is full: now more are made ahead */
    put_many(f->spool, "m", FAR, n, MLPLAT_DURABILITY_DEFAULT);
    for (int i = 0; i < 1000 && spares(f, &awake) < MLP_SPOOL_SPARES; i++, n++) {
        put_many(f->spool, "m", n, n + 1, MLPLAT_DURABILITY_DEFAULT);
        drain(f);
    }
    assert_int_equal(spares(f, &awake), MLP_SPOOL_SPARES);
    assert_in_range(awake, 1, 2);
    f->sink->hold = true;
    table.mmap = mmap_that_may_fail;
    mlp_os_replace(&table);
    mmaps_to_fail = 1;
    put_many(f->spool, "m", n, 2 * FAR, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(mmaps_to_fail, 0);
    mlp_os_replace(NULL);
    f->sink->hold = false;
    drain(f);
    all_there_once(f, 2 * FAR);
}

static mlp_record filling(const char *text, size_t frame)
{
    mlp_record r = metric("t", 0);
    r.kind = MLP_RECORD_TAG;
    r.text = text;
    r.text_n = frame - 56 - 32 - 1;
    return r;
}

static void a_segment_may_be_filled_to_its_last_byte(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char *text = calloc(1, MLP_SEGMENT_BYTES);
    memset(text, 'x', MLP_SEGMENT_BYTES - 1);
    mlp_record r = filling(text, MLP_SEGMENT_BYTES - MLP_SEGMENT_HEAD);
    assert_int_equal(mlp_frame_size(&r), MLP_SEGMENT_BYTES - MLP_SEGMENT_HEAD);
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    f->sink->fail = MLPLAT_DENIED;
    f->sink->fail_times = -1;
    assert_ok(mlp_spool_append(f->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    put_many(f->spool, "m", 1, 2, MLPLAT_DURABILITY_DEFAULT);
    fixture_close(f);
    f->sink->fail = 0;
    fixture_open(f, MLPLAT_DURABILITY_DISK); /* from the files */
    assert_int_equal(count(f), 2);
    assert_int_equal(fake_sink_ask(f->sink, "select length(text) from rows where kind = 2"), (int64_t)r.text_n);
    free(text);
}

/* ---- calls that meet --------------------------------------------------------------------------------------------- */

typedef struct caller {
    fixture *f;
    int number;
    mlplat_durability level;
    size_t text_n;
    int n, good;
} caller;

static void *call_often(void *arg)
{
    caller *c = arg;
    char *text = malloc(c->text_n + 1);
    memset(text, 'x', c->text_n);
    for (int i = 0; i < c->n; i++) {
        mlplat_error err = {0};
        mlp_record r = metric("t", c->number * 1000 + i);
        r.kind = MLP_RECORD_TAG;
        r.text = text;
        r.text_n = c->text_n;
        c->good += mlp_spool_append(c->f->spool, &r, 1, c->level, &err) == MLPLAT_OK;
    }
    free(text);
    return NULL;
}

static void call_at_once(fixture *f, mlplat_durability level, size_t text_n, int n)
{
    enum { CALLERS = 4 };
    caller c[CALLERS];
    pthread_t id[CALLERS];
    fixture_open(f, level);
    for (int i = 0; i < CALLERS; i++) {
        c[i] = (caller){.f = f, .number = i, .level = level, .text_n = text_n, .n = n};
        assert_int_equal(pthread_create(&id[i], NULL, call_often, &c[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(id[i], NULL);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(c[i].good, n);
    drain(f);
    assert_int_equal(count(f), CALLERS * n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), CALLERS * n);
}

static void large_records_that_meet_at_a_full_segment_all_pass(void **state)
{
    call_at_once(*state, MLPLAT_DURABILITY_DISK, 60000, 40);
}

static void calls_that_wait_for_the_store_at_once_each_hear_of_their_own(void **state)
{
    call_at_once(*state, MLPLAT_DURABILITY_REMOTE, 10, 60);
}

/* ---- limits, and what is not known ------------------------------------------------------------------------------- */

static void more_than_a_call_may_log_is_refused_before_a_byte_is_written(void **state)
{
    enum { MANY = 40, LARGE = 16 << 20 };
    fixture *f = *state;
    mlplat_error err = {0};
    mlp_record r[MANY];
    char *text = calloc(1, LARGE);
    for (int i = 0; i < MANY; i++) {
        r[i] = metric("t", i);
        r[i].kind = MLP_RECORD_TAG;
        r[i].text = text;
        r[i].text_n = LARGE;
    }
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_status(mlp_spool_append(f->spool, r, MANY, MLPLAT_DURABILITY_DEFAULT, &err), MLPLAT_INVALID);
    assert_non_null(strstr(err.message, "split them"));
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    free(text);
}

static ssize_t read_nonsense(int fd, void *buf, size_t n)
{
    (void)fd;
    memset(buf, 'z', n);
    return (ssize_t)n;
}

/* Which boot this is tells a power cut from a kill -9: if nobody can say, a hole is taken for the former. */
static void a_boot_that_is_not_known_is_no_boot(void **state)
{
    static const unsigned char unknown[16];
    fixture *f = *state;
    mlp_os table = *mlp_os_default();
    table.read = read_nonsense;
    mlp_os_replace(&table);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    mlp_os_replace(NULL);
    assert_memory_equal(f->spool->boot, unknown, sizeof unknown);
    put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
    drain(f);
    all_there_once(f, 10);
}

static void cut_the_segment(void *user)
{
    char path[1600];
    segment_path(user, 0, path);
    assert_int_equal(truncate(path, 4096), 0);
}

static void a_segment_that_is_cut_while_it_is_read_gives_what_is_left(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_DISK);
    plan_hook(ON_PREAD, NULL, cut_the_segment, f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    plan_none();
    all_there_once(f, 10);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
}

/* ---- the store, while orphans come in ---------------------------------------------------------------------------- */

static void a_busy_store_gets_what_a_dead_process_left(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 15000, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_UNAVAILABLE;
    f->sink->fail_times = 3;
    f->sink->retryable = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 15000);
    assert_int_equal(f->sink->fail_times, 0);
}

static void a_store_that_refuses_in_the_middle_of_a_journal_gets_the_rest_later(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 15000, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_DENIED;
    f->sink->fail_times = 1;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 15000);
}

/* Records of both kinds of file in between each other: some files are open when the store refuses. */
static void a_store_that_refuses_between_two_files_gets_each_record_once(void **state)
{
    fixture *f = *state;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_DENIED;
    f->sink->fail_times = -1;
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DISK);
    put_many(f->spool, "m", 1, 5000, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 5000, 5001, MLPLAT_DURABILITY_DISK);
    fixture_close(f);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    fixture_close(f);
    f->sink->fail = 0;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 5001);
}

static void a_call_half_of_which_is_there_is_none(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    char path[1600];
    mlp_record r[3] = {metric("m", 0), metric("m", 1), metric("m", 2)};
    size_t last = MLP_SEGMENT_HEAD + 2 * mlp_frame_size(&r[0]);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    f->sink->fail = MLPLAT_DENIED;
    f->sink->fail_times = -1;
    assert_ok(mlp_spool_append(f->spool, r, 3, MLPLAT_DURABILITY_DEFAULT, &err));
    fixture_close(f);
    segment_path(f, 0, path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "\0\0\0\0", 4, (off_t)last), 4); /* killed before its length went in */
    close(fd);
    f->sink->fail = 0;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void what_waits_is_told_while_the_store_is_away(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 15000, MLPLAT_DURABILITY_PROCESS);
    f->sink->mark_fails = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    assert_int_equal(json_integer_value(json_object_get(out, "waiting")), 15000); /* in several segments */
    json_decref(out);
    f->sink->mark_fails = false;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
    all_there_once(f, 15000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_segment_that_cannot_be_read_back_at_once_is_read_later),
        TEST(damage_in_a_segment_of_ours_is_set_aside_and_told),
        TEST(a_segment_of_ours_that_is_cut_gives_what_is_left),
        TEST(a_file_that_cannot_be_removed_doubles_nothing),
        TEST(a_disk_that_fails_the_second_file_too_is_told),
        TEST(spares_that_wait_are_files_until_they_are_needed),
        TEST(a_segment_may_be_filled_to_its_last_byte),
        TEST(large_records_that_meet_at_a_full_segment_all_pass),
        TEST(calls_that_wait_for_the_store_at_once_each_hear_of_their_own),
        TEST(more_than_a_call_may_log_is_refused_before_a_byte_is_written),
        TEST(a_boot_that_is_not_known_is_no_boot),
        TEST(a_segment_that_is_cut_while_it_is_read_gives_what_is_left),
        TEST(a_busy_store_gets_what_a_dead_process_left),
        TEST(a_store_that_refuses_in_the_middle_of_a_journal_gets_the_rest_later),
        TEST(a_store_that_refuses_between_two_files_gets_each_record_once),
        TEST(a_call_half_of_which_is_there_is_none),
        TEST(what_waits_is_told_while_the_store_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

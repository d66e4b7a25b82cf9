/* A server that keeps no marks, behind a line that breaks: `spool sync` comes back when all is there, or says how much
 * is not; and what was answered is not sent again, whoever dies. The fake server shows what comes twice. */
#include "base/file.h"
#include "spool_calls.h"
#include "support/scarce_memory.h"

enum { REQUEST = 100 };

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void each_is_there_once(fixture *f, int64_t n)
{
    assert_int_equal(count(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), n);
    assert_int_equal(fake_sink_ask(f->sink, "select max(step) from rows"), n - 1);
}

static void be_a_server(fake_sink *sink, int break_each)
{
    sink->remote = true;
    sink->retryable = true;
    sink->request = REQUEST;
    sink->break_each = break_each;
}

static void open_level(fixture *f, mlplat_durability level)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, level);
    o.close_ms = 100;
    mlp_sink table = fake_sink_table(f->sink);
    f->sink->until = 0;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static void open_server(fixture *f, int break_each)
{
    be_a_server(f->sink, break_each);
    open_level(f, MLPLAT_DURABILITY_PROCESS);
}

static void fail_for_ever(fixture *f, mlplat_status status)
{
    f->sink->fail_times = -1;
    f->sink->fail = (int)status;
}

static void put_runs(fixture *f, int64_t from, int64_t to)
{
    static const char *const runs[] = {"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "third"};
    mlplat_error err = {0};
    for (int64_t i = from; i < to; i++) {
        mlp_record r = metric("m", i);
        r.run_id = runs[i % 3];
        r.run_id_n = strlen(r.run_id);
        assert_ok(mlp_spool_append(f->spool, &r, 1, MLPLAT_DURABILITY_DEFAULT, &err));
    }
}

static void sync_ok(fixture *f)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    json_decref(out);
}

/* A child that logs n records of three runs, kills itself behind the server's nth answer, and leaves the rest. */
static void make_dead_sender(fixture *f, mlplat_durability level, int64_t n, int die_at, int die_asking)
{
    int how;
    fake_sink_close(f->sink);
    f->sink = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        be_a_server(f->sink, 0);
        f->sink->hold = true;
        f->sink->die_at = die_at;
        f->sink->die_asking = die_asking;
        open_level(f, level);
        put_runs(f, 0, n);
        f->sink->hold = false;
        for (;;)
            pause();
    }
    waitpid(pid, &how, 0);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    f->sink = fake_sink_open(f->store);
}

typedef struct syncer {
    fixture *f;
    pthread_t thread;
    mlplat_status status;
    int64_t there, replayed;
    mlplat_error err;
} syncer;

static void *sync_thread(void *arg)
{
    syncer *s = arg;
    json_t *out = NULL;
    s->status = mlp_spool_sync(s->f->spool, NULL, &out, &s->err);
    s->there = count(s->f);
    s->replayed = json_integer_value(json_object_get(out, "replayed"));
    json_decref(out);
    return NULL;
}

static void sync_begin(syncer *s, fixture *f)
{
    *s = (syncer){.f = f};
    assert_int_equal(pthread_create(&s->thread, NULL, sync_thread, s), 0);
}

static int waiting_for_turn(fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    int n = f->spool->syncing;
    pthread_mutex_unlock(&f->spool->lock);
    return n;
}

static int waiting_for_delivery(fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    int n = f->spool->urgent;
    pthread_mutex_unlock(&f->spool->lock);
    return n;
}

/* ---- all of it, or how much is not ------------------------------------------------------------------------------- */

static void sync_comes_back_when_what_another_thread_stores_is_there(void **state)
{
    fixture *f = *state;
    syncer one, two;
    make_orphan(f, 0, 3000, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    open_server(f, 0);
    wait_until(f->sink->calls > 0); /* the thread that delivers has the orphan */
    sync_begin(&one, f);
    sync_begin(&two, f);
    wait_until(waiting_for_turn(f) == 2);
    f->sink->hold = false;
    pthread_join(one.thread, NULL);
    pthread_join(two.thread, NULL);
    assert_int_equal(one.status, MLPLAT_OK);
    assert_int_equal(two.status, MLPLAT_OK);
    assert_int_equal(one.there, 3000);
    assert_int_equal(two.there, 3000);
    assert_int_equal(one.replayed + two.replayed, 3000); /* told once */
    each_is_there_once(f, 3000);
}

static int cancel(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    return 1;
}

static void waiting_for_another_thread_can_be_cancelled(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    const mlp_hook hook = {cancel, NULL};
    make_orphan(f, 0, 300, MLPLAT_DURABILITY_PROCESS);
    f->sink->hold = true;
    open_server(f, 0);
    wait_until(f->sink->calls > 0);
    assert_status(mlp_spool_sync(f->spool, &hook, &out, &err), MLPLAT_CANCELLED);
    assert_null(out);
    f->sink->hold = false;
    sync_ok(f);
    each_is_there_once(f, 300);
}

static void sync_comes_back_when_own_records_are_there(void **state)
{
    fixture *f = *state;
    syncer one;
    f->sink->hold = true;
    open_server(f, 2);
    put_runs(f, 0, 900);
    sync_begin(&one, f);
    wait_until(f->sink->calls > 0 && waiting_for_delivery(f) > 0);
    f->sink->hold = false;
    pthread_join(one.thread, NULL);
    assert_int_equal(one.status, MLPLAT_OK);
    assert_int_equal(one.there, 900);
    each_is_there_once(f, 900);
}

static void sync_must_say(fixture *f, mlplat_status want, const char *words)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    int64_t begin = mlp_clock_mono_ns();
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), want);
    assert_true(mlp_clock_mono_ns() - begin < 25000000000);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, f->spool_folder));
    assert_non_null(strstr(err.message, "the fake store fails"));
    assert_null(out);
}

static void sync_says_how_much_stays_and_why(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 300, MLPLAT_DURABILITY_PROCESS);
    fail_for_ever(f, MLPLAT_UNAVAILABLE);
    open_server(f, 0);
    sync_must_say(f, MLPLAT_UNAVAILABLE, "300 record(s) still wait");
    put_runs(f, 300, 350);
    sync_must_say(f, MLPLAT_UNAVAILABLE, "350 record(s) still wait");
    fail_for_ever(f, MLPLAT_DENIED); /* which nobody is asked for twice */
    f->sink->retryable = false;
    sync_must_say(f, MLPLAT_DENIED, "350 record(s) still wait");
    f->sink->fail = 0;
    sync_ok(f);
    each_is_there_once(f, 350);
}

static void sync_says_that_own_records_stay(void **state)
{
    fixture *f = *state;
    fail_for_ever(f, MLPLAT_UNAVAILABLE);
    open_server(f, 0);
    put_runs(f, 0, 50);
    sync_must_say(f, MLPLAT_UNAVAILABLE, "50 record(s) still wait");
    f->sink->fail = 0;
    sync_ok(f);
    each_is_there_once(f, 50);
}

static void a_journal_that_could_not_be_given_up_is_told(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 300, MLPLAT_DURABILITY_PROCESS);
    fail_for_ever(f, MLPLAT_DENIED);
    plan_calls(ON_RENAME, "left-", EACH, EIO);
    open_server(f, 0);
    wait_until(plan.met > 0);
    plan_none();
    f->sink->fail = 0;
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_IO);
    assert_non_null(strstr(err.message, "300 record(s) still wait"));
    assert_int_equal(count(f), 0);
}

/* ---- nothing that was answered is sent again --------------------------------------------------------------------- */

static void a_replay_over_a_line_that_breaks_comes_to_its_end(void **state)
{
    static const int breaks[] = {2, 3, 7};
    fixture *f = *state;
    int64_t n = 0;
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++, n += 5000) {
        make_orphan(f, n, 5000, MLPLAT_DURABILITY_PROCESS);
        open_server(f, breaks[i]);
        sync_ok(f);
        each_is_there_once(f, n + 5000);
        int whole = 5000 / REQUEST + 1; /* the journal's first segment is a small one */
        assert_in_range(f->sink->requests, whole, whole + whole / (breaks[i] - 1) + 1);
        fixture_close(f);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    }
}

static void a_replay_that_gives_up_goes_on_from_there(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 1000, MLPLAT_DURABILITY_PROCESS);
    int rounds = 0;
    be_a_server(f->sink, 4);
    f->sink->retryable = false;
    do { /* three requests, and a line that breaks for longer than anybody waits */
        open_level(f, MLPLAT_DURABILITY_PROCESS);
        wait_until(f->sink->requests % 4 != 0 || fixture_logged(f, "could not be stored now"));
        if (mlp_spool_sync(f->spool, NULL, &out, &err) == MLPLAT_OK)
            json_decref(out);
        fixture_close(f);
        rounds++;
    } while (entries(f->spool_folder, "", NULL) != -1 && rounds < 20);
    each_is_there_once(f, 1000);
}

static void what_a_killed_replay_had_answered_is_not_sent_again(void **state)
{
    fixture *f = *state;
    int how;
    make_orphan(f, 0, 5000, MLPLAT_DURABILITY_PROCESS);
    for (int round = 0; round < 3; round++) {
        fake_sink_close(f->sink);
        f->sink = NULL;
        pid_t pid = fork();
        if (pid == 0) {
            f->sink = fake_sink_open(f->store);
            f->sink->die_at = 11;
            open_server(f, 0);
            for (;;)
                pause();
        }
        waitpid(pid, &how, 0);
        assert_true(WIFSIGNALED(how));
        f->sink = fake_sink_open(f->store);
    }
    int64_t there = count(f);
    assert_in_range(there, 2 * 11 * REQUEST, 3 * 11 * REQUEST);
    open_server(f, 0);
    sync_ok(f);
    each_is_there_once(f, 5000);
    assert_in_range(f->sink->requests, 1, (5000 - there) / REQUEST + 3); /* a segment's last one is short */
}

static void what_a_killed_program_had_answered_is_not_sent_again(void **state)
{
    static const struct {
        mlplat_durability level;
        int64_t n;
        int die_at;
    } cases[] = {{MLPLAT_DURABILITY_PROCESS, 3000, 1}, {MLPLAT_DURABILITY_PROCESS, 3000, 4},
                 {MLPLAT_DURABILITY_PROCESS, 3000, 13}, {MLPLAT_DURABILITY_PROCESS, 3000, 25},
                 {MLPLAT_DURABILITY_DISK, 600, 1}, {MLPLAT_DURABILITY_DISK, 600, 4}};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_dead_sender(f, cases[i].level, cases[i].n, cases[i].die_at, 0);
        assert_in_range(count(f), 1, cases[i].n - 1);
        open_server(f, 3);
        sync_ok(f);
        each_is_there_once(f, cases[i].n);
        fixture_close(f);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

/* The server may be about to carry out the dead program's last request: an older tag would come behind a newer one. */
static void a_request_of_a_dead_program_is_given_time(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    const mlp_hook hook = {cancel, NULL};
    int64_t begin = mlp_clock_mono_ns();
    make_dead_sender(f, MLPLAT_DURABILITY_PROCESS, 600, 0, 3);
    open_server(f, 0);
    wait_until(entries(f->spool_folder, "left-", NULL) == 1); /* the thread that delivers comes again later */
    assert_int_equal(f->sink->requests, 0);
    put_many(f->spool, "m", 600, 700, MLPLAT_DURABILITY_DEFAULT);
    drain(f); /* and our own records do not wait for it */
    assert_status(mlp_spool_sync(f->spool, &hook, &out, &err), MLPLAT_CANCELLED);
    sync_ok(f);
    assert_true(mlp_clock_mono_ns() - begin >= 3000000000);
    each_is_there_once(f, 700);
}

static void what_is_left_for_later_comes_without_a_sync(void **state)
{
    fixture *f = *state;
    make_dead_sender(f, MLPLAT_DURABILITY_PROCESS, 600, 0, 3);
    open_server(f, 0);
    wait_until(count(f) == 600);
    each_is_there_once(f, 600);
}

static void what_is_taken_does_not_wait(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    make_dead_sender(f, MLPLAT_DURABILITY_PROCESS, 3000, 20, 0); /* behind the first 1,000 */
    f->sink->hold = true;
    open_server(f, 0);
    wait_until(f->sink->calls > 0); /* it has its new name */
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    assert_in_range(json_integer_value(json_object_get(out, "waiting")), 1000, 2999);
    json_decref(out);
    f->sink->hold = false;
    sync_ok(f);
    each_is_there_once(f, 3000);
}

static void a_line_that_breaks_costs_a_program_nothing(void **state)
{
    fixture *f = *state;
    open_server(f, 3);
    put_runs(f, 0, 1000);
    drain(f);
    put_many(f->spool, "m", 1000, 1100, MLPLAT_DURABILITY_MEMORY);
    put_runs(f, 1100, 2000);
    drain(f);
    each_is_there_once(f, 2000);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

static void records_in_memory_alone_leave_no_file(void **state)
{
    fixture *f = *state;
    open_server(f, 2);
    put_many(f->spool, "m", 0, 300, MLPLAT_DURABILITY_MEMORY);
    drain(f);
    each_is_there_once(f, 300);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

/* ---- refused records --------------------------------------------------------------------------------------------- */

static int64_t dead_letters(fixture *f)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    int64_t n = json_integer_value(json_object_get(out, "dead"));
    json_decref(out);
    return n;
}

/* A request that holds refused ones is sent again, if its batch does not come to an end. */
static void stored_but_for_one_request_once(fixture *f)
{
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), 500);
    assert_in_range(count(f), 500, 500 + REQUEST);
}

/* 500 that are stored, and 500 that are refused; the line breaks, or the program dies, in between. */
static void log_refused(fixture *f)
{
    f->sink->refuse = MLPLAT_STATE;
    f->sink->hold = true;
    open_level(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 500, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "refused", 500, 1000, MLPLAT_DURABILITY_DEFAULT);
    f->sink->hold = false;
}

static void what_is_refused_is_a_dead_letter_once_whatever_breaks(void **state)
{
    fixture *f = *state;
    be_a_server(f->sink, 7);
    log_refused(f);
    drain(f);
    stored_but_for_one_request_once(f);
    assert_int_equal(dead_letters(f), 500);
}

static void what_is_refused_is_a_dead_letter_once_whoever_dies(void **state)
{
    static const int dies[] = {3, 6, 9, 10};
    fixture *f = *state;
    int how;
    for (size_t i = 0; i < sizeof dies / sizeof dies[0]; i++) {
        fake_sink_close(f->sink);
        f->sink = NULL;
        pid_t pid = fork();
        if (pid == 0) {
            f->sink = fake_sink_open(f->store);
            be_a_server(f->sink, 0);
            f->sink->die_at = dies[i];
            log_refused(f);
            for (;;)
                pause();
        }
        waitpid(pid, &how, 0);
        assert_true(WIFSIGNALED(how));
        f->sink = fake_sink_open(f->store);
        f->sink->refuse = MLPLAT_STATE;
        open_server(f, 0);
        sync_ok(f);
        stored_but_for_one_request_once(f);
        assert_int_equal(dead_letters(f), 500 * (int64_t)(i + 1));
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

/* Refused whole, a batch is tried record by record: what passed is not what those before it were. */
static void one_record_that_the_server_chokes_on_is_a_dead_letter(void **state)
{
    fixture *f = *state;
    be_a_server(f->sink, 0);
    f->sink->poison = MLPLAT_INVALID;
    f->sink->hold = true;
    open_level(f, MLPLAT_DURABILITY_PROCESS);
    put_many(f->spool, "m", 0, 50, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "poison", 50, 51, MLPLAT_DURABILITY_DEFAULT);
    put_many(f->spool, "m", 51, 100, MLPLAT_DURABILITY_DEFAULT);
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f), 99);
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows where step <> 50"), 99);
    assert_int_equal(dead_letters(f), 1);
    json_t *out = NULL;
    mlplat_error err = {0};
    f->sink->poison = 0;
    assert_ok(mlp_spool_retry(f->spool, NULL, &out, &err)); /* of which no journal knows */
    json_decref(out);
    each_is_there_once(f, 100);
}

/* ---- order on the disk, and calls that fail ---------------------------------------------------------------------- */

static struct {
    mlp_os table;
    _Atomic int fd, synced, early; /* early: segments that went before what was taken of them was on the disk */
} disk = {.fd = -1};

static int d_open(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd = mlp_os_default()->open(dirfd, path, flags, mode);
    if (strcmp(path, MLP_TAKEN_FILE) == 0)
        disk.fd = fd;
    return fd;
}

static int d_fdatasync(int fd)
{
    disk.synced += fd == disk.fd;
    return mlp_os_default()->fdatasync(fd);
}

static int d_unlink(int dirfd, const char *path, int flags)
{
    disk.early += strstr(path, ".mls") != NULL && disk.synced == 0;
    return mlp_os_default()->unlink(dirfd, path, flags);
}

static void watch_disk(void)
{
    disk.table = *mlp_os_default();
    disk.table.open = d_open;
    disk.table.fdatasync = d_fdatasync;
    disk.table.unlink = d_unlink;
    disk.fd = -1;
    disk.synced = disk.early = 0;
    mlp_os_replace(&disk.table);
}

static void what_was_taken_is_on_the_disk_before_a_journal_goes(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 3000, MLPLAT_DURABILITY_PROCESS);
    watch_disk();
    open_server(f, 0);
    sync_ok(f);
    each_is_there_once(f, 3000);
    assert_true(disk.synced > 0);
    assert_int_equal(disk.early, 0);
}

static void put_block(fixture *f, int64_t from, mlplat_durability level)
{
    mlplat_error err = {0};
    mlp_record r[1000];
    for (int64_t i = 0; i < 1000; i++)
        r[i] = metric("m", from + i);
    assert_ok(mlp_spool_append(f->spool, r, 1000, level, &err));
}

static void what_was_taken_is_on_the_disk_before_a_synced_segment_is_used_again(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int l = 0; l < 2; l++) {
        watch_disk();
        be_a_server(f->sink, 0);
        open_level(f, levels[l]);
        for (int64_t i = 0; i < 10; i++)
            put_block(f, i * 1000, levels[l]);
        drain(f);
        each_is_there_once(f, 10000);
        if (levels[l] == MLPLAT_DURABILITY_DISK)
            assert_true(disk.synced >= 3); /* segments, of 2,700 records each */
        else
            assert_int_equal(disk.synced, 0); /* nobody was promised more */
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

/* What was answered may be sent again then, which MLflow makes one; none may be missing. */
static void none_is_missing(fixture *f, int64_t n)
{
    assert_int_equal(fake_sink_ask(f->sink, "select count(distinct step) from rows"), n);
    fake_sink_ask(f->sink, "delete from rows");
}

static void any_call_that_fails_costs_no_record(void **state)
{
    static const struct {
        planned_call call;
        int error;
    } faults[] = {{ON_OPEN, EIO},   {ON_RENAME, EIO}, {ON_UNLINK, EIO}, {ON_FSYNC, EIO},
                  {ON_FDATASYNC, EIO}, {ON_PREAD, EIO},  {ON_FSTAT, EIO}};
    fixture *f = *state;
    mlplat_error err = {0}, ignored;
    json_t *out = NULL;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        bool reached = true;
        for (unsigned nth = 0; reached && nth < 32; nth++) {
            make_dead_sender(f, MLPLAT_DURABILITY_PROCESS, 300, 2, 0);
            plan_calls(faults[i].call, NULL, 1u << nth, faults[i].error);
            open_server(f, 2);
            mlplat_status status = mlp_spool_sync(f->spool, NULL, &out, &ignored);
            reached = plan.met > nth;
            plan_none();
            if (status == MLPLAT_OK)
                json_decref(out);
            status = mlp_spool_sync(f->spool, NULL, &out, &err);
            if (status == MLPLAT_OK) {
                json_decref(out);
                none_is_missing(f, 300);
            } else /* a journal that could not be given up */
                assert_int_equal(status, faults[i].call == ON_RENAME ? MLPLAT_IO : MLPLAT_OK);
            fixture_close(f);
            if (entries(f->spool_folder, "", NULL) != -1) /* what could not be removed */
                assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
            fake_sink_ask(f->sink, "delete from rows");
        }
    }
}

static void any_allocation_that_fails_costs_no_record(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    json_t *out = NULL;
    bool reached = true;
    long nth = 0;
    for (; reached && nth < 200; nth++) {
        make_dead_sender(f, MLPLAT_DURABILITY_PROCESS, 300, 2, 0);
        f->sink->rest_until = 0;
        fail_for_ever(f, MLPLAT_DENIED); /* what is there when the session opens stays for the sync */
        open_server(f, 0);
        f->sink->retryable = false;
        wait_until(fixture_logged(f, "could not be stored now"));
        f->log[0] = 0;
        f->sink->fail = 0;
        scarce_memory_begin(nth);
        mlplat_status status = mlp_spool_sync(f->spool, NULL, &out, &err);
        reached = scarce_memory_end();
        if (status == MLPLAT_OK)
            json_decref(out);
        else
            assert_int_equal(status, MLPLAT_NO_MEMORY);
        sync_ok(f);
        none_is_missing(f, 300);
        fixture_close(f);
    }
    assert_false(reached);
    assert_true(nth > 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sync_comes_back_when_what_another_thread_stores_is_there),
        TEST(waiting_for_another_thread_can_be_cancelled),
        TEST(sync_comes_back_when_own_records_are_there),
        TEST(sync_says_how_much_stays_and_why),
        TEST(sync_says_that_own_records_stay),
        TEST(a_journal_that_could_not_be_given_up_is_told),
        TEST(a_replay_over_a_line_that_breaks_comes_to_its_end),
        TEST(a_replay_that_gives_up_goes_on_from_there),
        TEST(what_a_killed_replay_had_answered_is_not_sent_again),
        TEST(what_a_killed_program_had_answered_is_not_sent_again),
        TEST(a_request_of_a_dead_program_is_given_time),
        TEST(what_is_left_for_later_comes_without_a_sync),
        TEST(what_is_taken_does_not_wait),
        TEST(a_line_that_breaks_costs_a_program_nothing),
        TEST(records_in_memory_alone_leave_no_file),
        TEST(what_is_refused_is_a_dead_letter_once_whatever_breaks),
        TEST(what_is_refused_is_a_dead_letter_once_whoever_dies),
        TEST(one_record_that_the_server_chokes_on_is_a_dead_letter),
        TEST(what_was_taken_is_on_the_disk_before_a_journal_goes),
        TEST(what_was_taken_is_on_the_disk_before_a_synced_segment_is_used_again),
        TEST(any_call_that_fails_costs_no_record),
        TEST(any_allocation_that_fails_costs_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

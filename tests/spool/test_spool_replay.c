/* What a dead process left is stored once, whatever state it is in. MLPLAT_HEAVY=1: more kills. */
#include "spool_fixture.h"
#include "base/file.h"
#include <fcntl.h>

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

static void all_there_once(fixture *f, int64_t n)
{
    assert_int_equal(count(f), n);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

/* The path of the only journal, or of the only segment with records in it. */
static const char *journal(fixture *f)
{
    char name[300];
    assert_int_equal(entries(f->spool_folder, "-", name), 1);
    return test_path(f->spool_folder, name);
}

static const char *segment(fixture *f)
{
    char name[300];
    const char *folder = journal(f);
    assert_int_equal(entries(folder, ".mls", name), 1);
    return test_path(folder, name);
}

/* What a sync tells: what the opening brought in, too, but once. */
static void assert_synced(fixture *f, int64_t records, int64_t journals)
{
    mlplat_error err = {0};
    json_t *out;
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    assert_int_equal(json_integer_value(json_object_get(out, "replayed")), records);
    assert_int_equal(json_integer_value(json_object_get(out, "journals")), journals);
    json_decref(out);
}

static void the_next_opener_stores_what_a_killed_process_left(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        int64_t n = levels[i] == MLPLAT_DURABILITY_DISK ? 50 : 15000;
        make_orphan(f, 0, n, levels[i]);
        assert_int_equal(count(f), 0);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        all_there_once(f, n);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) from marks"), 0);
        assert_true(fixture_logged(f, "that an earlier process left"));
        assert_synced(f, n, 1);
        assert_synced(f, 0, 0);
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

static void what_was_stored_before_the_kill_is_not_stored_again(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 100, MLPLAT_DURABILITY_PROCESS);
    char name[300], id[33] = "";
    unsigned char head[128];
    entries(journal(f), ".mls", name);
    int fd = open(test_path(journal(f), name), O_RDONLY);
    assert_int_equal(read(fd, head, sizeof head), sizeof head);
    close(fd);
    memcpy(id, head + 48, 32);
    char sql[200];
    snprintf(sql, sizeof sql, "insert into marks values ('%s', 60)", id);
    fake_sink_ask(f->sink, sql);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 40);
    assert_int_equal(fake_sink_ask(f->sink, "select min(step) from rows"), 60);
}

static void a_living_process_keeps_its_journal(void **state)
{
    fixture *f = *state;
    _Atomic int *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_sink_close(f->sink);
    pid_t pid = fork();
    if (pid == 0) {
        f->sink = fake_sink_open(f->store);
        f->sink->hold = true;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        put_many(f->spool, "m", 0, 10, MLPLAT_DURABILITY_DEFAULT);
        *ready = 1;
        for (;;)
            pause();
    }
    wait_until(*ready);
    f->sink = fake_sink_open(f->store);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    mlplat_error err = {0};
    json_t *out;
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    json_t *entry = json_array_get(json_object_get(out, "journals"), 0);
    assert_string_equal(json_string_value(json_object_get(entry, "state")), "busy");
    assert_int_equal(json_integer_value(json_object_get(entry, "pid")), pid);
    assert_int_equal(json_integer_value(json_object_get(entry, "waiting")), 10);
    json_decref(out);
    kill(pid, SIGKILL); /* not reaped yet: its journal is free all the same */
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err));
    assert_int_equal(json_integer_value(json_object_get(out, "replayed")), 10);
    json_decref(out);
    waitpid(pid, NULL, 0);
    all_there_once(f, 10);
    munmap((void *)ready, 4096);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

static off_t used_of(const char *path) /* bytes up to the last that is not 0 */
{
    unsigned char *bytes = malloc(2u << 20);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, bytes, 2u << 20);
    close(fd);
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    free(bytes);
    return n;
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void a_torn_end_is_normal_wherever_it_is(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 24; i++) { /* through the last two frames, in steps of 8 and by single bytes at the end */
        make_orphan(f, 0, 5, i % 2 ? MLPLAT_DURABILITY_DISK : MLPLAT_DURABILITY_PROCESS);
        const char *path = segment(f);
        bool disk = i % 2;
        off_t used = used_of(path) - (disk ? 56 : 0); /* the mark behind the last group was not synced */
        off_t cut = used - (i < 12 ? 1 + i : (i - 11) * 14), size = size_of(path);
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(truncate(path, size), 0); /* zeros, as it was made with */
        f->log[0] = 0;
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        int64_t n = count(f);
        assert_true(n == 3 || n == 4);
        all_there_once(f, n);
        assert_false(fixture_logged(f, "damaged"));
        fixture_close(f);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

static void flip(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void damage_is_set_aside_and_told_and_costs_nothing_else(fixture *f, mlplat_durability level, off_t at,
                                                                int64_t left)
{
    mlplat_error err = {0};
    json_t *out = NULL;
    make_orphan(f, 0, 20, level);
    flip(segment(f), at);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), left);
    assert_true(fixture_logged(f, "is damaged"));
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
    assert_ok(mlp_spool_sync(f->spool, NULL, &out, &err)); /* told once */
    json_decref(out);
    assert_ok(mlp_spool_status(f->spool, &out, &err));
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(out, "journals"), 0), "state")), "damaged");
    json_decref(out);
}

static void a_flipped_bit_below_the_watermark_is_told(void **state)
{
    damage_is_set_aside_and_told_and_costs_nothing_else(*state, MLPLAT_DURABILITY_DISK, 128 + 96 * 4 + 70, 19);
}

static void a_flipped_bit_in_a_mapped_journal_is_told(void **state)
{
    damage_is_set_aside_and_told_and_costs_nothing_else(*state, MLPLAT_DURABILITY_PROCESS, 128 + 96 * 4 + 70, 19);
}

static void a_flipped_bit_in_the_last_synced_group_is_told(void **state)
{
    damage_is_set_aside_and_told_and_costs_nothing_else(*state, MLPLAT_DURABILITY_DISK, 128 + 96 * 19 + 70, 19);
}

static void a_shortened_segment_is_told(void **state)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK};
    fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        mlplat_error err = {0};
        json_t *out = NULL;
        make_orphan(f, 0, 20, levels[i]);
        assert_int_equal(truncate(segment(f), 128 + 96 * 10 + 50), 0);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        all_there_once(f, 10);
        assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
        assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
        assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
    }
}

/* The first or second segment with records in it: a spare one may lie between them. */
static const char *used_segment(fixture *f, int which)
{
    for (int number = 1; number < 9; number++) {
        char name[40], magic[4] = "";
        snprintf(name, sizeof name, "%016d.mls", number);
        int fd = open(test_path(journal(f), name), O_RDONLY);
        bool used = fd != -1 && read(fd, magic, 4) == 4 && memcmp(magic, "MLPS", 4) == 0;
        if (fd != -1)
            close(fd);
        if (used && which-- == 0)
            return test_path(journal(f), name);
    }
    fail_msg("there are fewer segments");
    return NULL;
}

/* Wherever the first of two heads is hit: the other segment has its records stored, and those of the first too, unless
 * the salt is lost, without which nobody can tell them from older ones. */
static void a_head_hit_anywhere_costs_the_other_segments_nothing(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 32; i++) {
        make_orphan(f, 0, 4000, MLPLAT_DURABILITY_PROCESS);
        flip(used_segment(f, i % 2 ? 0 : 1), i / 2 * 3);
        fixture_open(f, MLPLAT_DURABILITY_PROCESS);
        bool salt = i / 2 * 3 >= 12 && i / 2 * 3 < 16;
        int64_t n = count(f), first = fake_sink_ask(f->sink, "select min(step) from rows");
        if (salt)
            assert_true(n > 500 && n < 4000 && (first == 0) == (i % 2 == 0));
        else
            all_there_once(f, 4000);
        assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
        fixture_close(f);
        fake_sink_ask(f->sink, "delete from rows");
        mlplat_error err = {0};
        assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
    }
}

/* A segment that cannot be set aside stays where it is, with its journal, and is not lost. */
static void a_damaged_segment_is_never_thrown_away(void **state)
{
    fixture *f = *state;
    char name[300], bad[1000];
    make_orphan(f, 0, 20, MLPLAT_DURABILITY_DISK);
    flip(segment(f), 128 + 96 * 4 + 70);
    entries(f->spool_folder, "-", name);
    snprintf(bad, sizeof bad, "%s/%s-0000000000000001.mls.bad", f->spool_folder, name + strlen(name) - 8);
    mkdir(bad, 0700);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 19);
    assert_true(fixture_logged(f, "cannot be set aside"));
    rmdir(bad);
    mlplat_error err = {0};
    json_t *out = NULL;
    assert_int_equal(entries(journal(f), ".mls", NULL), 1);
    assert_status(mlp_spool_sync(f->spool, NULL, &out, &err), MLPLAT_CORRUPT);
    assert_int_equal(count(f), 19);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
}

static void a_damaged_head_leaves_what_can_be_read(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 4000, MLPLAT_DURABILITY_PROCESS); /* two segments: the other one names the journal */
    char name[300];
    const char *folder = journal(f);
    snprintf(name, sizeof name, "%s/0000000000000001.mls", folder);
    flip(name, 20);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 4000);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 1);
}

static void garbage_beside_the_journals_harms_nobody(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    const char *folder = journal(f);
    int fd = open(test_path(folder, "0000000000000777.mls"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "garbage", 7), 7);
    close(fd);
    mkdir(test_path(folder, "x.mls"), 0700);
    assert_int_equal(symlink("/etc/passwd", test_path(folder, "0000000000000778.mls")), 0);
    mkfifo(test_path(folder, "0000000000000779.mls"), 0600);
    char own[64], fresh[120];
    mlp_os_process_name(own); /* of a process of this namespace that is gone */
    snprintf(fresh, sizeof fresh, "new-999999999-1%s-abcdef01", strrchr(own, '-'));
    mkdir(test_path(f->spool_folder, fresh), 0700);
    snprintf(fresh, sizeof fresh, "new-%s-abcdef01", own); /* of one that lives */
    mkdir(test_path(f->spool_folder, fresh), 0700);
    mkdir(test_path(f->spool_folder, "somebody's"), 0700);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
    assert_int_equal(entries(f->spool_folder, ".bad", NULL), 4);
    assert_int_equal(entries(f->spool_folder, "new-", NULL), 1);
    assert_int_equal(entries(f->spool_folder, "somebody's", NULL), 1);
    put_many(f->spool, "m", 10, 20, MLPLAT_DURABILITY_PROCESS);
    drain(f);
    all_there_once(f, 20);
}

/* ---- whose is it ------------------------------------------------------------------------------------------------- */

static void two_openers_at_once_store_it_once(void **state)
{
    fixture *f = *state;
    for (int round = 0; round < 5; round++) {
        pid_t pid[4];
        make_orphan(f, 0, 3000, MLPLAT_DURABILITY_PROCESS);
        fake_sink_close(f->sink);
        f->sink = NULL;
        for (int i = 0; i < 4; i++)
            if ((pid[i] = fork()) == 0) {
                f->sink = fake_sink_open(f->store);
                fixture_open(f, MLPLAT_DURABILITY_PROCESS);
                fixture_close(f);
                _exit(0);
            }
        for (int i = 0; i < 4; i++) {
            int how;
            waitpid(pid[i], &how, 0);
            assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
        }
        f->sink = fake_sink_open(f->store);
        all_there_once(f, 3000);
        assert_int_equal(entries(f->spool_folder, "", NULL), -1);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

typedef struct opener {
    fixture *f;
    mlp_spool *spool;
    mlplat_status status;
} opener;

static void *open_thread(void *arg)
{
    opener *o = arg;
    mlplat_error err = {0};
    mlp_spool_options options = fixture_options(o->f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(o->f->sink);
    o->status = mlp_spool_open(&options, &table, &o->spool, &err);
    return NULL;
}

static void two_sessions_of_one_process_store_it_once(void **state)
{
    fixture *f = *state;
    for (int round = 0; round < 10; round++) {
        opener o[4];
        pthread_t id[4];
        make_orphan(f, 0, 2000, MLPLAT_DURABILITY_PROCESS);
        for (int i = 0; i < 4; i++) {
            o[i] = (opener){.f = f};
            pthread_create(&id[i], NULL, open_thread, &o[i]);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(id[i], NULL);
            assert_int_equal(o[i].status, MLPLAT_OK);
        }
        for (int i = 0; i < 4; i++)
            mlp_spool_close(o[i].spool, NULL);
        all_there_once(f, 2000);
        fake_sink_ask(f->sink, "delete from rows");
    }
}

static void a_store_copied_with_its_spool_takes_its_records_along(void **state)
{
    fixture *f = *state;
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    const char *there = test_path(f->folder, "elsewhere");
    char to[600], spool[620];
    mkdir(there, 0700);
    snprintf(to, sizeof to, "%s/store.db", there);
    snprintf(spool, sizeof spool, "%s.spool", to);
    rename(f->spool_folder, spool);
    snprintf(f->store, sizeof f->store, "%s", to);
    snprintf(f->spool_folder, sizeof f->spool_folder, "%s", spool);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
}

static void a_shared_folder_keeps_stores_apart(void **state)
{
    fixture *f = *state;
    char store[600];
    snprintf(f->spool_folder, sizeof f->spool_folder, "%s/common", f->folder);
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    memcpy(store, f->store, sizeof store);
    snprintf(f->store, sizeof f->store, "%s/other.db", f->folder);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    assert_int_equal(count(f), 0);
    fixture_close(f);
    memcpy(f->store, store, sizeof store);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    all_there_once(f, 10);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), 0); /* the user's folder stays */
}

static void the_default_folder_is_looked_into_beside_a_setting(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    make_orphan(f, 0, 10, MLPLAT_DURABILITY_PROCESS);
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    o.folder = test_path(f->folder, "common");
    o.also_folder = f->spool_folder;
    assert_ok(mlp_spool_open(&o, &table, &f->spool, &err));
    all_there_once(f, 10);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

/* ---- kill -9 in a loop ------------------------------------------------------------------------------------------- */

typedef struct shared {
    _Atomic int64_t acknowledged;
} shared;

static void log_until_killed(fixture *f, int round, shared *told)
{
    static const mlplat_durability levels[] = {MLPLAT_DURABILITY_PROCESS, MLPLAT_DURABILITY_DISK,
                                               MLPLAT_DURABILITY_MEMORY};
    mlplat_error err = {0};
    mlp_record r[4];
    char key[20];
    snprintf(key, sizeof key, "k%d", round);
    f->sink = fake_sink_open(f->store);
    f->sink->set_aside = true;
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    for (int64_t step = 0;;) {
        size_t n = (size_t)(1 + step % 4);
        mlplat_durability level = round % 3 == 2 ? levels[step / 16 % 2] : levels[round % 3];
        for (size_t i = 0; i < n; i++)
            r[i] = metric(key, step + (int64_t)i);
        if (mlp_spool_append(f->spool, r, n, level, &err) != MLPLAT_OK)
            _exit(1);
        step += (int64_t)n;
        told->acknowledged = step;
    }
}

static void nothing_is_lost_or_doubled_by_kill_9(void **state)
{
    fixture *f = *state;
    int rounds = getenv("MLPLAT_HEAVY") ? 1000 : 36;
    shared *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t *acknowledged = calloc((size_t)rounds, sizeof *acknowledged);
    fake_sink_close(f->sink);
    f->sink = NULL;
    for (int round = 0; round < rounds; round++) {
        told->acknowledged = 0;
        pid_t pid = fork();
        if (pid == 0)
            log_until_killed(f, round, told);
        int64_t until = round % 3 == 1 ? round % 40 : (round * 7919) % (rounds > 100 ? 3000 : 30000);
        wait_until(told->acknowledged > until);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        acknowledged[round] = told->acknowledged;
    }
    f->sink = fake_sink_open(f->store);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    fake_sink_ask(f->sink, "create index by_key on rows(key, step)");
    assert_int_equal(
        fake_sink_ask(f->sink, "select count(*) from (select 1 from rows group by key, step having count(*) > 1)"), 0);
    for (int round = 0; round < rounds; round++) {
        char sql[200];
        snprintf(sql, sizeof sql, "select count(*) from rows where key = 'k%d' and step < %lld", round,
                 (long long)acknowledged[round]);
        if (fake_sink_ask(f->sink, sql) != acknowledged[round])
            fail_msg("round %d: %lld of %lld", round, (long long)fake_sink_ask(f->sink, sql),
                     (long long)acknowledged[round]);
        snprintf(sql, sizeof sql, "select count(*) from rows where key = 'k%d'", round);
        assert_true(fake_sink_ask(f->sink, sql) <=
                    acknowledged[round] + 4); /* the call that was being made: all or none */
    }
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
    free(acknowledged);
    munmap(told, 4096);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_next_opener_stores_what_a_killed_process_left),
        TEST(what_was_stored_before_the_kill_is_not_stored_again),
        TEST(a_living_process_keeps_its_journal),
        TEST(a_torn_end_is_normal_wherever_it_is),
        TEST(a_flipped_bit_below_the_watermark_is_told),
        TEST(a_flipped_bit_in_a_mapped_journal_is_told),
        TEST(a_flipped_bit_in_the_last_synced_group_is_told),
        TEST(a_shortened_segment_is_told),
        TEST(a_head_hit_anywhere_costs_the_other_segments_nothing),
        TEST(a_damaged_segment_is_never_thrown_away),
        TEST(a_damaged_head_leaves_what_can_be_read),
        TEST(garbage_beside_the_journals_harms_nobody),
        TEST(two_openers_at_once_store_it_once),
        TEST(two_sessions_of_one_process_store_it_once),
        TEST(a_store_copied_with_its_spool_takes_its_records_along),
        TEST(a_shared_folder_keeps_stores_apart),
        TEST(the_default_folder_is_looked_into_beside_a_setting),
        TEST(nothing_is_lost_or_doubled_by_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

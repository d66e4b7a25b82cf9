/* What a server took of a journal, in its file: read back, torn, another journal's, and where nothing can be kept. */
#include "spool/taken.h"
#include "spool_calls.h"
#include "support/scarce_memory.h"

#define JOURNAL "00112233445566778899aabbccddeeff"
#define OTHER   "ff112233445566778899aabbccddeeff"

enum { SLOT = 64 };

static int folder_of(fixture *f)
{
    return mlp_sys.open(AT_FDCWD, f->folder, O_RDONLY | O_DIRECTORY, 0);
}

static mlp_record record_of(const char *run, uint64_t seq)
{
    return (mlp_record){.kind = MLP_RECORD_METRIC, .run_id = run, .run_id_n = strlen(run), .seq = seq};
}

static void note(mlp_taken *t, const char *run, uint64_t seq)
{
    mlp_record r = record_of(run, seq);
    mlp_taken_note(t, &r);
}

static uint64_t of(const mlp_taken *t, const char *run)
{
    mlp_record r = record_of(run, 0);
    return mlp_taken_of(t, &r);
}

static const char *file_of(const fixture *f)
{
    return test_path(f->folder, MLP_TAKEN_FILE);
}

static off_t size_of_file(const fixture *f)
{
    struct stat st;
    return stat(file_of(f), &st) == 0 ? st.st_size : -1;
}

static void what_was_taken_is_known_to_the_next(void **state)
{
    mlp_taken t;
    struct stat st;
    int fd = folder_of(*state);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(of(&t, "one"), 0);
    assert_int_equal(size_of_file(*state), -1); /* nothing was said */
    note(&t, "one", 5);
    note(&t, "two", 9);
    note(&t, "one", 7);
    mlp_taken_close(&t);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(of(&t, "one"), 7);
    assert_int_equal(of(&t, "two"), 9);
    assert_int_equal(of(&t, "three"), 0);
    assert_int_equal(t.done, 0);
    mlp_taken_done(&t, 8);
    mlp_taken_close(&t);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(of(&t, "one"), 8);
    assert_int_equal(of(&t, "two"), 9);
    assert_int_equal(of(&t, "three"), 8);
    mlp_taken_close(&t);
    assert_int_equal(stat(file_of(*state), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    mlp_sys.close(fd);
}

static void the_file_is_as_long_as_one_batch_has_runs(void **state)
{
    mlp_taken t;
    char run[20];
    uint64_t seq = 0;
    int fd = folder_of(*state);
    mlp_taken_open(&t, fd, JOURNAL);
    for (int batch = 0; batch < 5; batch++) {
        for (int i = 0; i < 20; i++) {
            snprintf(run, sizeof run, "%d-%d", batch, i);
            note(&t, run, ++seq);
        }
        mlp_taken_done(&t, seq);
    }
    assert_int_equal(size_of_file(*state), 21 * SLOT);
    mlp_taken_done(&t, 3); /* never back */
    assert_int_equal(t.done, 100);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
}

static void flip(const fixture *f, off_t at)
{
    unsigned char byte;
    int fd = open(file_of(f), O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* 0 to 7 are the numbers of the runs. */
static void make_file(int folder_fd, uint64_t done)
{
    mlp_taken t;
    char run[20];
    mlp_taken_open(&t, folder_fd, JOURNAL);
    mlp_taken_done(&t, done);
    for (int i = 0; i < 8; i++) {
        snprintf(run, sizeof run, "run %d", i);
        note(&t, run, 100 + (uint64_t)i);
    }
    mlp_taken_close(&t);
}

static void a_flipped_bit_costs_its_slot_alone(void **state)
{
    mlp_taken t;
    char run[20];
    int fd = folder_of(*state);
    make_file(fd, 50);
    for (off_t at = 0; at < (off_t)(9 * SLOT); at++) {
        flip(*state, at);
        mlp_taken_open(&t, fd, JOURNAL);
        assert_int_equal(t.done, at < SLOT ? 0 : 50);
        for (int i = 0; i < 8; i++) {
            snprintf(run, sizeof run, "run %d", i);
            assert_int_equal(of(&t, run), at / SLOT == i + 1 ? t.done : 100 + (uint64_t)i);
        }
        mlp_taken_close(&t);
        flip(*state, at);
    }
    mlp_sys.close(fd);
}

static void a_file_cut_anywhere_gives_what_is_whole(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    make_file(fd, 50);
    for (off_t size = 9 * SLOT; size >= 0; size--) {
        assert_int_equal(truncate(file_of(*state), size), 0);
        mlp_taken_open(&t, fd, JOURNAL);
        assert_int_equal(t.done, size < SLOT ? 0 : 50);
        assert_int_equal(of(&t, "run 3"), size < 5 * SLOT ? t.done : 103);
        mlp_taken_close(&t);
    }
    mlp_sys.close(fd);
}

static void another_journals_file_says_nothing(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    make_file(fd, 50);
    mlp_taken_open(&t, fd, OTHER);
    assert_int_equal(t.done, 0);
    assert_int_equal(of(&t, "run 1"), 0);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
}

static void a_link_is_not_followed(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    assert_int_equal(symlink("elsewhere", file_of(*state)), 0);
    make_file(fd, 50);
    assert_int_equal(access(test_path(((fixture *)*state)->folder, "elsewhere"), F_OK), -1);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(t.done, 0);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
}

static void an_id_that_is_too_long_is_not_kept(void **state)
{
    mlp_taken t;
    char id[MLP_TAKEN_RUN + 2];
    (void)state;
    memset(id, 'a', sizeof id);
    id[MLP_TAKEN_RUN + 1] = 0;
    mlp_taken_open(&t, -1, JOURNAL);
    note(&t, id, 7);
    note(&t, "", 8);
    assert_int_equal(of(&t, id), 0);
    id[MLP_TAKEN_RUN] = 0;
    note(&t, id, 7);
    assert_int_equal(of(&t, id), 7);
    mlp_taken_close(&t);
}

static void without_a_folder_it_is_known_as_long_as_it_is_open(void **state)
{
    mlp_taken t;
    (void)state;
    mlp_taken_open(&t, -1, JOURNAL);
    note(&t, "one", 5);
    mlp_taken_done(&t, 3);
    mlp_taken_sync(&t);
    assert_int_equal(of(&t, "one"), 5);
    assert_int_equal(of(&t, "two"), 3);
    mlp_taken_close(&t);
    mlp_taken_close(&t);
    mlp_taken nothing = {0};
    note(&nothing, "one", 5);
    mlp_taken_done(&nothing, 5);
    mlp_taken_sync(&nothing);
    assert_int_equal(of(&nothing, "one"), 0);
    mlp_taken_close(&nothing);
}

static void memory_that_runs_out_keeps_less(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    make_file(fd, 50);
    scarce_memory_begin(0);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_true(scarce_memory_end());
    assert_int_equal(t.done, 50);
    assert_int_equal(of(&t, "run 1"), 50);
    mlp_taken_close(&t);
    mlp_taken_open(&t, -1, JOURNAL);
    scarce_memory_begin(0);
    note(&t, "one", 5);
    assert_true(scarce_memory_end());
    assert_int_equal(of(&t, "one"), 0);
    note(&t, "one", 6);
    assert_int_equal(of(&t, "one"), 6);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
}

static void calls_that_fail_keep_less(void **state)
{
    static const planned_call calls[] = {ON_OPEN, ON_PREAD, ON_FDATASYNC, ON_FSYNC};
    mlp_taken t;
    int fd = folder_of(*state);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        make_file(fd, 50);
        plan_calls(calls[i], NULL, EACH, EIO);
        mlp_taken_open(&t, fd, JOURNAL);
        mlp_taken_done(&t, 60);
        note(&t, "one", 70);
        mlp_taken_sync(&t);
        assert_int_equal(of(&t, "one"), 70);
        assert_int_equal(t.done, 60);
        plan_none();
        mlp_taken_close(&t);
        mlp_taken_open(&t, fd, JOURNAL); /* and nothing that is wrong */
        assert_in_range(t.done, 50, 60);
        mlp_taken_close(&t);
        unlink(file_of(*state));
    }
    mlp_sys.close(fd);
}

static void a_request_without_an_answer_cools(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(mlp_taken_cools_ms(&t), 0);
    mlp_taken_done(&t, 7);
    mlp_taken_asks(&t, true);
    mlp_taken_close(&t);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_in_range(mlp_taken_cools_ms(&t), 1, 3000);
    assert_int_equal(t.done, 7);
    t.asked_ms -= 3000;
    assert_int_equal(mlp_taken_cools_ms(&t), 0);
    t.asked_ms += 100000; /* the clock was set back */
    assert_int_equal(mlp_taken_cools_ms(&t), 0);
    mlp_taken_asks(&t, false);
    mlp_taken_close(&t);
    mlp_taken_open(&t, fd, JOURNAL);
    assert_int_equal(mlp_taken_cools_ms(&t), 0);
    assert_int_equal(t.done, 7);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
    mlp_taken nothing = {0};
    mlp_taken_asks(&nothing, true);
    assert_int_equal(mlp_taken_cools_ms(&nothing), 0);
}

static void its_name_is_synced_once(void **state)
{
    mlp_taken t;
    int fd = folder_of(*state);
    mlp_taken_open(&t, fd, JOURNAL);
    mlp_taken_done(&t, 1);
    plan_calls(ON_FSYNC, NULL, 1, EIO);
    mlp_taken_sync(&t);
    assert_false(t.named); /* the folder could not be synced: the next one does it */
    mlp_taken_sync(&t);
    mlp_taken_sync(&t);
    assert_true(t.named);
    assert_int_equal(plan.met, 2);
    mlp_taken_close(&t);
    mlp_sys.close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_taken_is_known_to_the_next),
        TEST(the_file_is_as_long_as_one_batch_has_runs),
        TEST(a_flipped_bit_costs_its_slot_alone),
        TEST(a_file_cut_anywhere_gives_what_is_whole),
        TEST(another_journals_file_says_nothing),
        TEST(a_link_is_not_followed),
        TEST(an_id_that_is_too_long_is_not_kept),
        TEST(without_a_folder_it_is_known_as_long_as_it_is_open),
        TEST(memory_that_runs_out_keeps_less),
        TEST(calls_that_fail_keep_less),
        TEST(a_request_without_an_answer_cools),
        TEST(its_name_is_synced_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

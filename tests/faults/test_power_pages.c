/*
 * Power cuts by simulation: the journal's own writes and syncs are recorded through the table of system calls, and the
 * files are built as a disk may have them after a cut at any moment: of what was written since a file's last sync, any
 * sectors are there and the others are not. From that the replay stores every record that was acknowledged, invents
 * none, and finds no damage. MLPLAT_HEAVY=1: a hundred times as many.
 */
#include "spool/spool_fixture.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>

#define FILES_MOST 64
#define EVENTS_MOST 200000
#define FILE_BYTES (4u << 20)

/* ---- recording --------------------------------------------------------------------------------------------------- */

typedef struct event {
    enum { MADE, WRITTEN, SYNCED, UNLINKED, TOLD } what;
    int file;
    off_t at;
    size_t n;
    unsigned char *bytes; /* of WRITTEN */
    int64_t told;         /* of TOLD: steps below are acknowledged */
} event;

static struct {
    pthread_mutex_t lock;
    bool on;
    ino_t inode[FILES_MOST];
    char name[FILES_MOST][40];
    int n_files, n_events;
    event events[EVENTS_MOST];
    mlp_os table;
} tape = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(event e)
{
    pthread_mutex_lock(&tape.lock);
    if (tape.on && tape.n_events < EVENTS_MOST)
        tape.events[tape.n_events++] = e;
    pthread_mutex_unlock(&tape.lock);
}

static int file_of(int fd)
{
    struct stat st;
    int found = -1;
    if (fstat(fd, &st) == -1)
        return -1;
    pthread_mutex_lock(&tape.lock);
    for (int i = 0; i < tape.n_files; i++)
        if (tape.inode[i] == st.st_ino)
            found = i;
    pthread_mutex_unlock(&tape.lock);
    return found;
}

static int rec_open(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd = mlp_os_default()->open(dirfd, path, flags, mode);
    const char *dot = strrchr(path, '.');
    if (fd == -1 || !(flags & O_CREAT) || !dot || strcmp(dot, ".mls") != 0 || tape.n_files == FILES_MOST)
        return fd;
    struct stat st;
    fstat(fd, &st);
    pthread_mutex_lock(&tape.lock);
    int i = tape.n_files++;
    tape.inode[i] = st.st_ino;
    snprintf(tape.name[i], sizeof tape.name[i], "%.39s", path);
    pthread_mutex_unlock(&tape.lock);
    note((event){.what = MADE, .file = i});
    return fd;
}

static ssize_t rec_pwrite(int fd, const void *buf, size_t n, off_t at)
{
    int file = file_of(fd);
    if (file >= 0) {
        event e = {.what = WRITTEN, .file = file, .at = at, .n = n, .bytes = malloc(n)};
        memcpy(e.bytes, buf, n);
        note(e);
    }
    return mlp_os_default()->pwrite(fd, buf, n, at);
}

static int rec_fdatasync(int fd)
{
    int file = file_of(fd), result = mlp_os_default()->fdatasync(fd);
    if (file >= 0)
        note((event){.what = SYNCED, .file = file});
    return result;
}

static int rec_unlink(int dirfd, const char *path, int flags)
{
    for (int i = 0; i < tape.n_files; i++)
        if (strcmp(tape.name[i], path) == 0)
            note((event){.what = UNLINKED, .file = i});
    return mlp_os_default()->unlink(dirfd, path, flags);
}

static void record(bool on)
{
    tape.on = on;
    tape.table = *mlp_os_default();
    tape.table.open = rec_open;
    tape.table.pwrite = rec_pwrite;
    tape.table.fdatasync = rec_fdatasync;
    tape.table.unlink = rec_unlink;
    mlp_os_replace(on ? &tape.table : NULL);
}

static void erase(void)
{
    for (int i = 0; i < tape.n_events; i++)
        free(tape.events[i].bytes);
    tape.n_events = tape.n_files = 0;
}

/* ---- the disk after a cut ---------------------------------------------------------------------------------------- */

static uint64_t dice;

static uint64_t roll(uint64_t n)
{
    return test_roll(&dice, n);
}

typedef struct disk_file {
    unsigned char *safe, *cache; /* what is synced; what was written */
    size_t size, safe_size;
    bool there, safe_there;
} disk_file;

static disk_file disk[FILES_MOST];

static void begin_disk(void)
{
    for (int i = 0; i < tape.n_files; i++) {
        free(disk[i].safe);
        free(disk[i].cache);
        disk[i] = (disk_file){.safe = calloc(1, FILE_BYTES), .cache = calloc(1, FILE_BYTES)};
    }
}

static void play(const event *e)
{
    disk_file *f = &disk[e->file];
    if (e->what == MADE)
        f->there = true;
    if (e->what == UNLINKED)
        f->there = false;
    if (e->what == WRITTEN && (size_t)e->at + e->n <= FILE_BYTES) {
        memcpy(f->cache + e->at, e->bytes, e->n);
        f->size = (size_t)e->at + e->n > f->size ? (size_t)e->at + e->n : f->size;
    }
    if (e->what == SYNCED) {
        memcpy(f->safe, f->cache, f->size);
        f->safe_size = f->size;
        f->safe_there = true;
    }
}

/* Each sector of the cache got to the disk or not: `how` of 4 of them do. An unlink that was not synced may or may not
 * have. */
static void lay_down(const char *folder, int file, size_t sector, uint64_t how)
{
    disk_file *f = &disk[file];
    if ((!f->there && roll(2)) || (f->there && !f->safe_there && roll(2)))
        return;
    size_t size = f->safe_size + (f->size > f->safe_size ? roll(f->size - f->safe_size + 1) : 0);
    unsigned char *bytes = malloc(size + 1);
    memcpy(bytes, f->safe, size);
    for (size_t at = 0; at < size; at += sector) {
        size_t n = size - at < sector ? size - at : sector;
        if (memcmp(f->cache + at, f->safe + at, n) != 0 && roll(4) < how)
            memcpy(bytes + at, f->cache + at, n);
    }
    int fd = open(test_path(folder, tape.name[file]), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd != -1 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    free(bytes);
}

/* A journal folder as a dead process leaves it. */
static const char *lay_down_all(const fixture *f)
{
    static char folder[800];
    snprintf(folder, sizeof folder, "%s/left-1-1-1-abcdef01", f->spool_folder);
    mkdir(f->spool_folder, 0700);
    mkdir(folder, 0700);
    size_t sector = roll(2) ? 512 : 4096;
    uint64_t how = roll(5);
    for (int i = 0; i < tape.n_files; i++)
        lay_down(folder, i, sector, how);
    return folder;
}

/* ---- what must be there ------------------------------------------------------------------------------------------ */

static void replay_and_check(fixture *f, int64_t told, int64_t stored, int64_t most)
{
    f->log[0] = 0;
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    fixture_close(f);
    int64_t n = fake_sink_ask(f->sink, "select count(*) from rows");
    if (fixture_logged(f, "damaged"))
        fail_msg("damage where there is none: %s", f->log);
    int64_t first = stored < told ? stored : told;
    char sql[200];
    snprintf(sql, sizeof sql, "select count(distinct step) from rows where step >= %lld and step < %lld",
             (long long)first, (long long)told);
    if (fake_sink_ask(f->sink, sql) != told - first)
        fail_msg("%lld of %lld acknowledged records are there (stored before: %lld)",
                 (long long)fake_sink_ask(f->sink, sql), (long long)(told - first), (long long)stored);
    assert_true(fake_sink_ask(f->sink, "select count(distinct step) from rows") == n);         /* none twice */
    assert_true(fake_sink_ask(f->sink, "select coalesce(max(step), -1) from rows") < most);    /* none invented */
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where value != step * 0.5"), 0);
    fake_sink_ask(f->sink, "delete from rows");
    fake_sink_ask(f->sink, "delete from marks");
}

static void set_mark(fixture *f, const char *id, int64_t seq)
{
    char sql[200];
    snprintf(sql, sizeof sql, "insert into marks values ('%s', %lld)", id, (long long)seq);
    fake_sink_ask(f->sink, sql);
}

typedef struct logging {
    fixture *f;
    int64_t calls, sizes; /* records a call: 1 to sizes */
    mlplat_durability level[2];
    int64_t accepted;
} logging;

static void log_all(logging *l, bool tell)
{
    mlplat_error err = {0};
    mlp_record r[40];
    for (int64_t i = 0, step = 0; i < l->calls; i++) {
        int64_t n = 1 + i % l->sizes;
        for (int64_t k = 0; k < n; k++)
            r[k] = metric("m", step + k);
        assert_ok(mlp_spool_append(l->f->spool, r, (size_t)n, l->level[i / 7 % 2], &err));
        step += n;
        l->accepted = step;
        if (tell)
            note((event){.what = TOLD, .told = step});
    }
}

static void run_recorded(fixture *f, logging *l)
{
    erase();
    f->sink->hold = true; /* nothing is stored: all of it must come from the files */
    record(true);
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    log_all(l, true);
    record(false);
    f->sink->hold = false;
    fixture_close(f);
    fake_sink_ask(f->sink, "delete from rows");
    fake_sink_ask(f->sink, "delete from marks");
}

/* The disk up to a cut between any two calls; returns how much the callers had been told by then. */
static int64_t cut_anywhere(void)
{
    int64_t told = 0;
    int until = (int)roll((uint64_t)tape.n_events + 1);
    begin_disk();
    for (int i = 0; i < until; i++)
        if (tape.events[i].what == TOLD)
            told = tape.events[i].told;
        else
            play(&tape.events[i]);
    return told;
}

/* Cuts between any two calls, each with many orders of the pages. */
static void cut_everywhere(fixture *f, const logging *l, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        int64_t told = cut_anywhere();
        lay_down_all(f);
        replay_and_check(f, told, 0, l->accepted);
    }
}

static int rounds(int few)
{
    return getenv("MLPLAT_HEAVY") ? few * 100 : few;
}

static void pages_may_come_back_in_any_order(void **state)
{
    fixture *f = *state;
    static const struct {
        int64_t calls, sizes;
    } shapes[] = {{300, 1}, {200, 7}, {120, 40}, {2500, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        logging l = {.f = f, .calls = shapes[i].calls, .sizes = shapes[i].sizes};
        l.level[0] = l.level[1] = MLPLAT_DURABILITY_DISK;
        dice = 88172645463325252u + i;
        run_recorded(f, &l);
        assert_true(tape.n_events > l.calls * 2 && tape.n_events < EVENTS_MOST);
        cut_everywhere(f, &l, rounds(40));
    }
}

/* A segment whose sync failed is given up: what it held goes to another one, and may be in both. */
static int (*real_fdatasync)(int fd);
static int fail_sometimes(int fd)
{
    static int n;
    if (++n % 11 == 0) {
        errno = EIO;
        return -1;
    }
    return real_fdatasync(fd);
}

static void pages_of_segments_given_up_do_no_harm(void **state)
{
    fixture *f = *state;
    logging l = {.f = f, .calls = 60, .sizes = 5};
    l.level[0] = l.level[1] = MLPLAT_DURABILITY_DISK;
    dice = 424242;
    erase();
    f->sink->hold = true;
    record(true);
    real_fdatasync = tape.table.fdatasync;
    tape.table.fdatasync = fail_sometimes;
    fixture_open(f, MLPLAT_DURABILITY_DISK);
    log_all(&l, true);
    record(false);
    f->sink->hold = false;
    fixture_close(f);
    fake_sink_ask(f->sink, "delete from rows");
    fake_sink_ask(f->sink, "delete from marks");
    cut_everywhere(f, &l, rounds(60));
}

static void flip_bit(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* The other side: below the watermark a bit that is not as it was written is damage, told, and costs its record. */
static void a_bit_below_the_watermark_is_damage_after_any_cut(void **state)
{
    fixture *f = *state;
    logging l = {.f = f, .calls = 300, .sizes = 1};
    l.level[0] = l.level[1] = MLPLAT_DURABILITY_DISK;
    dice = 777;
    run_recorded(f, &l);
    for (int round = 0; round < rounds(40); round++) {
        begin_disk();
        for (int i = 0; i < tape.n_events; i++)
            if (tape.events[i].what != TOLD)
                play(&tape.events[i]);
        const char *folder = lay_down_all(f);
        /* all but the last group: that one needs its mark */
        int64_t hit = (int64_t)roll((uint64_t)l.accepted - 2);
        flip_bit(test_path(folder, tape.name[0]), 128 + 96 * hit + 8 + (off_t)roll(80));
        f->log[0] = 0;
        fixture_open(f, MLPLAT_DURABILITY_DISK);
        fixture_close(f);
        assert_true(fixture_logged(f, "damaged"));
        char sql[100];
        snprintf(sql, sizeof sql, "select count(*) from rows where step = %lld", (long long)hit);
        assert_int_equal(fake_sink_ask(f->sink, sql), 0);
        assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows"), l.accepted - 1);
        fake_sink_ask(f->sink, "delete from rows");
        fake_sink_ask(f->sink, "delete from marks");
        mlplat_error err = {0};
        assert_ok(mlp_file_remove_tree(f->spool_folder, &err));
    }
}

/* ---- mark, commit and unlink ------------------------------------------------------------------------------------- */

/* The store is as durable as its last commit: a cut between any two calls may find the segment's files as they were
 * at any earlier moment, unlinked ones too, and the mark that the last commit before it left. */
static void what_the_store_has_is_not_brought_again_whatever_files_come_back(void **state)
{
    fixture *f = *state;
    logging l = {.f = f, .calls = 300, .sizes = 1};
    l.level[0] = l.level[1] = MLPLAT_DURABILITY_DISK;
    dice = 99;
    run_recorded(f, &l);
    char id[33] = "";
    for (int i = 0; i < tape.n_events && !id[0]; i++)
        if (tape.events[i].what == WRITTEN && tape.events[i].at == 0 && memcmp(tape.events[i].bytes, "MLPS", 4) == 0)
            memcpy(id, tape.events[i].bytes + 48, 32);
    assert_int_equal(strlen(id), 32);
    for (int round = 0; round < rounds(60); round++) {
        int64_t told = cut_anywhere();
        int64_t stored = (int64_t)roll((uint64_t)told + 1);
        set_mark(f, id, stored);
        lay_down_all(f);
        replay_and_check(f, told, stored, l.accepted);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(pages_may_come_back_in_any_order),
        TEST(pages_of_segments_given_up_do_no_harm),
        TEST(a_bit_below_the_watermark_is_damage_after_any_cut),
        TEST(what_the_store_has_is_not_brought_again_whatever_files_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

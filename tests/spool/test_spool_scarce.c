/* Memory, room and system calls that fail where segments are packed, dropped and delivered. */
#include "spool/pack.h"
#include "spool/record_kind.h"
#include "spool_calls.h"
#include "support/scarce_memory.h"
#include <dlfcn.h>
#include <zstd.h>

enum { SEGMENT_HOLDS = 2700 };

static int64_t count(fixture *f)
{
    return fake_sink_ask(f->sink, "select count(*) from rows");
}

/* ---- zstd without memory: ours come before the library's --------------------------------------------------------- */

static bool zstd_scarce;

ZSTD_DCtx *ZSTD_createDCtx(void)
{
    ZSTD_DCtx *(*real)(void);
    *(void **)&real = dlsym(RTLD_NEXT, "ZSTD_createDCtx");
    return zstd_scarce ? NULL : real();
}

size_t ZSTD_compressCCtx(ZSTD_CCtx *ctx, void *to, size_t room, const void *from, size_t n, int level)
{
    size_t (*real)(ZSTD_CCtx *, void *, size_t, const void *, size_t, int);
    *(void **)&real = dlsym(RTLD_NEXT, "ZSTD_compressCCtx");
    return real(ctx, to, zstd_scarce ? 0 : room, from, n, level);
}

static unsigned char *some_bytes(size_t n)
{
    unsigned char *base = calloc(1, n);
    mlp_segment_head head = {.lane = MLP_LANE_PROCESS, .salt = 7, .number = 1, .first_seq = 1, .capacity = n};
    mlp_frame_head_put(base, &head);
    for (size_t i = MLP_SEGMENT_HEAD; i < n; i++)
        base[i] = (unsigned char)(i % 251);
    return base;
}

static void packing_without_memory_says_so(void **state)
{
    mlp_buf out = {0};
    mlplat_error err = {0};
    unsigned char *base = some_bytes(MLP_SEGMENT_BYTES);
    (void)state;
    zstd_scarce = true;
    mlplat_status status = mlp_pack_bytes(base, MLP_SEGMENT_BYTES, &out, &err);
    zstd_scarce = false;
    assert_int_equal(status, MLPLAT_NO_MEMORY);
    mlp_buf_free(&out);
    free(base);
}

static void unpacking_without_memory_gives_nothing_back(void **state)
{
    mlp_buf packed = {0};
    mlplat_error err = {0};
    unsigned char *base = some_bytes(MLP_SEGMENT_BYTES), *back = base;
    size_t size;
    (void)state;
    assert_ok(mlp_pack_bytes(base, MLP_SEGMENT_BYTES, &packed, &err));
    const unsigned char *bytes = (const unsigned char *)packed.data;
    zstd_scarce = true;
    mlplat_status status = mlp_pack_open(bytes, packed.size, 0, &back, &size, &err);
    zstd_scarce = false;
    assert_int_equal(status, MLPLAT_NO_MEMORY);
    assert_null(back);
    scarce_memory_begin(0);
    err = (mlplat_error){0};
    status = mlp_pack_open(bytes, packed.size, 0, &back, &size, &err);
    assert_true(scarce_memory_end());
    assert_int_equal(status, MLPLAT_NO_MEMORY);
    assert_null(back);
    assert_ok(mlp_pack_open(bytes, packed.size, 0, &back, &size, &err));
    assert_int_equal(size, MLP_SEGMENT_BYTES);
    assert_memory_equal(back, base, size);
    free(back);
    mlp_buf_free(&packed);
    free(base);
}

/* ---- a segment's file -------------------------------------------------------------------------------------------- */

static int put_file(fixture *f, const unsigned char *bytes, size_t n)
{
    char name[40];
    int folder = open(f->folder, O_RDONLY | O_DIRECTORY);
    mlp_segment_name(1, false, name);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    return folder;
}

static void only_plain(fixture *f, const unsigned char *bytes, size_t n, int folder)
{
    unsigned char *back;
    char name[40];
    size_t size;
    mlplat_error err = {0};
    mlp_segment_name(1, false, name);
    assert_int_equal(entries(f->folder, ".mlz", NULL), 0);
    assert_ok(mlp_segment_read(folder, name, 0, &back, &size, &err));
    assert_int_equal(size, n);
    assert_memory_equal(back, bytes, n);
    free(back);
}

static void a_disk_that_fails_while_packing_leaves_a_whole_segment(void **state)
{
    fixture *f = *state;
    size_t disk;
    mlplat_error err = {0};
    unsigned char *bytes = some_bytes(MLP_SEGMENT_BYTES);
    int folder = put_file(f, bytes, MLP_SEGMENT_BYTES);
    plan_calls(ON_FSYNC, NULL, 1, EIO); /* the packed file */
    assert_status(mlp_segment_pack(folder, 1, MLP_SEGMENT_BYTES, true, &disk, &err), MLPLAT_IO);
    assert_int_equal(plan.met, 1);
    assert_non_null(strstr(err.message, "cannot be brought to the disk"));
    only_plain(f, bytes, MLP_SEGMENT_BYTES, folder);
    plan_calls(ON_FSYNC, NULL, 2, EIO); /* the folder: which of the two names is on the disk is not known */
    assert_ok(mlp_segment_pack(folder, 1, MLP_SEGMENT_BYTES, true, &disk, &err));
    assert_int_equal(plan.met, 2);
    assert_int_equal(entries(f->folder, ".mlz", NULL), 1);
    assert_int_equal(entries(f->folder, ".mls", NULL), 1);
    plan_none();
    assert_ok(mlp_segment_pack(folder, 1, MLP_SEGMENT_BYTES, true, &disk, &err));
    assert_true(disk < MLP_SEGMENT_BYTES / 2);
    assert_int_equal(entries(f->folder, ".mlz", NULL), 1);
    assert_int_equal(entries(f->folder, ".mls", NULL), 0);
    close(folder);
    free(bytes);
}

static void a_segment_that_was_cut_or_does_not_shrink_stays_as_it_is(void **state)
{
    fixture *f = *state;
    enum { N = 100000 };
    size_t disk;
    mlplat_error err = {0};
    unsigned char *bytes = malloc(N);
    uint64_t noise = 88172645463325252u;
    for (size_t i = 0; i < N; i++) {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        bytes[i] = (unsigned char)(noise >> 32);
    }
    int folder = put_file(f, bytes, N);
    assert_status(mlp_segment_pack(folder, 1, N + 1, false, &disk, &err), MLPLAT_CORRUPT);
    assert_non_null(strstr(err.message, "was cut"));
    only_plain(f, bytes, N, folder);
    assert_status(mlp_segment_pack(folder, 1, N, false, &disk, &err), MLPLAT_STATE);
    assert_non_null(strstr(err.message, "does not become smaller"));
    only_plain(f, bytes, N, folder);
    close(folder);
    free(bytes);
}

static void a_kind_of_record_that_nobody_knows_is_none(void **state)
{
    (void)state;
    mlp_record_kind kind;
    for (int i = 1; i <= MLP_RECORD_LAST; i++) {
        assert_true(mlp_record_kind_of(mlp_record_kind_name((mlp_record_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(mlp_record_kind_of("metrics", &kind));
    assert_false(mlp_record_kind_of("", &kind));
}

/* ---- delivery ---------------------------------------------------------------------------------------------------- */

/* The sink has the first record and keeps it: the first segment is held, those behind it are not. */
static void open_held(fixture *f, uint64_t quota, const mlp_hook *hook)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, MLPLAT_DURABILITY_PROCESS);
    mlp_sink table = fake_sink_table(f->sink);
    f->sink->hold = true;
    o.quota = quota;
    o.full = MLP_FULL_DROP_OLDEST;
    o.hook = hook;
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
    put_many(f->spool, "m", 0, 1, MLPLAT_DURABILITY_DEFAULT);
    wait_until(f->sink->calls > 0);
}

static void delivery_waits_for_a_segment_that_is_being_packed(void **state)
{
    fixture *f = *state;
    mlplat_error err = {0};
    open_held(f, 0, NULL);
    put_many(f->spool, "m", 1, 3 * SEGMENT_HOLDS, MLPLAT_DURABILITY_DEFAULT);
    pthread_mutex_lock(&f->spool->lock);
    mlp_segment *second = f->spool->lane[MLP_LANE_PROCESS].head->next;
    int64_t first = (int64_t)second->first_seq;
    bool busy = second->held || second->packing;
    second->packing = true;
    pthread_mutex_unlock(&f->spool->lock);
    f->sink->hold = false;
    mlplat_status status = mlp_spool_drain(f->spool, 500, NULL, &err);
    int64_t stored = count(f);
    pthread_mutex_lock(&f->spool->lock);
    second->packing = false;
    pthread_cond_broadcast(&f->spool->progress);
    pthread_mutex_unlock(&f->spool->lock);
    assert_false(busy);
    assert_int_equal(status, MLPLAT_TIMEOUT);
    assert_true(stored < first);
    drain(f);
    assert_int_equal(count(f), 3 * SEGMENT_HOLDS);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
}

static int spares(const fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    int n = f->spool->lane[MLP_LANE_PROCESS].n_spare;
    pthread_mutex_unlock(&f->spool->lock);
    return n;
}

static void prepare(void *user)
{
    mlp_lane_prepare(user);
}

/* Two threads keep room for a server: the one that delivers gives back what the other made meanwhile. */
static void a_spare_for_which_there_is_no_place_any_more_goes(void **state)
{
    enum { FEW = 400 };
    fixture *f = *state;
    char journal[800];
    open_held(f, 0, NULL);
    put_many(f->spool, "m", 1, FEW, MLPLAT_DURABILITY_DEFAULT);
    snprintf(journal, sizeof journal, "%s/%s", f->spool_folder, f->spool->home.name);
    pthread_mutex_lock(&f->spool->lock);
    f->spool->lane[MLP_LANE_PROCESS].ahead = MLP_SPOOL_SPARES;
    uint64_t before = f->spool->quota.bytes;
    pthread_mutex_unlock(&f->spool->lock);
    int files = entries(journal, ".mls", NULL);
    plan_hook(ON_OPEN, ".mls", prepare, f->spool);
    mlp_lane_prepare(f->spool);
    plan_none();
    int made = spares(f), more = entries(journal, ".mls", NULL) - files;
    uint64_t taken = f->spool->quota.bytes - before;
    f->sink->hold = false;
    drain(f);
    assert_int_equal(made, MLP_SPOOL_SPARES);
    assert_int_equal(more, MLP_SPOOL_SPARES);
    assert_int_equal(taken, MLP_SPOOL_SPARES * MLP_SEGMENT_BYTES);
    assert_int_equal(count(f), FEW);
}

/* ---- quota ------------------------------------------------------------------------------------------------------- */

static int64_t dropped_of(fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    int64_t n = (int64_t)f->spool->quota.dropped;
    pthread_mutex_unlock(&f->spool->lock);
    return n;
}

static int let_sink_go(void *user, uint64_t done, uint64_t total)
{
    fixture *f = user;
    (void)done, (void)total;
    f->sink->hold = false;
    return 0;
}

static void what_is_being_delivered_is_waited_for_and_not_dropped(void **state)
{
    fixture *f = *state;
    mlp_hook hook = {let_sink_go, f};
    open_held(f, 2 * MLP_SEGMENT_BYTES, &hook); /* one that is held, one that is filled */
    for (int64_t n = 1; f->sink->hold; n++)
        put_many(f->spool, "m", n, n + 1, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(dropped_of(f), 0);
    drain(f);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where step != n - 1"), 0);
    assert_true(count(f) > SEGMENT_HOLDS);
}

typedef struct remote_call {
    fixture *f;
    mlplat_status status;
    mlplat_error err;
} remote_call;

static void *call_remote(void *arg)
{
    remote_call *c = arg;
    c->status = put(c->f->spool, "remote", 0, MLPLAT_DURABILITY_REMOTE, &c->err);
    return NULL;
}

static bool somebody_waits(fixture *f)
{
    pthread_mutex_lock(&f->spool->lock);
    bool waits = f->spool->waits != NULL;
    pthread_mutex_unlock(&f->spool->lock);
    return waits;
}

static void who_waits_for_a_record_that_is_dropped_is_told(void **state)
{
    fixture *f = *state;
    remote_call call = {.f = f};
    pthread_t thread;
    enum { BEFORE = 2 * SEGMENT_HOLDS, ALL = 12 * SEGMENT_HOLDS };
    open_held(f, 4 * MLP_SEGMENT_BYTES, NULL);
    put_many(f->spool, "m", 1, BEFORE, MLPLAT_DURABILITY_DEFAULT);
    assert_int_equal(pthread_create(&thread, NULL, call_remote, &call), 0);
    wait_until(somebody_waits(f));
    put_many(f->spool, "m", BEFORE, ALL, MLPLAT_DURABILITY_DEFAULT);
    int64_t dropped = dropped_of(f);
    f->sink->hold = false;
    pthread_join(thread, NULL);
    assert_true(dropped > BEFORE);
    assert_int_equal(call.status, MLPLAT_NO_SPACE);
    assert_non_null(strstr(call.err.message, "dropped, as the spool was full"));
    assert_null(strstr(call.err.message, "refused by the store"));
    drain(f);
    assert_int_equal(fake_sink_ask(f->sink, "select count(*) from rows where key = 'remote'"), 0);
    assert_int_equal(count(f), ALL + 1 - dropped);
}

static void what_was_dropped_does_not_come_back_if_its_file_cannot_go(void **state)
{
    fixture *f = *state;
    enum { ALL = 12 * SEGMENT_HOLDS };
    open_held(f, 4 * MLP_SEGMENT_BYTES, NULL);
    plan_calls(ON_UNLINK, ".mls", EACH, EACCES);
    put_many(f->spool, "m", 1, ALL, MLPLAT_DURABILITY_DEFAULT);
    int64_t dropped = dropped_of(f);
    assert_true(dropped > 0 && plan.met > 0);
    plan_none();
    f->sink->hold = false;
    drain(f);
    assert_int_equal(count(f), ALL - dropped);
    fixture_close(f);
    assert_true(entries(f->spool_folder, "", NULL) > 0);
    fixture_open(f, MLPLAT_DURABILITY_PROCESS);
    drain(f);
    assert_int_equal(count(f), ALL - dropped);
    fixture_close(f);
    assert_int_equal(entries(f->spool_folder, "", NULL), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(packing_without_memory_says_so),
        TEST(unpacking_without_memory_gives_nothing_back),
        TEST(a_disk_that_fails_while_packing_leaves_a_whole_segment),
        TEST(a_segment_that_was_cut_or_does_not_shrink_stays_as_it_is),
        TEST(a_kind_of_record_that_nobody_knows_is_none),
        TEST(delivery_waits_for_a_segment_that_is_being_packed),
        TEST(a_spare_for_which_there_is_no_place_any_more_goes),
        TEST(what_is_being_delivered_is_waited_for_and_not_dropped),
        TEST(who_waits_for_a_record_that_is_dropped_is_told),
        TEST(what_was_dropped_does_not_come_back_if_its_file_cannot_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

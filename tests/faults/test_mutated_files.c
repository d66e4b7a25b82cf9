/*
 * Files that are not as we wrote them: databases and journals with flipped bits, cut, with pages doubled, zeroed and
 * swapped, and with boundary values in their heads. Opened, read, logged to, synced and checked through the public
 * functions, each gives an error or an answer: never a crash, a hang, or memory without bound.
 *
 * Each file is one child process, so that nothing of one touches the next. MLPLAT_MUTATIONS: how many of each kind
 * (120; 10,000 with MLPLAT_HEAVY=1), MLPLAT_SEED: which.
 */
#include "base/file.h"
#include "support/support.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#define SECONDS_MOST 60
#define KIB_MOST     (256 << 10) /* resident */

static uint64_t dice;

static uint64_t roll(uint64_t n)
{
    return test_roll(&dice, n);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

typedef struct bytes {
    unsigned char *data;
    size_t n;
} bytes;

static bytes read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd != -1 && fstat(fd, &st) == 0);
    bytes b = {.data = malloc((size_t)st.st_size + 1), .n = (size_t)st.st_size};
    assert_int_equal(read(fd, b.data, b.n), b.n);
    close(fd);
    return b;
}

static void write_file(const char *path, const bytes *b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd != -1 && write(fd, b->data, b->n) == (ssize_t)b->n);
    close(fd);
}

static const uint64_t edges[] = {0,          1,          2,          0x7f,       0x80,        0xff,
                                 0x7fff,     0x8000,     0xffff,     0x7fffffff, 0x80000000u, 0xffffffffu,
                                 0xfffffff8, 0x7ffffff8, 1u << 30,   (1u << 30) + 8};

static void mutate_head(bytes *b, size_t head)
{
    static const size_t widths[] = {1, 2, 4, 8};
    if (head < 8)
        return;
    size_t width = widths[roll(4)], at = roll(head / width) * width;
    uint64_t value = roll(8) ? edges[roll(sizeof edges / sizeof edges[0])] : UINT64_MAX - roll(16);
    for (size_t i = 0; i < width && at + i < b->n; i++)
        b->data[at + i] = (unsigned char)(roll(2) ? value >> 8 * i : value >> 8 * (width - 1 - i));
}

static void mutate_page(bytes *b, size_t page)
{
    size_t pages = b->n / page, from = roll(pages) * page, to = roll(pages) * page;
    unsigned char keep[4096];
    if (roll(3) == 0)
        memset(b->data + to, roll(2) ? 0 : 0xff, page);
    else {
        memcpy(keep, b->data + to, page);
        memcpy(b->data + to, b->data + from, page);
        if (roll(2))
            memcpy(b->data + from, keep, page);
    }
}

/* head: bytes whose fields are worth boundary values; used: where anything is. */
static void mutate(bytes *b, size_t head, size_t used)
{
    size_t page = roll(2) ? 512 : 4096;
    for (uint64_t left = 1 + roll(4); left > 0 && b->n > 0; left--)
        switch (roll(6)) {
        case 0:
        case 1:
            for (uint64_t i = 0, bits = 1 + roll(8); i < bits; i++)
                b->data[roll(used < b->n ? used : b->n)] ^= (unsigned char)(1u << roll(8));
            break;
        case 2:
            b->n = roll(4) ? roll(b->n + 1) : (size_t)roll(200) % (b->n + 1);
            break;
        case 3:
            if (b->n >= page)
                mutate_page(b, page);
            break;
        default:
            mutate_head(b, head < b->n ? head : b->n);
        }
}

/* ---- what every program may do with them ------------------------------------------------------------------------- */

static void look(mlplat *ml, mlplat_error *err)
{
    mlplat_doc *doc = NULL;
    if (mlplat_run_search(ml, NULL, &doc, err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    doc = NULL;
    if (mlplat_experiment_search(ml, NULL, &doc, err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    doc = NULL;
    if (mlplat_spool_status(ml, &doc, err) == MLPLAT_OK)
        mlplat_doc_free(doc);
}

static void log_some(mlplat *ml, mlplat_error *err)
{
    mlplat_run *run = NULL;
    if (mlplat_run_start(ml, NULL, &run, err) != MLPLAT_OK)
        return;
    for (int64_t i = 0; i < 20; i++)
        if (mlplat_run_log_metric(run, "loss", 0.5, i, err) != MLPLAT_OK)
            break;
    mlplat_run_set_tag(run, "a", "b", err);
    mlplat_run_end(run, NULL, err);
    mlplat_run_free(run);
}

/* Every status must be one of ours with a word: a child that returns has passed. */
static int use(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    if (test_try_open(folder, &ml, &err) != MLPLAT_OK)
        return 3;
    mlplat_doc *doc = NULL;
    if (mlplat_spool_inspect(ml, NULL, NULL, 0, &doc, &err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    doc = NULL;
    if (mlplat_spool_drop(ml, "waiting", "0", 0, &doc, &err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    doc = NULL;
    if (mlplat_spool_sync(ml, &doc, &err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    look(ml, &err);
    log_some(ml, &err);
    doc = NULL;
    if (mlplat_store_check(ml, NULL, &doc, &err) == MLPLAT_OK)
        mlplat_doc_free(doc);
    mlplat_close(ml);
    return 0;
}

static void use_in_a_child(const char *folder, const char *what, long number, uint64_t seed)
{
    int how;
    struct rusage usage;
    pid_t pid = fork();
    if (pid == 0) {
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
        for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
            signal(fatal[i], SIG_DFL); /* cmocka's own would go on with the next test */
        alarm(SECONDS_MOST);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        _exit(use(folder));
    }
    assert_int_equal(wait4(pid, &how, 0, &usage), pid);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        fail_msg("%s %ld (seed %llu): ended with status %x", what, number, (unsigned long long)seed, (unsigned)how);
#ifndef __SANITIZE_ADDRESS__
    if (usage.ru_maxrss > KIB_MOST)
        fail_msg("%s %ld (seed %llu): took %ld KiB", what, number, (unsigned long long)seed, usage.ru_maxrss);
#endif
}

static long mutations(void)
{
    const char *n = getenv("MLPLAT_MUTATIONS"), *heavy = getenv("MLPLAT_HEAVY");
#ifdef __SANITIZE_ADDRESS__
    return n ? atol(n) : heavy ? 1000 : 20;
#else
    return n ? atol(n) : heavy ? 10000 : 120;
#endif
}

static uint64_t seed_of(long i)
{
    const char *seed = getenv("MLPLAT_SEED");
    return 0x9e3779b97f4a7c15u * (uint64_t)(i + 1 + (seed ? atol(seed) : 0) * 1000000);
}

/* ---- what there is to mutate ------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    *state = test_folder_make();
    return 0;
}

static int teardown(void **state)
{
    test_folder_remove(*state);
    return 0;
}

/* A store with some of everything, closed or with its writer killed. */
static void make_store(const char *folder, bool killed)
{
    pid_t pid = fork();
    if (pid == 0) {
        mlplat_error err = {0};
        mlplat_run *run = NULL;
        setenv("MLPLAT_DURABILITY", "process", 1);
        mlplat *ml = test_open(folder);
        for (int r = 0; r < 3; r++) {
            if (mlplat_run_start(ml, NULL, &run, &err) != MLPLAT_OK)
                _exit(1);
            mlplat_run_log_param(run, "depth", "6", &err);
            for (int64_t i = 0; i < 200; i++)
                mlplat_run_log_metric(run, i % 2 ? "loss" : "accuracy", (double)i, i, &err);
            mlplat_run_set_tag(run, "kind", "test", &err);
            mlplat_run_end(run, NULL, &err);
            mlplat_run_free(run);
        }
        if (killed)
            kill(getpid(), SIGKILL);
        mlplat_close(ml);
        _exit(0);
    }
    int how;
    waitpid(pid, &how, 0);
    assert_true(killed ? WIFSIGNALED(how) : WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void empty(const char *folder)
{
    mlplat_error err = {0};
    assert_ok(mlp_file_remove_tree(folder, &err));
    assert_int_equal(mkdir(folder, 0700), 0);
}

/* The database alone, and with the write-ahead log of a killed program. */
static void a_mutated_database_gives_an_error_or_an_answer(void **state)
{
    const char *folder = *state;
    char here[1000];
    snprintf(here, sizeof here, "%s/used", folder);
    make_store(folder, false);
    bytes db = read_file(test_path(folder, "mlflow.db"));
    empty(folder);
    make_store(folder, true);
    bytes old = read_file(test_path(folder, "mlflow.db")), wal = read_file(test_path(folder, "mlflow.db-wal"));
    for (long i = 0; i < mutations(); i++) {
        dice = seed_of(i);
        bool with_wal = i % 4 == 3, hit_wal = with_wal && roll(4);
        bytes whole = with_wal ? old : db, copy = {.data = malloc(whole.n + 1), .n = whole.n};
        bytes log = {.data = malloc(wal.n + 1), .n = wal.n};
        memcpy(copy.data, whole.data, whole.n);
        memcpy(log.data, wal.data, wal.n);
        if (hit_wal)
            mutate(&log, 56, log.n);
        else
            mutate(&copy, roll(2) ? 108 : 8192, copy.n);
        mkdir(here, 0700);
        empty(here);
        write_file(test_path(here, "mlflow.db"), &copy);
        if (with_wal)
            write_file(test_path(here, "mlflow.db-wal"), &log);
        use_in_a_child(here, "database", i, dice);
        free(copy.data);
        free(log.data);
    }
    free(db.data);
    free(old.data);
    free(wal.data);
}

/* ---- journals ---------------------------------------------------------------------------------------------------- */

/* A program that is killed right behind its last call: most of what it logged is in its journal alone. */
static void make_journal(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        mlplat_error err = {0};
        mlplat_run *run = NULL;
        mlplat *ml = test_open(folder);
        mlplat_run_options about = MLPLAT_RUN_OPTIONS_INIT;
        if (mlplat_run_start(ml, &about, &run, &err) != MLPLAT_OK)
            _exit(1);
        for (int64_t i = 0; i < 6000; i++)
            if (mlplat_run_log_metric(run, "loss", (double)i, i, &err) != MLPLAT_OK ||
                (i % 50 == 0 && mlplat_run_set_tag(run, "kind", "test", &err) != MLPLAT_OK))
                _exit(1);
        kill(getpid(), SIGKILL);
    }
    int how;
    waitpid(pid, &how, 0);
    assert_true(WIFSIGNALED(how));
}

typedef struct journal {
    char place[300], name[8][300];
    bytes file[8];
    size_t n;
} journal;

static void read_journal(const char *folder, journal *j)
{
    const char *spool = test_path(folder, "mlflow.db.spool");
    DIR *dir = opendir(spool);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            snprintf(j->place, sizeof j->place, "%.299s", e->d_name);
    closedir(dir);
    const char *home = test_path(spool, j->place);
    assert_non_null(dir = opendir(home));
    for (struct dirent *e; (e = readdir(dir)) && j->n < 8;)
        if (strstr(e->d_name, ".mls")) {
            snprintf(j->name[j->n], sizeof j->name[0], "%.299s", e->d_name);
            j->file[j->n] = read_file(test_path(home, e->d_name));
            j->n++;
        }
    closedir(dir);
}

static void lay_down(const char *here, const bytes *db, const bytes *wal, const journal *j, size_t hit)
{
    mkdir(here, 0700);
    empty(here);
    write_file(test_path(here, "mlflow.db"), db);
    write_file(test_path(here, "mlflow.db-wal"), wal);
    const char *spool = test_path(here, "mlflow.db.spool"), *home = test_path(spool, "left-1-1-1-abcdef01");
    mkdir(spool, 0700);
    mkdir(home, 0700);
    for (size_t i = 0; i < j->n; i++) {
        bytes copy = {.data = malloc(j->file[i].n + 1), .n = j->file[i].n};
        memcpy(copy.data, j->file[i].data, copy.n);
        if (i == hit || roll(6) == 0)
            mutate(&copy, roll(2) ? 128 : 1024, 200 * 1024);
        write_file(test_path(home, j->name[i]), &copy);
        free(copy.data);
    }
}

static void a_mutated_journal_gives_an_error_or_an_answer(void **state)
{
    const char *folder = *state;
    char here[1000];
    journal j = {0};
    snprintf(here, sizeof here, "%s/used", folder);
    make_journal(folder);
    read_journal(folder, &j);
    assert_true(j.n >= 1);
    bytes db = read_file(test_path(folder, "mlflow.db")), wal = read_file(test_path(folder, "mlflow.db-wal"));
    for (long i = 0; i < mutations(); i++) {
        dice = seed_of(i);
        lay_down(here, &db, &wal, &j, roll(j.n));
        use_in_a_child(here, "journal", i, dice);
    }
    for (size_t i = 0; i < j.n; i++)
        free(j.file[i].data);
    free(db.data);
    free(wal.data);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_mutated_database_gives_an_error_or_an_answer),
        TEST(a_mutated_journal_gives_an_error_or_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

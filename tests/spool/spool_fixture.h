/* A spool with a fake sink in a folder of its own. */
#ifndef SPOOL_FIXTURE_H
#define SPOOL_FIXTURE_H
#include "base/clock.h"
#include "base/os.h"
#include "spool/spool_inside.h"
#include "support/fake_sink.h"
#include "support/support.h"
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct fixture {
    char *folder;
    char store[600], spool_folder[620];
    fake_sink *sink;
    mlp_spool *spool;
    char log[4000]; /* all lines of the log */
    pthread_mutex_t log_lock;
    mlp_logger logger;
} fixture;

#define RUN "0123456789abcdef0123456789abcdef"

static inline void fixture_log(void *user, mlplat_log_level level, const char *line)
{
    fixture *f = user;
    (void)level;
    pthread_mutex_lock(&f->log_lock);
    size_t n = strlen(f->log);
    snprintf(f->log + n, sizeof f->log - n, "%s\n", line);
    pthread_mutex_unlock(&f->log_lock);
}

static inline bool fixture_logged(fixture *f, const char *words)
{
    pthread_mutex_lock(&f->log_lock);
    bool found = strstr(f->log, words) != NULL;
    pthread_mutex_unlock(&f->log_lock);
    return found;
}

static inline int fixture_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    snprintf(f->store, sizeof f->store, "%s/store.db", f->folder);
    snprintf(f->spool_folder, sizeof f->spool_folder, "%s.spool", f->store);
    pthread_mutex_init(&f->log_lock, NULL);
    f->logger = (mlp_logger){fixture_log, f};
    f->sink = fake_sink_open(f->store);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    mlp_os_replace(NULL);
    mlp_spool_close(f->spool, NULL);
    fake_sink_close(f->sink);
    test_folder_remove(f->folder);
    pthread_mutex_destroy(&f->log_lock);
    free(f);
    return 0;
}

static inline mlp_spool_options fixture_options(fixture *f, mlplat_durability level)
{
    return (mlp_spool_options){.folder = f->spool_folder, .store = f->store, .durability = level, .log = &f->logger};
}

static inline void fixture_open(fixture *f, mlplat_durability level)
{
    mlplat_error err = {0};
    mlp_spool_options o = fixture_options(f, level);
    mlp_sink table = fake_sink_table(f->sink);
    assert_ok(mlp_spool_open(&o, &table, &f->sink->spool, &err));
    f->spool = f->sink->spool;
}

static inline void fixture_close(fixture *f)
{
    mlp_spool_close(f->spool, NULL);
    f->spool = NULL;
}

static inline mlp_record metric(const char *key, int64_t step)
{
    return (mlp_record){.kind = MLP_RECORD_METRIC,
                        .run_id = RUN,
                        .run_id_n = 32,
                        .key = key,
                        .key_n = strlen(key),
                        .text = "",
                        .value = (double)step * 0.5,
                        .step = step,
                        .timestamp_ms = 1700000000000 + step % 1000000};
}

static inline mlplat_status put(mlp_spool *spool, const char *key, int64_t step, mlplat_durability level,
                                mlplat_error *err)
{
    mlp_record r = metric(key, step);
    return mlp_spool_append(spool, &r, 1, level, err);
}

static inline void put_many(mlp_spool *spool, const char *key, int64_t from, int64_t to, mlplat_durability level)
{
    mlplat_error err = {0};
    for (int64_t i = from; i < to; i++)
        assert_ok(put(spool, key, i, level, &err));
}

static inline void drain(fixture *f)
{
    mlplat_error err = {0};
    assert_ok(mlp_spool_drain(f->spool, 60000, NULL, &err));
}

#define wait_until(condition)                                                                                          \
    do {                                                                                                               \
        int64_t wait_end = mlp_clock_mono_ns() + 60000000000;                                                          \
        while (!(condition)) {                                                                                         \
            if (mlp_clock_mono_ns() > wait_end)                                                                        \
                fail_msg("%s did not come true", #condition);                                                          \
            mlp_clock_sleep_ms(1);                                                                                     \
        }                                                                                                              \
    } while (0)

/* Names in a folder, "." and ".." not counted; -1: no such folder. The last journal-like one goes to `name`. */
static inline int entries(const char *path, const char *holding, char name[300])
{
    DIR *dir = opendir(path);
    int n = 0;
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' && strstr(e->d_name, holding)) {
            n++;
            if (name)
                snprintf(name, 300, "%s", e->d_name);
        }
    closedir(dir);
    return n;
}

/* A child that logs [from, from + n) and is killed with all of it in its journal and nothing of it stored. */
static inline void make_orphan(fixture *f, int64_t from, int64_t n, mlplat_durability level)
{
    _Atomic int64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fake_sink_close(f->sink); /* SQLite must not be open across fork */
    f->sink = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        fake_sink *sink = fake_sink_open(f->store);
        mlp_sink table = fake_sink_table(sink);
        mlp_spool_options o = fixture_options(f, level);
        mlp_spool *spool;
        mlplat_error err = {0};
        sink->hold = true;
        if (mlp_spool_open(&o, &table, &spool, &err) != MLPLAT_OK)
            _exit(1);
        for (int64_t i = from; i < from + n; i++)
            if (put(spool, "m", i, level, &err) != MLPLAT_OK)
                _exit(1);
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

#endif

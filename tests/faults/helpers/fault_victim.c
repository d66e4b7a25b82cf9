/*
 * Logs until it is killed, and tells in a mapped file what it was promised, so that a kill -9 at any instruction leaves
 * the truth: a count goes up only after its call returned.
 *
 *     fault_victim TOLD RUNS CHILDREN
 *
 * TOLD: a file of 64 slots for runs, see `slot`. RUNS: after so many points the run is ended, the session closed and
 * another one opened; 0: never. CHILDREN: so many forked children keep the inherited descriptors and wait; the last of
 * them runs this program anew instead, with what an exec leaves it, and logs as well.
 *
 * Environment: as for every program; MLPLAT_DURABILITY gives the level.
 */
#include <mlplat.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SLOTS = 64, SPAN = 5 };

/* 64 bytes, read by the tests. */
struct slot {
    char run[32];
    _Atomic long long points; /* metric "loss": steps 0 to points - 1 were accepted one by one, value step * 0.5 */
    _Atomic long long spans;  /* metric "span": so many calls with SPAN steps each */
    _Atomic long long tags;   /* tag "at": the last number */
    _Atomic long long ended;  /* the run's end was taken */
};

static struct slot *slots;
static _Atomic int *used;
static int *children;

static void give_up(const char *what, const mlplat_error *err)
{
    fprintf(stderr, "fault_victim: %s: %s\n", what, err->message);
    _exit(1);
}

static void log_some(mlplat *ml, mlplat_run *run, struct slot *s, long long n)
{
    mlplat_error err = {0};
    for (long long step = s->points; n == 0 || step < n; step++) {
        if (mlplat_run_log_metric(run, "loss", (double)step * 0.5, step, &err) != MLPLAT_OK)
            give_up("log_metric", &err);
        s->points = step + 1;
        if (step % 16 == 7) {
            int64_t steps[SPAN];
            double values[SPAN];
            for (int i = 0; i < SPAN; i++)
                values[i] = (double)(steps[i] = s->spans * SPAN + i) * 0.25;
            if (mlplat_run_log_metrics(run, "span", steps, NULL, values, SPAN, &err) != MLPLAT_OK)
                give_up("log_metrics", &err);
            s->spans++;
        }
        if (step % 64 == 33) {
            char text[24];
            snprintf(text, sizeof text, "%lld", (long long)s->tags + 1);
            if (mlplat_run_set_tag(run, "at", text, &err) != MLPLAT_OK)
                give_up("set_tag", &err);
            s->tags++;
        }
        if (step % 4096 == 2048 && mlplat_flush(ml, -1, &err) != MLPLAT_OK)
            give_up("flush", &err);
    }
}

static void one_run(long long points)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = {0};
    int at = atomic_fetch_add(used, 1);
    if (at >= SLOTS)
        for (;;)
            pause();
    if (mlplat_open(NULL, &ml, &err) != MLPLAT_OK || mlplat_run_start(ml, NULL, &run, &err) != MLPLAT_OK)
        give_up("start", &err);
    memcpy(slots[at].run, mlplat_run_id(run), sizeof slots[at].run);
    log_some(ml, run, &slots[at], points);
    if (mlplat_run_end(run, NULL, &err) != MLPLAT_OK)
        give_up("end", &err);
    slots[at].ended = 1;
    mlplat_run_free(run);
    mlplat_close(ml);
}

/* While the parent's session is at work: they have its descriptors, and none of its locks. */
static void fork_children(int n, char **argv)
{
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid != 0) {
            children[i] = (int)pid;
            continue;
        }
        if (i == n - 1)
            execl("/proc/self/exe", argv[0], argv[1], argv[2], "0", (char *)NULL);
        for (;;)
            pause();
    }
}

static void with_children(int n, char **argv)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = {0};
    int at = atomic_fetch_add(used, 1);
    if (mlplat_open(NULL, &ml, &err) != MLPLAT_OK || mlplat_run_start(ml, NULL, &run, &err) != MLPLAT_OK)
        give_up("start", &err);
    memcpy(slots[at].run, mlplat_run_id(run), sizeof slots[at].run);
    if (mlplat_run_log_metric(run, "loss", 0, 0, &err) != MLPLAT_OK)
        give_up("log_metric", &err);
    slots[at].points = 1;
    fork_children(n, argv);
    log_some(ml, run, &slots[at], 0);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    size_t size = SLOTS * sizeof *slots + 4096;
    if (fd == -1 || ftruncate(fd, (off_t)size) == -1)
        return 2;
    unsigned char *told = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (told == MAP_FAILED)
        return 2;
    slots = (struct slot *)(void *)(told + 4096);
    used = (_Atomic int *)(void *)told;
    children = (int *)(void *)(told + 8);
    if (atoi(argv[3]) > 0)
        with_children(atoi(argv[3]), argv);
    for (;;)
        one_run(atoll(argv[2]));
}

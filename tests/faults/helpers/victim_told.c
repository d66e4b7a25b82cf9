#include "victim_told.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD = 4096 };

struct victim_told *victim_told_map(const char *path)
{
    size_t size = VICTIM_SLOTS * sizeof(struct victim_slot) + HEAD;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1 || ftruncate(fd, (off_t)size) == -1)
        return NULL;
    void *told = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return told == MAP_FAILED ? NULL : told;
}

struct victim_slot *victim_told_slot(struct victim_told *told)
{
    int at = atomic_fetch_add(&told->used, 1);
    while (at >= VICTIM_SLOTS)
        pause();
    return (struct victim_slot *)(void *)((unsigned char *)told + HEAD) + at;
}

void victim_give_up(const char *what, const mlplat_error *err)
{
    fprintf(stderr, "victim: %s: %s\n", what, err->message);
    _exit(1);
}

mlplat_run *victim_start(mlplat *ml, struct victim_slot *slot)
{
    mlplat_run *run = NULL;
    mlplat_error err = {0};
    if (mlplat_run_start(ml, NULL, &run, &err) != MLPLAT_OK)
        victim_give_up("start", &err);
    memcpy(slot->run, mlplat_run_id(run), sizeof slot->run);
    return run;
}

static void log_span(mlplat_run *run, struct victim_slot *s)
{
    mlplat_error err = {0};
    int64_t steps[VICTIM_SPAN];
    double values[VICTIM_SPAN];
    for (int i = 0; i < VICTIM_SPAN; i++)
        values[i] = (double)(steps[i] = s->spans * VICTIM_SPAN + i) * 0.25;
    if (mlplat_run_log_metrics(run, "span", steps, NULL, values, VICTIM_SPAN, &err) != MLPLAT_OK)
        victim_give_up("log_metrics", &err);
    s->spans++;
}

static void set_tag(mlplat_run *run, struct victim_slot *s)
{
    mlplat_error err = {0};
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)s->tags + 1);
    if (mlplat_run_set_tag(run, "at", text, &err) != MLPLAT_OK)
        victim_give_up("set_tag", &err);
    s->tags++;
}

void victim_log(mlplat *ml, mlplat_run *run, struct victim_slot *s, long long n)
{
    mlplat_error err = {0};
    const char *pause_us = getenv("VICTIM_PAUSE_US");
    for (long long step = s->points; n == 0 || step < n; step++) {
        if (mlplat_run_log_metric(run, "loss", (double)step * 0.5, step, &err) != MLPLAT_OK)
            victim_give_up("log_metric", &err);
        s->points = step + 1;
        if (step % 16 == 7)
            log_span(run, s);
        if (step % 64 == 33)
            set_tag(run, s);
        if (step % 4096 == 2048 && mlplat_flush(ml, -1, &err) != MLPLAT_OK)
            victim_give_up("flush", &err);
        if (pause_us)
            usleep((useconds_t)atoi(pause_us));
    }
}

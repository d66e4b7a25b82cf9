/* What a program that is going to be killed was promised: a mapped file, so that a kill -9 at any instruction leaves
 * the truth. A count goes up only after its call returned. */
#ifndef VICTIM_TOLD_H
#define VICTIM_TOLD_H
#include <mlplat.h>
#include <stdatomic.h>

enum { VICTIM_SLOTS = 64, VICTIM_SPAN = 5 };

/* 72 bytes, read by tests/faults/victims.py. */
struct victim_slot {
    char run[32];
    _Atomic long long points; /* metric "loss": steps 0 to points - 1 were accepted one by one, value step * 0.5 */
    _Atomic long long spans;  /* metric "span": so many calls with VICTIM_SPAN steps each */
    _Atomic long long tags;   /* tag "at": the last number */
    _Atomic long long ended;  /* the run's end was taken */
    _Atomic long long params; /* param "depth" = "6" was taken */
};

struct victim_told {
    _Atomic int used;
    int unused;
    int children[16];
};

/* NULL: it cannot be mapped. */
struct victim_told *victim_told_map(const char *path);
/* The next free one; without one it waits for the kill. */
struct victim_slot *victim_told_slot(struct victim_told *told);
void victim_give_up(const char *what, const mlplat_error *err);
/* Starts a run and tells its id. */
mlplat_run *victim_start(mlplat *ml, struct victim_slot *slot);
/* Logs into it until there are n points; 0: for ever. VICTIM_PAUSE_US: a training's own work between two points. */
void victim_log(mlplat *ml, mlplat_run *run, struct victim_slot *slot, long long n);

#endif

/*
 * Logs until it is killed, and tells in a mapped file what it was promised.
 *
 *     fault_victim TOLD POINTS CHILDREN
 *
 * TOLD: see victim_told.h. POINTS: after so many the run is ended, the session closed and another one opened; 0: never.
 * CHILDREN: so many forked children keep the inherited descriptors and wait; the last of them runs this program anew
 * instead, with what an exec leaves it, and logs as well.
 *
 * Environment: as for every program; MLPLAT_DURABILITY gives the level.
 */
#include "victim_told.h"
#include <stdlib.h>
#include <unistd.h>

static void one_run(struct victim_told *told, long long points)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    struct victim_slot *slot = victim_told_slot(told);
    if (mlplat_open(NULL, &ml, &err) != MLPLAT_OK)
        victim_give_up("open", &err);
    mlplat_run *run = victim_start(ml, slot);
    victim_log(ml, run, slot, points);
    if (mlplat_run_end(run, NULL, &err) != MLPLAT_OK)
        victim_give_up("end", &err);
    slot->ended = 1;
    mlplat_run_free(run);
    mlplat_close(ml);
}

/* While the parent's session is at work: they have its descriptors, and none of its locks. */
static void fork_children(struct victim_told *told, int n, char **argv)
{
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid != 0) {
            told->children[i] = (int)pid;
            continue;
        }
        if (i == n - 1)
            execl("/proc/self/exe", argv[0], argv[1], argv[2], "0", (char *)NULL);
        for (;;)
            pause();
    }
}

static void with_children(struct victim_told *told, int n, char **argv)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    struct victim_slot *slot = victim_told_slot(told);
    if (mlplat_open(NULL, &ml, &err) != MLPLAT_OK)
        victim_give_up("open", &err);
    mlplat_run *run = victim_start(ml, slot);
    victim_log(ml, run, slot, 1);
    fork_children(told, n, argv);
    victim_log(ml, run, slot, 0);
}

int main(int argc, char **argv)
{
    struct victim_told *told = argc == 4 ? victim_told_map(argv[1]) : NULL;
    if (!told)
        return 2;
    if (atoi(argv[3]) > 0)
        with_children(told, atoi(argv[3]), argv);
    for (;;)
        one_run(told, atoll(argv[2]));
}

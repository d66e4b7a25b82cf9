/*
 * A fair queue of the writers of several processes. SQLite lets whoever polls at the right moment write next, so that
 * one busy process can starve another for seconds. Each byte of a lock file is a place in the queue: whoever comes
 * locks the one behind the last that is taken, and it is their turn when none before it is. It is about fairness
 * alone: SQLite's own lock keeps the file right, so every failure here just means no ticket. POSIX locks go with their
 * process: nobody has to clean up after a kill. Who stands still in the queue is passed by after a second.
 */
#ifndef MLP_TICKET_H
#define MLP_TICKET_H
#include "db/wait.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct mlp_ticket {
    char *path;   /* NULL: no queue */
    char *store;  /* who may use the store may take a ticket */
    int fd;       /* plus 1; 0: not open */
    off_t place;  /* ours; 0: none */
    off_t passed; /* those up to here stood still */
} mlp_ticket;

/* A lock file beside a store, open; -1 and errno on failure. A new one has the mode of the store, whatever the umask. A
 * link of that name is somebody's trap, and is not followed. */
int mlp_ticket_file(const char *path, const char *store);

mlplat_status mlp_ticket_init(mlp_ticket *ticket, const char *path, const char *store, mlplat_error *err);
/* Waits for its turn, about a second at most. Fails only if the hook cancels or the wait's time is up. */
mlplat_status mlp_ticket_take(mlp_ticket *ticket, mlp_wait *wait, mlplat_error *err);
bool mlp_ticket_wanted(const mlp_ticket *ticket); /* by its holder: does somebody stand behind? */
void mlp_ticket_give(mlp_ticket *ticket);
void mlp_ticket_free(mlp_ticket *ticket);

#endif

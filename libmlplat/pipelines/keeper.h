/* The keeper: a small process beside a pipeline run that outlives it only to end what it left behind. Steps write their
 * number to its socket before they become their program; when the other end closes, by kill -9 of the runner or a
 * crash, it ends their process groups: SIGTERM, and SIGKILL after the grace time. */
#ifndef MLP_KEEPER_H
#define MLP_KEEPER_H
#include <mlplat/error.h>
#include <sys/types.h>

typedef struct mlp_keeper {
    pid_t pid;  /* 0: none */
    int socket; /* for mlp_process.announce */
} mlp_keeper;

#define MLP_KEEPER_GRACE_MS 5000

mlplat_status mlp_keeper_start(mlp_keeper *keeper, mlplat_error *err);
void mlp_keeper_forget(const mlp_keeper *keeper, pid_t pid); /* before its end is taken from the system */
void mlp_keeper_stop(mlp_keeper *keeper);

#endif

/*
 * A fork copies memory as all threads have it at that moment. Code of others that cannot be put right in the child,
 * SQLite's, runs inside this gate: a fork waits until each thread is out of it, or at a point where it may stand still.
 * So the child finds whole structures and no lock of a thread that it does not have.
 *
 * The caller's functions (progress, log) are called outside of it: they may wait for a thread that forks, as Python's
 * do for the interpreter's lock. A fork waits 5 seconds at most; what it cut then is refused in the child.
 */
#ifndef MLP_FORK_GATE_H
#define MLP_FORK_GATE_H
#include <mlplat/error.h>

/* Before the first enter. NO_MEMORY; STATE in a child whose fork cut a thread inside. */
mlplat_status mlp_fork_gate_ready(mlplat_error *err);
void mlp_fork_gate_enter(void); /* may be nested */
void mlp_fork_gate_leave(void);
void mlp_fork_gate_pause(void);   /* a point where a thread inside may stand still while another forks */
int mlp_fork_gate_step_out(void); /* before waiting for anybody; what it returns goes to step_in. Outside: nothing */
void mlp_fork_gate_step_in(int was);
unsigned mlp_fork_gate_forks(void); /* how many forks lie between the first process and this one */

#endif

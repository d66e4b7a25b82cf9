/*
 * What a server took of a journal, where the server itself cannot say: up to which number all of it, and of each run
 * of the batch that goes on, up to which number its records. In the file "taken" of the journal's folder, slots of 64
 * bytes with a checksum each, written where they stand when an answer has come; so neither a line that breaks nor a
 * kill sends again what was answered. A slot that a power cut tore or lost counts as not written: its records are sent
 * once more, which does no harm. What is written is never wrong, however old it is.
 *
 * A request of a program that was killed may still be on its way, or wait in the server, and be carried out behind
 * those of whoever goes on: then an older tag would be the run's. So when one goes out that is written down, too.
 */
#ifndef MLP_TAKEN_H
#define MLP_TAKEN_H
#include "spool/spool.h"

#define MLP_TAKEN_FILE "taken"
#define MLP_TAKEN_RUN  48 /* bytes of a run's id; nothing is kept of one with a longer id */

typedef struct mlp_taken_run {
    uint64_t seq;
    uint32_t n; /* 0: the place is free */
    char id[MLP_TAKEN_RUN];
} mlp_taken_run;

/* Of the thread that delivers the journal, or under its sink_lock. */
typedef struct mlp_taken {
    char journal[33]; /* "": nothing is kept */
    int folder_fd;    /* -1: none, or none yet */
    int fd;           /* -1: not open */
    bool named;       /* the file's name is on the disk too */
    uint64_t done;    /* all up to here is taken */
    int64_t asked_ms; /* wall clock: when a request went out whose answer has not come; 0: there is none */
    mlp_taken_run *run;
    size_t n, cap;
    uint64_t news; /* how often something was taken */
} mlp_taken;

/* Reads what there is; what cannot be read counts as not taken. folder_fd is lent, and may be -1. */
void mlp_taken_open(mlp_taken *taken, int folder_fd, const char *journal);
void mlp_taken_close(mlp_taken *taken); /* the file stays */
/* Up to which number the record's run is taken; 0: nothing is known. */
uint64_t mlp_taken_of(const mlp_taken *taken, const mlp_record *record);
void mlp_taken_note(mlp_taken *taken, const mlp_record *record); /* all of its run up to it */
void mlp_taken_done(mlp_taken *taken, uint64_t seq);             /* all of the journal up to it */
void mlp_taken_asks(mlp_taken *taken, bool begin); /* a request goes out; or its answer came */
/* How long the server is given to be done with a dead process's last request; 0: it is. */
int64_t mlp_taken_cools_ms(const mlp_taken *taken);
void mlp_taken_sync(mlp_taken *taken); /* it survives a power cut, before what it speaks of goes */

#endif

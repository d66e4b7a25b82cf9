/*
 * Everything that a process writes below a folder, SQLite's calls and ours alike: opens that make a file, writes,
 * sizes, syncs, names. call_tape.c stands before libc's calls, so a program that has it is watched whole.
 */
#ifndef CALL_TAPE_H
#define CALL_TAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TAPE_PATH = 300, TAPE_EVENTS = 20000 };

typedef enum tape_kind {
    TAPE_MADE,    /* file `file`, as path */
    TAPE_WRITTEN, /* n bytes at `at` */
    TAPE_SIZED,   /* to `at` */
    TAPE_SYNCED,
    TAPE_FOLDER,  /* path was made */
    TAPE_REMOVED, /* path, a file or an empty folder */
    TAPE_RENAMED, /* path to other */
    TAPE_LINKED,  /* path is other as well */
    TAPE_NAMES,   /* a folder was synced */
    TAPE_TOLD     /* a call of the scene went well */
} tape_kind;

typedef struct tape_event {
    tape_kind kind;
    int file;
    off_t at;
    size_t n, bytes; /* bytes: where they are in the tape's store */
    char path[TAPE_PATH], other[TAPE_PATH]; /* below the folder */
} tape_event;

/* In memory that processes share, to be read by another one. */
typedef struct call_tape {
    int n_events, n_files, n_base; /* the first n_base events name what is there already */
    size_t used;
    bool full;
    tape_event events[TAPE_EVENTS];
    unsigned char store[];
} call_tape;

call_tape *call_tape_new(void);
void call_tape_free(call_tape *tape);
void call_tape_clear(call_tape *tape);

void call_tape_record(call_tape *tape, const char *folder);
void call_tape_told(void);
/* Kills this process before the nth call that would change something below the folder; 0: counts them only. */
void call_tape_kill(const char *folder, long nth);
long call_tape_count(void);

#endif

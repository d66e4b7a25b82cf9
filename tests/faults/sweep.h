/* Runs a scenario again and again, each time with a fault at the next place, each in a process of its own. */
#ifndef SWEEP_H
#define SWEEP_H
#include "faults/scene.h"

/* A kind of fault that is put into a process. */
typedef struct sweep_fault {
    const char *name;
    void (*arm)(long nth);  /* the nth place from now on fails; 0: none */
    long (*disarm)(void);   /* how many places there were */
    long (*blocks)(void);   /* memory that is not freed, to be the same before and after; NULL: not known */
    bool (*truthful)(mlplat_status status);
    bool leaves_files; /* what was to be removed may have to stay */
    bool cold;         /* also the first use of the libraries is part of it; what those keep for ever is no leak */
} sweep_fault;

typedef struct sweep_result {
    long places, points, failed_calls;
    char complaint[SCENE_TEXT + 100]; /* "": all is well */
} sweep_result;

/* Makes folder `to` the same as `from`, or ends the process. */
void sweep_copy_tree(const char *from, const char *to);
/* Tries at most about `most` of the places, evenly spread; 0: every one; -n: place n alone. */
void sweep_run(const scenario *s, const sweep_fault *fault, long most, sweep_result *out);

#endif

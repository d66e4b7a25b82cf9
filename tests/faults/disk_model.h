/*
 * A disk as a cut of the power may leave it. Of what was written to a file since its last sync any sectors are there;
 * of the names that were made, changed and removed since the last sync of a folder the first ones, in their order.
 */
#ifndef DISK_MODEL_H
#define DISK_MODEL_H
#include "faults/call_tape.h"
#include <stdint.h>

typedef enum disk_cut { DISK_NOTHING, DISK_ALL, DISK_SOME } disk_cut; /* of what was not synced */

/* Makes folder `to` from what `from` held when the tape began and the tape's first `n` events. false: errno. */
bool disk_model_build(const call_tape *tape, int n, disk_cut cut, uint64_t *dice, const char *from, const char *to);

#endif

/* What every tracking store does, through the public functions alone. One test program per store runs it. */
#ifndef TRACKING_CONTRACT_H
#define TRACKING_CONTRACT_H
#include "support/support.h"

/* A session on an empty store in an empty folder. */
typedef mlplat *(*tracking_contract_open)(const char *folder);

/* Runs the suite; returns the number of tests that failed. */
int tracking_contract_run(const char *store, tracking_contract_open open);

#endif

/* What every tracking store does, through the public functions alone. One test program per store runs it. */
#ifndef TRACKING_CONTRACT_H
#define TRACKING_CONTRACT_H
#include "support/support.h"
#include <stdbool.h>

/* A session on an empty store in an empty folder. */
typedef mlplat *(*tracking_contract_open)(const char *folder);

/* The store is an MLflow server: what that cannot do has to be told as UNSUPPORTED. */
extern bool tracking_contract_by_rest;
/* All that logs is a record of the spool. */
extern bool tracking_contract_queued;
/* And it is of MLflow 2.14: what came later is UNSUPPORTED, with the release that has it. */
extern bool tracking_contract_old;
/* Runs the suite; returns the number of tests that failed. */
int tracking_contract_run(const char *store, tracking_contract_open open);

#endif

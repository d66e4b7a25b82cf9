/* What every registry does, through the public functions alone. One test program per store runs it. */
#ifndef REGISTRY_CONTRACT_H
#define REGISTRY_CONTRACT_H
#include "support/support.h"

/* A session on an empty store in an empty folder. */
typedef mlplat *(*registry_contract_open)(const char *folder);

/* Each runs a suite; returns the number of tests that failed. */
int registry_contract_run(const char *store, registry_contract_open open);
int prompts_contract_run(const char *store, registry_contract_open open);
int promotion_contract_run(const char *store, registry_contract_open open); /* stages, other names, copies */

#endif

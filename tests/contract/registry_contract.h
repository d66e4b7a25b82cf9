/* What every registry does, through the public functions alone. One test program per store runs it. */
#ifndef REGISTRY_CONTRACT_H
#define REGISTRY_CONTRACT_H
#include "support/support.h"
#include <stdbool.h>

/* A session on an empty store in an empty folder. */
typedef mlplat *(*registry_contract_open)(const char *folder);

/* The registry is an MLflow server: it takes no local path that belongs to no run. old: MLflow 2.14, which knows no
 * prompts and no logged models (has to be told as UNSUPPORTED with the version that does), tags of 5,000 characters at
 * most, and lists of runs alone in filters. */
extern bool registry_contract_by_rest, registry_contract_old;
/* The store keeps to the lengths of MLflow's columns, which are shorter than what MLflow's rules let through. */
extern bool registry_contract_narrow;
/* Each runs a suite; returns the number of tests that failed. */
int registry_contract_run(const char *store, registry_contract_open open);
int prompts_contract_run(const char *store, registry_contract_open open);
int promotion_contract_run(const char *store, registry_contract_open open); /* stages, other names, copies */

#endif

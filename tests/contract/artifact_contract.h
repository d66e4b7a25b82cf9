/* What every artifact store keeps to, through its table. One test program per kind of store runs it. */
#ifndef ARTIFACT_CONTRACT_H
#define ARTIFACT_CONTRACT_H
#include "artifacts/store.h"
#include "support/support.h"

typedef struct artifact_contract {
    const mlp_artifact_store *store;
    const char *tracking_uri;
    char *(*root)(const char *folder); /* of a new empty place each time: the caller's, with mlp_free */
} artifact_contract;

/* Runs the suite; returns the number of tests that failed. */
int artifact_contract_run(const char *name, const artifact_contract *contract);

#endif

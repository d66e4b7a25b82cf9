/* A record ARTIFACT on its way to the run's place. */
#ifndef MLP_DELIVER_ARTIFACT_H
#define MLP_DELIVER_ARTIFACT_H
#include "base/json.h"
#include "session/session.h"
#include "spool/spool.h"

typedef struct mlp_artifact_delivery {
    mlplat *ml;
    mlp_spool *spool;     /* with its copies */
    const char *run, *uri; /* the run, and its artifact_uri, NULL or empty: it has none */
} mlp_artifact_delivery;

/* Of the thread that delivers. INVALID: the record will never pass. It may come twice. */
mlplat_status mlp_deliver_artifact(const mlp_artifact_delivery *d, const mlp_record *record, const json_t *doc,
                                   mlplat_error *err);

#endif

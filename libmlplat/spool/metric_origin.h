/*
 * What a metric may be of besides its run: a logged model, and the dataset it was measured on. In a record it is the
 * text, which plain metrics have none of: model id, dataset name, dataset digest, a NUL between them.
 */
#ifndef MLP_METRIC_ORIGIN_H
#define MLP_METRIC_ORIGIN_H
#include "base/json.h"
#include "spool/spool.h"

typedef struct mlp_metric_origin {
    const char *model_id, *dataset_name, *dataset_digest; /* not NUL-ended */
    size_t model_id_n, dataset_name_n, dataset_digest_n;  /* 0: none */
} mlp_metric_origin;

/* All empty for a plain metric. Lent by the record. */
void mlp_metric_origin_get(const mlp_record *record, mlp_metric_origin *out);
/* The text for a record, pushed to keep, which lends it. dataset's may be NULL. */
mlplat_status mlp_metric_origin_put(const char *model_id, const char *dataset_name, const char *dataset_digest,
                                    json_t *keep, mlp_record *record, mlplat_error *err);

#endif

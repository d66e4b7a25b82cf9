/* The sink's inside: records of one run on their way to the server. */
#ifndef MLP_TRACKING_HTTP_DELIVER_H
#define MLP_TRACKING_HTTP_DELIVER_H
#include "tracking/deliver_artifact.h"
#include "tracking/tracking_http.h"

typedef struct mlp_delivery {
    mlp_tracking_http_store *store;
    const char *journal;
    char run[MLP_TRACKING_HTTP_RUN_ID]; /* the server's id */
    bool asked;                         /* whether mark is known */
    uint64_t mark;                      /* of the tags that the run has */
} mlp_delivery;

typedef struct mlp_delivery_item {
    const mlp_record *record;
    mlp_verdict *verdict;
} mlp_delivery_item;

/* Of a call of the thread that delivers. body: stolen, NULL is NO_MEMORY. */
mlplat_status mlp_deliver_call(const mlp_delivery *d, const char *path, json_t *body, mlplat_error *err);
mlplat_status mlp_deliver_get_run(const mlp_delivery *d, json_t **out, mlplat_error *err);
/* Has the run this record's tag, or had it before somebody changed it? */
mlplat_status mlp_deliver_has(mlp_delivery *d, const mlp_record *record, bool *has, mlplat_error *err);

/* A failure that is about what was sent and not about the server: it will not go away. */
bool mlp_deliver_refused(mlplat_status status, const mlplat_error *err);
/* Of those the ones that any record of the run will meet. */
bool mlp_deliver_run_refused(const mlp_delivery *d, mlplat_status status, const mlplat_error *err);
void mlp_deliver_refuse(const mlp_delivery_item *item, mlplat_status status, const mlplat_error *err);

/* ---- tracking_http_batch.c: metrics, params and tags */
bool mlp_deliver_is_value(const mlp_record *record);
/* How many of the items go in one request. */
size_t mlp_deliver_room(const mlp_delivery_item *items, size_t n);
mlplat_status mlp_deliver_values(mlp_delivery *d, const mlp_delivery_item *items, size_t n, mlplat_error *err);

/* ---- tracking_http_deliver.c: the other kinds, one call each */
mlplat_status mlp_deliver_other(mlp_delivery *d, const mlp_delivery_item *item, mlplat_error *err);

#endif

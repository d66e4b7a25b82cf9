/* The spool as programs see it. */
#include "base/err.h"
#include "tracking/tracking_store.h"
#include <string.h>

mlplat_status mlplat_spool_count(mlplat *ml, mlplat_spool_counts *out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    mlplat_spool_counts counts = {0};
    size_t size = out->size;
    if (size < sizeof size + sizeof counts.accepted)
        return mlp_fail(err, MLPLAT_INVALID, "mlplat_spool_counts: size is %zu: set it to sizeof(mlplat_spool_counts)",
                        size);
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s != MLPLAT_OK)
        return s;
    mlp_spool_count(t->spool, &counts.accepted, &counts.durable, &counts.stored, &counts.dead);
    counts.size = size;
    memcpy(out, &counts, size < sizeof counts ? size : sizeof counts);
    return MLPLAT_OK;
}

/* Gives json to the caller, or drops it if nobody wants it. */
static mlplat_status give(mlplat_status s, json_t *json, mlplat_doc **out, mlplat_error *err)
{
    if (s == MLPLAT_OK && out)
        return mlp_doc_new(json, out, err);
    json_decref(json);
    return s;
}

mlplat_status mlplat_spool_status(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_status(t->spool, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_spool_sync(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    if (out)
        *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_sync(t->spool, &ml->hook, &json, err);
    return give(s, json, out, err);
}

mlplat_status mlplat_spool_retry(mlplat *ml, mlplat_doc **out, mlplat_error *err)
{
    mlp_tracking *t = NULL;
    json_t *json = NULL;
    if (out)
        *out = NULL;
    mlplat_status s = mlp_tracking_of(ml, &t, err);
    if (s == MLPLAT_OK)
        s = mlp_spool_retry(t->spool, &ml->hook, &json, err);
    return give(s, json, out, err);
}

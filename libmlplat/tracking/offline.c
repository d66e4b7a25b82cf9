#include "tracking/offline.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "tracking/run_queue.h"
#include <string.h>

#define MARK    "0ff11e"
#define VERSION 12 /* which digit of a uuid tells its version */

bool mlp_offline_is_id(const char *run_id)
{
    return mlp_text_starts(run_id, MARK) && strspn(run_id, "0123456789abcdef") == 32 && !run_id[32] &&
           run_id[VERSION] == '8';
}

mlplat_status mlp_offline_make_id(char out[MLP_OFFLINE_ID], mlplat_error *err)
{
    mlplat_status s = mlp_random_hex(out, err);
    memcpy(out, MARK, sizeof MARK - 1);
    out[VERSION] = '8';
    return s;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static mlplat_status append(mlp_spool *spool, mlp_record_kind kind, const char *id, const json_t *doc,
                            mlplat_durability durability, mlplat_error *err)
{
    mlp_buf text = {0};
    mlplat_status s = doc ? mlp_json_text(doc, &text, err) : mlp_fail_memory(err);
    const mlp_record record = {.kind = kind, .run_id = id, .run_id_n = strlen(id), .key = "", .text = text.data,
                               .text_n = text.size};
    if (s == MLPLAT_OK)
        s = mlp_spool_append(spool, &record, 1, durability, err);
    mlp_buf_free(&text);
    return s;
}

mlplat_status mlp_offline_put(mlp_spool *spool, const char *run_id, const json_t *creation,
                              mlplat_durability durability, mlp_made made, void *made_for, mlplat_error *err)
{
    json_t *run = NULL;
    mlplat_status s = mlp_offline_fresh(run_id, creation, &run, err);
    if (s == MLPLAT_OK)
        s = made(made_for, run, err);
    if (s == MLPLAT_OK) /* nobody waits for a server that is away */
        s = append(spool, MLP_RECORD_CREATE, run_id, creation, mlp_spool_own_level(spool, durability), err);
    json_decref(run);
    return s;
}

mlplat_status mlp_offline_change(mlp_spool *spool, const char *run_id, const mlplat_run_change *change,
                                 mlplat_error *err)
{
    json_t *body = mlp_run_queue_body(change);
    mlplat_status s = append(spool, MLP_RECORD_UPDATE, run_id, body,
                             mlp_spool_own_level(spool, MLPLAT_DURABILITY_DEFAULT), err);
    json_decref(body);
    return s;
}

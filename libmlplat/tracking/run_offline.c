#include "tracking/run_offline.h"
#include "base/clock.h"
#include "base/err.h"
#include "tracking/offline.h"
#include "tracking/run_place.h"

enum { ONLINE_MS = 5000 };

/* The text of the record: offline.h. */
static json_t *creation_of(const mlp_run_offline *start, const mlp_run_new *run, bool doubt)
{
    const char *name = start->experiment, *id = start->experiment_id;
    if (run->experiment_id) /* the server told it, and did not make the run then */
        id = run->experiment_id;
    if (!name && !id && !run->parent_run_id)
        id = "0";
    json_t *not_before = doubt ? json_integer(mlp_clock_ms() + MLP_OFFLINE_DOUBT_MS) : NULL;
    return json_pack("{s:s, s:s*, s:s*, s:s, s:s, s:I, s:s*, s:O, s:o*}", "op", run->op, "experiment_name", name,
                     "experiment_id", id, "run_name", run->name, "user_id", run->user ? run->user : "", "start_time",
                     (json_int_t)run->start_time_ms, "parent_run_id", run->parent_run_id, "tags", run->tags,
                     "not_before", not_before);
}

static mlplat_status make_offline(const mlp_run_offline *start, const mlp_run_new *run, bool doubt, mlplat_error *err)
{
    const mlp_tracking *t = start->tracking;
    mlp_run_offline with = *start;
    mlplat_status s = mlp_run_place_wish(t, &with.experiment, &with.experiment_id, err);
    json_t *creation = s == MLPLAT_OK ? creation_of(&with, run, doubt) : NULL;
    if (s == MLPLAT_OK && !creation)
        s = mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = t->ops->run_offline(t->store, creation, start->durability, run->made, run->made_for, err);
    json_decref(creation);
    return s;
}

static mlplat_status try_online(const mlp_run_offline *start, const mlp_run_new *run, mlplat_error *err)
{
    const mlp_tracking *t = start->tracking;
    bool waits = false;
    mlplat_status s =
        run->parent_run_id ? t->ops->run_waits(t->store, run->parent_run_id, &waits, err) : MLPLAT_OK;
    if (s != MLPLAT_OK)
        return s;
    if (waits)
        return mlp_fail(err, MLPLAT_UNAVAILABLE, "its parent %s waits to be delivered", run->parent_run_id);
    if (mlp_spool_is_down(t->spool))
        return mlp_fail(err, MLPLAT_UNAVAILABLE, "it did not answer a moment ago");
    t->ops->hurry(t->store, ONLINE_MS);
    s = start->online(start->user, err);
    t->ops->hurry(t->store, 0);
    return s;
}

mlplat_status mlp_run_offline_start(const mlp_run_offline *start, const mlp_run_new *run, mlplat_error *err)
{
    mlplat_error why = {0};
    const mlplat *ml = start->tracking->ml;
    mlp_tracking_about about;
    mlplat_status s = try_online(start, run, &why);
    if (s != MLPLAT_UNAVAILABLE && s != MLPLAT_TIMEOUT) {
        if (s != MLPLAT_OK && err)
            *err = why;
        return s;
    }
    s = make_offline(start, run, s == MLPLAT_TIMEOUT, err);
    start->tracking->ops->about(start->tracking->store, &about);
    if (s == MLPLAT_OK)
        mlp_log(&ml->log, MLPLAT_LOG_WARNING,
                "a run is made offline, as %s cannot make it now (%s): its id is good from "
                "now on; what is logged waits in the spool and is delivered when the server is back, by this process "
                "or by `mlplat spool sync`",
                about.uri, why.message);
    return s;
}

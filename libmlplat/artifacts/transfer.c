#include "artifacts/transfer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/take.h"

#define TELL_NS 50000000 /* the promise is 100 ms */

/* A store tells of every piece; the caller hears of it when time has passed. */
static int piece_done(void *user, uint64_t done, uint64_t total)
{
    mlp_transfer *t = user;
    int64_t now = mlp_clock_mono_ns();
    (void)total;
    if (!t->caller.fn || now - t->told_ns < TELL_NS)
        return 0;
    t->told_ns = now;
    return t->caller.fn(t->caller.user, t->done + done, t->total);
}

mlplat_status mlp_transfer_init(mlplat *ml, const mlplat_transfer *options, mlp_transfer *out, mlplat_error *err)
{
    mlplat_transfer given = MLPLAT_TRANSFER_INIT;
    mlplat_status s = MLP_TAKE(&given, options, MLPLAT_TRANSFER_INIT, err);
    if (s != MLPLAT_OK)
        return s;
    *out = (mlp_transfer){.hook = {.fn = piece_done, .user = out}};
    out->caller = given.progress ? (mlp_hook){.fn = given.progress, .user = given.user} : ml->hook;
    return MLPLAT_OK;
}

mlplat_status mlp_transfer_tell(mlp_transfer *t, mlplat_error *err)
{
    t->told_ns = mlp_clock_mono_ns();
    return mlp_hook_call(&t->caller, t->done, t->total, "transferring artifacts", err);
}

/*
 * How fast a sink is asked. One in this machine is asked again soon. A server is given smaller batches when it is too
 * slow for them, is left alone for longer and longer while it is away, each time for a while that nobody can tell, so
 * that many clients do not come back at one moment; then one request tells whether it is there again.
 */
#include "base/clock.h"
#include "base/os.h"
#include "spool/spool_inside.h"

#define NEAR_MS      10
#define NEAR_MOST_MS 1000
#define FAR_MS       200
#define FAR_MOST_MS  10000
#define HURRY_NS     1000000000 /* those who wait do not make it more often than this */

size_t mlp_pace_batch(const mlp_spool *sp, const mlp_pace *pace)
{
    size_t n = sp->sink.appetite ? sp->sink.appetite(sp->sink.ctx) : MLP_SPOOL_BATCH;
    n = n > 0 && n < MLP_SPOOL_BATCH ? n : MLP_SPOOL_BATCH;
    if (!sp->sink.remote)
        return n;
    size_t most = pace->most ? pace->most : MLP_PACE_REQUEST;
    if (sp->rate && sp->rate < most)
        most = (size_t)sp->rate;
    return most < n ? most : n;
}

void mlp_pace_went_well(const mlp_spool *sp, mlp_pace *pace, size_t n)
{
    int64_t now = mlp_clock_mono_ns();
    pace->back_off_ms = 0;
    pace->last_ns = now;
    size_t most = pace->most ? pace->most : MLP_PACE_REQUEST;
    if (sp->sink.remote && n >= most)
        pace->most = most * 2 < MLP_PACE_MOST ? most * 2 : MLP_PACE_MOST;
    if (sp->sink.remote && sp->rate) {
        int64_t from = pace->not_before_ns > now ? pace->not_before_ns : now;
        pace->not_before_ns = from + (int64_t)(n * 1000000000 / sp->rate);
    }
}

static int64_t full_jitter(int64_t most)
{
    uint32_t some = 0;
    mlp_sys.random(&some, sizeof some);
    return 1 + (int64_t)(some % (uint64_t)most);
}

void mlp_pace_failed(const mlp_spool *sp, mlp_pace *pace, mlplat_status status, size_t n)
{
    bool far = sp->sink.remote;
    int64_t least = far ? FAR_MS : NEAR_MS, most = far ? FAR_MOST_MS : NEAR_MOST_MS;
    int64_t next = pace->back_off_ms == 0 ? least : pace->back_off_ms * 2;
    int64_t now = mlp_clock_mono_ns();
    pace->back_off_ms = next < most ? next : most;
    pace->last_ns = now;
    pace->not_before_ns = now + 1000000 * (far ? full_jitter(pace->back_off_ms) : pace->back_off_ms);
    if (far && n > 0) { /* too much at once, or a probe until it is there again */
        size_t half = n > 1 ? n / 2 : 1, probe = mlp_pace_batch(sp, pace);
        pace->most = status == MLPLAT_TIMEOUT ? half : probe < MLP_PACE_REQUEST ? probe : MLP_PACE_REQUEST;
    }
}

int64_t mlp_pace_left_ms(const mlp_spool *sp, const mlp_pace *pace, bool hurry)
{
    int64_t now = mlp_clock_mono_ns(), until = pace->not_before_ns;
    if (hurry && pace->back_off_ms > 0 && until > pace->last_ns + HURRY_NS)
        until = pace->last_ns + HURRY_NS;
    if (sp->sink.remote && sp->sink.rest_until) {
        int64_t rest = sp->sink.rest_until(sp->sink.ctx);
        until = rest > until ? rest : until;
    }
    return until > now ? (until - now) / 1000000 + 1 : 0;
}

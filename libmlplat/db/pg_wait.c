/* Waiting for the server: with a limit, with the caller's hook, and never inside of libpq. */
#include "base/clock.h"
#include "base/err.h"
#include "db/pg_inside.h"
#include <errno.h>
#include <poll.h>

enum { SLICE_MS = 50 };

/* Who waits for the caller is asked as often as for SQLite. */
static mlplat_status ask(mlp_db *db, mlplat_error *err)
{
    if (!db->changes && db->stop && db->stop(db->stop_ctx))
        return mlp_fail_cancelled(err, "waiting for the database");
    return mlp_hook_call(db->wait ? db->wait->hook : NULL, 0, 0, "waiting for the database", err);
}

mlplat_status mlp_pg_wait(mlp_db *db, bool write, int64_t until_ns, mlplat_error *err)
{
    struct pollfd fd = {.fd = db->pg->pq.socket(db->pg->conn), .events = (short)(write ? POLLOUT | POLLIN : POLLIN)};
    mlplat_status s = MLPLAT_OK;
    until_ns = mlp_wait_until(until_ns);
    for (int n = 0; s == MLPLAT_OK;) {
        int64_t end_ns = atomic_load(&db->end_ns);
        if (end_ns && mlp_clock_mono_ns() >= end_ns)
            return mlp_fail_cancelled(err, "waiting for the database");
        n = fd.fd < 0 ? 1 : poll(&fd, 1, SLICE_MS);
        if (n > 0 || (n < 0 && errno != EINTR))
            return MLPLAT_OK;
        if (mlp_clock_mono_ns() >= until_ns) {
            s = mlp_fail(err, MLPLAT_TIMEOUT, "%s does not answer: try again, or look at the server", db->path);
            if (err)
                err->retryable = 1;
        } else {
            s = ask(db, err);
        }
    }
    return s;
}

/* All of it to the server; whatever it says meanwhile is read, so that neither waits for the other. */
static mlplat_status flush(mlp_db *db, int64_t until_ns, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    mlplat_status s = MLPLAT_OK;
    for (int left; s == MLPLAT_OK && (left = pg->pq.flush(pg->conn)) != 0;) {
        if (left < 0)
            return mlp_pg_fail_connection(db, err);
        s = mlp_pg_wait(db, true, until_ns, err);
        if (s == MLPLAT_OK && !pg->pq.consumeInput(pg->conn))
            s = mlp_pg_fail_connection(db, err);
    }
    return s;
}

static mlplat_status next_result(mlp_db *db, int64_t until_ns, mlp_pg_result **out, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && pg->pq.isBusy(pg->conn)) {
        s = mlp_pg_wait(db, false, until_ns, err);
        if (s == MLPLAT_OK && !pg->pq.consumeInput(pg->conn))
            s = mlp_pg_fail_connection(db, err);
    }
    *out = s == MLPLAT_OK ? pg->pq.getResult(pg->conn) : NULL;
    return s;
}

static bool is_good(const mlp_pg *pg, const mlp_pg_result *result)
{
    int status = pg->pq.resultStatus(result);
    return status == MLP_PG_COMMAND_OK || status == MLP_PG_TUPLES_OK;
}

mlplat_status mlp_pg_take(mlp_db *db, int sent, mlp_pg_result **out, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    int64_t until_ns = mlp_clock_mono_ns() + (int64_t)MLP_PG_STATEMENT_MS * 1000000;
    mlp_pg_result *next = NULL;
    *out = NULL;
    mlplat_status s = sent ? flush(db, until_ns, err) : mlp_pg_fail_connection(db, err);
    while (s == MLPLAT_OK && (s = next_result(db, until_ns, &next, err)) == MLPLAT_OK && next) {
        if (*out && !is_good(pg, *out)) {
            pg->pq.clear(next);
            continue;
        }
        pg->pq.clear(*out);
        *out = next;
    }
    if (s == MLPLAT_OK && *out)
        return MLPLAT_OK;
    pg->pq.clear(*out);
    *out = NULL;
    if (s == MLPLAT_OK)
        s = mlp_pg_fail_connection(db, err);
    db->busy = db->busy || (db->inside && s == MLPLAT_UNAVAILABLE);
    mlp_pg_disconnect(db); /* what it would say later is nobody's answer */
    return s;
}

mlplat_status mlp_pg_answer(mlp_db *db, int sent, mlp_pg_result **out, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    mlplat_status s = mlp_pg_take(db, sent, out, err);
    if (s != MLPLAT_OK)
        return s;
    int status = pg->pq.resultStatus(*out);
    if (status == MLP_PG_COMMAND_OK || status == MLP_PG_TUPLES_OK)
        return MLPLAT_OK;
    s = mlp_pg_fail(db, *out, err);
    *out = NULL;
    return s;
}

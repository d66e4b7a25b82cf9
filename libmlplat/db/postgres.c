/*
 * PostgreSQL as an engine. A connection that broke is made again when the next transaction begins. Whether the one that
 * was ending then was stored is asked for by its number, so that nothing is done twice and nothing is called stored
 * that is not.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/os.h"
#include "db/pg_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMES_BACK_MS = 5000, SETTLE_MS = 10 * 1000 };

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static mlplat_status check(const mlp_db *db, mlplat_error *err)
{
    if (db->pg->forks == mlp_fork_gate_forks())
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_STATE, "'%s' was opened in another process and inherited by fork: open it here",
                    db->path);
}

static void free_pg(mlp_db *db)
{
    mlp_pg *pg = db->pg;
    if (pg && pg->options)
        pg->pq.conninfoFree(pg->options);
    mlp_free(pg);
    db->pg = NULL;
}

static void close_pg(mlp_db *db)
{
    if (!db->pg)
        return;
    mlp_pg_disconnect(db);
    free_pg(db);
}

/* The parent's session stays as it is: our end of the socket is closed without a word. */
static void abandon_pg(mlp_db *db)
{
    if (!db->pg)
        return;
    if (db->pg->conn)
        mlp_sys.close(db->pg->pq.socket(db->pg->conn));
    free_pg(db);
}

static bool read_only(const mlp_db *db)
{
    (void)db;
    return false;
}

mlplat_status mlp_db_open_server(const char *uri, const mlp_db_options *options, mlp_db **out, mlplat_error *err)
{
    mlp_db *db = mlp_db_new(&mlp_engine_postgres, options);
    *out = NULL;
    if (!db)
        return mlp_fail_memory(err);
    mlplat_status s = (db->pg = mlp_alloc(sizeof *db->pg)) ? mlp_fork_gate_ready(err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        db->pg->forks = mlp_fork_gate_forks();
        s = mlp_pg_table_open(NULL, &db->pg->pq, err);
    }
    if (s == MLPLAT_OK)
        s = mlp_pg_options(&db->pg->pq, uri, &db->pg->options, &db->path, err);
    if (s == MLPLAT_OK && !options->late)
        s = mlp_pg_connect(db, err);
    if (s == MLPLAT_OK)
        *out = db;
    else
        mlp_db_close(db);
    return s;
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static mlplat_status run(mlp_db *db, const char *sql, mlp_pg_result **out, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    *out = NULL;
    return pg->conn ? mlp_pg_answer(db, pg->pq.sendQuery(pg->conn, sql), out, err) : mlp_pg_fail_connection(db, err);
}

static mlplat_status run_plain(mlp_db *db, const char *sql, mlplat_error *err)
{
    mlp_pg_result *result = NULL;
    mlplat_status s = run(db, sql, &result, err);
    db->pg->pq.clear(result);
    return s;
}

/* One that was there a moment ago may be starting anew: who waits for an answer waits for it too. */
static mlplat_status connect_again(mlp_db *db, mlplat_error *err)
{
    mlp_pg *pg = db->pg;
    int64_t now = mlp_clock_mono_ns();
    mlplat_status s = mlp_pg_connect(db, err);
    if (s == MLPLAT_OK) {
        pg->tries_until_ns = 0;
        return s;
    }
    if (!pg->tries_until_ns && pg->session)
        pg->tries_until_ns = now + (int64_t)COMES_BACK_MS * 1000000;
    db->busy = db->busy || (s == MLPLAT_UNAVAILABLE && db->wait && db->wait->hook && now < pg->tries_until_ns);
    return s;
}

/* Of a write the number comes along, for when its end is not heard of. */
static mlplat_status begin_there(mlp_db *db, mlp_begin how, mlplat_error *err)
{
    static const char *const sql[] = {[MLP_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                                      [MLP_BEGIN_WRITE] =
                                          "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; SELECT txid_current()",
                                      [MLP_BEGIN_LOOSE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
                                      [MLP_BEGIN_LAZY] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
    mlp_pg *pg = db->pg;
    mlp_pg_result *result = NULL;
    pg->transaction[0] = 0;
    mlplat_status s = run(db, sql[how], &result, err);
    if (s == MLPLAT_OK && how == MLP_BEGIN_WRITE)
        snprintf(pg->transaction, sizeof pg->transaction, "%s", pg->pq.getvalue(result, 0, 0));
    pg->pq.clear(result);
    return s;
}

static mlplat_status begin(mlp_db *db, mlp_begin how, mlplat_error *err)
{
    mlp_pg *pg = db->pg;
    bool kept = pg->conn != NULL;
    mlplat_status s = check(db, err);
    if (s == MLPLAT_OK && !kept)
        s = connect_again(db, err);
    if (s == MLPLAT_OK)
        s = begin_there(db, how, err);
    if (s == MLPLAT_UNAVAILABLE && kept && !pg->conn) { /* it broke while nobody used it */
        s = connect_again(db, err);
        if (s == MLPLAT_OK)
            s = begin_there(db, how, err);
    }
    db->inside = s == MLPLAT_OK;
    return s == MLPLAT_OK ? mlp_db_changed(db, pg->session, err) : s;
}

/* ---- what became of a transaction whose end was not heard of ------------------------------------------------------
 */

static mlplat_status ask_fate(mlp_db *db, const char *transaction, char fate[16], mlplat_error *err)
{
    char sql[64];
    mlp_pg_result *result = NULL;
    mlplat_status s = mlp_pg_connect(db, err);
    snprintf(sql, sizeof sql, "SELECT txid_status(%s)", transaction);
    if (s == MLPLAT_OK)
        s = run(db, sql, &result, err);
    snprintf(fate, 16, "%s", s == MLPLAT_OK ? db->pg->pq.getvalue(result, 0, 0) : "");
    db->pg->pq.clear(result);
    return s;
}

static mlplat_status settle(mlp_db *db, mlplat_error *err)
{
    char transaction[24], fate[16] = "";
    mlp_wait wait = mlp_wait_begin(db->wait ? db->wait->hook : NULL, db->path, SETTLE_MS);
    mlplat_status s;
    snprintf(transaction, sizeof transaction, "%s", db->pg->transaction);
    do
        s = ask_fate(db, transaction, fate, NULL);
    while ((s == MLPLAT_UNAVAILABLE || strcmp(fate, "in progress") == 0) && mlp_wait_nap(&wait, NULL) == MLPLAT_OK);
    if (strcmp(fate, "committed") == 0)
        return MLPLAT_OK;
    db->busy = db->busy || strcmp(fate, "aborted") == 0; /* all of it is done again */
    mlp_fail(err, MLPLAT_UNAVAILABLE,
             "%s: the connection broke as the change was stored, and the server is not there to tell whether it was: "
             "look when it is",
             db->path);
    if (err)
        err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

static mlplat_status commit(mlp_db *db, mlplat_error *err)
{
    mlp_pg *pg = db->pg;
    mlp_pg_result *result = NULL;
    mlplat_status s = run(db, "COMMIT", &result, err);
    if (s == MLPLAT_OK && strcmp(pg->pq.cmdStatus(result), "COMMIT") != 0)
        s = mlp_fail(err, MLPLAT_IO, "%s: the server took the change back", db->path);
    pg->pq.clear(result);
    if (s == MLPLAT_UNAVAILABLE && pg->transaction[0]) {
        db->busy = false;
        s = settle(db, err);
    }
    return s;
}

static void rollback(mlp_db *db)
{
    mlp_pg *pg = db->pg;
    if (!db->busy)
        pg->collisions = 0;
    if (check(db, NULL) == MLPLAT_OK && pg->conn && pg->pq.transactionStatus(pg->conn) != MLP_PG_TRANSACTION_IDLE &&
        run_plain(db, "ROLLBACK", NULL) != MLPLAT_OK)
        mlp_pg_disconnect(db);
}

static mlplat_status attempt(mlp_db *db, mlp_db_fn fn, void *ctx, mlplat_error *err)
{
    bool busy = db->busy;
    mlplat_status s = run_plain(db, "SAVEPOINT mlplat", err);
    if (s != MLPLAT_OK)
        return s;
    s = fn(db, ctx, err);
    if (s == MLPLAT_OK)
        return run_plain(db, "RELEASE SAVEPOINT mlplat", err);
    if (s == MLPLAT_EXISTS)
        db->busy = busy;
    if (db->pg->conn && run_plain(db, "ROLLBACK TO SAVEPOINT mlplat; RELEASE SAVEPOINT mlplat", NULL) != MLPLAT_OK)
        mlp_pg_disconnect(db);
    return s;
}

static int64_t changes(mlp_db *db)
{
    return db->pg->changes;
}

const mlp_engine mlp_engine_postgres = {
    .check = check,
    .read_only = read_only,
    .close = close_pg,
    .abandon = abandon_pg,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .attempt = attempt,
    .changes = changes,
    .prepare = mlp_pg_prepare,
    .text = mlp_pg_text,
    .drop = mlp_pg_drop,
    .forget = mlp_pg_drop,
    .reset = mlp_pg_reset,
    .bind_text = mlp_pg_bind_text,
    .bind_int = mlp_pg_bind_int,
    .bind_bool = mlp_pg_bind_bool,
    .bind_double = mlp_pg_bind_double,
    .bind_null = mlp_pg_bind_null,
    .bind_array = mlp_pg_bind_array,
    .step = mlp_pg_step,
    .col_text = mlp_pg_col_text,
    .col_int = mlp_pg_col_int,
    .col_double = mlp_pg_col_double,
    .col_bytes = mlp_pg_col_bytes,
    .col_type = mlp_pg_col_type,
};

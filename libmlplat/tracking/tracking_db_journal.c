/*
 * mlplat_journal, the one table of ours: up to which record of which journal the store has it, written in the same
 * transaction as the rows. It is made by the first delivery; on a server the role must have the right to do so, or
 * somebody who has it makes it once.
 */
#include "base/err.h"
#include "tracking/tracking_db.h"
#include <string.h>

#define TABLE(number) "mlplat_journal (journal_id TEXT PRIMARY KEY, seq " number " NOT NULL)"

/* Of a server: may it be written, or made? */
mlplat_status mlp_tracking_db_journal_allowed(mlp_db *db, bool *allowed, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    *allowed = true;
    mlplat_status s = mlp_db_prepare(db,
                                     "SELECT CASE WHEN to_regclass('mlplat_journal') IS NULL THEN "
                                     "has_schema_privilege(current_schema(), 'CREATE') ELSE "
                                     "has_table_privilege('mlplat_journal', 'SELECT') AND "
                                     "has_table_privilege('mlplat_journal', 'INSERT') AND "
                                     "has_table_privilege('mlplat_journal', 'UPDATE') AND "
                                     "has_table_privilege('mlplat_journal', 'DELETE') END",
                                     &stmt, err);
    if (s == MLPLAT_OK)
        s = mlp_stmt_step(stmt, NULL, err);
    if (s == MLPLAT_OK)
        *allowed = mlp_stmt_col_int(stmt, 0) != 0;
    mlp_stmt_done(stmt);
    return s;
}

static mlplat_status get(mlp_db *db, const char *sql, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    mlplat_status s = mlp_db_prepare(db, sql, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, journal_id);
        s = mlp_stmt_step(stmt, &row, err);
    }
    *seq = s == MLPLAT_OK && row ? (uint64_t)mlp_stmt_col_int(stmt, 0) : 0;
    mlp_stmt_done(stmt);
    return s;
}

#define GET "SELECT seq FROM mlplat_journal WHERE journal_id = ?"
/* A server may still be ending a transaction of ours whose connection broke: its mark is waited for. */
#define GET_AND_LOCK                                                                                                   \
    "INSERT INTO mlplat_journal (journal_id, seq) VALUES (?, 0) ON CONFLICT (journal_id) DO UPDATE SET seq = "         \
    "mlplat_journal.seq RETURNING seq"

mlplat_status mlp_tracking_db_journal_begin(mlp_db *db, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    bool there = false;
    mlplat_status s = mlp_db_is_file(db) ? MLPLAT_OK : mlp_schema_has_table(db, "mlplat_journal", &there, err);
    if (s == MLPLAT_OK && !there)
        s = mlp_db_exec(db, err,
                        mlp_db_say(db, "CREATE TABLE IF NOT EXISTS " TABLE("INTEGER"),
                                   "CREATE TABLE IF NOT EXISTS " TABLE("BIGINT")),
                        0);
    return s == MLPLAT_OK ? get(db, mlp_db_say(db, GET, GET_AND_LOCK), journal_id, seq, err) : s;
}

mlplat_status mlp_tracking_db_journal_set(mlp_db *db, const char *journal_id, uint64_t seq, mlplat_error *err)
{
    mlp_stmt *stmt = NULL;
    mlplat_status s = mlp_db_prepare(db,
                                     "INSERT INTO mlplat_journal (journal_id, seq) VALUES (?, ?) "
                                     "ON CONFLICT (journal_id) DO UPDATE SET seq = excluded.seq",
                                     &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_stmt_text(stmt, 1, journal_id);
        mlp_stmt_int(stmt, 2, (int64_t)seq);
        s = mlp_stmt_step(stmt, NULL, err);
    }
    mlp_stmt_done(stmt);
    return s;
}

/* ---- for the sink ------------------------------------------------------------------------------------------------ */

typedef struct mark_call {
    const char *journal_id;
    uint64_t seq;
} mark_call;

static mlplat_status mark_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    mark_call *call = ctx;
    bool there = false;
    mlplat_status s = mlp_schema_has_table(db, "mlplat_journal", &there, err);
    return s == MLPLAT_OK && there ? get(db, GET, call->journal_id, &call->seq, err) : s;
}

mlplat_status mlp_tracking_db_journal_mark(void *ctx, const char *journal_id, uint64_t *seq, mlplat_error *err)
{
    const mlp_tracking_db_store *store = ctx;
    mark_call call = {.journal_id = journal_id};
    mlplat_status s = mlp_db_read(store->db, mark_fn, &call, NULL, err);
    *seq = call.seq;
    return s;
}

static mlplat_status forget_fn(mlp_db *db, void *ctx, mlplat_error *err)
{
    const mark_call *call = ctx;
    bool there = false;
    mlplat_status s = mlp_schema_has_table(db, "mlplat_journal", &there, err);
    if (s == MLPLAT_OK && there)
        s = mlp_db_exec(db, err, "DELETE FROM mlplat_journal WHERE journal_id = ?", 1, call->journal_id);
    return s;
}

mlplat_status mlp_tracking_db_journal_forget(void *ctx, const char *journal_id, mlplat_error *err)
{
    const mlp_tracking_db_store *store = ctx;
    mark_call call = {.journal_id = journal_id};
    return mlp_db_write_lazy(store->db, forget_fn, &call, err);
}

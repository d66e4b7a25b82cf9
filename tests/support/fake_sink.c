#include "support/fake_sink.h"
#include "base/clock.h"
#include "base/err.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool begins(const mlp_record *r, const char *with)
{
    return r->key_n >= strlen(with) && memcmp(r->key, with, strlen(with)) == 0;
}

static sqlite3_stmt *prepare(fake_sink *s, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fprintf(stderr, "fake sink: %s: %s\n", sql, sqlite3_errmsg(s->db));
    return stmt;
}

static uint64_t read_mark(fake_sink *s, const char *id)
{
    sqlite3_stmt *stmt = prepare(s, "select seq from marks where journal = ?");
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    uint64_t seq = sqlite3_step(stmt) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return seq;
}

static void insert(sqlite3_stmt *stmt, const char *id, const mlp_record *r)
{
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)r->seq);
    sqlite3_bind_int(stmt, 3, (int)r->kind);
    sqlite3_bind_text(stmt, 4, r->run_id, (int)r->run_id_n, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, r->key, (int)r->key_n, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, r->text, (int)r->text_n, SQLITE_STATIC);
    sqlite3_bind_double(stmt, 7, r->value);
    sqlite3_bind_int64(stmt, 8, r->step);
    sqlite3_bind_int64(stmt, 9, r->timestamp_ms);
    sqlite3_step(stmt);
    sqlite3_reset(stmt);
}

static void set_mark(fake_sink *s, const char *id, uint64_t seq)
{
    sqlite3_stmt *stmt = prepare(s, "insert or replace into marks values (?, ?)");
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)seq);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
}

void fake_sink_store(fake_sink *s, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts)
{
    uint64_t mark = s->request ? 0 : read_mark(s, id);
    sqlite3_stmt *stmt = prepare(s, "insert into rows(journal, seq, kind, run, key, text, value, step, time) "
                                    "values (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (size_t i = 0; i < n; i++) {
        if (records[i].seq <= mark)
            continue;
        if (s->refuse && begins(&records[i], "refused")) {
            verdicts[i].status = (mlplat_status)s->refuse;
            snprintf(verdicts[i].reason, sizeof verdicts[i].reason, "run is deleted");
        } else
            insert(stmt, id, &records[i]);
    }
    sqlite3_finalize(stmt);
    if (n > 0 && records[n - 1].seq > mark && !s->request)
        set_mark(s, id, records[n - 1].seq);
}

mlplat_status fake_sink_scripted(fake_sink *s, const mlp_record *records, size_t n, mlplat_error *err)
{
    while (s->hold) {
        mlp_clock_sleep_ms(1);
        if (s->until && mlp_clock_mono_ns() >= s->until)
            return mlp_fail(err, MLPLAT_CANCELLED, "the fake store's time is up");
    }
    if (s->too_many && (int)n > s->too_many) {
        mlp_fail(err, MLPLAT_TIMEOUT, "the fake store is too slow for %zu", n);
        err->retryable = 1;
        return MLPLAT_TIMEOUT;
    }
    if (s->fail && s->fail_times != 0) {
        if (s->fail_times > 0)
            s->fail_times--;
        mlplat_status status = mlp_fail(err, (mlplat_status)s->fail, "the fake store fails");
        err->retryable = s->retryable;
        return status;
    }
    for (size_t i = 0; s->poison && i < n; i++)
        if (begins(&records[i], "poison"))
            return mlp_fail(err, (mlplat_status)s->poison, "the fake store chokes on a record");
    return MLPLAT_OK;
}

static mlplat_status apply(void *ctx, const char *id, const mlp_record *records, size_t n, mlp_verdict *verdicts,
                           mlplat_error *err)
{
    fake_sink *s = ctx;
    s->calls++;
    if ((int)n > s->largest)
        s->largest = (int)n;
    mlplat_status status = fake_sink_scripted(s, records, n, err);
    if (status != MLPLAT_OK)
        return status;
    pthread_mutex_lock(&s->lock);
    if (sqlite3_exec(s->db, "begin immediate", NULL, NULL, NULL) != SQLITE_OK) {
        status = mlp_fail(err, MLPLAT_UNAVAILABLE, "busy: %s", sqlite3_errmsg(s->db));
        err->retryable = 1;
    } else {
        fake_sink_store(s, id, records, n, verdicts);
        if (s->set_aside)
            status = mlp_spool_set_aside(s->spool, id, records, verdicts, n, err);
        sqlite3_exec(s->db, status == MLPLAT_OK ? "commit" : "rollback", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&s->lock);
    if (s->die_after_commit)
        kill(getpid(), SIGKILL);
    return status;
}

static mlplat_status mark(void *ctx, const char *id, uint64_t *seq, mlplat_error *err)
{
    fake_sink *s = ctx;
    if (s->mark_fails)
        return mlp_fail(err, MLPLAT_UNAVAILABLE, "the fake store is away");
    pthread_mutex_lock(&s->lock);
    *seq = read_mark(s, id);
    pthread_mutex_unlock(&s->lock);
    return MLPLAT_OK;
}

static mlplat_status forget(void *ctx, const char *id, mlplat_error *err)
{
    fake_sink *s = ctx;
    (void)err;
    pthread_mutex_lock(&s->lock);
    sqlite3_stmt *stmt = prepare(s, "delete from marks where journal = ?");
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    pthread_mutex_unlock(&s->lock);
    s->forgotten++;
    return MLPLAT_OK;
}

fake_sink *fake_sink_open(const char *path)
{
    fake_sink *s = calloc(1, sizeof *s);
    sqlite3 *db = NULL;
    if (!s || sqlite3_open(path, &db) != SQLITE_OK)
        abort();
    s->db = db;
    pthread_mutex_init(&s->lock, NULL);
    sqlite3_busy_timeout(db, 20000);
    if (sqlite3_exec(
            db,
            "pragma journal_mode = wal; pragma synchronous = off;"
            "create table if not exists rows(n integer primary key, journal, seq, kind, run, key, text, value, step, "
            "time); create table if not exists marks(journal primary key, seq)",
            NULL, NULL, NULL) != SQLITE_OK)
        abort();
    return s;
}

void fake_sink_close(fake_sink *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static int64_t rest_until(void *ctx)
{
    return ((fake_sink *)ctx)->rest_until;
}

static void until(void *ctx, int64_t mono_ns)
{
    ((fake_sink *)ctx)->until = mono_ns;
}

mlp_sink fake_sink_table(fake_sink *s)
{
    mlp_sink table = {.apply = apply, .mark = mark, .forget = forget, .ctx = s};
    if (s->remote) {
        table.remote = true;
        table.rest_until = rest_until;
        table.until = until;
    }
    if (s->request) {
        table.apply = fake_server_apply;
        table.unmarked = true;
    }
    return table;
}

int64_t fake_sink_ask(fake_sink *s, const char *sql)
{
    pthread_mutex_lock(&s->lock);
    sqlite3_stmt *stmt = prepare(s, sql);
    int64_t answer = stmt && sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_finalize(stmt);
    pthread_mutex_unlock(&s->lock);
    return answer;
}

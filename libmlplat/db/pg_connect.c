/* What a URI of MLflow's says, and the connection that it names. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "db/pg_inside.h"
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10 * 1000, OPTIONS_MOST = 64 };

/* ---- the URI ----------------------------------------------------------------------------------------------------- */

static const char *value_of(const mlp_pg_option *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0 && options->val && *options->val)
            return options->val;
    return NULL;
}

const char *mlp_pg_option_of(const mlp_pg *pg, const char *keyword)
{
    return value_of(pg->options, keyword);
}

/* "postgresql+psycopg2://" of SQLAlchemy is libpq's "postgresql://". */
static char *without_driver(const char *uri)
{
    const char *at = strstr(uri, "://");
    return at ? mlp_sprintf("postgresql%s", at) : NULL;
}

/* The environment's words count where the URI has none, as for libpq itself. */
static char *shown_of(const mlp_pg_option *options)
{
    static const struct {
        const char *keyword, *variable, *otherwise;
    } parts[] = {{"user", "PGUSER", ""},
                 {"host", "PGHOST", "localhost"},
                 {"port", "PGPORT", "5432"},
                 {"dbname", "PGDATABASE", ""}};
    const char *part[4] = {"", "", "", ""};
    mlp_buf out = {0};
    for (int i = 0; i < 4; i++) {
        const char *variable = getenv(parts[i].variable);
        part[i] = value_of(options, parts[i].keyword);
        part[i] = part[i] ? part[i] : variable && *variable ? variable : parts[i].otherwise;
    }
    mlp_buf_puts(&out, "postgresql://");
    if (*part[0])
        mlp_buf_printf(&out, "%s@", part[0]);
    mlp_text_percent(&out, part[1], ".:,-[]");
    mlp_buf_printf(&out, ":%s/%s", part[2], part[3]);
    return mlp_buf_take(&out);
}

mlplat_status mlp_pg_options(const mlp_pg_table *pq, const char *uri, mlp_pg_option **options, char **shown,
                             mlplat_error *err)
{
    char *plain = without_driver(uri), *why = NULL;
    *shown = NULL;
    *options = plain ? pq->conninfoParse(plain, &why) : NULL;
    mlp_free(plain);
    pq->freemem(why); /* it shows the URI, with what is secret in it */
    if (!*options)
        return mlp_fail(err, MLPLAT_INVALID,
                        "the URI of the PostgreSQL store cannot be read: write postgresql://user@host:5432/database, "
                        "what is special in a name or password as %%XX, and libpq's settings behind a '?', such as "
                        "?sslmode=require");
    *shown = shown_of(*options);
    return *shown ? MLPLAT_OK : mlp_fail_memory(err);
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

/* Nobody reads them; a session has them in its log. */
static void drop_notice(void *user, const char *text)
{
    (void)user, (void)text;
}

static mlp_pg_conn *start(const mlp_pg *pg)
{
    static const char *const ours[][2] = {{"fallback_application_name", "mlplat"},
                                          {"tcp_user_timeout", "30000"},
                                          {"keepalives_idle", "30"},
                                          {"client_encoding", "UTF8"}};
    const char *names[OPTIONS_MOST + 5] = {NULL}, *values[OPTIONS_MOST + 5] = {NULL};
    int n = 0;
    for (const mlp_pg_option *o = pg->options; o->keyword && n < OPTIONS_MOST; o++)
        if (o->val && strcmp(o->keyword, "client_encoding") != 0) {
            names[n] = o->keyword;
            values[n++] = o->val;
        }
    for (int i = 0; i < 4; i++)
        if (i == 3 || !mlp_pg_option_of(pg, ours[i][0])) {
            names[n] = ours[i][0];
            values[n++] = ours[i][1];
        }
    return pg->pq.connectStartParams(names, values, 0);
}

static mlplat_status finish_connecting(mlp_db *db, mlplat_error *err)
{
    mlp_pg *pg = db->pg;
    int64_t until_ns = mlp_clock_mono_ns() + pg->connect_ms * 1000000;
    mlplat_status s = MLPLAT_OK;
    for (int now = MLP_PG_POLLING_WRITING; s == MLPLAT_OK && now != MLP_PG_POLLING_OK;) {
        if (now == MLP_PG_POLLING_FAILED || pg->pq.status(pg->conn) == 1)
            return mlp_pg_fail_connection(db, err);
        s = mlp_pg_wait(db, now == MLP_PG_POLLING_WRITING, until_ns, err);
        if (s == MLPLAT_OK)
            now = pg->pq.connectPoll(pg->conn);
    }
    return s;
}

/* Limits that hold on the server too: a client that is gone must keep nothing locked. */
static mlplat_status set_up(mlp_db *db, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    mlp_pg_result *result = NULL;
    const char *sql =
        pg->pq.serverVersion(pg->conn) >= 140000
            ? "SET extra_float_digits = 3; SET statement_timeout = 60000; "
              "SET idle_in_transaction_session_timeout = 60000; SET client_connection_check_interval = 2000"
            : "SET extra_float_digits = 3; SET statement_timeout = 60000; "
              "SET idle_in_transaction_session_timeout = 60000";
    pg->pq.setNoticeProcessor(pg->conn, drop_notice, NULL);
    mlplat_status s = pg->pq.setnonblocking(pg->conn, 1) == 0
                          ? mlp_pg_take(db, pg->pq.sendQuery(pg->conn, sql), &result, err)
                          : mlp_pg_fail_connection(db, err);
    if (s != MLPLAT_OK)
        return s;
    if (pg->pq.resultStatus(result) != MLP_PG_COMMAND_OK)
        return mlp_pg_fail(db, result, err);
    pg->pq.clear(result);
    return MLPLAT_OK;
}

static int64_t connect_ms(const mlp_pg *pg)
{
    const char *seconds = mlp_pg_option_of(pg, "connect_timeout");
    int64_t n = 0;
    seconds = seconds ? seconds : getenv("PGCONNECT_TIMEOUT");
    return seconds && mlp_text_int64(seconds, &n) && n > 0 && n < 3600 ? n * 1000 : CONNECT_MS;
}

mlplat_status mlp_pg_connect(mlp_db *db, mlplat_error *err)
{
    mlp_pg *pg = db->pg;
    mlp_pg_disconnect(db);
    pg->connect_ms = connect_ms(pg);
    pg->conn = start(pg);
    mlplat_status s = pg->conn ? finish_connecting(db, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK) {
        pg->session++;
        s = set_up(db, err);
    }
    if (s != MLPLAT_OK)
        mlp_pg_disconnect(db);
    return s;
}

void mlp_pg_disconnect(mlp_db *db)
{
    mlp_pg *pg = db->pg;
    if (pg->conn)
        pg->pq.finish(pg->conn);
    pg->conn = NULL;
}

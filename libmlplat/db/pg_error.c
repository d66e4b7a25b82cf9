/* The one place where PostgreSQL's codes become statuses. */
#include "base/err.h"
#include "db/pg_inside.h"
#include <string.h>

enum { COLLISIONS_MOST = 6 };

/* By the code's begin, the longer ones first. */
static const struct {
    const char *code;
    mlplat_status status;
    const char *help;
} codes[] = {
    {"23505", MLPLAT_EXISTS, ""},
    {"23", MLPLAT_CONFLICT, ""},
    {"25006", MLPLAT_DENIED, "; this server only lets read: name the one that is written to (target_session_attrs)"},
    {"22", MLPLAT_INVALID, ""},
    {"40", MLPLAT_UNAVAILABLE, "; other writers were in the way: try again"},
    {"55P03", MLPLAT_UNAVAILABLE, "; other writers were in the way: try again"},
    {"28", MLPLAT_DENIED, "; give the password by PGPASSWORD or ~/.pgpass"},
    {"42501", MLPLAT_DENIED, "; the role needs the right to do so"},
    {"3D000", MLPLAT_NOT_FOUND, "; create it, and `mlflow db upgrade` makes the tables"},
    {"42", MLPLAT_CORRUPT, "; its tables are not as expected"},
    {"53100", MLPLAT_NO_SPACE, "; free some space on the server's disk and try again"},
    {"53", MLPLAT_UNAVAILABLE, "; the server has no room for more: try again"},
    {"54", MLPLAT_INVALID, ""},
    {"57014", MLPLAT_TIMEOUT, "; it took too long for the server's limits: try again"},
    {"57", MLPLAT_UNAVAILABLE, "; the server is going down or coming up: try again"},
    {"08", MLPLAT_UNAVAILABLE, "; try again"},
    {"XX001", MLPLAT_CORRUPT, "; the server's files are damaged: restore them from a backup"},
    {"XX002", MLPLAT_CORRUPT, "; an index of the server is damaged: REINDEX it"},
    {"", MLPLAT_IO, ""},
};

static size_t find_code(const char *code)
{
    size_t i = 0;
    while (strncmp(codes[i].code, code, strlen(codes[i].code)) != 0)
        i++;
    return i;
}

static mlplat_status told(mlplat_status s, mlplat_error *err)
{
    if (err)
        err->retryable = s == MLPLAT_UNAVAILABLE || s == MLPLAT_TIMEOUT;
    return s;
}

/* What others changed since it was looked at is seen when it is looked at again. A key that is there stays there, so
 * that is tried some times only. */
static bool may_pass(mlp_db *db, const char *code)
{
    if (strcmp(code, "23505") == 0)
        return db->changes && ++db->pg->collisions < COLLISIONS_MOST;
    return (db->inside && strncmp(code, "57P", 3) == 0) || strcmp(code, "40001") == 0 || strcmp(code, "40P01") == 0 ||
           strcmp(code, "55P03") == 0;
}

mlplat_status mlp_pg_fail(mlp_db *db, mlp_pg_result *result, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    const char *code = pg->pq.resultErrorField(result, 'C'), *words = pg->pq.resultErrorField(result, 'M');
    const char *detail = pg->pq.resultErrorField(result, 'D');
    if (!code) { /* libpq's own, of a connection that broke */
        pg->pq.clear(result);
        mlplat_status s = mlp_pg_fail_connection(db, err);
        db->busy = db->busy || db->inside; /* what was not ended is taken back by the server, and done again */
        mlp_pg_disconnect(db);
        return s;
    }
    size_t i = find_code(code);
    db->busy = db->busy || may_pass(db, code);
    mlp_fail(err, codes[i].status, "%s: %s%s%s (PostgreSQL %s)%s", db->path, words ? words : "it failed",
             detail ? ": " : "", detail ? detail : "", code, codes[i].help);
    pg->pq.clear(result);
    return told(codes[i].status, err);
}

/* Of a connection that is not made libpq tells no code, only words. */
static const struct {
    const char *words;
    mlplat_status status;
    const char *help;
} refusals[] = {
    {"password authentication failed", MLPLAT_DENIED, "; give the right one in the URI, PGPASSWORD or ~/.pgpass"},
    {"no password supplied", MLPLAT_DENIED, "; give it in the URI, PGPASSWORD or ~/.pgpass"},
    {"authentication failed", MLPLAT_DENIED, ""},
    {"pg_hba.conf", MLPLAT_DENIED, ""},
    {"permission denied for database", MLPLAT_DENIED, ""},
    {"is not permitted to log in", MLPLAT_DENIED, ""},
    {"certificate", MLPLAT_DENIED, "; sslmode, sslrootcert, sslcert and sslkey in the URI say which are used"},
    {"SSL", MLPLAT_DENIED, "; sslmode in the URI says whether it is used"},
    {"invalid sslmode", MLPLAT_INVALID, ""},
    {"invalid port", MLPLAT_INVALID, ""},
    {"database \"", MLPLAT_NOT_FOUND, "; create it, and `mlflow db upgrade` makes the tables"},
    {"role \"", MLPLAT_DENIED, "; name another user in the URI"},
};

static size_t line_length(const char *words)
{
    size_t n = strlen(words);
    while (n && (words[n - 1] == '\n' || words[n - 1] == '.'))
        n--;
    return n;
}

mlplat_status mlp_pg_fail_connection(mlp_db *db, mlplat_error *err)
{
    const mlp_pg *pg = db->pg;
    const char *words = pg->conn ? pg->pq.errorMessage(pg->conn) : "there is no connection";
    mlplat_status s = MLPLAT_UNAVAILABLE;
    const char *help = "; try again when the server is there";
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (s == MLPLAT_UNAVAILABLE && strstr(words, refusals[i].words) && !strstr(words, "closed the connection")) {
            s = refusals[i].status;
            help = refusals[i].help;
        }
    mlp_fail(err, s, "%s: %.*s%s", db->path, (int)line_length(words), words, help);
    return told(s, err);
}

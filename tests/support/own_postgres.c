#include "support/own_postgres.h"
#include "base/buf.h"
#include "db/pg_table.h"
#include "db/schema_tables.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_postgres {
    char *folder;
    char programs[200]; /* where they are, "" for PATH's */
    int port;
    pid_t pid; /* of the server */
};

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static bool find_programs(char out[200])
{
    glob_t found = {0};
    bool there = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0 && found.gl_pathc > 0;
    if (there)
        snprintf(out, 200, "%.*s", (int)(strlen(found.gl_pathv[found.gl_pathc - 1]) - strlen("/initdb")),
                 found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return there || system("command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1") == 0;
}

/* PostgreSQL does not run as root. */
static void become_postgres(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(120);
}

static pid_t start_program(const test_postgres *pg, const char *name, const char *const words[])
{
    char path[300], log[300];
    snprintf(path, sizeof path, "%s%s%s", pg->programs, *pg->programs ? "/" : "", name);
    snprintf(log, sizeof log, "%s/%s.log", pg->folder, name);
    pid_t pid = fork();
    if (pid == 0) {
        become_postgres();
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(pg->folder) != 0)
            _exit(121);
        setpgid(0, 0);
        unsetenv("LC_ALL");
        execvp(path, (char *const *)(uintptr_t)words);
        _exit(122);
    }
    return pid;
}

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* ---- SQL --------------------------------------------------------------------------------------------------------- */

static mlp_pg_table *libpq(void)
{
    static mlp_pg_table table;
    if (!table.finish)
        assert_int_equal(mlp_pg_table_open(NULL, &table, NULL), MLPLAT_OK);
    return &table;
}

/* NULL: there is no server. */
static mlp_pg_conn *connect_to(const char *uri)
{
    const char *const names[] = {"dbname", NULL}, *const values[] = {uri, NULL};
    mlp_pg_conn *conn = libpq()->connectStartParams(names, values, 1);
    for (int i = 0, now = MLP_PG_POLLING_WRITING; conn && now != MLP_PG_POLLING_OK; i++) {
        if (now == MLP_PG_POLLING_FAILED || i == 20000) {
            libpq()->finish(conn);
            return NULL;
        }
        usleep(500);
        now = libpq()->connectPoll(conn);
    }
    return conn;
}

const char *test_postgres_sql(const char *uri, const char *sql)
{
    static char out[4096];
    mlp_pg_conn *conn = connect_to(uri);
    mlp_pg_result *result;
    if (!conn)
        fail_msg("no connection to %s", uri);
    *out = 0;
    assert_int_equal(libpq()->sendQuery(conn, sql), 1);
    while ((result = libpq()->getResult(conn))) {
        int status = libpq()->resultStatus(result);
        if (status != MLP_PG_COMMAND_OK && status != MLP_PG_TUPLES_OK)
            fail_msg("%.300s: %s", sql, libpq()->errorMessage(conn));
        if (status == MLP_PG_TUPLES_OK && libpq()->ntuples(result))
            snprintf(out, sizeof out, "%s", libpq()->getvalue(result, 0, 0));
        libpq()->clear(result);
    }
    libpq()->finish(conn);
    return out;
}

int64_t test_postgres_number(const char *uri, const char *sql)
{
    return strtoll(test_postgres_sql(uri, sql), NULL, 10);
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

const char *test_postgres_uri(const test_postgres *pg, const char *database)
{
    static char uris[4][200];
    static unsigned next;
    char *uri = uris[next++ % 4];
    snprintf(uri, sizeof uris[0], "postgresql://mlflow@127.0.0.1:%d/%s", pg->port, database);
    return uri;
}

/* False: it does not answer within 30 s, or has ended. */
static bool wait_ready(test_postgres *pg)
{
    for (int i = 0; i < 600 && pg->pid > 0; i++) {
        mlp_pg_conn *conn = connect_to(test_postgres_uri(pg, "postgres"));
        if (conn) {
            libpq()->finish(conn);
            return true;
        }
        usleep(50000);
        if (waitpid(pg->pid, NULL, WNOHANG) == pg->pid)
            pg->pid = 0;
    }
    return false;
}

bool test_postgres_again(test_postgres *pg)
{
    char port[60], sockets[200];
    snprintf(port, sizeof port, "port=%d", pg->port);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", pg->folder);
    const char *const words[] = {"postgres",
                                 "-D",
                                 "data",
                                 "-c",
                                 port,
                                 "-c",
                                 sockets,
                                 "-c",
                                 "listen_addresses=127.0.0.1",
                                 "-c",
                                 "fsync=off",
                                 "-c",
                                 "max_connections=40",
                                 "-c",
                                 "shared_buffers=32MB",
                                 NULL};
    bool ready = false;
    for (int i = 0; i < 100 && !ready && pg->pid <= 0; i++) { /* it ends while some of its last life are there */
        pg->pid = start_program(pg, "postgres", words);
        ready = wait_ready(pg);
    }
    return ready;
}

/* Its children have sessions of their own, and end when they see that it is gone. */
void test_postgres_kill(test_postgres *pg)
{
    if (pg->pid <= 0)
        return;
    kill(-pg->pid, SIGKILL);
    kill(pg->pid, SIGKILL);
    waitpid(pg->pid, NULL, 0);
    pg->pid = 0;
}

void test_postgres_stop(test_postgres *pg)
{
    if (!pg)
        return;
    test_postgres_kill(pg);
    test_folder_remove(pg->folder);
    free(pg);
}

static bool make_cluster(const test_postgres *pg)
{
    static const char *const words[] = {"initdb",           "-D", "data", "-A", "trust", "-U", "mlflow", "-N",
                                        "--locale=C.UTF-8", "-E", "UTF8", NULL};
    int status = -1;
    waitpid(start_program(pg, "initdb", words), &status, 0);
    return status == 0;
}

/* Whoever is "guarded" has a password. */
static void guard(const test_postgres *pg)
{
    char path[300];
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", pg->folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n", f);
    fclose(f);
    test_postgres_sql(test_postgres_uri(pg, "postgres"),
                      "CREATE ROLE guarded LOGIN PASSWORD 'secret'; SELECT pg_reload_conf()");
}

test_postgres *test_postgres_start(void)
{
    test_postgres *pg = calloc(1, sizeof *pg);
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    mlplat_error err = {0};
    mlp_pg_table table;
    pg->folder = test_folder_make();
    if (mlp_pg_table_open(NULL, &table, &err) != MLPLAT_OK || !find_programs(pg->programs) ||
        (getuid() == 0 && !user)) {
        print_message("skipped: PostgreSQL is not here (packages postgresql, libpq5)\n");
        test_postgres_stop(pg);
        return NULL;
    }
    if (user)
        assert_int_equal(chown(pg->folder, user->pw_uid, user->pw_gid), 0);
    pg->port = free_port();
    if (!make_cluster(pg) || !test_postgres_again(pg))
        fail_msg("PostgreSQL does not start: see %s/initdb.log and postgres.log", pg->folder);
    guard(pg);
    return pg;
}

/* ---- databases --------------------------------------------------------------------------------------------------- */

/* In the order in which they refer to each other. */
static const char *const tables[] = {"alembic_version",
                                     "experiments",
                                     "experiment_tags",
                                     "runs",
                                     "metrics",
                                     "latest_metrics",
                                     "params",
                                     "tags",
                                     "datasets",
                                     "inputs",
                                     "input_tags",
                                     "registered_models",
                                     "registered_model_tags",
                                     "registered_model_aliases",
                                     "model_versions",
                                     "model_version_tags",
                                     "logged_models",
                                     "logged_model_metrics",
                                     "logged_model_params",
                                     "logged_model_tags",
                                     NULL};

static void replace(mlp_buf *out, const char *text, const char *from, const char *to)
{
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        mlp_buf_add(out, text, (size_t)(at - text));
        mlp_buf_puts(out, to);
    }
    mlp_buf_puts(out, text);
}

/* What SQLite says in another way. */
static char *as_postgres(const char *sql)
{
    static const char *const words[][2] = {{" FLOAT", " DOUBLE PRECISION"},
                                           {"(is_nan IN (0, 1))", "(true)"},
                                           {"experiments (experiment_id INTEGER", "experiments (experiment_id SERIAL"}};
    char *text = strdup(sql);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        mlp_buf out = {0};
        replace(&out, text, words[i][0], words[i][1]);
        free(text);
        text = strdup(out.data);
        mlp_buf_free(&out);
    }
    return text;
}

static void put_tables(mlp_buf *sql, int revision)
{
    for (int i = 0; tables[i]; i++) {
        const mlp_schema_table *table = mlp_schema_table_of(tables[i]);
        if (table->since > revision)
            continue;
        mlp_schema_put_table(sql, table, table->name, revision);
        for (const mlp_schema_index *index = mlp_schema_indexes; index->name; index++)
            if (strcmp(index->table, tables[i]) == 0 && index->since <= revision &&
                (!index->until || revision < index->until))
                mlp_schema_put_index(sql, index);
    }
}

void test_postgres_create(const test_postgres *pg, const char *database, int revision)
{
    char make[100];
    mlp_buf sql = {0};
    snprintf(make, sizeof make, "CREATE DATABASE %s", database);
    test_postgres_sql(test_postgres_uri(pg, "postgres"), make);
    put_tables(&sql, revision);
    mlp_buf_printf(&sql, "INSERT INTO alembic_version VALUES ('%s');", mlp_schema_revisions[revision].head);
    mlp_buf_puts(&sql, "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) VALUES (0, "
                       "'Default', '/nowhere/0', 'active');");
    char *text = as_postgres(sql.data);
    test_postgres_sql(test_postgres_uri(pg, database), text);
    free(text);
    mlp_buf_free(&sql);
}

void test_postgres_empty(const char *uri)
{
    mlp_buf sql = {0};
    mlp_buf_puts(&sql, "SET session_replication_role = replica; ALTER SEQUENCE experiments_experiment_id_seq RESTART; "
                       "DO $$ BEGIN IF to_regclass('mlplat_journal') IS NOT NULL THEN DELETE FROM mlplat_journal; END "
                       "IF; END $$;");
    for (int i = 1; tables[i]; i++)
        mlp_buf_printf(&sql, "DO $$ BEGIN IF to_regclass('%s') IS NOT NULL THEN DELETE FROM %s%s; END IF; END $$;",
                       tables[i], tables[i], strcmp(tables[i], "experiments") == 0 ? " WHERE experiment_id <> 0" : "");
    test_postgres_sql(uri, sql.data);
    mlp_buf_free(&sql);
}

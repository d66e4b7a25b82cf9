/* A PostgreSQL server of a test's own, and databases with MLflow's tables on it. */
#ifndef TEST_POSTGRES_H
#define TEST_POSTGRES_H
#include "support/support.h"
#include <stdbool.h>

typedef struct test_postgres test_postgres;

/* Starts one in a new folder, on a free port of 127.0.0.1; the user mlflow needs no password, "secret" is that of
 * "guarded". NULL, with the reason printed: PostgreSQL is not here. */
test_postgres *test_postgres_start(void);
void test_postgres_stop(test_postgres *pg); /* and removes the folder */
void test_postgres_kill(test_postgres *pg); /* SIGKILL to all of it */
bool test_postgres_again(test_postgres *pg); /* starts what was killed, and waits for it */
/* "postgresql://mlflow@127.0.0.1:<port>/<database>"; in one of four static buffers. */
const char *test_postgres_uri(const test_postgres *pg, const char *database);
/* Makes a database with the tables that we use, as they are at a revision. */
void test_postgres_create(const test_postgres *pg, const char *database, int revision);
/* Runs SQL; the first value of the last result, in a static buffer. */
const char *test_postgres_sql(const char *uri, const char *sql);
int64_t test_postgres_number(const char *uri, const char *sql);
void test_postgres_empty(const char *uri); /* takes all rows out of the tables that we use */

#endif

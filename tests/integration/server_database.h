/* The database of a server that a test has for itself: an SQLite file, or a URI of PostgreSQL. */
#ifndef SERVER_DATABASE_H
#define SERVER_DATABASE_H
#include "support/own_postgres.h"
#include "support/support.h"
#include <sqlite3.h>
#include <string.h>

/* All rows but those that MLflow makes when it makes the store. */
static inline void empty_server(const char *database)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL;
    if (strncmp(database, "postgresql:", strlen("postgresql:")) == 0) {
        test_postgres_empty(database);
        return;
    }
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 30000); /* the server may be writing */
    assert_int_equal(sqlite3_exec(db, "pragma foreign_keys = off; begin immediate", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "select name from sqlite_master where type = 'table' and name not in "
                                        "('alembic_version', 'workspaces', 'experiments') and name not like 'sqlite%'",
                                        -1, &tables, NULL),
                     SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        char *sql = sqlite3_mprintf("delete from \"%w\"", (const char *)sqlite3_column_text(tables, 0));
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
    }
    sqlite3_finalize(tables);
    assert_int_equal(sqlite3_exec(db, "delete from experiments where experiment_id <> 0; commit", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

#endif

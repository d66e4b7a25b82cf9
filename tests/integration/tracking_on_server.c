/* The suite of every tracking store, on an MLflow server: tracking_on_server <its address> <its SQLite file>
 * <its release>. Each test begins on an empty server. */
#include "contract/tracking_contract.h"
#include <sqlite3.h>
#include <stdlib.h>

static const char *server, *database;

/* All rows but those that MLflow makes when it makes the store. */
static void empty_server(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL;
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

static mlplat *open_on_server(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    empty_server();
    options.tracking_uri = server;
    options.spool_dir = test_path(folder, "spool");
    assert_ok(mlplat_open(&options, &ml, &err));
    return ml;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s <address of an MLflow server> <its SQLite file> <its release>\n", argv[0]);
        return 2;
    }
    server = argv[1];
    database = argv[2];
    tracking_contract_by_rest = true;
    tracking_contract_old = strncmp(argv[3], "2.", 2) == 0;
    return tracking_contract_run("tracking on a server", open_on_server) != 0;
}

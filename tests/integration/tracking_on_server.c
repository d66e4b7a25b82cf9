/* The suite of every tracking store, on an MLflow server: tracking_on_server <its address> <its SQLite file>
 * <its release>. Each test begins on an empty server. */
#include "contract/tracking_contract.h"
#include "integration/server_database.h"
#include <stdlib.h>

static const char *server, *database;

static mlplat *open_on_server(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    empty_server(database);
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
    tracking_contract_by_rest = tracking_contract_queued = true;
    tracking_contract_old = strncmp(argv[3], "2.", 2) == 0;
    return tracking_contract_run("tracking on a server", open_on_server) != 0;
}

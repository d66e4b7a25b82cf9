/* The suites of every registry, on an MLflow server: registry_on_server <its address> <its SQLite file> <the folder of
 * its artifacts> [old]. Each test begins on an empty server. */
#include "contract/registry_contract.h"
#include "integration/server_database.h"
#include <stdlib.h>

static const char *server, *database, *artifacts;

static mlplat *open_on_server(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    empty_server(database);
    options.tracking_uri = server;
    options.artifact_root = artifacts;
    options.spool_dir = test_path(folder, "spool");
    assert_ok(mlplat_open(&options, &ml, &err));
    return ml;
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: %s <address of an MLflow server> <its SQLite file> <its artifacts> [old]\n", argv[0]);
        return 2;
    }
    server = argv[1];
    database = argv[2];
    artifacts = argv[3];
    registry_contract_by_rest = true;
    registry_contract_old = argc == 5;
    return registry_contract_run("registry on a server", open_on_server) +
               promotion_contract_run("promotion on a server", open_on_server) +
               prompts_contract_run("prompts on a server", open_on_server) !=
           0;
}

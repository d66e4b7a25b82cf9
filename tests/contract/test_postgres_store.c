/* The suites of every tracking store and registry, on PostgreSQL: on a server of its own with tables as we know them,
 * or where MLflow made them, test_postgres_store <URI>. Each test begins on an empty store. */
#include "contract/registry_contract.h"
#include "contract/tracking_contract.h"
#include "db/db.h"
#include "support/own_postgres.h"
#include <stdlib.h>

static char database[300];

static mlplat *open_on_server(const char *folder)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    test_postgres_empty(database);
    options.tracking_uri = database;
    options.spool_dir = test_path(folder, "spool");
    setenv("MLPLAT_ARTIFACT_ROOT", test_path(folder, "mlruns"), 1);
    assert_ok(mlplat_open(&options, &ml, &err));
    unsetenv("MLPLAT_ARTIFACT_ROOT");
    return ml;
}

static int run_suites(const char *name)
{
    char title[100];
    snprintf(title, sizeof title, "tracking on %s", name);
    int failed = tracking_contract_run(title, open_on_server);
    snprintf(title, sizeof title, "registry on %s", name);
    failed += registry_contract_run(title, open_on_server);
    failed += prompts_contract_run(title, open_on_server);
    return failed + promotion_contract_run(title, open_on_server);
}

int main(int argc, char **argv)
{
    test_postgres *pg = NULL;
    registry_contract_narrow = tracking_contract_queued = true;
    if (argc > 1) {
        snprintf(database, sizeof database, "%s", argv[1]);
        return run_suites("PostgreSQL, tables by MLflow") != 0;
    }
    if (!(pg = test_postgres_start()))
        return 0;
    test_postgres_create(pg, "contract", mlp_schema_newest);
    snprintf(database, sizeof database, "%s", test_postgres_uri(pg, "contract"));
    int failed = run_suites("PostgreSQL");
    test_postgres_stop(pg);
    return failed != 0;
}

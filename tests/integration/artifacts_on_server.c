/* The suite of every artifact store, on an MLflow server's artifact proxy: artifacts_on_server <its address>. */
#include "base/alloc.h"
#include "base/digest.h"
#include "contract/artifact_contract.h"

static const char *server;

static char *place(const char *format)
{
    char id[33];
    mlplat_error err = {0};
    assert_ok(mlp_random_hex(id, &err));
    return mlp_sprintf(format, id);
}

static char *by_scheme(const char *folder)
{
    (void)folder;
    return place("mlflow-artifacts:/contract/%s/artifacts");
}

static char *by_host(const char *folder)
{
    char format[200];
    (void)folder;
    snprintf(format, sizeof format, "mlflow-artifacts://%s/contract/%%s/artifacts", strstr(server, "://") + 3);
    return place(format);
}

static char *by_address(const char *folder)
{
    char format[200];
    (void)folder;
    snprintf(format, sizeof format, "%s/api/2.0/mlflow-artifacts/artifacts/contract/%%s/artifacts", server);
    return place(format);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s <address of an MLflow server>\n", argv[0]);
        return 2;
    }
    server = argv[1];
    const struct {
        const char *name;
        artifact_contract contract;
    } ways[] = {
        {"mlflow-artifacts:/path", {mlp_artifact_proxy(), server, by_scheme}},
        {"mlflow-artifacts://host/path", {mlp_artifact_proxy(), server, by_host}},
        {"http://host/.../path", {mlp_artifact_http(), "sqlite:////nonexistent/x.db", by_address}},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        failed += artifact_contract_run(ways[i].name, &ways[i].contract);
    return failed != 0;
}

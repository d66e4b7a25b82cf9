/*
 * The registry in one page: two versions of a model, one of them promoted, and the champion asked for. It needs no
 * server:
 *
 *     cc registry.c $(pkg-config --cflags --libs mlplat) -o registry && ./registry
 *     mlflow ui --backend-store-uri sqlite:///mlflow.db     (shows the same)
 */
#include <inttypes.h>
#include <mlplat.h>
#include <stdio.h>

/* A run that logs a model; its directory is no more than a file here. */
static mlplat_status train(mlplat *ml, const char *weights, char uri[64], mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_run_start(ml, NULL, &run, err);
    if (s != MLPLAT_OK)
        return s;
    snprintf(uri, 64, "runs:/%s/model", mlplat_run_id(run));
    s = mlplat_run_log_text(run, weights, "model/weights.txt", err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, "FINISHED", err);
    mlplat_run_free(run);
    return s;
}

static mlplat_status register_one(mlplat *ml, const char *weights, const char *auc, mlplat_error *err)
{
    char uri[64], tags[64];
    int64_t version = 0;
    mlplat_model_version_options options = MLPLAT_MODEL_VERSION_OPTIONS_INIT;
    snprintf(tags, sizeof tags, "{\"auc\": \"%s\"}", auc);
    options.tags = tags;
    mlplat_status s = train(ml, weights, uri, err);
    if (s == MLPLAT_OK)
        s = mlplat_model_version_create(ml, "digits", uri, &options, &version, err); /* makes "digits", too */
    if (s == MLPLAT_OK)
        printf("version %" PRId64 " from %s\n", version, uri);
    return s;
}

static mlplat_status show_champion(mlplat *ml, mlplat_error *err)
{
    mlplat_doc *version = NULL;
    const char *number = NULL, *run_id = NULL;
    char *place = NULL;
    mlplat_status s = mlplat_model_version_get(ml, "digits", "@champion", &version, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_string(version, "version", &number, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_string(version, "run_id", &run_id, err);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_resolve(ml, "models:/digits@champion", &place, err);
    if (s == MLPLAT_OK)
        printf("the champion is version %s, made by run %s, and lies in %s\n", number, run_id, place);
    mlplat_free(place);
    mlplat_doc_free(version);
    return s;
}

int main(void)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_status s = mlplat_open(NULL, &ml, &err);
    if (s == MLPLAT_OK)
        s = register_one(ml, "1 2 3\n", "0.91", &err);
    if (s == MLPLAT_OK)
        s = mlplat_model_alias_set(ml, "digits", "champion", "latest", &err);
    if (s == MLPLAT_OK)
        s = register_one(ml, "4 5 6\n", "0.94", &err);
    if (s == MLPLAT_OK)
        s = mlplat_model_alias_set(ml, "digits", "champion", "latest", &err); /* moves, in one step */
    if (s == MLPLAT_OK)
        s = show_champion(ml, &err);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    mlplat_close(ml);
    return s == MLPLAT_OK ? 0 : 1;
}

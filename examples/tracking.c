/*
 * Tracking in one page: a run with params, metrics and an artifact, read back and searched. It needs no server:
 *
 *     cc tracking.c $(pkg-config --cflags --libs mlplat) -o tracking && ./tracking
 *     mlflow ui --backend-store-uri sqlite:///mlflow.db     (shows the same)
 */
#include <mlplat.h>
#include <stdio.h>

/* One epoch of a training that gets better. */
static double train(int epoch)
{
    return 1.0 / (1 + epoch);
}

static mlplat_status log_training(mlplat *ml, mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    options.experiment = "digits"; /* made if it is not there */
    options.tags = "{\"team\": \"vision\"}";
    mlplat_status s = mlplat_run_start(ml, &options, &run, err);
    if (s != MLPLAT_OK)
        return s;
    printf("run %s, called %s\n", mlplat_run_id(run), mlplat_run_name(run));

    s = mlplat_run_log_param(run, "learning_rate", "0.1", err);
    for (int epoch = 0; s == MLPLAT_OK && epoch < 100; epoch++)
        s = mlplat_run_log_metric(run, "loss", train(epoch), epoch, err); /* well under a microsecond */
    if (s == MLPLAT_OK)
        s = mlplat_run_log_text(run, "trained on 60,000 digits\n", "notes.txt", err);

    mlplat_error ignored;
    mlplat_status ended = mlplat_run_end(run, s == MLPLAT_OK ? "FINISHED" : "FAILED", s == MLPLAT_OK ? err : &ignored);
    mlplat_run_free(run);
    return s == MLPLAT_OK ? ended : s;
}

static mlplat_status show_best(mlplat *ml, mlplat_error *err)
{
    mlplat_doc *found = NULL;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    query.filter = "metrics.loss < 0.5 AND tags.team = 'vision'";
    query.order_by = "metrics.loss ASC";
    query.max_results = 1;
    mlplat_status s = mlplat_run_search(ml, &query, &found, err);
    const char *name = NULL;
    double loss = 0;
    if (s == MLPLAT_OK)
        s = mlplat_doc_string(found, "runs[0].info.run_name", &name, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_double(found, "runs[0].data.metrics[0].value", &loss, err);
    if (s == MLPLAT_OK)
        printf("best run: %s with loss %g\n", name, loss);
    mlplat_doc_free(found);
    return s;
}

int main(void)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    mlplat_status s = mlplat_open(NULL, &ml, &err); /* environment, else sqlite:///mlflow.db */
    if (s == MLPLAT_OK)
        s = log_training(ml, &err);
    if (s == MLPLAT_OK)
        s = show_best(ml, &err);
    mlplat_close(ml); /* whatever was logged is in the store now */
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s != MLPLAT_OK;
}

/*
 * The store in one page: a run is taken to another store, which is then checked and backed up, and what was deleted
 * goes for good. It needs no server:
 *
 *     cc store.c $(pkg-config --cflags --libs mlplat) -o store && ./store
 */
#include <inttypes.h>
#include <mlplat.h>
#include <stdio.h>

static mlplat_status train(mlplat *ml, char run_id[64], mlplat_error *err)
{
    mlplat_run *run = NULL;
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    options.experiment = "fraud";
    mlplat_status s = mlplat_run_start(ml, &options, &run, err);
    if (s != MLPLAT_OK)
        return s;
    snprintf(run_id, 64, "%s", mlplat_run_id(run));
    for (int64_t step = 0; s == MLPLAT_OK && step < 1000; step++)
        s = mlplat_run_log_metric(run, "loss", 1.0 / (double)(step + 1), step, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_text(run, "it went well", "notes.txt", err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, NULL, err);
    mlplat_run_free(run);
    return s;
}

/* Doing it again would import nothing: what is there and equal is left alone. */
static mlplat_status take_along(mlplat *from, mlplat *to, mlplat_error *err)
{
    mlplat_doc *done = NULL;
    int64_t runs = 0;
    mlplat_export_options what = MLPLAT_EXPORT_OPTIONS_INIT;
    what.experiments = "[\"fraud\"]";
    mlplat_status s = mlplat_export(from, "archive", &what, NULL, err);
    if (s == MLPLAT_OK)
        s = mlplat_import(to, "archive", NULL, &done, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_int(done, "runs.imported", &runs, err);
    if (s == MLPLAT_OK)
        printf("%" PRId64 " run imported\n", runs);
    mlplat_doc_free(done);
    return s;
}

static mlplat_status look_after(mlplat *ml, const char *run_id, mlplat_error *err)
{
    mlplat_doc *report = NULL;
    int ok = 0;
    mlplat_status s = mlplat_store_check(ml, NULL, &report, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_bool(report, "ok", &ok, err);
    if (s == MLPLAT_OK)
        printf("the store is %s\n", ok ? "whole" : mlplat_doc_text(report));
    mlplat_doc_free(report);
    if (s == MLPLAT_OK)
        s = mlplat_store_backup(ml, "backup.db", NULL, NULL, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_delete(ml, run_id, err);
    return s == MLPLAT_OK ? mlplat_store_gc(ml, NULL, NULL, err) : s; /* the backup still has it */
}

int main(void)
{
    mlplat *here = NULL, *there = NULL;
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    char run_id[64] = "";
    options.tracking_uri = "sqlite:///other.db";
    options.artifact_root = "other-artifacts";
    mlplat_status s = mlplat_open(NULL, &here, &err);
    if (s == MLPLAT_OK)
        s = mlplat_open(&options, &there, &err);
    if (s == MLPLAT_OK)
        s = train(here, run_id, &err);
    if (s == MLPLAT_OK)
        s = take_along(here, there, &err);
    if (s == MLPLAT_OK)
        s = look_after(there, run_id, &err);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    mlplat_close(there);
    mlplat_close(here);
    return s == MLPLAT_OK ? 0 : 1;
}

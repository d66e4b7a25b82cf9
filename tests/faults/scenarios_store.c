/* The store as a whole: checked, saved, cleaned, exported, imported, upgraded. */
#include "faults/scene.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A run with all that a run has, a registered version of it, and a run that is deleted. */
static void fill(scene *sc)
{
    char uri[100];
    int64_t version = 0;
    mlplat *ml = scene_open(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    mlplat_run *gone = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    DO(mlplat_run_log_batch(run, "{\"params\": {\"depth\": 6}, \"metrics\": {\"loss\": \"NaN\", \"auc\": 0.25}}",
                            &sc->err));
    for (int i = 0; i < 30; i++)
        DO(mlplat_run_log_metric(run, "many", i / 7.0, i, &sc->err));
    DO(mlplat_run_log_text(run, "hello", "model/MLmodel", &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    snprintf(uri, sizeof uri, "runs:/%s/model", mlplat_run_id(run));
    DO(mlplat_model_version_create(ml, "digits", uri, NULL, &version, &sc->err));
    DO(mlplat_model_alias_set(ml, "digits", "champion", "1", &sc->err));
    DO(mlplat_run_log_text(gone, "hello", "a.txt", &sc->err));
    DO(mlplat_run_end(gone, NULL, &sc->err));
    DO(mlplat_run_delete(ml, mlplat_run_id(gone), &sc->err));
    mlplat_run_free(gone);
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void check(scene *sc)
{
    int ok = 0;
    mlplat_doc *doc = NULL;
    mlplat_check_options o = MLPLAT_CHECK_OPTIONS_INIT;
    mlplat *ml = scene_ready(sc);
    o.repair = 1;
    DO(mlplat_store_check(ml, &o, &doc, &sc->err));
    DO(mlplat_doc_bool(doc, "ok", &ok, &sc->err));
    if (!ok)
        scene_break(sc, "a check finds a whole store damaged: %s", mlplat_doc_text(doc));
    mlplat_doc_free(doc);
    READ(heads, mlplat_store_heads(&heads, &sc->err));
    mlplat_close(ml);
}

static void backup(scene *sc)
{
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    mlplat *ml = scene_ready(sc);
    o.artifacts = 1;
    READ(doc, mlplat_store_backup(ml, scene_path(sc, "copy.db"), &o, &doc, &sc->err));
    mlplat_close(ml);
}

static void gc(scene *sc)
{
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    mlplat *ml = scene_ready(sc);
    o.orphans = 1;
    READ(doc, mlplat_store_gc(ml, &o, &doc, &sc->err));
    mlplat_close(ml);
}

static void export_all(scene *sc)
{
    mlplat *ml = scene_ready(sc);
    READ(doc, mlplat_export(ml, scene_path(sc, "archive"), NULL, &doc, &sc->err));
    mlplat_close(ml);
}

static void archive_and_store(scene *sc)
{
    mlplat *ml = NULL;
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    fill(sc);
    export_all(sc);
    MUST(mkdir(scene_path(sc, "b"), 0755) == 0);
    char uri[300];
    snprintf(uri, sizeof uri, "sqlite:///%s", scene_path(sc, "b/mlflow.db"));
    o.tracking_uri = uri;
    DO(mlplat_open(&o, &ml, &sc->err));
    READ(doc, mlplat_store_create(ml, NULL, &doc, &sc->err));
    mlplat_close(ml);
}

static void import_all(scene *sc)
{
    mlplat *ml = NULL;
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    char uri[300];
    snprintf(uri, sizeof uri, "sqlite:///%s", scene_path(sc, "b/mlflow.db"));
    o.tracking_uri = uri;
    DO(mlplat_open(&o, &ml, &sc->err));
    READ(doc, mlplat_experiment_get(ml, "0", &doc, &sc->err));
    scene_begin(sc);
    READ(doc, mlplat_import(ml, scene_path(sc, "archive"), NULL, &doc, &sc->err));
    mlplat_close(ml);
}

static void old_store(scene *sc)
{
    mlplat_store_options o = MLPLAT_STORE_OPTIONS_INIT;
    mlplat *ml = scene_open(sc);
    o.mlflow = "2.14.0";
    READ(doc, mlplat_store_create(ml, &o, &doc, &sc->err));
    mlplat_close(ml);
    fill(sc);
}

static void upgrade(scene *sc)
{
    scene_begin(sc);
    mlplat *ml = scene_open(sc);
    READ(doc, mlplat_store_upgrade(ml, "3.1.4", &doc, &sc->err));
    mlplat_close(ml);
}

const scenario scenarios_of_store[] = {
    {"check", fill, check, false},
    {"backup", fill, backup, false},
    {"gc", fill, gc, false},
    {"export", fill, export_all, false},
    {"import", archive_and_store, import_all, false},
    {"upgrade", old_store, upgrade, false},
    {NULL, NULL, NULL, false},
};

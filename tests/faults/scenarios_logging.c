/* What a training does: runs, points at each level, batches, and what a killed one leaves behind. */
#include "faults/scene.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void create_store(scene *sc)
{
    scene_begin(sc);
    mlplat *ml = scene_open(sc);
    mlplat_doc *doc = NULL;
    READ(config, mlplat_config(ml, &config, &sc->err));
    DO(mlplat_store_create(ml, NULL, &doc, &sc->err));
    mlplat_doc_free(doc);
    mlplat_close(ml);
}

static void open_store(scene *sc)
{
    scene_begin(sc);
    mlplat *ml = scene_open(sc);
    READ(doc, mlplat_experiment_get(ml, "0", &doc, &sc->err));
    mlplat_close(ml);
}

static void start_runs(scene *sc)
{
    scene_begin(sc);
    mlplat *ml = scene_open(sc);
    mlplat_run *parent = NULL, *run = NULL, *again = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "new one";
    o.tags = "{\"team\": \"risk\"}";
    o.description = "words";
    DO(mlplat_run_start(ml, &o, &parent, &sc->err));
    o.parent_run_id = mlplat_run_id(parent);
    o.name = "nested";
    DO(mlplat_run_start(ml, &o, &run, &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    DO(mlplat_run_resume(ml, mlplat_run_id(run), &again, &sc->err));
    DO(mlplat_run_end(again, "FAILED", &sc->err));
    DO(mlplat_run_end(parent, NULL, &sc->err));
    mlplat_run_free(again);
    mlplat_run_free(run);
    mlplat_run_free(parent);
    mlplat_close(ml);
}

static void log_in(scene *sc, mlplat *ml, mlplat_durability level)
{
    mlplat_run *run = scene_run(sc, ml, level);
    for (int i = 0; i < 20; i++) {
        DO(mlplat_run_log_metric(run, "loss", 1.0 / (i + 1), i, &sc->err));
        DO(mlplat_run_log_metric(run, "auc", i, MLPLAT_STEP_AUTO, &sc->err));
    }
    DO(mlplat_run_set_tag(run, "phase", "trained", &sc->err));
    DO(mlplat_flush(ml, -1, &sc->err));
    for (int i = 20; i < 30; i++)
        DO(mlplat_run_log_metric(run, "loss", 1.0 / (i + 1), i, &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void log_memory(scene *sc)
{
    log_in(sc, scene_ready(sc), MLPLAT_DURABILITY_MEMORY);
}

static void log_process(scene *sc)
{
    log_in(sc, scene_ready(sc), MLPLAT_DURABILITY_PROCESS);
}

static void log_disk(scene *sc)
{
    log_in(sc, scene_ready(sc), MLPLAT_DURABILITY_DISK);
}

static void log_remote(scene *sc)
{
    log_in(sc, scene_ready(sc), MLPLAT_DURABILITY_REMOTE);
}

static void log_batches(scene *sc)
{
    static const double values[] = {1, 2, 3, 4};
    static const int64_t steps[] = {1, 2, 3, 4};
    mlplat *ml = scene_ready(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    DO(mlplat_run_log_metrics(run, "span", steps, NULL, values, 4, &sc->err));
    DO(mlplat_run_log_batch(run,
                            "{\"metrics\": [{\"key\": \"m\", \"value\": 1, \"step\": 4}, {\"key\": \"n\", \"value\": "
                            "\"NaN\", \"step\": 1}], \"params\": {\"p\": 1, \"q\": \"two\"}, \"tags\": {\"t\": \"u\"}}",
                            &sc->err));
    DO(mlplat_run_log_param(run, "depth", "6", &sc->err));
    DO(mlplat_run_log_metrics(run, "span", NULL, NULL, values, 4, &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void change_things(scene *sc)
{
    mlplat *ml = scene_ready(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    mlplat_run_change change = MLPLAT_RUN_CHANGE_INIT;
    char *id = NULL;
    mlplat_experiment_options o = MLPLAT_EXPERIMENT_OPTIONS_INIT;
    o.tags = "{\"a\": \"b\"}";
    DO(mlplat_experiment_create(ml, "second", &o, &id, &sc->err));
    DO(mlplat_experiment_rename(ml, id, "renamed", &sc->err));
    DO(mlplat_experiment_set_tag(ml, id, "c", "d", &sc->err));
    DO(mlplat_experiment_delete_tag(ml, id, "a", &sc->err));
    DO(mlplat_experiment_delete(ml, id, &sc->err));
    DO(mlplat_experiment_restore(ml, id, &sc->err));
    mlplat_free(id);
    DO(mlplat_run_log_inputs(run,
                             "{\"datasets\": [{\"dataset\": {\"name\": \"d\", \"digest\": \"1\", \"source_type\": "
                             "\"s\", \"source\": \"x\"}, \"tags\": [{\"key\": \"a\", \"value\": \"b\"}]}]}",
                             &sc->err));
    DO(mlplat_run_set_tag(run, "gone", "soon", &sc->err));
    DO(mlplat_run_delete_tag(run, "gone", &sc->err));
    change.name = "another";
    DO(mlplat_run_update(ml, mlplat_run_id(run), &change, &sc->err));
    DO(mlplat_run_end(run, "KILLED", &sc->err));
    DO(mlplat_run_delete(ml, mlplat_run_id(run), &sc->err));
    DO(mlplat_run_restore(ml, mlplat_run_id(run), &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

/* ---- a program that was killed, with points that had no way into the store --------------------------------------- */

static sqlite3 *hold_store(scene *sc)
{
    sqlite3 *db = NULL;
    MUST(sqlite3_open(scene_path(sc, "mlflow.db"), &db) == SQLITE_OK);
    MUST(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    return db;
}

static void be_killed(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    DO(mlplat_flush(ml, -1, &sc->err));
    hold_store(sc);
    for (int i = 0; i < 25; i++)
        DO(mlplat_run_log_metric(run, "loss", i, i, &sc->err));
    DO(mlplat_run_set_tag(run, "last", "word", &sc->err));
    kill(getpid(), SIGKILL);
}

static void prepare_killed(scene *sc)
{
    int status = 0;
    create_store(sc);
    pid_t pid = fork();
    if (pid == 0)
        be_killed(sc);
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void replay(scene *sc)
{
    scene_begin(sc);
    mlplat *ml = scene_open(sc);
    READ(doc, mlplat_spool_status(ml, &doc, &sc->err));
    READ(doc, mlplat_spool_inspect(ml, NULL, NULL, 10, &doc, &sc->err));
    READ(doc, mlplat_spool_drop(ml, "waiting", NULL, 1, &doc, &sc->err));
    READ(doc, mlplat_spool_sync(ml, &doc, &sc->err));
    mlplat_close(ml);
}

static void replay_and_log(scene *sc)
{
    scene_begin(sc);
    log_in(sc, scene_open(sc), MLPLAT_DURABILITY_DEFAULT);
}

/* The refused run comes back, so that its dead letters can be stored after all. */
static void prepare_dead(scene *sc)
{
    create_store(sc);
    mlplat *ml = scene_open(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = '%s'; COMMIT",
             mlplat_run_id(run));
    sqlite3 *db = hold_store(sc);
    for (int i = 0; i < 10; i++)
        DO(mlplat_run_log_metric(run, "lost", i, i, &sc->err));
    MUST(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    DO(mlplat_flush(ml, -1, &sc->err));
    DO(mlplat_run_restore(ml, mlplat_run_id(run), &sc->err));
    sqlite3_close(db);
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void retry_dead_letters(scene *sc)
{
    mlplat *ml = scene_ready(sc);
    READ(doc, mlplat_spool_status(ml, &doc, &sc->err));
    READ(doc, mlplat_spool_retry(ml, &doc, &sc->err));
    mlplat_close(ml);
}

const scenario scenarios_of_logging[] = {
    {"create_store", NULL, create_store, false},
    {"open_store", create_store, open_store, false},
    {"start_runs", create_store, start_runs, false},
    {"log_memory", create_store, log_memory, false},
    {"log_process", create_store, log_process, false},
    {"log_disk", create_store, log_disk, false},
    {"log_remote", create_store, log_remote, false},
    {"log_batches", create_store, log_batches, false},
    {"change_things", create_store, change_things, false},
    {"replay", prepare_killed, replay, false},
    {"replay_and_log", prepare_killed, replay_and_log, false},
    {"retry_dead_letters", prepare_dead, retry_dead_letters, false},
    {NULL, NULL, NULL, false},
};

/* Pipelines: built, compiled, run on this host; a step's own side. */
#include "faults/scene.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mlplat_component *writer(scene *sc)
{
    static const char *const argv[] = {"/bin/sh", "-c", "echo $0 > \"$1\"", "{{$.inputs.parameters['word']}}",
                                       "{{$.outputs.artifacts['note'].path}}"};
    mlplat_component *c = NULL;
    DO(mlplat_component_container("write a note", "alpine", argv, 5, &c, &sc->err));
    DO(mlplat_component_input(c, "word", "String", "\"hello\"", &sc->err));
    DO(mlplat_component_output(c, "note", "Dataset", &sc->err));
    DO(mlplat_component_env(c, "LANG", "C", &sc->err));
    return c;
}

static mlplat_component *reader(scene *sc)
{
    static const char *const argv[] = {"/bin/sh", "-c", "test -s \"$0\"", "{{$.inputs.artifacts['note'].path}}"};
    mlplat_component *c = NULL;
    DO(mlplat_component_container("read it", "alpine", argv, 4, &c, &sc->err));
    DO(mlplat_component_input(c, "note", "Dataset", NULL, &sc->err));
    return c;
}

static mlplat_doc *compiled(scene *sc)
{
    mlplat_pipeline *p = NULL;
    mlplat_task *first = NULL, *second = NULL;
    mlplat_doc *ir = NULL;
    mlplat_component *w = writer(sc), *r = reader(sc);
    DO(mlplat_pipeline_new("notes", "of two steps", &p, &sc->err));
    DO(mlplat_pipeline_input(p, "word", "String", "\"bye\"", &sc->err));
    DO(mlplat_pipeline_task(p, w, NULL, &first, &sc->err));
    DO(mlplat_pipeline_task(p, r, "reading", &second, &sc->err));
    DO(mlplat_task_set_input(first, "word", "word", &sc->err));
    DO(mlplat_task_connect(second, "note", first, "note", &sc->err));
    DO(mlplat_task_after(second, first, &sc->err));
    DO(mlplat_pipeline_compile(p, &ir, &sc->err));
    mlplat_pipeline_free(p);
    mlplat_component_free(r);
    mlplat_component_free(w);
    return ir;
}

static void compile(scene *sc)
{
    scene_begin(sc);
    char *yaml = NULL;
    mlplat_doc *ir = compiled(sc), *again = NULL;
    mlplat_component *c = NULL, *w = writer(sc);
    DO(mlplat_pipeline_validate(ir, &sc->err));
    DO(mlplat_doc_yaml(ir, &yaml, &sc->err));
    DO(mlplat_doc_parse_yaml(yaml, strlen(yaml), &again, &sc->err));
    MUST(strcmp(mlplat_doc_text(ir), mlplat_doc_text(again)) == 0);
    mlplat_free(yaml);
    mlplat_doc_free(again);
    DO(mlplat_component_spec(w, &again, &sc->err));
    DO(mlplat_doc_yaml(again, &yaml, &sc->err));
    DO(mlplat_component_load(yaml, strlen(yaml), &c, &sc->err));
    mlplat_component_free(c);
    mlplat_component_free(w);
    mlplat_free(yaml);
    mlplat_doc_free(again);
    mlplat_doc_free(ir);
}

/* A run that fails may tell how far it came. */
static mlplat_status run_once(mlplat *ml, const mlplat_doc *ir, const mlplat_pipeline_options *o, mlplat_error *err)
{
    mlplat_doc *result = NULL;
    mlplat_status s = mlplat_pipeline_run(ml, ir, o, &result, err);
    mlplat_doc_free(result);
    return s;
}

static void run_pipeline(scene *sc)
{
    mlplat *ml = scene_ready(sc);
    mlplat_doc *ir = compiled(sc);
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    o.root = scene_path(sc, "pipelines");
    o.experiment = "faults";
    o.run_name = "whole";
    o.params = "{\"word\": \"good day\"}";
    sc->of_steps = true;
    DO(run_once(ml, ir, &o, &sc->err));
    mlplat_doc_free(ir);
    mlplat_close(ml);
}

/* ---- a step's own side ------------------------------------------------------------------------------------------- */

static mlplat_status body(mlplat_step *step, void *user, mlplat_error *err)
{
    scene *sc = user;
    int64_t a = 0;
    const char *path = NULL, *text = NULL;
    mlplat_run *run = NULL;
    (void)err;
    DO(mlplat_step_int(step, "a", &a, &sc->err));
    DO(mlplat_step_string(step, "list", &text, &sc->err));
    DO(mlplat_step_input_path(step, "rows", &path, &sc->err));
    DO(mlplat_step_output_path(step, "note", &path, &sc->err));
    DO(mlplat_step_run(step, &run, &sc->err));
    MUST(a == 3);
    DO(mlplat_run_log_batch(run, "{\"metrics\": [{\"key\": \"a\", \"value\": 3, \"step\": 0, \"timestamp\": 1}]}",
                            &sc->err));
    READ(doc, mlplat_step_artifact(step, "rows", &doc, &sc->err));
    DO(mlplat_step_metadata(step, "note", "rows", "12", &sc->err));
    DO(mlplat_step_output(step, "sum", "7", &sc->err));
    return MLPLAT_OK;
}

/* The exit code as a status: 3 is not said by a component. Its message is in the file "said". */
static mlplat_status as_main(scene *sc, int argc, char **argv)
{
    static const mlplat_port ports[] = {
        {MLPLAT_IN, "a", "Integer", NULL, "a number"},    {MLPLAT_IN, "list", "List", "[1, 2]", NULL},
        {MLPLAT_IN, "rows", "Dataset", NULL, "some rows"}, {MLPLAT_OUT, "sum", "Integer", NULL, "a sum"},
        {MLPLAT_OUT, "note", "Dataset", NULL, "a note"},
    };
    mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
    char line[400] = "";
    def.name = "add";
    def.ports = ports;
    def.n_ports = 5;
    def.fn = body;
    def.user = sc;
    int kept = dup(2), said = open(scene_path(sc, "said"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(kept >= 0 && said >= 0 && dup2(said, 2) == 2);
    if (sc->failed == 0)
        scene_begin(sc);
    int code = mlplat_component_main(argc, argv, &def);
    fflush(stderr);
    ssize_t n = -1;
    for (int i = 0; n < 0 && i < 3; i++) /* this may be the call that fails */
        n = pread(said, line, sizeof line - 1, 0);
    MUST(n >= 0 && dup2(kept, 2) == 2);
    close(said);
    close(kept);
    if (code == 0)
        return MLPLAT_OK;
    bool memory = strstr(line, "memory") != NULL;
    sc->err = (mlplat_error){.status = memory ? MLPLAT_NO_MEMORY : MLPLAT_IO};
    snprintf(sc->err.message, sizeof sc->err.message, "exit code %d: %s", code, line);
    return sc->err.status;
}

static void component_step(scene *sc)
{
    char id[64], input[2000], *argv[] = {"step", "--executor_input", input, NULL};
    FILE *f = fopen(scene_path(sc, "run"), "r");
    MUST(f && fgets(id, sizeof id, f));
    fclose(f);
    setenv("MLFLOW_TRACKING_URI", sc->uri, 1);
    setenv("MLFLOW_RUN_ID", id, 1);
    snprintf(input, sizeof input,
             "{\"inputs\": {\"parameterValues\": {\"a\": 3}, \"artifacts\": {\"rows\": {\"artifacts\": [{\"name\": "
             "\"rows\", \"uri\": \"%s/rows\", \"type\": {\"schemaTitle\": \"system.Dataset\"}, \"metadata\": {\"k\": "
             "1}}]}}}, \"outputs\": {\"parameters\": {\"sum\": {\"outputFile\": \"%s/out/sum\"}}, \"artifacts\": "
             "{\"note\": {\"artifacts\": [{\"name\": \"note\", \"uri\": \"%s/out/note\", \"type\": {\"schemaTitle\": "
             "\"system.Dataset\"}, \"metadata\": {}}]}}, \"outputFile\": \"%s/out/output.json\"}}",
             sc->folder, sc->folder, sc->folder, sc->folder);
    DO(as_main(sc, 3, argv));
    unsetenv("MLFLOW_TRACKING_URI"); /* musl keeps no value of old: the next one's would count as lost */
    unsetenv("MLFLOW_RUN_ID");
}

static void store_and_rows(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    scene_write(sc, "run", mlplat_run_id(run));
    mlplat_run_free(run);
    mlplat_close(ml);
    scene_write(sc, "rows", "1,2,3\n");
}

static void only_store(scene *sc)
{
    store_and_rows(sc);
    MUST(unlink(scene_path(sc, "rows")) == 0);
}

const scenario scenarios_of_pipelines[] = {
    {"compile", NULL, compile, false},
    {"run_pipeline", only_store, run_pipeline, true},
    {"component_step", store_and_rows, component_step, false},
    {NULL, NULL, NULL, false},
};

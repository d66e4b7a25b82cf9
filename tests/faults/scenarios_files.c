/* Artifacts, tables, images, models: what is kept in files. */
#include "faults/scene.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void files_and_run(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_run *run = scene_run(sc, ml, MLPLAT_DURABILITY_DEFAULT);
    DO(mlplat_run_log_text(run, "hello", "notes/a.txt", &sc->err));
    scene_write(sc, "run", mlplat_run_id(run));
    MUST(mkdir(scene_path(sc, "tree"), 0755) == 0 && mkdir(scene_path(sc, "tree/sub"), 0755) == 0);
    scene_write(sc, "tree/one.txt", "one");
    scene_write(sc, "tree/sub/two.txt", "two, and more of it");
    mlplat_run_free(run);
    mlplat_close(ml);
}

static int64_t swallow(void *user, const void *data, size_t n)
{
    (void)user, (void)data;
    return (int64_t)n;
}

/* The run that was prepared; faults come from here on. */
static mlplat_run *resume(scene *sc, mlplat *ml)
{
    char id[64] = "";
    mlplat_run *run = NULL;
    FILE *f = fopen(scene_path(sc, "run"), "r");
    MUST(f && fgets(id, sizeof id, f));
    fclose(f);
    READ(doc, mlplat_run_get(ml, id, &doc, &sc->err));
    scene_begin(sc);
    DO(mlplat_run_resume(ml, id, &run, &sc->err));
    return run;
}

static void artifacts(scene *sc)
{
    char uri[100], *path = NULL;
    mlplat *ml = scene_open(sc);
    mlplat_run *run = resume(sc, ml);
    snprintf(uri, sizeof uri, "runs:/%s/tree", mlplat_run_id(run));
    DO(mlplat_artifact_put(ml, scene_path(sc, "tree"), uri, NULL, &sc->err));
    READ(doc, mlplat_artifact_list(ml, uri, &doc, &sc->err));
    DO(mlplat_artifact_get(ml, uri, scene_path(sc, "back"), NULL, &sc->err));
    DO(mlplat_artifact_resolve(ml, uri, &path, &sc->err));
    mlplat_free(path);
    snprintf(uri, sizeof uri, "runs:/%s/bytes", mlplat_run_id(run));
    DO(mlplat_artifact_put_bytes(ml, "12345", 5, uri, &sc->err));
    DO(mlplat_artifact_read(ml, uri, swallow, NULL, &sc->err));
    DO(mlplat_run_log_artifact(run, scene_path(sc, "tree/one.txt"), "inside", &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void log_files(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_run *run = resume(sc, ml);
    mlplat_image image = MLPLAT_IMAGE_INIT;
    image.artifact_file = "pictures/a.png";
    DO(mlplat_run_log_text(run, "words", "notes/b.txt", &sc->err));
    DO(mlplat_run_log_dict(run, "{\"a\": [1, 2]}", "dict.yaml", &sc->err));
    DO(mlplat_run_log_dict(run, "{\"a\": [1, 2]}", "dict.json", &sc->err));
    DO(mlplat_run_log_image(run, "\x89PNG\r\n\x1a\n", 8, &image, &sc->err));
    DO(mlplat_run_end(run, NULL, &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void log_tables(scene *sc)
{
    mlplat *ml = scene_open(sc);
    mlplat_run *run = resume(sc, ml);
    DO(mlplat_run_log_table(run, "{\"columns\": [\"a\", \"b\"], \"data\": [[1, 2], [3, 4]]}", "t.json", &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void log_model(scene *sc)
{
    char uri[100], *models = NULL;
    mlplat *ml = scene_open(sc);
    mlplat_run *run = resume(sc, ml);
    mlplat_model model = MLPLAT_MODEL_INIT;
    model.loader_module = "loader";
    model.data = scene_path(sc, "tree");
    model.signature = "{\"inputs\": [{\"name\": \"a\", \"type\": \"double\", \"required\": true}]}";
    model.input_example = "{\"columns\": [\"a\"], \"data\": [[1.5]]}";
    model.requirements = "scikit-learn\nnumpy\n";
    DO(mlplat_model_save(ml, &model, scene_path(sc, "saved"), &sc->err));
    DO(mlplat_run_log_model(run, &model, "model", &models, &sc->err));
    READ(doc, mlplat_model_info(ml, models, &doc, &sc->err));
    snprintf(uri, sizeof uri, "runs:/%s/model", mlplat_run_id(run));
    READ(doc, mlplat_model_info(ml, uri, &doc, &sc->err));
    mlplat_doc *listed = NULL;
    DO(mlplat_artifact_list(ml, uri, &listed, &sc->err));
    MUST(strstr(mlplat_doc_text(listed), "MLmodel")); /* nothing found is no answer where memory ran out */
    mlplat_doc_free(listed);
    mlplat_free(models);
    mlplat_run_free(run);
    mlplat_close(ml);
}

static void logged_models(scene *sc)
{
    char id[64], batch[200], query[100];
    mlplat *ml = scene_open(sc);
    mlplat_run *run = resume(sc, ml);
    mlplat_doc *model = NULL;
    const char *lent = NULL;
    mlplat_logged_model_options o = MLPLAT_LOGGED_MODEL_OPTIONS_INIT;
    o.params = o.tags = "{\"a\": \"b\"}";
    o.name = "thing";
    DO(mlplat_logged_model_create(ml, &o, &model, &sc->err));
    DO(mlplat_doc_string(model, "info.model_id", &lent, &sc->err));
    snprintf(id, sizeof id, "%s", lent);
    mlplat_doc_free(model);
    snprintf(batch, sizeof batch,
             "{\"metrics\": [{\"key\": \"a\", \"value\": 1, \"step\": 0, \"model_id\": \"%s\"}]}", id);
    DO(mlplat_run_log_batch(run, batch, &sc->err));
    DO(mlplat_logged_model_set_tags(ml, id, "{\"c\": \"d\"}", &sc->err));
    DO(mlplat_logged_model_log_params(ml, id, "{\"e\": \"f\"}", &sc->err));
    READ(doc, mlplat_logged_model_finalize(ml, id, "READY", &doc, &sc->err));
    snprintf(query, sizeof query, "{\"models\": [{\"model_id\": \"%s\"}]}", id);
    DO(mlplat_run_log_outputs(run, query, &sc->err));
    mlplat_logged_model_query q = MLPLAT_LOGGED_MODEL_QUERY_INIT;
    q.filter = "metrics.a > 0 AND params.a = 'b'";
    q.order_by = "metrics.a DESC, name";
    READ(doc, mlplat_logged_model_search(ml, &q, &doc, &sc->err));
    READ(doc, mlplat_logged_model_get(ml, id, &doc, &sc->err));
    DO(mlplat_logged_model_delete_tag(ml, id, "c", &sc->err));
    DO(mlplat_logged_model_delete(ml, id, &sc->err));
    mlplat_run_free(run);
    mlplat_close(ml);
}

const scenario scenarios_of_files[] = {
    {"artifacts", files_and_run, artifacts, false},
    {"log_files", files_and_run, log_files, false},
    {"log_tables", files_and_run, log_tables, false},
    {"log_model", files_and_run, log_model, true},
    {"logged_models", files_and_run, logged_models, false},
    {NULL, NULL, NULL, false},
};

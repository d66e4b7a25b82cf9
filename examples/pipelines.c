/*
 * Pipelines in one page: two steps, the second takes what the first made. The pipeline is Kubeflow Pipelines' own
 * document (pipeline.yaml can be uploaded there) and runs here as processes of this machine, seen in tracking:
 *
 *     cc pipelines.c $(pkg-config --cflags --libs mlplat) -o pipelines && ./pipelines
 *     mlflow ui --backend-store-uri sqlite:///mlflow.db
 */
#include <mlplat.h>
#include <stdio.h>

/* sort: an input parameter, an output artifact. Any program will do; placeholders become values and paths. */
static mlplat_status make_words(mlplat_component **out, mlplat_error *err)
{
    const char *argv[] = {"sh", "-c", "printf '%s\\n' $0 | sort > $1", "{{$.inputs.parameters['text']}}",
                          "{{$.outputs.artifacts['words'].path}}"};
    mlplat_status s = mlplat_component_container("make words", "alpine:3", argv, 5, out, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_input(*out, "text", "String", NULL, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_output(*out, "words", "Dataset", err);
    return s;
}

/* count: an input artifact, an output parameter that the program writes to a file. */
static mlplat_status make_count(mlplat_component **out, mlplat_error *err)
{
    const char *argv[] = {"sh", "-c", "wc -l < $0 > $1", "{{$.inputs.artifacts['words'].path}}",
                          "{{$.outputs.parameters['n'].output_file}}"};
    mlplat_status s = mlplat_component_container("count", "alpine:3", argv, 5, out, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_input(*out, "words", "Dataset", NULL, err);
    if (s == MLPLAT_OK)
        s = mlplat_component_output(*out, "n", "Integer", err);
    return s;
}

static mlplat_status build(mlplat_doc **ir, mlplat_error *err)
{
    mlplat_pipeline *pipeline = NULL;
    mlplat_component *words = NULL, *count = NULL;
    mlplat_task *first = NULL, *second = NULL;
    mlplat_status s = mlplat_pipeline_new("word-count", "sorts words and counts them", &pipeline, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_input(pipeline, "text", "String", "\"to be or not to be\"", err);
    if (s == MLPLAT_OK)
        s = make_words(&words, err);
    if (s == MLPLAT_OK)
        s = make_count(&count, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_task(pipeline, words, NULL, &first, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_task(pipeline, count, NULL, &second, err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set_input(first, "text", "text", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(second, "words", first, "words", err); /* wrong names and types are refused here */
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_compile(pipeline, ir, err);
    mlplat_component_free(words);
    mlplat_component_free(count);
    mlplat_pipeline_free(pipeline);
    return s;
}

static mlplat_status save(const mlplat_doc *ir, const char *path, mlplat_error *err)
{
    char *yaml = NULL;
    mlplat_status s = mlplat_doc_yaml(ir, &yaml, err);
    FILE *file = s == MLPLAT_OK ? fopen(path, "w") : NULL;
    if (file) {
        fputs(yaml, file);
        fclose(file);
    }
    mlplat_free(yaml);
    return s;
}

int main(void)
{
    mlplat_error err = {0};
    mlplat *ml = NULL;
    mlplat_doc *ir = NULL, *result = NULL;
    int64_t n = 0;
    mlplat_pipeline_options options = MLPLAT_PIPELINE_OPTIONS_INIT;
    options.params = "{\"text\": \"one two three\"}";
    mlplat_status s = build(&ir, &err);
    if (s == MLPLAT_OK)
        s = save(ir, "pipeline.yaml", &err);
    if (s == MLPLAT_OK)
        s = mlplat_open(NULL, &ml, &err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_run(ml, ir, &options, &result, &err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_int(result, "tasks[1].outputs.parameters.n", &n, &err);
    if (s == MLPLAT_OK)
        printf("%lld words\n", (long long)n);
    else
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    mlplat_doc_free(result);
    mlplat_doc_free(ir);
    mlplat_close(ml);
    return s == MLPLAT_OK ? 0 : 1;
}

/* The library's pipelines from a command line, for tests that compare them with kfp's:
 *   validate FILE          status name and message
 *   run FILE PARAMS STORE  the result document; the store is a folder
 *   ids NAME...            the ids of tasks of these names, one a line
 *   constants JSON...      a pipeline of one task for each of these string constants
 *   example FOLDER         the pipeline of the integration test, from the components compiled into this folder
 */
#include <mlplat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(8 << 20) : NULL;
    *n = text ? fread(text, 1, 8 << 20, f) : 0;
    if (f)
        fclose(f);
    return text;
}

static mlplat_status read_ir(const char *path, mlplat_doc **out, mlplat_error *err)
{
    size_t n = 0;
    char *text = read_file(path, &n);
    mlplat_status s = mlplat_doc_parse_yaml(text ? text : "", n, out, err);
    free(text);
    return s;
}

static mlplat_status print_yaml(const mlplat_pipeline *p, mlplat_error *err)
{
    mlplat_doc *ir = NULL;
    char *yaml = NULL;
    mlplat_status s = mlplat_pipeline_compile(p, &ir, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_yaml(ir, &yaml, err);
    if (s == MLPLAT_OK)
        fputs(yaml, stdout);
    mlplat_free(yaml);
    mlplat_doc_free(ir);
    return s;
}

static mlplat_status do_validate(int argc, char **argv, mlplat_error *err)
{
    mlplat_doc *ir = NULL;
    mlplat_status s = argc == 1 ? read_ir(argv[0], &ir, err) : MLPLAT_INVALID;
    if (s == MLPLAT_OK) {
        mlplat_status valid = mlplat_pipeline_validate(ir, err);
        printf("%s %s\n", mlplat_status_name(valid), valid == MLPLAT_OK ? "" : err->message);
    }
    mlplat_doc_free(ir);
    return s;
}

static mlplat_status do_run(int argc, char **argv, mlplat_error *err)
{
    char uri[4096];
    mlplat *ml = NULL;
    mlplat_doc *ir = NULL, *result = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    mlplat_status s = argc == 3 ? read_ir(argv[0], &ir, err) : MLPLAT_INVALID;
    if (s == MLPLAT_OK) {
        snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", argv[2]);
        options.tracking_uri = uri;
        o.params = argv[1];
        s = mlplat_open(&options, &ml, err);
    }
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_run(ml, ir, &o, &result, err);
    if (result) {
        puts(mlplat_doc_text(result));
        s = MLPLAT_OK;
    }
    mlplat_doc_free(result);
    mlplat_doc_free(ir);
    mlplat_close(ml);
    return s;
}

static mlplat_status one_component(mlplat_component **out, mlplat_error *err)
{
    const char *argv[] = {"true"};
    mlplat_status s = mlplat_component_container("c", "image", argv, 1, out, err);
    return s == MLPLAT_OK ? mlplat_component_input(*out, "s", "String", "\"\"", err) : s;
}

static mlplat_status do_ids(int argc, char **argv, mlplat_error *err)
{
    mlplat_pipeline *p = NULL;
    mlplat_component *c = NULL;
    mlplat_status s = mlplat_pipeline_new("p", NULL, &p, err);
    if (s == MLPLAT_OK)
        s = one_component(&c, err);
    for (int i = 0; s == MLPLAT_OK && i < argc; i++) {
        mlplat_task *task = NULL;
        s = mlplat_pipeline_task(p, c, argv[i], &task, err);
        if (s == MLPLAT_OK)
            puts(mlplat_task_name(task));
    }
    mlplat_component_free(c);
    mlplat_pipeline_free(p);
    return s;
}

static mlplat_status do_constants(int argc, char **argv, mlplat_error *err)
{
    mlplat_pipeline *p = NULL;
    mlplat_component *c = NULL;
    mlplat_status s = mlplat_pipeline_new("constants", NULL, &p, err);
    if (s == MLPLAT_OK)
        s = one_component(&c, err);
    for (int i = 0; s == MLPLAT_OK && i < argc; i++) {
        mlplat_task *task = NULL;
        s = mlplat_pipeline_task(p, c, NULL, &task, err);
        if (s == MLPLAT_OK)
            s = mlplat_task_set(task, "s", argv[i], err);
    }
    if (s == MLPLAT_OK)
        s = print_yaml(p, err);
    mlplat_component_free(c);
    mlplat_pipeline_free(p);
    return s;
}

/* A task of the component in FOLDER/name.yaml. */
static mlplat_status add(mlplat_pipeline *p, const char *folder, const char *name, const char *shown, mlplat_task **out,
                         mlplat_error *err)
{
    char path[4096];
    size_t n = 0;
    mlplat_component *c = NULL;
    snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    char *text = read_file(path, &n);
    mlplat_status s = mlplat_component_load(text ? text : "", n, &c, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_task(p, c, shown, out, err);
    mlplat_component_free(c);
    free(text);
    return s;
}

static mlplat_status example_inputs(mlplat_pipeline *p, mlplat_error *err)
{
    static const char *const inputs[][3] = {
        {"rows", "Integer", NULL},   {"name", "String", "\"bob\""},  {"ratio", "Double", "0.5"},
        {"flag", "Boolean", "true"}, {"cols", "List", "[1, \"a\"]"}, {"opts", "Dict", "{\"k\": 1.5}"},
    };
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof inputs / sizeof inputs[0]; i++)
        s = mlplat_pipeline_input(p, inputs[i][0], inputs[i][1], inputs[i][2], err);
    return s;
}

static mlplat_status do_example(int argc, char **argv, mlplat_error *err)
{
    static const char *const passed[] = {"rows", "name", "ratio", "flag", "cols", "opts"};
    mlplat_pipeline *p = NULL;
    mlplat_task *prep = NULL, *first = NULL, *second = NULL, *light = NULL;
    mlplat_status s = argc == 1 ? mlplat_pipeline_new("my-pipe", "hello\nworld", &p, err) : MLPLAT_INVALID;
    if (s == MLPLAT_OK)
        s = example_inputs(p, err);
    if (s == MLPLAT_OK)
        s = add(p, argv[0], "prep", NULL, &prep, err);
    for (size_t i = 0; s == MLPLAT_OK && i < 6; i++)
        s = mlplat_task_set_input(prep, passed[i], passed[i], err);
    if (s == MLPLAT_OK)
        s = add(p, argv[0], "use", NULL, &first, err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(first, "data", prep, "out", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(first, "n", prep, "n", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set_input(first, "extra", "name", err);
    if (s == MLPLAT_OK)
        s = add(p, argv[0], "use", NULL, &second, err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(second, "data", prep, "out", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set(second, "n", "3", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_after(second, first, err);
    if (s == MLPLAT_OK)
        s = add(p, argv[0], "light", NULL, &light, err);
    if (s == MLPLAT_OK)
        s = mlplat_task_connect(light, "data", first, "model", err);
    if (s == MLPLAT_OK)
        s = mlplat_task_set(light, "a", "7", err);
    if (s == MLPLAT_OK)
        s = print_yaml(p, err);
    mlplat_pipeline_free(p);
    return s;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        mlplat_status (*run)(int argc, char **argv, mlplat_error *err);
    } words[] = {{"validate", do_validate},
                 {"run", do_run},
                 {"ids", do_ids},
                 {"constants", do_constants},
                 {"example", do_example}};
    mlplat_error err = {0};
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(argv[1], words[i].name) == 0) {
            mlplat_status s = words[i].run(argc - 2, argv + 2, &err);
            if (s != MLPLAT_OK)
                fprintf(stderr, "%s %s\n", mlplat_status_name(s), err.message);
            return s == MLPLAT_OK ? 0 : 1;
        }
    return 2;
}

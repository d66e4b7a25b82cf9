/*
 * What pipelines cost: compiling a chain of N tasks to KFP's YAML and reading it back, and running a chain of steps
 * that do nothing. Prints one JSON object. bench/pipelines.py runs it beside kfp.
 *
 *     bench_pipelines FOLDER [tasks to compile, 1000] [steps to run, 20]
 */
#include <mlplat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double read_clock(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* CPU of this process alone: what compiling costs, whoever else uses the machine. */
static double own_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* CPU of this process and of the steps that have ended. */
static double cpu(void)
{
    struct rusage mine, steps;
    getrusage(RUSAGE_SELF, &mine);
    getrusage(RUSAGE_CHILDREN, &steps);
    return (double)(mine.ru_utime.tv_sec + mine.ru_stime.tv_sec + steps.ru_utime.tv_sec + steps.ru_stime.tv_sec) * 1e3 +
           (double)(mine.ru_utime.tv_usec + mine.ru_stime.tv_usec + steps.ru_utime.tv_usec + steps.ru_stime.tv_usec) /
               1e3;
}

/* A chain: every task takes the number that the one before gives. */
static mlplat_status build(int tasks, const char *const *argv, size_t argc, int values, mlplat_pipeline **out,
                           mlplat_error *err)
{
    mlplat_component *c = NULL;
    mlplat_task *last = NULL;
    mlplat_status s = mlplat_component_container("link", "alpine", argv, argc, &c, err);
    if (s == MLPLAT_OK && values)
        s = mlplat_component_input(c, "n", "Integer", "0", err);
    if (s == MLPLAT_OK && values)
        s = mlplat_component_output(c, "next", "Integer", err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_new("chain", NULL, out, err);
    for (int i = 0; s == MLPLAT_OK && i < tasks; i++) {
        mlplat_task *task = NULL;
        s = mlplat_pipeline_task(*out, c, NULL, &task, err);
        if (s == MLPLAT_OK && last)
            s = values ? mlplat_task_connect(task, "n", last, "next", err) : mlplat_task_after(task, last, err);
        last = task;
    }
    mlplat_component_free(c);
    return s;
}

static mlplat_status compile(int tasks, mlplat_error *err)
{
    const char *argv[] = {"link", "{{$.inputs.parameters['n']}}", "{{$.outputs.parameters['next'].output_file}}"};
    mlplat_pipeline *p = NULL;
    mlplat_doc *ir = NULL, *back = NULL;
    char *yaml = NULL;
    double start = own_cpu();
    mlplat_status s = build(tasks, argv, 3, 1, &p, err);
    double built = own_cpu();
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_compile(p, &ir, err);
    double compiled = own_cpu();
    if (s == MLPLAT_OK)
        s = mlplat_doc_yaml(ir, &yaml, err);
    double written = own_cpu();
    if (s == MLPLAT_OK)
        s = mlplat_doc_parse_yaml(yaml, strlen(yaml), &back, err);
    double read = own_cpu();
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_validate(back, err);
    if (s == MLPLAT_OK)
        printf("\"compile\": {\"tasks\": %d, \"define_cpu_ms\": %.2f, \"ir_cpu_ms\": %.2f, \"yaml_cpu_ms\": %.2f, "
               "\"load_cpu_ms\": %.2f, "
               "\"validate_cpu_ms\": %.2f, \"yaml_bytes\": %zu}",
               tasks, built - start, compiled - built, written - compiled, read - written, own_cpu() - read,
               strlen(yaml));
    mlplat_free(yaml);
    mlplat_doc_free(back);
    mlplat_doc_free(ir);
    mlplat_pipeline_free(p);
    return s;
}

static mlplat_status run(const char *folder, int steps, mlplat_error *err)
{
    char uri[4096];
    const char *argv[] = {"true"};
    mlplat *ml = NULL;
    mlplat_pipeline *p = NULL;
    mlplat_doc *ir = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    options.tracking_uri = uri;
    mlplat_status s = build(steps, argv, 1, 0, &p, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_compile(p, &ir, err);
    if (s == MLPLAT_OK)
        s = mlplat_open(&options, &ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_store_create(ml, NULL, NULL, err);
    for (int i = 0; s == MLPLAT_OK && i < 3; i++) {
        double start = now(), used = cpu();
        s = mlplat_pipeline_run(ml, ir, NULL, NULL, err);
        printf(", \"run%d\": {\"steps\": %d, \"wall_ms\": %.1f, \"cpu_ms\": %.1f}", i, steps, now() - start,
               cpu() - used);
    }
    mlplat_close(ml);
    mlplat_doc_free(ir);
    mlplat_pipeline_free(p);
    return s;
}

int main(int argc, char **argv)
{
    mlplat_error err = {0};
    struct rusage mine;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_pipelines FOLDER [tasks] [steps]\n");
        return 2;
    }
    printf("{");
    mlplat_status s = compile(argc > 2 ? atoi(argv[2]) : 1000, &err);
    if (s == MLPLAT_OK)
        s = run(argv[1], argc > 3 ? atoi(argv[3]) : 20, &err);
    getrusage(RUSAGE_SELF, &mine);
    printf(", \"rss_kib\": %ld}\n", mine.ru_maxrss);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s == MLPLAT_OK ? 0 : 1;
}

/*
 * What pipelines cost: compiling a chain of N tasks to KFP's YAML and reading it back, and running a chain of steps
 * that do nothing but tell the time: the start of a step takes from the end of one to the beginning of the next.
 * Prints one JSON object. bench/pipelines.py runs it beside kfp.
 *
 *     bench_pipelines FOLDER [tasks to compile, 1000] [steps to run, 20]
 *     bench_pipelines stamp FILE      a step: the clock at its beginning and at its end, in ms, as a line of FILE
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

static int stamp(const char *path)
{
    double begin = now();
    FILE *file = fopen(path, "a");
    int bad = !file || fprintf(file, "%.4f %.4f\n", begin, now()) < 0;
    return (file && fclose(file)) || bad;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From the end of each step to the beginning of the next. */
static void tell_starts(const char *path, int steps)
{
    double begin, end, last = 0, *took = calloc((size_t)steps, sizeof *took);
    int n = -1;
    FILE *file = fopen(path, "r");
    while (file && took && n + 1 < steps && fscanf(file, "%lf %lf", &begin, &end) == 2) {
        if (n++ >= 0)
            took[n - 1] = begin - last;
        last = end;
    }
    if (n > 0) {
        qsort(took, (size_t)n, sizeof *took, by_size);
        printf(", \"start_ms\": {\"steps\": %d, \"median\": %.3f, \"longest\": %.3f}", n, took[n / 2], took[n - 1]);
    }
    if (file)
        fclose(file);
    free(took);
    remove(path);
}

static mlplat_status run(const char *folder, const char *self, int steps, mlplat_error *err)
{
    char uri[4096], stamps[4096];
    snprintf(stamps, sizeof stamps, "%s/stamps", folder);
    const char *argv[] = {self, "stamp", stamps};
    mlplat *ml = NULL;
    mlplat_pipeline *p = NULL;
    mlplat_doc *ir = NULL;
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s/mlflow.db", folder);
    options.tracking_uri = uri;
    mlplat_status s = build(steps, argv, 3, 0, &p, err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_compile(p, &ir, err);
    if (s == MLPLAT_OK)
        s = mlplat_open(&options, &ml, err);
    if (s == MLPLAT_OK)
        s = mlplat_store_create(ml, NULL, NULL, err);
    for (int i = 0; s == MLPLAT_OK && i < 3; i++) {
        double start = now(), used = cpu();
        s = mlplat_pipeline_run(ml, ir, NULL, NULL, err);
        printf(", \"run%d\": {\"steps\": %d, \"wall_ms\": %.1f, \"cpu_ms\": %.1f", i, steps, now() - start,
               cpu() - used);
        tell_starts(stamps, steps);
        printf("}");
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
    if (argc == 3 && strcmp(argv[1], "stamp") == 0)
        return stamp(argv[2]);
    if (argc < 2) {
        fprintf(stderr, "usage: bench_pipelines FOLDER [tasks] [steps]\n");
        return 2;
    }
    printf("{");
    mlplat_status s = compile(argc > 2 ? atoi(argv[2]) : 1000, &err);
    if (s == MLPLAT_OK)
        s = run(argv[1], argv[0], argc > 3 ? atoi(argv[3]) : 20, &err);
    getrusage(RUSAGE_SELF, &mine);
    printf(", \"rss_kib\": %ld}\n", mine.ru_maxrss);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s == MLPLAT_OK ? 0 : 1;
}

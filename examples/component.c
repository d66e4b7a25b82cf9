/*
 * A component in one page: a C function becomes a step of a pipeline. The program runs in three ways:
 *
 *     ./component --numbers '[1, 2, 4]' --report report.txt    by hand
 *     ./component --component-spec                             prints what `kfp` loads as a component
 *     ./component --executor_input '{...}'                     as a step, on a cluster or in the local runner
 *
 * Without arguments it shows the first of these itself.
 */
#include <mlplat.h>
#include <stdio.h>
#include <string.h>

/* The list as a document, its sum and size. */
static mlplat_status sum_up(const char *json, double *sum, size_t *n, mlplat_error *err)
{
    char path[32];
    double value = 0;
    mlplat_doc *list = NULL;
    mlplat_status s = mlplat_doc_parse(json, strlen(json), &list, err);
    if (s == MLPLAT_OK)
        s = mlplat_doc_size(list, "", n, err);
    for (size_t i = 0; s == MLPLAT_OK && i < *n; i++) {
        snprintf(path, sizeof path, "[%zu]", i);
        s = mlplat_doc_double(list, path, &value, err);
        *sum += value;
    }
    mlplat_doc_free(list);
    return s;
}

static mlplat_status write_report(mlplat_step *step, double mean, mlplat_error *err)
{
    const char *path = NULL;
    mlplat_status s = mlplat_step_output_path(step, "report", &path, err);
    FILE *file = s == MLPLAT_OK ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "the mean is %g\n", mean);
        fclose(file);
    } else if (s == MLPLAT_OK) {
        snprintf(err->message, sizeof err->message, "cannot write %.400s", path);
        s = err->status = MLPLAT_IO;
    }
    return s;
}

/* What the component does. A failure goes to the runner with its message. */
static mlplat_status summarize(mlplat_step *step, void *user, mlplat_error *err)
{
    const char *numbers = NULL;
    char text[40];
    double sum = 0;
    size_t n = 0;
    mlplat_run *run = NULL;
    (void)user;
    mlplat_status s = mlplat_step_string(step, "numbers", &numbers, err);
    if (s == MLPLAT_OK)
        s = sum_up(numbers, &sum, &n, err);
    double mean = n ? sum / (double)n : 0;
    if (s == MLPLAT_OK)
        s = write_report(step, mean, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_run(step, &run, err); /* the step's own run in tracking */
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(run, "mean", mean, 0, err);
    snprintf(text, sizeof text, "%.17g", mean);
    return s == MLPLAT_OK ? mlplat_step_output(step, "mean", text, err) : s;
}

int main(int argc, char **argv)
{
    static const mlplat_port ports[] = {
        {MLPLAT_IN, "numbers", "List", "[1, 2, 3]", "what to summarize"},
        {MLPLAT_OUT, "mean", "Double", NULL, "their mean"},
        {MLPLAT_OUT, "report", "Artifact", NULL, "the same in words"},
    };
    char *shown[] = {argv[0], "--numbers", "[1, 2, 4, 9]", "--report", "report.txt", NULL};
    mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
    def.name = "summarize";
    def.description = "the mean of some numbers";
    def.ports = ports;
    def.n_ports = sizeof ports / sizeof ports[0];
    def.fn = summarize;
    return argc > 1 ? mlplat_component_main(argc, argv, &def) : mlplat_component_main(5, shown, &def);
}

/* A component of component.h that the tests run: adds two numbers and writes a note. */
#include <mlplat.h>
#include <stdio.h>
#include <string.h>

static mlplat_status write_note(mlplat_step *step, int64_t sum, mlplat_error *err)
{
    const char *path = NULL, *text = NULL;
    char json[32];
    mlplat_status s = mlplat_step_output_path(step, "note", &path, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_string(step, "text", &text, err);
    FILE *f = s == MLPLAT_OK ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%s %lld\n", text, (long long)sum);
        fclose(f);
    }
    snprintf(json, sizeof json, "%lld", (long long)sum);
    if (s == MLPLAT_OK)
        s = mlplat_step_metadata(step, "note", "sum", json, err);
    return s == MLPLAT_OK ? mlplat_step_output(step, "sum", json, err) : s;
}

/* Asks for what is not there, and sets what does not fit: how often that is not refused. */
static int ask_wrongly(mlplat_step *step)
{
    static const char *const names[] = {"nope", "", "../note", "<script>"};
    int taken = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int64_t number;
        double real;
        int yes;
        const char *text;
        mlplat_doc *doc = NULL;
        taken += mlplat_step_int(step, names[i], &number, NULL) == MLPLAT_OK;
        taken += mlplat_step_double(step, names[i], &real, NULL) == MLPLAT_OK;
        taken += mlplat_step_bool(step, names[i], &yes, NULL) == MLPLAT_OK;
        taken += mlplat_step_string(step, names[i], &text, NULL) == MLPLAT_OK;
        taken += mlplat_step_input_path(step, names[i], &text, NULL) == MLPLAT_OK;
        taken += mlplat_step_output_path(step, names[i], &text, NULL) == MLPLAT_OK;
        taken += mlplat_step_artifact(step, names[i], &doc, NULL) == MLPLAT_OK;
        taken += mlplat_step_output(step, names[i], "1", NULL) == MLPLAT_OK;
        taken += mlplat_step_metadata(step, names[i], "key", "1", NULL) == MLPLAT_OK;
    }
    taken += mlplat_step_output(step, "sum", "\"many\"", NULL) == MLPLAT_OK;
    taken += mlplat_step_output(step, "sum", "{", NULL) == MLPLAT_OK;
    taken += mlplat_step_metadata(step, "note", "key", "{", NULL) == MLPLAT_OK;
    taken += mlplat_step_metadata(step, "note", NULL, "1", NULL) == MLPLAT_OK;
    return taken;
}

static mlplat_status body(mlplat_step *step, void *user, mlplat_error *err)
{
    int64_t a = 0, b = 0;
    int track = 0;
    double scale = 0;
    const char *mode = NULL;
    mlplat_run *run = NULL;
    (void)user;
    mlplat_status s = mlplat_step_int(step, "a", &a, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_int(step, "b", &b, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_double(step, "scale", &scale, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_bool(step, "track", &track, err);
    if (s == MLPLAT_OK)
        s = mlplat_step_string(step, "mode", &mode, err);
    if (s == MLPLAT_OK && track)
        s = mlplat_step_run(step, &run, err);
    if (s == MLPLAT_OK && track)
        s = mlplat_run_log_metric(run, "sum", (double)(a + b) * scale, 0, err);
    if (s != MLPLAT_OK || strcmp(mode, "silent") == 0)
        return s;
    if (strcmp(mode, "fail") == 0) {
        snprintf(err->message, sizeof err->message, "the body was told to fail");
        return err->status = MLPLAT_STATE;
    }
    if (strcmp(mode, "wrong") == 0)
        b += ask_wrongly(step);
    return write_note(step, a + b, err);
}

int main(int argc, char **argv)
{
    static const mlplat_port ports[] = {
        {MLPLAT_IN, "a", "Integer", NULL, "first number"},
        {MLPLAT_IN, "b", "Integer", "1", "second number"},
        {MLPLAT_IN, "scale", "Double", "1.0", "of the metric"},
        {MLPLAT_IN, "track", "Boolean", "false", "log the sum as a metric"},
        {MLPLAT_IN, "mode", "String", "\"ok\"", "ok, fail, wrong, or silent: sets no output"},
        {MLPLAT_IN, "text", "String", "\"sum is\"", NULL},
        {MLPLAT_OUT, "sum", "Integer", NULL, "a + b"},
        {MLPLAT_OUT, "note", "Dataset", NULL, "a file that says it"},
    };
    mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
    def.name = "add_numbers";
    def.description = "adds two numbers";
    def.ports = ports;
    def.n_ports = sizeof ports / sizeof ports[0];
    def.fn = body;
    return mlplat_component_main(argc, argv, &def);
}

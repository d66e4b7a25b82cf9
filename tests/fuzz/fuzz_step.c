/* What a component is told: an ExecutorInput, or its arguments by hand. Input: a byte, then the ExecutorInput; or
 * arguments, a NUL between them. */
#include "base/json.h"
#include "fuzz.h"
#include "pipelines/step.h"

enum { ARGUMENTS = 8 };

static const mlplat_port ports[] = {
    {MLPLAT_IN, "i", "Integer", NULL, NULL},      {MLPLAT_IN, "d", "Double", "0.5", NULL},
    {MLPLAT_IN, "s", "String", "\"x\"", NULL},    {MLPLAT_IN, "b", "Boolean", "false", NULL},
    {MLPLAT_IN, "l", "List", "[1]", NULL},        {MLPLAT_IN, "m", "Dict", "{}", NULL},
    {MLPLAT_OUT, "data", "Dataset", NULL, NULL},  {MLPLAT_OUT, "rows", "Integer", NULL, NULL},
};
enum { PORTS = sizeof ports / sizeof ports[0] };
static const mlplat_component_def def = {sizeof def, "c", NULL, NULL, ports, PORTS, NULL, NULL};
static mlplat_component *component;
static json_t *definition;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    const char *const command[] = {"c", "--executor_input", "{{$}}"};
    (void)argc;
    (void)argv;
    fuzz_check(mlplat_component_container("c", "image", command, 3, &component, &err) == MLPLAT_OK);
    for (size_t i = 0; i < def.n_ports; i++)
        fuzz_check(mlp_component_add(component, ports[i].direction == MLPLAT_IN, ports[i].name, ports[i].type,
                                     ports[i].default_json, NULL, &err) == MLPLAT_OK);
    definition = mlp_component_definition("exec", component->inputs, component->outputs);
    return definition ? 0 : 1;
}

/* Each input has a value of its type. */
static void check_getters(mlplat_step *step)
{
    mlplat_error err = {0};
    int64_t whole = 0;
    double number = 0, also = 0;
    int truth = -1;
    const char *text = NULL;
    json_t *list = NULL, *map = NULL;
    fuzz_check(mlplat_step_int(step, "i", &whole, &err) == MLPLAT_OK);
    fuzz_check(whole <= MLP_PORT_MAX_INTEGER && whole >= -MLP_PORT_MAX_INTEGER);
    fuzz_check(mlplat_step_double(step, "i", &also, &err) == MLPLAT_OK && also == (double)whole);
    fuzz_check(mlplat_step_double(step, "d", &number, &err) == MLPLAT_OK && number == number);
    fuzz_check(mlplat_step_bool(step, "b", &truth, &err) == MLPLAT_OK && (truth == 0 || truth == 1));
    fuzz_check(mlplat_step_string(step, "s", &text, &err) == MLPLAT_OK && text);
    fuzz_check(mlplat_step_string(step, "l", &text, &err) == MLPLAT_OK);
    fuzz_check(mlp_json_parse(text, strlen(text), &list, &err) == MLPLAT_OK && json_is_array(list));
    fuzz_check(mlplat_step_string(step, "m", &text, &err) == MLPLAT_OK);
    fuzz_check(mlp_json_parse(text, strlen(text), &map, &err) == MLPLAT_OK && json_is_object(map));
    fuzz_check(mlplat_step_int(step, "d", &whole, &err) == MLPLAT_INVALID);
    fuzz_check(mlplat_step_int(step, "rows", &whole, &err) == MLPLAT_NOT_FOUND);
    mlplat_status s = mlplat_step_output_path(step, "data", &text, &err);
    fuzz_check(s == MLPLAT_OK ? text && *text : fuzz_refused(s, &err));
    json_decref(list);
    json_decref(map);
}

/* What was completed and given once more stays as it is. */
static void check_again(const json_t *input)
{
    mlplat_error err = {0};
    mlplat_step step = {.def = &def, .component = component, .definition = definition};
    mlp_step_call call;
    mlp_buf text = {0};
    fuzz_check(mlp_json_text(input, &text, &err) == MLPLAT_OK);
    char *argv[] = {(char[]){"c"}, (char[]){"--executor_input"}, text.data};
    fuzz_check(mlp_step_args(&step, 3, argv, &call, &err) == MLPLAT_OK && call == MLP_STEP_RUN);
    fuzz_check(json_equal(step.input, input));
    json_decref(step.input);
    mlp_buf_free(&text);
}

static void try_arguments(int argc, char **argv, mlplat_error *err)
{
    mlplat_step step = {.def = &def, .component = component, .definition = definition, .lent = json_object()};
    mlp_step_call call = MLP_STEP_RUN;
    mlplat_status s = mlp_step_args(&step, argc, argv, &call, err);
    fuzz_check(s == MLPLAT_OK || fuzz_refused(s, err));
    if (s == MLPLAT_OK && call == MLP_STEP_RUN) {
        check_getters(&step);
        if (!step.by_hand)
            check_again(step.input);
    }
    json_decref(step.input);
    json_decref(step.lent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    bool by_hand = fuzz_byte(&in) % 2;
    char *argv[ARGUMENTS + 3] = {strdup("c")};
    int argc = 1;
    if (!by_hand)
        argv[argc++] = strdup("--executor_input");
    while (in.n && argc < (by_hand ? ARGUMENTS : 3))
        argv[argc++] = fuzz_text(&in);
    try_arguments(argc, argv, err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return 0;
}

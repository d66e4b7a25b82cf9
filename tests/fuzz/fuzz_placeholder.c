/* KFP's placeholders. Input: a word of a command. */
#include "base/text.h"
#include "fuzz.h"
#include "pipelines/placeholder.h"

#define INNER "{{$.inputs.parameters['n']}}" /* as a value: what was put in is never looked at again */

static json_t *input, *component;

static json_t *parse(const char *text)
{
    json_t *json = NULL;
    mlplat_error err = {0};
    fuzz_check(mlp_json_parse(text, strlen(text), &json, &err) == MLPLAT_OK);
    return json;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    input = parse("{\"inputs\":{\"parameterValues\":{\"n\":7,\"s\":\"" INNER "\",\"l\":[1.5,\"a\"],\"z\":null},"
                  "\"artifacts\":{\"a\":{\"artifacts\":[{\"name\":\"a\",\"uri\":\"/d/a\","
                  "\"metadata\":{\"k\":\"v\"}}]}}},"
                  "\"outputs\":{\"parameters\":{\"p\":{\"outputFile\":\"/d/p\"}},"
                  "\"artifacts\":{\"o\":{\"artifacts\":[{\"name\":\"o\",\"uri\":\"/d/o\",\"metadata\":{}}]}},"
                  "\"outputFile\":\"/d/out\"}}");
    component = parse("{\"inputDefinitions\":{\"parameters\":{\"n\":{},\"s\":{},\"l\":{},\"z\":{},\"none\":{}},"
                      "\"artifacts\":{\"a\":{},\"b\":{}}},\"outputDefinitions\":{\"parameters\":{\"p\":{}},"
                      "\"artifacts\":{\"o\":{}}}}");
    return 0;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

static void check_expanded(const mlp_placeholders *values, const char *text, mlplat_error *err)
{
    mlp_buf out = {0}, behind = {0}, more = {0};
    mlplat_status s = mlp_placeholder_expand(values, text, &out, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err)));
    const char *got = out.data ? out.data : "";
    if (s == MLPLAT_OK && !mlp_placeholder_any(text))
        fuzz_check(strcmp(got, text) == 0);
    /* Whole placeholders are replaced where they stand, whatever stands before them. */
    if (s == MLPLAT_OK) {
        mlp_buf_printf(&behind, "%s\n{{$.inputs.parameters['s']}}", text);
        fuzz_check(mlp_placeholder_expand(values, behind.data, &more, err) == MLPLAT_OK);
        fuzz_check(more.size == out.size + 1 + strlen(INNER) && memcmp(more.data, got, out.size) == 0);
        fuzz_check(strcmp(more.data + out.size, "\n" INNER) == 0);
    }
    mlp_buf_free(&out);
    mlp_buf_free(&behind);
    mlp_buf_free(&more);
}

static void check_words(const mlp_placeholders *values, const char *text, mlplat_error *err)
{
    json_t *words = json_array(), *word;
    size_t i;
    mlplat_status s = mlp_placeholder_word(values, text, words, err);
    fuzz_check(s == MLPLAT_OK || (fuzz_refused(s, err) && s == MLPLAT_INVALID));
    json_array_foreach(words, i, word)
        fuzz_check(json_is_string(word) && mlp_text_utf8(json_string_value(word), json_string_length(word)));
    if (s == MLPLAT_OK && !mlp_placeholder_any(text) && !count(text, "IfPresent") && !count(text, "Concat"))
        fuzz_check(json_array_size(words) == 1 && strcmp(json_string_value(json_array_get(words, 0)), text) == 0);
    json_decref(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    char *text = fuzz_text(&in);
    mlp_placeholders values = {.input = input, .component = component, .job_name = "job", .task_name = "task"};
    if (mlp_text_utf8(text, strlen(text))) { /* words come out of documents */
        check_expanded(&values, text, err);
        check_words(&values, text, err);
        mlplat_status s = mlp_placeholder_check(component, text, "word", err);
        fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err)));
    }
    free(text);
    return 0;
}

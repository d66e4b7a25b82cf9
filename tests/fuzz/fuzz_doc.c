/* Documents: JSON text, its limits, paths, and the text that is written again. Input: a path, NUL, JSON. */
#include "base/json.h"
#include "fuzz.h"

enum { DEPTH_MOST = 64 };

static int depth_of(const json_t *json)
{
    int most = 0, depth;
    size_t i;
    const char *key;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)json, i, value) most = (depth = depth_of(value)) > most ? depth : most;
    json_object_foreach((json_t *)(uintptr_t)json, key, value) most = (depth = depth_of(value)) > most ? depth : most;
    return most + (json_is_array(json) || json_is_object(json));
}

/* Compact and indented text mean the same document, and compact text is always the same. */
static void check_text(const mlplat_doc *doc)
{
    mlplat_error err = {0};
    mlplat_doc *again = NULL;
    json_t *json = NULL;
    mlp_buf pretty = {0};
    const char *text = mlplat_doc_text(doc);
    fuzz_check(mlplat_doc_parse(text, strlen(text), &again, &err) == MLPLAT_OK);
    fuzz_check(strcmp(text, mlplat_doc_text(again)) == 0 && json_equal(mlp_doc_json(doc), mlp_doc_json(again)));
    fuzz_check(mlp_json_pretty(mlp_doc_json(doc), &pretty, &err) == MLPLAT_OK);
    fuzz_check(mlp_json_parse(pretty.data, pretty.size, &json, &err) == MLPLAT_OK);
    fuzz_check(json_equal(mlp_doc_json(doc), json));
    json_decref(json);
    mlp_buf_free(&pretty);
    mlplat_doc_free(again);
}

/* A path made of the first member of the first member ... leads there. */
static void check_way_down(const mlplat_doc *doc)
{
    mlplat_error err = {0};
    mlp_buf path = {0};
    const json_t *at = mlp_doc_json(doc);
    mlplat_doc *part = NULL;
    while (json_array_size(at) || json_object_size(at)) {
        if (json_is_array(at)) {
            mlp_buf_printf(&path, "[%zu]", json_array_size(at) - 1);
            at = json_array_get(at, json_array_size(at) - 1);
        } else {
            const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)at));
            mlp_buf_puts(&path, path.size ? ".`" : "`");
            for (; *key; key++)
                mlp_buf_puts(&path, *key == '`' ? "``" : (char[2]){*key, 0});
            mlp_buf_putc(&path, '`');
            at = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)at));
        }
    }
    fuzz_check(mlplat_doc_at(doc, path.data ? path.data : "", &part, &err) == MLPLAT_OK);
    fuzz_check(json_equal(mlp_doc_json(part), at));
    mlplat_doc_free(part);
    mlp_buf_free(&path);
}

/* The getters agree with the type. */
static void check_getters(const mlplat_doc *doc, const char *path, mlplat_error *err)
{
    mlplat_doc_type type = MLPLAT_DOC_NULL;
    const char *text = NULL;
    double number = 0;
    int64_t whole = 0;
    int truth = 0;
    size_t n = 0;
    mlplat_status s = mlplat_doc_type_at(doc, path, &type, err);
    if (s != MLPLAT_OK) {
        fuzz_check((s == MLPLAT_INVALID || s == MLPLAT_NOT_FOUND) && fuzz_refused(s, err));
        fuzz_check(mlplat_doc_string(doc, path, &text, err) == s && mlplat_doc_size(doc, path, &n, err) == s);
        return;
    }
    bool list = type == MLPLAT_DOC_ARRAY || type == MLPLAT_DOC_OBJECT;
    fuzz_check((mlplat_doc_string(doc, path, &text, err) == MLPLAT_OK) == (type == MLPLAT_DOC_STRING));
    fuzz_check((mlplat_doc_bool(doc, path, &truth, err) == MLPLAT_OK) == (type == MLPLAT_DOC_BOOL));
    fuzz_check((mlplat_doc_size(doc, path, &n, err) == MLPLAT_OK) == list);
    s = mlplat_doc_double(doc, path, &number, err);
    fuzz_check(s == MLPLAT_OK ? type == MLPLAT_DOC_INT || type == MLPLAT_DOC_DOUBLE || type == MLPLAT_DOC_STRING
                              : type != MLPLAT_DOC_INT && type != MLPLAT_DOC_DOUBLE);
    bool is_whole = mlplat_doc_int(doc, path, &whole, err) == MLPLAT_OK;
    fuzz_check(type == MLPLAT_DOC_INT ? is_whole : !is_whole || (double)whole == number);
    for (size_t i = 0; type == MLPLAT_DOC_OBJECT && i <= n; i++)
        fuzz_check((mlplat_doc_key(doc, path, i, &text, err) == MLPLAT_OK) == (i < n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    char *path = fuzz_text(&in);
    mlplat_error *err = fuzz_error(data, size);
    mlplat_doc *doc = NULL;
    mlplat_status s = mlplat_doc_parse((const char *)in.at, in.n, &doc, err);
    if (s == MLPLAT_OK) {
        fuzz_check(depth_of(mlp_doc_json(doc)) <= DEPTH_MOST);
        check_text(doc);
        check_way_down(doc);
        check_getters(doc, path, err);
    } else {
        fuzz_check(s == MLPLAT_INVALID && fuzz_refused(s, err) && !doc);
    }
    mlplat_doc_free(doc);
    free(path);
    return 0;
}

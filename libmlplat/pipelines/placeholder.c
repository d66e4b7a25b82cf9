#include "pipelines/placeholder.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "pipelines/port_artifact.h"
#include "pipelines/port_type.h"
#include <string.h>

typedef enum kind { INPUT, IN_PARAMETER, IN_ARTIFACT, OUT_PARAMETER, OUT_ARTIFACT, OUTPUT_FILE, NAMED } kind;
typedef enum attribute { NO_ATTRIBUTE, URI, PATH, METADATA, FILE_PATH } attribute;

/* One placeholder in a text. */
typedef struct ref {
    kind kind;
    attribute attribute;
    char name[256], key[256];
    size_t size; /* of the placeholder, with its braces */
} ref;

static bool take(const char **p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*p, word, n) != 0)
        return false;
    *p += n;
    return true;
}

/* ['name'] or ["name"] */
static bool take_key(const char **p, char out[256])
{
    if (!take(p, "["))
        return false;
    char quote = **p;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(++*p, quote);
    if (!end || end - *p >= 256 || end[1] != ']')
        return false;
    memcpy(out, *p, (size_t)(end - *p));
    out[end - *p] = 0;
    *p = end + 2;
    return true;
}

static bool take_attribute(const char **p, ref *r)
{
    if (r->kind == OUT_PARAMETER)
        return take(p, ".output_file") && (r->attribute = FILE_PATH);
    if (take(p, ".uri"))
        r->attribute = URI;
    else if (take(p, ".path"))
        r->attribute = PATH;
    else if (r->kind == IN_ARTIFACT && take(p, ".metadata"))
        return take_key(p, r->key) && (r->attribute = METADATA);
    return r->attribute != NO_ATTRIBUTE;
}

static bool take_port(const char **p, ref *r)
{
    static const struct {
        const char *word;
        kind kind;
    } ports[] = {
        {"inputs.parameters", IN_PARAMETER},
        {"inputs.artifacts", IN_ARTIFACT},
        {"outputs.parameters", OUT_PARAMETER},
        {"outputs.artifacts", OUT_ARTIFACT},
    };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (!take(p, ports[i].word))
            continue;
        r->kind = ports[i].kind;
        return take_key(p, r->name) && (r->kind == IN_PARAMETER || take_attribute(p, r));
    }
    return false;
}

/* The placeholder that text starts with; false if it starts with none of KFP's. */
static bool read_ref(const char *text, ref *r)
{
    const char *p = text;
    *r = (ref){.kind = INPUT};
    if (!take(&p, "{{$"))
        return false;
    if (take(&p, ".")) {
        size_t word = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
        if (take(&p, "outputs.output_file") || take(&p, "outputMetadataUri")) {
            r->kind = OUTPUT_FILE;
        } else if (p[word] == '}' && word > 0 && word < sizeof r->name) {
            r->kind = NAMED;
            memcpy(r->name, p, word);
            r->name[word] = 0;
            p += word;
        } else if (!take_port(&p, r)) {
            return false;
        }
    }
    if (!take(&p, "}}"))
        return false;
    r->size = (size_t)(p - text);
    return true;
}

/* ---- what one stands for ----------------------------------------------------------------------------------------- */

static const json_t *member(const json_t *json, const char *a, const char *b, const char *c)
{
    return json_object_get(json_object_get(json_object_get(json, a), b), c);
}

static const char *definitions_of(const ref *r)
{
    return r->kind == IN_PARAMETER || r->kind == IN_ARTIFACT ? "inputDefinitions" : "outputDefinitions";
}

static bool declared(const json_t *component, const ref *r)
{
    bool parameter = r->kind == IN_PARAMETER || r->kind == OUT_PARAMETER;
    return member(component, definitions_of(r), parameter ? "parameters" : "artifacts", r->name) != NULL;
}

static const char *named_value(const mlp_placeholders *v, const char *name)
{
    const struct {
        const char *name, *value;
    } names[] = {
        {"pipeline_job_name", v->job_name},
        {"pipeline_job_uuid", v->job_uuid},
        {"pipeline_task_name", v->task_name},
        {"pipeline_job_resource_name", v->job_resource},
        {"pipeline_task_uuid", v->task_uuid},
        {"pipeline_root", v->root},
        {"workspace_path", v->workspace},
        {"pipeline_job_create_time_utc", v->created},
        {"pipeline_job_schedule_time_utc", v->created},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].value;
    return NULL;
}

static mlplat_status put_artifact(const json_t *artifact, const ref *r, mlp_buf *out, mlplat_error *err)
{
    char *path = NULL;
    mlplat_status s = MLPLAT_OK;
    if (r->attribute == METADATA) {
        const json_t *value = json_object_get(json_object_get(artifact, "metadata"), r->key);
        if (!value)
            return mlp_fail(err, MLPLAT_INVALID, "artifact '%s' has no metadata '%s'; its producer must set it",
                            r->name, r->key);
        return mlp_port_value_text(value, out, err);
    }
    if (r->attribute == URI) {
        const char *uri = json_string_value(json_object_get(artifact, "uri"));
        mlp_buf_puts(out, uri ? uri : "");
        return mlp_buf_ok(out, err);
    }
    s = mlp_port_artifact_path(artifact, &path, err);
    if (s == MLPLAT_OK)
        mlp_buf_puts(out, path);
    mlp_free(path);
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

/* Puts what r stands for; *known is false if it has to stay as it is. */
static mlplat_status put_ref(const mlp_placeholders *v, const ref *r, mlp_buf *out, bool *known, mlplat_error *err)
{
    const json_t *value = NULL;
    const char *text = NULL;
    *known = true;
    switch (r->kind) {
    case INPUT:
        if (v->input)
            return mlp_json_text(v->input, out, err);
        break;
    case NAMED:
        text = named_value(v, r->name);
        break;
    case OUTPUT_FILE:
        text = json_string_value(json_object_get(json_object_get(v->input, "outputs"), "outputFile"));
        break;
    case OUT_PARAMETER:
        value = json_object_get(member(v->input, "outputs", "parameters", r->name), "outputFile");
        text = json_string_value(value);
        break;
    case IN_PARAMETER:
        value = member(v->input, "inputs", "parameterValues", r->name);
        if (value)
            return mlp_port_value_text(value, out, err);
        break;
    case IN_ARTIFACT:
    case OUT_ARTIFACT:
        value = member(v->input, r->kind == IN_ARTIFACT ? "inputs" : "outputs", "artifacts", r->name);
        value = json_array_get(json_object_get(value, "artifacts"), 0);
        if (value)
            return put_artifact(value, r, out, err);
        break;
    }
    if (text)
        mlp_buf_puts(out, text);
    else
        *known = r->kind != NAMED && r->kind != INPUT && declared(v->component, r); /* no value: empty */
    return mlp_buf_ok(out, err);
}

mlplat_status mlp_placeholder_expand(const mlp_placeholders *values, const char *text, mlp_buf *out, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    while (s == MLPLAT_OK && *text) {
        ref r;
        bool known = false;
        const char *next = strstr(text, "{{$");
        size_t plain = next ? (size_t)(next - text) : strlen(text);
        mlp_buf_add(out, text, plain);
        text += plain;
        if (!next)
            break;
        if (read_ref(text, &r))
            s = put_ref(values, &r, out, &known, err);
        if (!known) {
            r.size = 3;
            mlp_buf_add(out, text, r.size);
        }
        text += r.size;
    }
    return s == MLPLAT_OK ? mlp_buf_ok(out, err) : s;
}

/* ---- words: IfPresent and Concat --------------------------------------------------------------------------------- */

/* The structure that the word is; if it is a plain word that. NULL: no memory. */
static json_t *read_word(const char *word)
{
    json_t *json = NULL;
    const char *p = word + strspn(word, " \t\r\n");
    if (*p != '{' || (!strstr(p, "\"IfPresent\"") && !strstr(p, "\"Concat\"")))
        return json_string(word);
    mlplat_status s = mlp_json_parse(word, strlen(word), &json, NULL);
    if (s == MLPLAT_NO_MEMORY)
        return NULL;
    bool ours = json_is_object(json) && json_object_size(json) == 1 &&
                (json_is_object(json_object_get(json, "IfPresent")) || json_is_array(json_object_get(json, "Concat")));
    if (ours)
        return json;
    json_decref(json);
    return json_string(word);
}

static bool is_present(const mlp_placeholders *v, const char *name)
{
    const json_t *inputs = json_object_get(v->input, "inputs");
    const json_t *parameter = json_object_get(json_object_get(inputs, "parameterValues"), name);
    return (parameter && !json_is_null(parameter)) || json_object_get(json_object_get(inputs, "artifacts"), name);
}

static mlplat_status push_text(json_t *words, const mlp_buf *text, mlplat_error *err)
{
    mlplat_status s = mlp_buf_ok(text, err);
    if (s != MLPLAT_OK)
        return s;
    const char *data = text->data ? text->data : "";
    if (!mlp_text_utf8(data, text->size))
        return mlp_fail(err, MLPLAT_INVALID, "an argument is not UTF-8 text");
    return mlp_json_push(words, json_stringn(data, text->size), err);
}

static mlplat_status put_structure(const mlp_placeholders *v, const json_t *part, json_t *words, mlplat_error *err);

static mlplat_status put_concat(const mlp_placeholders *v, const json_t *parts, json_t *words, mlplat_error *err)
{
    mlp_buf text = {0};
    size_t i;
    json_t *item;
    json_t *pieces = json_array();
    mlplat_status s = pieces ? MLPLAT_OK : mlp_fail_memory(err);
    json_array_foreach((json_t *)(uintptr_t)parts, i, item) if (s == MLPLAT_OK) s = put_structure(v, item, pieces, err);
    json_array_foreach(pieces, i, item) mlp_buf_add(&text, json_string_value(item), json_string_length(item));
    if (s == MLPLAT_OK)
        s = push_text(words, &text, err);
    mlp_buf_free(&text);
    json_decref(pieces);
    return s;
}

/* A string, a list of them, {"Concat"} or {"IfPresent"}; NULL gives nothing. */
static mlplat_status put_structure(const mlp_placeholders *v, const json_t *part, json_t *words, mlplat_error *err)
{
    mlp_buf text = {0};
    size_t i;
    json_t *item;
    const json_t *present = json_object_get(part, "IfPresent"), *concat = json_object_get(part, "Concat");
    mlplat_status s = MLPLAT_OK;
    if (json_is_string(part)) {
        s = mlp_placeholder_expand(v, json_string_value(part), &text, err);
        if (s == MLPLAT_OK)
            s = push_text(words, &text, err);
        mlp_buf_free(&text);
    } else if (json_is_array(part)) {
        json_array_foreach((json_t *)(uintptr_t)part, i, item) if (s == MLPLAT_OK) s =
            put_structure(v, item, words, err);
    } else if (concat) {
        s = put_concat(v, concat, words, err);
    } else if (present) {
        const char *name = json_string_value(json_object_get(present, "InputName"));
        const json_t *chosen = json_object_get(present, name && is_present(v, name) ? "Then" : "Else");
        s = chosen ? put_structure(v, chosen, words, err) : MLPLAT_OK;
    } else if (part && !json_is_null(part)) {
        s = mlp_fail(err, MLPLAT_INVALID,
                     "an IfPresent or Concat placeholder holds neither text, a list nor another one");
    }
    return s;
}

mlplat_status mlp_placeholder_word(const mlp_placeholders *values, const char *word, json_t *words, mlplat_error *err)
{
    json_t *json = read_word(word);
    mlplat_status s = json ? put_structure(values, json, words, err) : mlp_fail_memory(err);
    json_decref(json);
    return s;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

bool mlp_placeholder_any(const char *text)
{
    ref r;
    for (const char *p = strstr(text, "{{$"); p; p = strstr(p + 3, "{{$"))
        if (read_ref(p, &r))
            return true;
    return false;
}

mlplat_status mlp_placeholder_check(const json_t *component, const char *text, const char *what, mlplat_error *err)
{
    ref r;
    for (const char *p = strstr(text, "{{$"); p; p = strstr(p + 3, "{{$")) {
        if (!read_ref(p, &r) || r.kind == INPUT || r.kind == NAMED || r.kind == OUTPUT_FILE || declared(component, &r))
            continue;
        return mlp_fail(err, MLPLAT_INVALID,
                        "%s: the placeholder %.*s names no %s of the component; declare it or correct the name", what,
                        (int)r.size, p,
                        r.kind == IN_PARAMETER    ? "input parameter"
                        : r.kind == IN_ARTIFACT   ? "input artifact"
                        : r.kind == OUT_PARAMETER ? "output parameter"
                                                  : "output artifact");
    }
    return MLPLAT_OK;
}

/* YAML in: libyaml's events into JSON values. Only what JSON can say: no anchors, aliases, tags or merge keys. */
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml_scalar.h"
#include <string.h>
#include <yaml.h>

#define TEXT_LIMIT   ((size_t)16 << 20)
#define DEPTH_LIMIT  64
#define VALUES_LIMIT ((size_t)1 << 20)

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    size_t values;
    mlplat_error *err;
} reader;

static mlplat_status fail_at(reader *r, yaml_mark_t mark, const char *problem)
{
    return mlp_fail(r->err, MLPLAT_INVALID, "YAML, line %zu, column %zu: %s", mark.line + 1, mark.column + 1, problem);
}

/* Moves to the next event. */
static mlplat_status next(reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return MLPLAT_OK;
    memset(&r->event, 0, sizeof r->event);
    if (r->parser.error == YAML_MEMORY_ERROR)
        return mlp_fail_memory(r->err);
    bool marked = r->parser.error != YAML_READER_ERROR;
    return fail_at(r, marked ? r->parser.problem_mark : r->parser.mark,
                   r->parser.problem ? r->parser.problem : "cannot be read");
}

/* Anchors and tags of the event being looked at. */
static mlplat_status check_plain(reader *r)
{
    const yaml_event_t *e = &r->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT)
        return fail_at(r, e->start_mark, "aliases (*name) are not read: write the value out");
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor)
        return fail_at(r, e->start_mark, "anchors (&name) are not read: write the value out where it is used");
    return tag ? fail_at(r, e->start_mark, "tags (!name) are not read: remove it") : MLPLAT_OK;
}

static mlplat_status read_scalar(reader *r, json_t **out)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    if (memchr(text, 0, n))
        return fail_at(r, r->event.start_mark, "a NUL character is not read");
    if (r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        *out = json_stringn(text, n);
        return *out ? MLPLAT_OK : mlp_fail_memory(r->err);
    }
    mlplat_status s = mlp_yaml_scalar_read(text, out, r->err);
    return s == MLPLAT_OK ? s
                          : mlp_fail_prefix(r->err, s, "YAML, line %zu, column %zu", r->event.start_mark.line + 1,
                                            r->event.start_mark.column + 1);
}

static mlplat_status read_value(reader *r, int depth, json_t **out);

static mlplat_status read_sequence(reader *r, int depth, json_t *array)
{
    mlplat_status s = next(r);
    while (s == MLPLAT_OK && r->event.type != YAML_SEQUENCE_END_EVENT) {
        json_t *item = NULL;
        s = read_value(r, depth + 1, &item);
        if (s == MLPLAT_OK)
            s = mlp_json_push(array, item, r->err);
        if (s == MLPLAT_OK)
            s = next(r);
    }
    return s;
}

/* The event being looked at as a key of object. *out is a copy that the caller frees with json_decref. */
static mlplat_status read_key(reader *r, const json_t *object, json_t **out)
{
    mlplat_status s = check_plain(r);
    if (s != MLPLAT_OK)
        return s;
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_at(r, r->event.start_mark, "a key must be a scalar");
    const char *key = (const char *)r->event.data.scalar.value;
    bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (memchr(key, 0, r->event.data.scalar.length))
        return fail_at(r, r->event.start_mark, "a NUL character is not read");
    if (plain && strcmp(key, "<<") == 0)
        return fail_at(r, r->event.start_mark, "merge keys (<<) are not read: write the members out");
    if (json_object_get(object, key))
        return fail_at(r, r->event.start_mark, "this key is there already");
    *out = json_string(key);
    return *out ? MLPLAT_OK : mlp_fail_memory(r->err);
}

static mlplat_status read_mapping(reader *r, int depth, json_t *object)
{
    mlplat_status s = next(r);
    while (s == MLPLAT_OK && r->event.type != YAML_MAPPING_END_EVENT) {
        json_t *key = NULL, *value = NULL;
        s = read_key(r, object, &key);
        if (s == MLPLAT_OK)
            s = next(r);
        if (s == MLPLAT_OK)
            s = read_value(r, depth + 1, &value);
        if (s == MLPLAT_OK)
            s = mlp_json_set(object, json_string_value(key), value, r->err);
        if (s == MLPLAT_OK)
            s = next(r);
        json_decref(key);
    }
    return s;
}

/* The value that starts with the event being looked at; ends on its last event. */
static mlplat_status read_value(reader *r, int depth, json_t **out)
{
    mlplat_status s = check_plain(r);
    if (s != MLPLAT_OK)
        return s;
    if (r->values++ == VALUES_LIMIT)
        return fail_at(r, r->event.start_mark, "more than 1048576 values");
    if (r->event.type == YAML_SCALAR_EVENT)
        return read_scalar(r, out);
    if (depth >= DEPTH_LIMIT)
        return fail_at(r, r->event.start_mark, "more than 64 levels");
    bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
    *out = mapping ? json_object() : json_array();
    if (!*out)
        return mlp_fail_memory(r->err);
    s = mapping ? read_mapping(r, depth, *out) : read_sequence(r, depth, *out);
    if (s != MLPLAT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return s;
}

static mlplat_status read_stream(reader *r, bool one, json_t *documents)
{
    mlplat_status s = next(r); /* stream start */
    if (s == MLPLAT_OK)
        s = next(r);
    while (s == MLPLAT_OK && r->event.type == YAML_DOCUMENT_START_EVENT) {
        json_t *value = NULL;
        if (one && json_array_size(documents))
            return fail_at(r, r->event.start_mark, "a second document starts here; one is expected");
        s = next(r);
        if (s == MLPLAT_OK)
            s = read_value(r, 0, &value);
        if (s == MLPLAT_OK)
            s = mlp_json_push(documents, value, r->err);
        if (s == MLPLAT_OK)
            s = next(r); /* document end */
        if (s == MLPLAT_OK)
            s = next(r);
    }
    return s;
}

static mlplat_status read_text(const char *text, size_t n, bool one, json_t **out, mlplat_error *err)
{
    reader r = {.err = err};
    *out = NULL;
    if (n > TEXT_LIMIT)
        return mlp_fail(err, MLPLAT_INVALID, "YAML of %zu bytes: the limit is 16 MiB", n);
    json_t *documents = json_array();
    if (!documents || !yaml_parser_initialize(&r.parser)) {
        json_decref(documents);
        return mlp_fail_memory(err);
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    mlplat_status s = read_stream(&r, one, documents);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (s == MLPLAT_OK)
        *out = documents;
    else
        json_decref(documents);
    return s;
}

mlplat_status mlp_yaml_parse_all(const char *text, size_t n, json_t **out, mlplat_error *err)
{
    return read_text(text, n, false, out, err);
}

mlplat_status mlp_yaml_parse(const char *text, size_t n, json_t **out, mlplat_error *err)
{
    json_t *documents;
    *out = NULL;
    mlplat_status s = read_text(text, n, true, &documents, err);
    if (s != MLPLAT_OK)
        return s;
    json_t *first = json_array_get(documents, 0);
    *out = first ? json_incref(first) : json_null(); /* nothing at all is null, as everywhere */
    json_decref(documents);
    return MLPLAT_OK;
}

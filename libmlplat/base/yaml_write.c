/* YAML out, by libyaml's emitter, so that a reader of YAML 1.1 (PyYAML) and one of 1.2 see the same values. */
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "base/yaml_scalar.h"
#include <stdio.h>
#include <string.h>
#include <yaml.h>

static int to_buf(void *user, unsigned char *data, size_t n)
{
    mlp_buf *out = user;
    mlp_buf_add(out, data, n);
    return !out->failed;
}

/* Lines as people wrote them; the emitter falls back to quotes where a block cannot hold them (it takes back spaces at
 * the ends of lines, but not what an indicator would have to say about the first line). */
static yaml_scalar_style_t style_of(const char *s, size_t n)
{
    static const char breaks[][4] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf"};
    bool odd = false;
    for (size_t i = 0; i < n; i++)
        odd = odd || ((unsigned char)s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7f;
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++)
        odd = odd || strstr(s, breaks[i]);
    if (odd)
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (memchr(s, '\n', n))
        return strchr(" \n", s[0]) || s[n - 1] == ' ' ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_LITERAL_SCALAR_STYLE;
    return mlp_yaml_scalar_ambiguous(s) ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
}

static bool emit(yaml_emitter_t *emitter, int made, yaml_event_t *event)
{
    return made && yaml_emitter_emit(emitter, event); /* the emitter takes the event, also when it fails */
}

static bool write_scalar(yaml_emitter_t *emitter, const char *s, size_t n, yaml_scalar_style_t style)
{
    yaml_event_t event;
    return emit(emitter, yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)s, (int)n, 1, 1, style),
                &event);
}

static bool write_string(yaml_emitter_t *emitter, const char *s, size_t n)
{
    return write_scalar(emitter, s, n, style_of(s, n));
}

/* YAML 1.1 wants a point before an exponent. */
static bool write_real(yaml_emitter_t *emitter, double v)
{
    char number[32], text[40];
    mlp_text_double(v, number);
    const char *e = strchr(number, 'e');
    bool bare = e && !strchr(number, '.');
    int before = e ? (int)(e - number) : (int)strlen(number);
    snprintf(text, sizeof text, "%.*s%s%s", before, number, bare ? ".0" : "", e ? e : "");
    return write_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
}

static bool write_value(yaml_emitter_t *emitter, const json_t *json);

static bool write_array(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    yaml_sequence_style_t style = json_array_size(json) ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
    bool ok = emit(emitter, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style), &event);
    for (size_t i = 0; ok && i < json_array_size(json); i++)
        ok = write_value(emitter, json_array_get(json, i));
    return ok && emit(emitter, yaml_sequence_end_event_initialize(&event), &event);
}

static bool write_object(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    yaml_mapping_style_t style = json_object_size(json) ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
    json_t *object = (json_t *)json; /* jansson's iterators are not const, but change nothing */
    bool ok = emit(emitter, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style), &event);
    for (void *at = json_object_iter(object); ok && at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        ok = write_string(emitter, key, strlen(key)) && write_value(emitter, json_object_iter_value(at));
    }
    return ok && emit(emitter, yaml_mapping_end_event_initialize(&event), &event);
}

static bool write_value(yaml_emitter_t *emitter, const json_t *json)
{
    char number[32];
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return write_object(emitter, json);
    case JSON_ARRAY:
        return write_array(emitter, json);
    case JSON_STRING:
        return write_string(emitter, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(json));
        break;
    case JSON_REAL:
        return write_real(emitter, json_real_value(json));
    default:
        snprintf(number, sizeof number, "%s", json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
    }
    return write_scalar(emitter, number, strlen(number), YAML_PLAIN_SCALAR_STYLE);
}

static bool write_document(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    return emit(emitter, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event) &&
           emit(emitter, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event) &&
           write_value(emitter, json) && emit(emitter, yaml_document_end_event_initialize(&event, 1), &event) &&
           emit(emitter, yaml_stream_end_event_initialize(&event), &event);
}

mlplat_status mlp_yaml_text(const json_t *json, mlp_buf *out, mlplat_error *err)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        return mlp_fail_memory(err);
    yaml_emitter_set_output(&emitter, to_buf, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1); /* folded lines are hard to read and to compare */
    yaml_emitter_set_indent(&emitter, 2);
    bool ok = write_document(&emitter, json) && !out->failed;
    yaml_emitter_delete(&emitter);
    return ok ? MLPLAT_OK : mlp_fail_memory(err);
}

/* JSON values inside the library: jansson, with our limits on what comes in and helpers for what goes out. */
#ifndef MLP_JSON_H
#define MLP_JSON_H
#include "base/buf.h"
#include <jansson.h>
#include <mlplat/doc.h>

/* JSON text with the limits of mlplat_doc_parse; also any value at the top. *out is a new reference. */
mlplat_status mlp_json_parse(const char *text, size_t n, json_t **out, mlplat_error *err);
/* The same with at most so many values. */
mlplat_status mlp_json_parse_few(const char *text, size_t n, size_t most, json_t **out, mlplat_error *err);
/* What else than RFC 8259 is taken, how deep, and how much. */
typedef struct mlp_json_rules {
    size_t levels;   /* the reader needs some 300 bytes of stack for each */
    size_t values;   /* at most so many */
    bool duplicates; /* of a key that comes twice the last value counts */
    bool nul;        /* \u0000 in strings */
    bool reals;      /* whole numbers become doubles */
} mlp_json_rules;
mlplat_status mlp_json_read(const char *text, size_t n, const mlp_json_rules *rules, json_t **out, mlplat_error *err);
/* A JSON object of strings, as tags come in; NULL text gives an empty object. what names it in messages. */
mlplat_status mlp_json_parse_tags(const char *text, const char *what, json_t **out, mlplat_error *err);
mlplat_status mlp_json_text(const json_t *json, mlp_buf *out, mlplat_error *err);   /* compact, order kept */
mlplat_status mlp_json_pretty(const json_t *json, mlp_buf *out, mlplat_error *err); /* indented by 2 */
/* A finite double as a number, others as "NaN", "Infinity", "-Infinity". New reference or NULL. */
json_t *mlp_json_double(double v);
/* Puts value (reference stolen; NULL means its making failed) under key. NO_MEMORY on failure. */
mlplat_status mlp_json_set(json_t *object, const char *key, json_t *value, mlplat_error *err);
mlplat_status mlp_json_push(json_t *array, json_t *value, mlplat_error *err);
void mlp_json_put_string(mlp_buf *out, const char *s, size_t n); /* quoted; s must be UTF-8 */
json_t *mlp_json_string(const char *s); /* NULL gives ""; not UTF-8 is repaired with U+FFFD; new reference or NULL */

/* YAML, by libyaml. */
mlplat_status mlp_yaml_parse(const char *text, size_t n, json_t **out, mlplat_error *err);
/* All documents of a stream, as a JSON array. */
mlplat_status mlp_yaml_parse_all(const char *text, size_t n, json_t **out, mlplat_error *err);
mlplat_status mlp_yaml_text(const json_t *json, mlp_buf *out, mlplat_error *err);

/* Documents. */
mlplat_status mlp_doc_new(json_t *json /* stolen, also on failure; NULL: NO_MEMORY */, mlplat_doc **out,
                          mlplat_error *err);
const json_t *mlp_doc_json(const mlplat_doc *doc); /* lent */

#endif

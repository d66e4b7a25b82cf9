/* Types of inputs and outputs by KFP's names, and the values that fit them. */
#ifndef MLP_PORT_TYPE_H
#define MLP_PORT_TYPE_H
#include "base/json.h"
#include <stdbool.h>

typedef enum mlp_kind {
    MLP_KIND_NONE, /* zero: no type */
    MLP_KIND_DOUBLE,
    MLP_KIND_INTEGER,
    MLP_KIND_STRING,
    MLP_KIND_BOOLEAN,
    MLP_KIND_LIST,
    MLP_KIND_STRUCT,
    MLP_KIND_ARTIFACT
} mlp_kind;

/* A type: of an artifact with its schema title, "system.Dataset". */
typedef struct mlp_port_type {
    mlp_kind kind;
    char title[128];
} mlp_port_type;

/* Numbers travel as doubles on KFP's wire: the largest integer that stays exact. */
#define MLP_PORT_MAX_INTEGER INT64_C(9007199254740991)

/* A type's name in any of KFP's spellings. what names the port in the message. */
mlplat_status mlp_port_type_parse(const char *text, const char *what, mlp_port_type *out, mlplat_error *err);
mlp_kind mlp_port_type_ir(const char *name); /* "NUMBER_INTEGER"; MLP_KIND_NONE if it is none of ours */
const char *mlp_port_type_name(mlp_kind kind);
bool mlp_port_type_fits(const mlp_port_type *given, const mlp_port_type *wanted); /* as KFP's compiler decides */

/* The value as its type is written (7.0 becomes 7 for an integer), a new reference; INVALID if it does not fit. */
mlplat_status mlp_port_value_fit(mlp_kind kind, const json_t *value, const char *what, json_t **out, mlplat_error *err);
/* A value from plain text, as output files and command lines have it. */
mlplat_status mlp_port_value_read(mlp_kind kind, const char *text, size_t n, const char *what, json_t **out,
                                  mlplat_error *err);
/* A value from JSON text. */
mlplat_status mlp_port_value_json(mlp_kind kind, const char *json, const char *what, json_t **out, mlplat_error *err);
/* A value as a command line has it: strings raw, numbers without exponent, the rest as JSON. */
mlplat_status mlp_port_value_text(const json_t *value, mlp_buf *out, mlplat_error *err);

#endif

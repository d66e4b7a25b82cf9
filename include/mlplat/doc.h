/**
 * Documents: JSON values with typed getters by path, and their text.
 *
 * A path is keys joined by dots with indexes in brackets: "data.params[0].key". A key that holds a dot, a bracket or a
 * backtick stands in backticks, a backtick in it doubled: "tags.`mlflow.user`". "" is the document itself.
 *
 * A document never changes after it was made: any number of threads may read it. Strings lent by it live until its
 * mlplat_doc_free.
 */
#ifndef MLPLAT_DOC_H
#define MLPLAT_DOC_H
#include <mlplat/error.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlplat_doc mlplat_doc;

/** The type of a value in a document. */
typedef enum mlplat_doc_type {
    MLPLAT_DOC_NULL = 0,
    MLPLAT_DOC_BOOL = 1,
    MLPLAT_DOC_INT = 2,
    MLPLAT_DOC_DOUBLE = 3,
    MLPLAT_DOC_STRING = 4,
    MLPLAT_DOC_ARRAY = 5,
    MLPLAT_DOC_OBJECT = 6
} mlplat_doc_type;

/**
 * Parse JSON text (RFC 8259): one value, UTF-8, no duplicate keys, at most 64 levels, 4,194,304 values
 * and 64 MiB.
 * @param text  n bytes, need not end with NUL
 * @return MLPLAT_OK; MLPLAT_INVALID with line and column; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_doc_parse(const char *text, size_t n, mlplat_doc **out, mlplat_error *err);

/**
 * Parse one YAML document into the same model: scalars by the YAML 1.2 core schema; anchors, aliases, tags, merge keys
 * and duplicate keys are refused; at most 64 levels, 1,048,576 values and 16 MiB.
 * @return MLPLAT_OK; MLPLAT_INVALID with line and column; MLPLAT_NO_MEMORY
 */
MLPLAT_API mlplat_status mlplat_doc_parse_yaml(const char *text, size_t n, mlplat_doc **out, mlplat_error *err);

/** Free a document; NULL is fine. */
MLPLAT_API void mlplat_doc_free(mlplat_doc *doc);

/** The document as compact JSON. Lent: lives as long as the document. */
MLPLAT_API const char *mlplat_doc_text(const mlplat_doc *doc);

/** The document as YAML. *out is yours: mlplat_free. @return MLPLAT_OK or MLPLAT_NO_MEMORY */
MLPLAT_API mlplat_status mlplat_doc_yaml(const mlplat_doc *doc, char **out, mlplat_error *err);

/** The value's type. @return MLPLAT_OK; MLPLAT_NOT_FOUND: nothing at this path; MLPLAT_INVALID: not a path */
MLPLAT_API mlplat_status mlplat_doc_type_at(const mlplat_doc *doc, const char *path, mlplat_doc_type *out,
                                            mlplat_error *err);

/** A string, lent. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: not a string, or not a path */
MLPLAT_API mlplat_status mlplat_doc_string(const mlplat_doc *doc, const char *path, const char **out,
                                           mlplat_error *err);

/** An integer; a double is taken if it is whole. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: another type */
MLPLAT_API mlplat_status mlplat_doc_int(const mlplat_doc *doc, const char *path, int64_t *out, mlplat_error *err);

/** A number; the strings "NaN", "Infinity" and "-Infinity" are taken too, as MLflow writes them.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: another type */
MLPLAT_API mlplat_status mlplat_doc_double(const mlplat_doc *doc, const char *path, double *out, mlplat_error *err);

/** A boolean, as 0 or 1. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: another type */
MLPLAT_API mlplat_status mlplat_doc_bool(const mlplat_doc *doc, const char *path, int *out, mlplat_error *err);

/** How many items an array or members an object has. @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: a scalar */
MLPLAT_API mlplat_status mlplat_doc_size(const mlplat_doc *doc, const char *path, size_t *out, mlplat_error *err);

/** The key of member i of the object at path, in the order in which it was written. Lent.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no object or no such member; MLPLAT_INVALID: not an object */
MLPLAT_API mlplat_status mlplat_doc_key(const mlplat_doc *doc, const char *path, size_t i, const char **out,
                                        mlplat_error *err);

/** A copy of the value at path as a document of its own. *out is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: not a path; MLPLAT_NO_MEMORY */
MLPLAT_API mlplat_status mlplat_doc_at(const mlplat_doc *doc, const char *path, mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif

/* Pages of long answers: MLflow's tokens, base64 of {"offset": N}. */
#ifndef MLP_PAGE_H
#define MLP_PAGE_H
#include "base/json.h"

/* *offset: where the page begins; 0 for NULL or "". INVALID: not a token of ours or MLflow's. */
mlplat_status mlp_page_parse(const char *token, int64_t *offset, mlplat_error *err);
/* Puts "next_page_token" for the page that begins at offset. */
mlplat_status mlp_page_put(json_t *object, int64_t offset, mlplat_error *err);

/* A token of our own making, and back: base64 of a JSON document. INVALID: the token is damaged. */
mlplat_status mlp_page_encode(const json_t *document, mlp_buf *token, mlplat_error *err);
mlplat_status mlp_page_decode(const char *token, json_t **document, mlplat_error *err);
/* INVALID: says what a token would be. */
mlplat_status mlp_page_fail(const char *token, mlplat_error *err);

#endif

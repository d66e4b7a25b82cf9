/* Tokens of pages, which come back from anybody. */
#include "db/page.h"
#include "fuzz.h"

/* What was decoded is encoded and decoded to the same. */
static void check_document(const json_t *document)
{
    mlplat_error err = {0};
    mlp_buf token = {0};
    json_t *again = NULL;
    fuzz_check(mlp_page_encode(document, &token, &err) == MLPLAT_OK);
    fuzz_check(mlp_page_decode(token.data, &again, &err) == MLPLAT_OK && json_equal(document, again));
    json_decref(again);
    mlp_buf_free(&token);
}

static void check_offset(int64_t offset)
{
    mlplat_error err = {0};
    int64_t again = 0;
    json_t *page = json_object();
    fuzz_check(mlp_page_put(page, offset, &err) == MLPLAT_OK);
    fuzz_check(mlp_page_parse(json_string_value(json_object_get(page, "next_page_token")), &again, &err) == MLPLAT_OK);
    fuzz_check(again == offset);
    json_decref(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlplat_error *err = fuzz_error(data, size);
    fuzz_input in = {data, size};
    char *token = fuzz_text(&in);
    int64_t offset = -1;
    json_t *document = NULL;
    mlplat_status s = mlp_page_decode(token, &document, err);
    fuzz_check(s == MLPLAT_OK ? json_is_object(document) : s == MLPLAT_INVALID && fuzz_refused(s, err));
    if (s == MLPLAT_OK)
        check_document(document);
    json_decref(document);
    s = mlp_page_parse(token, &offset, err);
    fuzz_check(s == MLPLAT_OK ? offset >= (*token != 0) : s == MLPLAT_INVALID && fuzz_refused(s, err));
    if (s == MLPLAT_OK && offset)
        check_offset(offset);
    free(token);
    return 0;
}

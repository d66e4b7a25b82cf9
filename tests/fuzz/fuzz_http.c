/* What servers, files and the environment say to the HTTP client and what it reads itself: credentials, Retry-After,
 * Location, headers, web pages. The first byte chooses. */
#include "base/alloc.h"
#include "fuzz.h"
#include "transport/http_inside.h"
#include "transport/ini.h"
#include "transport/redirect.h"
#include "transport/secret.h"

#define SECRET "hunter2-is-secret"

static void try_credentials(const char *text, mlplat_error *err)
{
    char *value = NULL;
    mlplat_status s = mlp_ini_find(text, "mlflow", "mlflow_tracking_password", &value, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err) && !value));
    fuzz_check(!value || strlen(value) <= strlen(text));
    fuzz_check(!strstr(text, SECRET) || !err || !strstr(err->message, SECRET));
    mlp_secret_free(value);
}

static void try_retry_after(const char *text)
{
    int64_t wait = mlp_retry_after(text, INT64_C(1790000000000));
    fuzz_check(wait >= -1 && wait <= INT64_C(86400000));
}

/* Wherever it leads to, it is within the origin, and can be sent as it is. */
static void try_location(const char *text, mlplat_error *err)
{
    mlplat_error mine = {0};
    mlp_origin origin = {0}, again = {0};
    char *to = NULL, name[MLP_ORIGIN_SHOWN];
    fuzz_check(mlp_origin_parse("https://host:8443/base", &origin, &mine) == MLPLAT_OK);
    mlplat_status s = mlp_redirect_follow(&origin, 307, "POST", "/a/b?c", text, &to, err);
    fuzz_check(s == MLPLAT_OK ? to && to[0] == '/' : s == MLPLAT_INVALID && fuzz_refused(s, err) && !to);
    if (to) {
        for (const char *at = to; *at; at++)
            fuzz_check((unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f && *at != '#');
        char *whole = mlp_sprintf("%s%s", mlp_origin_name(&origin, name), to);
        fuzz_check(mlp_origin_parse(whole, &again, &mine) == MLPLAT_OK && mlp_origin_same(&origin, &again));
        fuzz_check(strcmp(again.path, to) == 0);
        mlp_free(whole);
    }
    mlp_free(to);
    mlp_origin_free(&origin);
    mlp_origin_free(&again);
}

/* Lines of a header, then a body. */
static void try_answer(const char *text)
{
    mlp_http_response response = {0};
    char title[80] = "";
    bool login = false;
    while (*text && *text != '\n') {
        size_t n = strcspn(text, "\n");
        int status = mlp_header_status(text, n);
        fuzz_check(status >= 0 && status <= 999);
        mlp_header_add(&response.headers, text, n);
        text += n + (text[n] == '\n');
    }
    mlp_buf_puts(&response.body, text);
    bool page = mlp_http_page(&response, title, &login);
    fuzz_check(memchr(title, 0, sizeof title) && (page || (!login && !*title)));
    const char *location = mlp_http_response_header(&response, "LOCATION");
    fuzz_check(!location ||
               (location >= response.headers.data && location < response.headers.data + response.headers.size));
    mlp_http_response_free(&response);
}

static void try_address(const char *text, mlplat_error *err)
{
    mlp_origin origin = {0}, again = {0};
    mlplat_error mine = {0};
    char name[MLP_ORIGIN_SHOWN];
    mlplat_status s = mlp_origin_parse(text, &origin, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_INVALID && fuzz_refused(s, err) && !origin.host && !origin.path));
    if (s == MLPLAT_OK) {
        fuzz_check(*origin.host && origin.port > 0 && origin.port < 65536 && !strpbrk(origin.host, "/@\\?# "));
        fuzz_check(mlp_origin_parse(mlp_origin_name(&origin, name), &again, &mine) == MLPLAT_OK);
        fuzz_check(mlp_origin_same(&origin, &again));
    }
    mlp_origin_free(&origin);
    mlp_origin_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    unsigned kind = fuzz_byte(&in) % 5;
    char *text = fuzz_text(&in);
    if (kind == 0)
        try_credentials(text, err);
    else if (kind == 1)
        try_retry_after(text);
    else if (kind == 2)
        try_location(text, err);
    else if (kind == 3)
        try_answer(text);
    else
        try_address(text, err);
    free(text);
    return 0;
}

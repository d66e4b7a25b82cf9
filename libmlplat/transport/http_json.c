/* JSON there and back. */
#include "base/alloc.h"
#include "base/err.h"
#include "transport/http_inside.h"

enum { HEADERS_MOST = 16 };

mlplat_status mlp_http_check_page(const mlp_http *http, const mlp_http_response *response, mlplat_error *err)
{
    char title[80] = "";
    bool login = false;
    if (!mlp_http_page(response, title, &login))
        return MLPLAT_OK;
    if (login)
        return mlp_fail(err, MLPLAT_DENIED,
                        "%s answers with a page to log in ('%s') where JSON was expected: set "
                        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
                        http->name, title);
    return mlp_fail(err, MLPLAT_INVALID,
                    "%s answers with a web page ('%s') where JSON was expected: is it an MLflow server, and is its "
                    "path right?",
                    http->name, title);
}

static mlplat_status parse(const mlp_http *http, const mlp_http_response *response, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_http_check_page(http, response, err);
    if (s != MLPLAT_OK)
        return s;
    s = mlp_json_parse(response->body.data ? response->body.data : "", response->body.size, out, err);
    if (s == MLPLAT_OK && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        s = mlp_fail(err, MLPLAT_CORRUPT, "it is no JSON object");
    }
    if (s == MLPLAT_NO_MEMORY || s == MLPLAT_OK)
        return s;
    mlp_fail_prefix(err, s, "the answer of %s is broken", http->name);
    if (err)
        err->status = MLPLAT_CORRUPT;
    return MLPLAT_CORRUPT;
}

mlplat_status mlp_http_json(mlp_http *http, const mlp_http_request *request, const json_t *body, json_t **out,
                            mlp_http_response *response, mlplat_error *err)
{
    mlp_http_header headers[HEADERS_MOST] = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
    mlp_http_request whole = *request;
    mlp_buf text = {0};
    *out = NULL;
    *response = (mlp_http_response){0};
    mlplat_status s = body ? mlp_json_text(body, &text, err) : MLPLAT_OK;
    whole.n_headers = body ? 2 : 1;
    for (size_t i = 0; i < request->n_headers && whole.n_headers < HEADERS_MOST; i++)
        headers[whole.n_headers++] = request->headers[i];
    whole.headers = headers;
    whole.body = text.data;
    whole.body_size = text.size;
    if (s == MLPLAT_OK)
        s = mlp_http_send(http, &whole, response, err);
    if (s == MLPLAT_OK)
        s = parse(http, response, out, err);
    if (s != MLPLAT_OK && err)
        err->http_status = response->status;
    mlp_buf_free(&text);
    return s;
}

/* http_probe TIMES METHOD URL PATH [BODY]: requests with the settings of the environment, then one line of JSON. */
#include "transport/http.h"
#include <stdlib.h>
#include <string.h>

static mlplat_status send_all(mlp_http *http, int times, const mlp_http_request *request, mlp_http_response *response,
                              mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    for (int i = 0; s == MLPLAT_OK && i < times; i++) {
        mlp_http_response_free(response);
        s = mlp_http_send(http, request, response, err);
    }
    return s;
}

static void tell(mlplat_status s, const mlplat_error *err, const mlp_http_response *response)
{
    json_t *json = json_pack("{s:s, s:s, s:i, s:b, s:i, s:i, s:s#}", "status", mlplat_status_name(s), "message",
                             err->message, "http_status", response->status, "retryable", err->retryable, "fate",
                             (int)response->fate, "tries", (int)response->tries, "body",
                             response->body.data ? response->body.data : "", (int)response->body.size);
    json_dumpf(json, stdout, JSON_ENCODE_ANY);
    json_decref(json);
}

int main(int argc, char **argv)
{
    mlplat_error err = {0};
    mlp_credentials credentials = {0};
    mlp_http_response response = {0};
    mlp_http *http = NULL;
    if (argc < 5)
        return 2;
    mlp_http_options options = {.url = argv[3], .credentials = &credentials, .retry_first_ms = 20, .retries = 2};
    mlp_http_request request = {.method = argv[2],
                                .path = argv[4],
                                .body = argc > 5 ? argv[5] : NULL,
                                .body_size = argc > 5 ? strlen(argv[5]) : 0};
    mlplat_status s = mlp_http_options_load(&options, &err);
    if (s == MLPLAT_OK)
        s = mlp_credentials_load(&credentials, &err);
    if (s == MLPLAT_OK)
        s = mlp_http_open(&options, &http, &err);
    if (s == MLPLAT_OK)
        s = send_all(http, atoi(argv[1]), &request, &response, &err);
    tell(s, &err, &response);
    mlp_http_response_free(&response);
    mlp_http_close(http);
    mlp_credentials_free(&credentials);
    return 0;
}

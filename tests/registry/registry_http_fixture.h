/* A session on a server that answers the registry with what a test wants, badly too. The suites of registries run on
 * real servers in tests/integration. */
#ifndef REGISTRY_HTTP_FIXTURE_H
#define REGISTRY_HTTP_FIXTURE_H
#include "support/http_session.h"
#include <mlplat/artifacts.h>
#include <mlplat/registry.h>
#include <stdbool.h>
#include <stdlib.h>

typedef http_session fixture;

static inline mlplat *open_session(fixture *f, mlplat_error *err)
{
    mlplat *ml = NULL;
    http_session_open(f, NULL, &ml, err);
    return ml;
}

/* Steps to be answered from now on: a reply as "404 NOT FOUND\n{body}"; "": 200; NULL: the connection is cut. */
static inline void answers(fixture *f, const char *const *replies, size_t n)
{
    static char texts[16][6000];
    static loopback_step steps[16];
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++) {
        const char *body = replies[i] ? strchr(replies[i], '\n') : NULL;
        steps[i] = (loopback_step){.reply = "", .end = LOOPBACK_RESET};
        if (!replies[i])
            continue;
        int status = body ? (int)(body - replies[i]) : 6;
        body = body ? body + 1 : replies[i];
        snprintf(texts[i], sizeof texts[i],
                 "HTTP/1.1 %.*s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
                 body == replies[i] ? "200 OK" : replies[i], strlen(body), body);
        steps[i] = (loopback_step){.reply = texts[i]};
    }
    loopback_script(f->server, steps, n);
}

static inline void answer(fixture *f, const char *reply)
{
    answers(f, &reply, 1);
}

static inline int setup(void **state)
{
    fixture *f = http_session_begin();
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    f->ml = open_session(f, &err);
    assert_non_null(f->ml);
    answer(f, "{}");
    f->no_http = mlplat_registered_model_get(f->ml, "m", &doc, &err) == MLPLAT_UNSUPPORTED;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    http_session_end(*state);
    return 0;
}

#define TAG "{\"key\": \"b\", \"value\": \"1\"}, {\"key\": \"a\"}, {\"key\": \"mlplat.op\", \"value\": \"x\"}"
#define VERSION                                                                                                        \
    "{\"name\": \"m\", \"version\": \"2\", \"source\": \"models:/m-1\", \"status\": \"READY\", \"run_id\": \"r1\", "   \
    "\"current_stage\": \"Staging\", \"tags\": [" TAG "]}"
#define MODEL                                                                                                          \
    "{\"name\": \"m\", \"tags\": [" TAG "], \"aliases\": [{\"alias\": \"z\", \"version\": \"2\"}, "                    \
    "{\"alias\": \"c\", \"version\": \"2\"}, {\"alias\": \"old\", \"version\": \"1\"}], \"latest_versions\": "         \
    "[" VERSION "]}"
#define LOGGED                                                                                                         \
    "{\"info\": {\"model_id\": \"m-1\", \"artifact_uri\": \"s3://b/m-1\", \"source_run_id\": \"r1\"}, \"data\": {}}"
#define WEBHOOK                                                                                                        \
    "{\"webhook_id\": \"w1\", \"name\": \"w\", \"url\": \"https://x\", \"secret\": \"s3cr3t\", "                       \
    "\"events\": [{\"entity\": \"PROMPT\", \"action\": \"CREATED\"}]}"
/* An answer to every question. */
#define ALL                                                                                                            \
    "{\"registered_model\": " MODEL ", \"model_version\": " VERSION ", \"registered_models\": [" MODEL "], "           \
    "\"model_versions\": [" VERSION "], \"artifact_uri\": \"s3://b/m\", \"model\": " LOGGED ", \"models\": [" LOGGED   \
    "], "                                                                                                              \
    "\"run\": {\"info\": {\"run_id\": \"r1\", \"experiment_id\": \"0\", \"artifact_uri\": \"s3://b/r\"}, \"data\": "   \
    "{}}, "                                                                                                            \
    "\"webhook\": " WEBHOOK ", \"webhooks\": [" WEBHOOK                                                                \
    "], \"next_page_token\": \"\", \"result\": {\"success\": true}}"
#define NONE "404 NOT FOUND\n{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"not there\"}"

#endif

/* A server that is away, as it answers by path, and runs that are made meanwhile. */
#ifndef OFFLINE_SCENE_H
#define OFFLINE_SCENE_H
#include "contract/tracking_fixture.h"
#include "support/http_session.h"
#include "tracking/offline.h"
#include "tracking/tracking_store.h"
#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVERS "0123456789abcdef0123456789abcdef"
#define RUN(tags, params)                                                                                              \
    "{\"run\": {\"info\": {\"run_id\": \"" SERVERS "\", \"experiment_id\": \"7\", \"lifecycle_stage\": \"active\"}, "  \
    "\"data\": {\"tags\": [" tags "], \"params\": [" params "]}, \"outputs\": {\"model_outputs\": [{\"model_id\": "    \
    "\"m-1\"}]}}}"
#define FOUND  "{\"runs\": [{\"info\": {\"run_id\": \"" SERVERS "\", \"experiment_id\": \"7\"}}]}"
#define NO_TAG "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"No tag with name: t\"}"
#define BAD(words) "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"" words "\"}"

typedef http_session scene;

typedef struct route {
    const char *path, *status, *body;
} route;

/* What a server that works says to all that is asked here. */
static const route working[] = {
    {"experiments/get-by-name", "200 OK", "{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"e\"}}"},
    {"experiments/search", "200 OK", "{\"experiments\": [{\"experiment_id\": \"7\", \"name\": \"e\"}]}"},
    {"runs/search", "200 OK", "{\"runs\": []}"},
    {"runs/create", "200 OK", RUN("", "")},
    {"runs/get", "200 OK", RUN("", "")},
};

enum { ROUTES = 16 };

/* Some answers first, then those of a server that works, then {}. */
static inline void answers(scene *s, const route *first, size_t n)
{
    loopback_step steps[ROUTES] = {{0}};
    const size_t more = sizeof working / sizeof working[0];
    for (size_t i = 0; i < n + more; i++) {
        const route *r = i < n ? &first[i] : &working[i - n];
        steps[i] = (loopback_step){.on = r->path, .status = r->status, .json = r->body};
    }
    loopback_script(s->server, steps, n + more);
}

static inline void away(scene *s)
{
    static const route all[] = {{"/api/", "503 Service Unavailable", "{}"}};
    answers(s, all, 1);
}

static inline void back(scene *s)
{
    answers(s, NULL, 0);
}

static inline int scene_setup(void **state)
{
    scene *s = http_session_begin();
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(http_session_open(s, NULL, &s->ml, &err));
    back(s);
    s->no_http = mlplat_experiment_get_by_name(s->ml, "e", &doc, &err) == MLPLAT_UNSUPPORTED;
    mlplat_doc_free(doc);
    away(s);
    *state = s;
    return 0;
}

static inline int scene_teardown(void **state)
{
    scene *s = *state;
    back(s);
    http_session_end(s);
    return 0;
}

/* How many requests had this in their first line; *last: the last of them, yours. */
static inline size_t asked(scene *s, const char *path, char **last)
{
    size_t n = 0;
    for (size_t i = 0; i < loopback_requests(s->server); i++) {
        char *request = loopback_request(s->server, i);
        const char *at = strstr(request, path);
        bool here = at && at < request + strcspn(request, "\r");
        n += here;
        if (here && last) {
            free(*last);
            *last = request;
        } else {
            free(request);
        }
    }
    return n;
}

/* How many requests had this anywhere. */
static inline size_t sent(scene *s, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < loopback_requests(s->server); i++) {
        char *request = loopback_request(s->server, i);
        n += strstr(request, part) != NULL;
        free(request);
    }
    return n;
}

static inline mlplat_run *start_away(scene *s, const char *name, const char *parent)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = name;
    o.experiment = "e";
    o.parent_run_id = parent;
    o.tags = "{\"team\": \"a\", \"gone\": \"soon\"}";
    assert_ok(mlplat_run_start(s->ml, &o, &run, &err));
    assert_true(mlp_offline_is_id(mlplat_run_id(run)));
    return run;
}

static inline void deliver(scene *s)
{
    mlplat_error err = {0};
    assert_ok(mlplat_flush(s->ml, 60000, &err));
}

static inline void assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("no %s in %s", part, text ? text : "what was never asked");
}

#endif

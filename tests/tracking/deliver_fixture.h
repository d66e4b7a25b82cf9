/* The sink of the store behind REST by itself: a record goes in, and a server answers by what it is asked. */
#ifndef DELIVER_FIXTURE_H
#define DELIVER_FIXTURE_H
#include "base/file.h"
#include "tracking/http_fixture.h"
#include "tracking/tracking_store.h"
#include <sys/stat.h>

#define TAG(key, value) "{\"key\": \"" key "\", \"value\": \"" value "\"}"
#define RUN(tags)                                                                                                      \
    "{\"run\": {\"info\": {\"run_id\": \"" ID "\", \"experiment_id\": \"7\", \"lifecycle_stage\": \"active\"}, "       \
    "\"data\": {\"tags\": [" tags "], \"params\": []}, \"outputs\": {\"model_outputs\": [{\"model_id\": \"m-1\"}]}}}"
#define BAD(code, words) "{\"error_code\": \"" code "\", \"message\": \"" words "\"}"
#define NO_TAG           BAD("RESOURCE_DOES_NOT_EXIST", "No tag with name: t")
#define ENTRY(json)      "{\"entry\": " json ", \"once\": false}"
#define ONCE(json)       "{\"entry\": " json ", \"once\": true}"

enum { MOST = 8 };

typedef struct route {
    const char *path, *status, *body;
} route;

static inline void answers(fixture *f, const route *routes, size_t n)
{
    loopback_step steps[MOST] = {{0}};
    for (size_t i = 0; i < n; i++)
        steps[i] = (loopback_step){.on = routes[i].path, .status = routes[i].status, .json = routes[i].body};
    loopback_script(f->server, steps, n);
}

static inline mlp_sink sink_of(fixture *f)
{
    mlplat_error err = {0};
    mlp_tracking *t = NULL;
    assert_ok(mlp_tracking_of(f->ml, &t, &err));
    return t->ops->sink(t->store, &t->spool);
}

static inline mlp_record record(mlp_record_kind kind, uint64_t seq, const char *key, const char *text)
{
    return (mlp_record){.kind = kind, .seq = seq, .run_id = ID, .run_id_n = strlen(ID), .key = key,
                        .key_n = strlen(key), .text = text, .text_n = strlen(text)};
}

/* One record of journal "j"; its verdict. */
static inline mlp_verdict apply(fixture *f, mlp_record_kind kind, uint64_t seq, const char *key, const char *text)
{
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    const mlp_record r = record(kind, seq, key, text);
    assert_ok(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err));
    return verdict;
}

static inline void apply_fails(fixture *f, mlp_record_kind kind, uint64_t seq, const char *key, const char *text,
                        mlplat_status status)
{
    mlplat_error err = {0};
    mlp_verdict verdict = {0};
    mlp_sink sink = sink_of(f);
    const mlp_record r = record(kind, seq, key, text);
    assert_status(sink.apply(sink.ctx, "j", &r, 1, &verdict, &err), status);
    assert_int_equal(verdict.status, MLPLAT_OK);
}

/* How many requests had this, head or body. */
static inline size_t sent(fixture *f, const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < loopback_requests(f->server); i++) {
        char *request = loopback_request(f->server, i);
        n += strstr(request, part) != NULL;
        free(request);
    }
    return n;
}

/* The text of a record of an artifact: a file of a byte. */
static inline void file_record(fixture *f, char *text, size_t n)
{
    struct stat st;
    mlplat_error err = {0};
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "file"), "x", 1, false, &err));
    assert_int_equal(stat(test_path(f->folder, "file"), &st), 0);
    snprintf(text, n, "{\"path\": \"%s\", \"size\": 1, \"changed\": %lld}", test_path(f->folder, "file"),
             (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

#endif

/* A store with a root of its own; in a local folder lies a canary that nothing may touch. */
#ifndef ARTIFACT_FIXTURE_H
#define ARTIFACT_FIXTURE_H
#include "artifacts/transfer.h"
#include "base/alloc.h"
#include "base/json.h"
#include "contract/artifact_contract.h"
#include "support/hostile_names.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    char *folder, *root;
    mlplat *ml;
    const mlp_artifact_store *store;
} fixture;

static char last_line[400];

static inline void quiet(void *user, mlplat_log_level level, const char *line)
{
    (void)level;
    snprintf(user, sizeof last_line, "%s", line);
}

static inline void begin(fixture *f, const artifact_contract *contract)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    test_clear_environment();
    *f = (fixture){.folder = test_folder_make(), .store = contract->store};
    options.log = quiet;
    options.user = last_line;
    options.tracking_uri = contract->tracking_uri;
    assert_ok(mlplat_open(&options, &f->ml, &err));
    char *root = contract->root(f->folder);
    assert_ok(f->store->root(root, &f->root, &err));
    mlp_free(root);
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "canary"), "alive", 5, false, &err));
    assert_ok(mlp_file_mkdirs(test_path(f->folder, "outside"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(f->folder, "outside/canary"), "alive", 5, false, &err));
}

/* How many names there are below a folder: nothing may have come or gone. */
static inline size_t count_below(const char *path)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    fixture f = {.folder = NULL};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.log = quiet;
    options.user = last_line;
    size_t n = 0;
    assert_ok(mlplat_open(&options, &f.ml, &err));
    assert_ok(mlplat_artifact_list(f.ml, path, &doc, &err));
    assert_ok(mlplat_doc_size(doc, "files", &n, &err));
    mlplat_doc_free(doc);
    mlplat_close(f.ml);
    return n;
}

static inline void check_canary(const fixture *f, const char *after)
{
    static const char *const canaries[] = {"canary", "outside/canary"};
    for (size_t i = 0; i < 2; i++) {
        mlplat_error err = {0};
        mlp_buf text = {0};
        if (mlp_file_read(test_path(f->folder, canaries[i]), 100, &text, &err) != MLPLAT_OK ||
            strcmp(text.data, "alive") != 0)
            fail_msg("'%s' reached %s: %s", after, canaries[i], err.message);
        mlp_buf_free(&text);
    }
    assert_int_equal(count_below(test_path(f->folder, "outside")), 1);
}

static inline void end(fixture *f)
{
    mlplat_close(f->ml);
    mlp_free(f->root);
    test_folder_remove(f->folder);
}

static inline int64_t collect(void *user, const void *data, size_t n)
{
    mlp_buf_add(user, data, n);
    return (int64_t)n;
}

static inline void put(fixture *f, const char *name, const char *text)
{
    mlplat_error err = {0};
    assert_ok(f->store->put_bytes(f->ml, f->root, name, text, strlen(text), &err));
}

static inline void check_text(fixture *f, const char *name, const char *want)
{
    mlplat_error err = {0};
    mlp_buf text = {0};
    assert_ok(f->store->read(f->ml, f->root, name, NULL, collect, &text, &err));
    assert_string_equal(text.data ? text.data : "", want);
    mlp_buf_free(&text);
}

/* "path dir|size" per entry, joined by spaces. */
static inline const char *listed(fixture *f, const char *name, bool *is_file)
{
    static char out[1000];
    mlplat_error err = {0};
    json_t *files = json_array(), *entry;
    size_t i, at = 0;
    out[0] = 0;
    assert_ok(f->store->list(f->ml, f->root, name, files, is_file, &err));
    json_array_foreach(files, i, entry)
    {
        const json_t *size = json_object_get(entry, "file_size");
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s ", json_string_value(json_object_get(entry, "path")),
                               json_is_true(json_object_get(entry, "is_dir")) ? "/" : "");
        if (size)
            at += (size_t)snprintf(out + at, sizeof out - at, "%lld ", (long long)json_integer_value(size));
    }
    json_decref(files);
    return out;
}

static inline mlplat_status list_hostile(fixture *f, const char *name, mlplat_error *err)
{
    bool is_file;
    json_t *files = json_array();
    mlplat_status s = f->store->list(f->ml, f->root, name, files, &is_file, err);
    if (json_array_size(files))
        fail_msg("'%s' listed something", name);
    json_decref(files);
    return s;
}

#endif

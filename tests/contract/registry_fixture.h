/* What the suites of a registry share: a session on an empty store, and short hands. */
#ifndef REGISTRY_FIXTURE_H
#define REGISTRY_FIXTURE_H
#include "contract/registry_contract.h"
#include <mlplat/registry.h>
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    mlplat *ml;
} fixture;

static registry_contract_open open_store;

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    f->ml = open_store(f->folder);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    mlplat_close(f->ml);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

/* ---- short hands ------------------------------------------------------------------------------------------------- */

static inline void assert_text(const mlplat_doc *doc, const char *path, const char *want)
{
    const char *got = NULL;
    mlplat_error err = {0};
    if (mlplat_doc_string(doc, path, &got, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    assert_string_equal(got, want);
}

static inline int64_t int_at(const mlplat_doc *doc, const char *path)
{
    int64_t out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_int(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static inline size_t size_at(const mlplat_doc *doc, const char *path)
{
    size_t out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_size(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static inline mlplat_doc *model(mlplat *ml, const char *name)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_registered_model_get(ml, name, &doc, &err));
    return doc;
}

static inline mlplat_doc *version(mlplat *ml, const char *name, const char *which)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_model_version_get(ml, name, which, &doc, &err));
    return doc;
}

static inline int64_t add(mlplat *ml, const char *name, const char *source)
{
    int64_t number = 0;
    mlplat_error err = {0};
    assert_ok(mlplat_model_version_create(ml, name, source, NULL, &number, &err));
    return number;
}

static inline void assert_number(mlplat *ml, const char *name, const char *which, const char *want)
{
    mlplat_doc *doc = version(ml, name, which);
    assert_text(doc, "version", want);
    mlplat_doc_free(doc);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

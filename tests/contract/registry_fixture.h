/* What the suites of a registry share: a session on an empty store, and short hands. */
#ifndef REGISTRY_FIXTURE_H
#define REGISTRY_FIXTURE_H
#include "contract/registry_contract.h"
#include <mlplat/registry.h>

static registry_contract_open open_store;
#define CONTRACT_OPEN open_store
#include "contract/contract_fixture.h"

/* ---- short hands ------------------------------------------------------------------------------------------------- */

static inline void assert_text(const mlplat_doc *doc, const char *path, const char *want)
{
    assert_string_equal(text_at(doc, path), want);
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

/* "/m" as a place that every store takes for a version's source; lent for a while. */
static inline const char *place(const char *path)
{
    static _Thread_local char texts[4][64];
    static _Thread_local unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], "%s%s", registry_contract_by_rest && *path == '/' ? "s3://bucket" : "", path);
    return text;
}

/* A registered model that is a prompt; false: the store is too old for them, and says so. */
static inline bool add_prompt(mlplat *ml, const char *name, const char *tags)
{
    mlplat_error err = {0};
    assert_status(mlplat_registered_model_create(ml, name, NULL, tags, &err),
                  registry_contract_old ? MLPLAT_UNSUPPORTED : MLPLAT_OK);
    if (registry_contract_old)
        assert_non_null(strstr(err.message, "MLflow 2.21"));
    return !registry_contract_old;
}

static inline int64_t add(mlplat *ml, const char *name, const char *source)
{
    int64_t number = 0;
    mlplat_error err = {0};
    assert_ok(mlplat_model_version_create(ml, name, strlen(source) < 40 ? place(source) : source, NULL, &number, &err));
    return number;
}

static inline void assert_number(mlplat *ml, const char *name, const char *which, const char *want)
{
    mlplat_doc *doc = version(ml, name, which);
    assert_text(doc, "version", want);
    mlplat_doc_free(doc);
}

#endif

/* What the suites of tracking share: a store of its own for each test, and short hands for documents and runs. */
#ifndef TRACKING_FIXTURE_H
#define TRACKING_FIXTURE_H
#include "contract/tracking_contract.h"
#include <stdbool.h>

extern tracking_contract_open tracking_fixture_open; /* of the store whose turn it is */
#define CONTRACT_OPEN tracking_fixture_open
#include "contract/contract_fixture.h"

static inline bool has(const mlplat_doc *doc, const char *path)
{
    mlplat_doc_type type;
    return mlplat_doc_type_at(doc, path, &type, NULL) == MLPLAT_OK;
}

/* The "value" of the pair with this key in a list of a run, NULL if there is none. */
static inline const char *pair(const mlplat_doc *doc, const char *list, const char *key)
{
    char path[100];
    for (size_t i = 0, n = size_at(doc, list); i < n; i++) {
        snprintf(path, sizeof path, "%s[%zu].key", list, i);
        if (strcmp(text_at(doc, path), key) != 0)
            continue;
        snprintf(path, sizeof path, "%s[%zu].value", list, i);
        return text_at(doc, path);
    }
    return NULL;
}

static inline mlplat_run *start(mlplat *ml, const char *name)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = name;
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    return run;
}

/* The same, where each call is to tell what the store says of it: what goes to a server is queued else. */
static inline mlplat_run *start_told(mlplat *ml, const char *name)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.name = name;
    o.durability = tracking_contract_queued ? MLPLAT_DURABILITY_REMOTE : MLPLAT_DURABILITY_DEFAULT;
    assert_ok(mlplat_run_start(ml, &o, &run, &err));
    return run;
}

static inline mlplat_doc *get(mlplat *ml, const mlplat_run *run)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_run_get(ml, mlplat_run_id(run), &doc, &err));
    return doc;
}

static inline void end(mlplat_run *run)
{
    mlplat_error err = {0};
    assert_ok(mlplat_run_end(run, NULL, &err));
    mlplat_run_free(run);
}

static inline mlplat_doc *history(mlplat *ml, const mlplat_run *run, const char *key)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    assert_ok(mlplat_metric_history(ml, mlplat_run_id(run), key, 0, NULL, &doc, &err));
    return doc;
}

static inline char *repeat(char c, size_t n)
{
    char *out = calloc(n + 1, 1);
    memset(out, c, n);
    return out;
}

/* Whether a server of MLflow 2.14 said of a filter that it is too old for it; else the search has to be OK. */
static inline bool contract_too_new(mlplat_status s, const char *filter, const mlplat_error *err)
{
    const char *f = tracking_contract_old && filter ? filter : "";
    const char *release = strstr(f, "experiment_id")                             ? "MLflow 3.17"
                          : strstr(f, "IS NULL") || strstr(f, "IS NOT NULL") ? "MLflow 3.11"
                                                                               : NULL;
    if (s != (release ? MLPLAT_UNSUPPORTED : MLPLAT_OK) || (release && !strstr(err->message, release)))
        fail_msg("%s: %s: %s", filter ? filter : "all", mlplat_status_name(s), err->message);
    return release != NULL;
}

#ifndef MLPLAT_MINIMAL
/* The same of logged models: where there are none, that is said, and the test has nothing else to see. */
static inline bool contract_models_are_too_new(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    if (!tracking_contract_old)
        return false;
    assert_status(mlplat_logged_model_create(ml, NULL, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "MLflow 3.0"));
    assert_status(mlplat_logged_model_get(ml, "m-1", &doc, &err), MLPLAT_UNSUPPORTED);
    assert_status(mlplat_logged_model_search(ml, NULL, &doc, &err), MLPLAT_UNSUPPORTED);
    assert_null(doc);
    return true;
}
#endif

/* The parts of the suite that are in files of their own. */
int logging_contract_run(const char *store);
int model_contract_run(const char *store);
int sample_contract_run(const char *store);
int search_contract_run(const char *store);
int edge_contract_run(const char *store);

#endif

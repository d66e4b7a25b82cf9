/* What all contract suites share: a store of its own for each test, and short hands for documents. The file that
 * includes it says by CONTRACT_OPEN what opens the store whose turn it is. */
#ifndef CONTRACT_FIXTURE_H
#define CONTRACT_FIXTURE_H
#include "support/support.h"
#include <stdlib.h>

typedef struct fixture {
    char *folder;
    mlplat *ml;
} fixture;

static inline int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = test_folder_make();
    f->ml = CONTRACT_OPEN(f->folder);
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
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- members of documents ---------------------------------------------------------------------------------------- */

static inline const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *out = NULL;
    mlplat_error err = {0};
    if (mlplat_doc_string(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static inline int64_t int_at(const mlplat_doc *doc, const char *path)
{
    int64_t out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_int(doc, path, &out, &err) != MLPLAT_OK)
        fail_msg("%s: %s in %s", path, err.message, mlplat_doc_text(doc));
    return out;
}

static inline double double_at(const mlplat_doc *doc, const char *path)
{
    double out = 0;
    mlplat_error err = {0};
    if (mlplat_doc_double(doc, path, &out, &err) != MLPLAT_OK)
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

#endif

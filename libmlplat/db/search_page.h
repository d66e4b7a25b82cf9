/* One page of what a search finds. */
#ifndef MLP_SEARCH_PAGE_H
#define MLP_SEARCH_PAGE_H
#include "db/search.h"

/* The document of the row that stmt is at. */
typedef mlplat_status (*mlp_search_doc)(mlp_db *db, void *user, mlp_stmt *stmt, json_t **out, mlplat_error *err);

typedef struct mlp_search_page {
    const char *select; /* "SELECT r.run_uuid FROM runs r" */
    const mlp_search_sql *sql;
    const char *also; /* " AND r.lifecycle_stage = 'active'", or "" */
    const json_t *also_values;
    int64_t limit, offset;
    mlp_search_doc doc;
    void *user;
} mlp_search_page;

/* Inside a transaction: appends the documents to list. *more: there is a page behind this one. */
mlplat_status mlp_search_page_read(mlp_db *db, const mlp_search_page *page, json_t *list, bool *more,
                                   mlplat_error *err);

#endif

#include "db/search_page.h"

/* One row more than the page takes tells that there is a next one. */
static mlplat_status read_rows(mlp_db *db, const mlp_search_page *page, mlp_stmt *stmt, json_t *list, bool *more,
                               mlplat_error *err)
{
    bool row = true;
    mlplat_status s = MLPLAT_OK;
    for (int64_t n = 0; s == MLPLAT_OK; n++) {
        json_t *doc = NULL;
        s = mlp_stmt_step(stmt, &row, err);
        if (s != MLPLAT_OK || !row)
            break;
        if ((*more = n == page->limit))
            break;
        s = page->doc(db, page->user, stmt, &doc, err);
        if (s == MLPLAT_OK)
            s = mlp_json_push(list, doc, err);
    }
    return s;
}

mlplat_status mlp_search_page_read(mlp_db *db, const mlp_search_page *page, json_t *list, bool *more, mlplat_error *err)
{
    const mlp_search_sql *sql = page->sql;
    mlp_stmt *stmt = NULL;
    mlp_buf text = {0};
    int i = 0;
    *more = false;
    mlp_buf_printf(&text, "%s%s WHERE 1 = 1%s%s ORDER BY %s LIMIT ? OFFSET ?", page->select, sql->joins.data,
                   sql->where.data, page->also, sql->order.data);
    mlplat_status s = mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK)
        s = mlp_db_prepare_once(db, text.data, &stmt, err);
    if (s == MLPLAT_OK) {
        mlp_search_bind(stmt, &i, sql->join_values);
        mlp_search_bind(stmt, &i, sql->where_values);
        mlp_search_bind(stmt, &i, page->also_values);
        mlp_stmt_int(stmt, i + 1, page->limit + 1);
        mlp_stmt_int(stmt, i + 2, page->offset);
        s = read_rows(db, page, stmt, list, more, err);
    }
    mlp_stmt_done(stmt);
    mlp_buf_free(&text);
    return s;
}

/*
 * SQLite's own loop over an index takes some 75 ns an entry; this one takes 20. It knows one index alone: that of the
 * primary key (key, timestamp, step, run_uuid, value, is_nan), whose entries hold all of a point.
 */
#include "db/metric_pages.h"
#include "db/file_pages.h"
#include <string.h>

enum { INTERIOR = 2, LEAF = 10, FIELDS = 6 };

typedef struct walk {
    mlp_pages pages;
    const char *run, *key;
    size_t run_n, key_n, most; /* bytes of an entry that has no pages of its own */
    mlp_metric_point point;
    void *user;
    bool stopped;
} walk;

/* One entry: where its fields begin, and their types. */
typedef struct entry {
    const unsigned char *field[FIELDS];
    uint32_t type[FIELDS];
} entry;

/* ---- entries ----------------------------------------------------------------------------------------------------- */

/* Numbers of more than 4 bytes are longer than any entry here. */
static inline const unsigned char *varint(const unsigned char *at, const unsigned char *end, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4 && at < end; i++) {
        value = value << 7 | (*at & 0x7f);
        if (!(*at++ & 0x80)) {
            *out = value;
            return at;
        }
    }
    return NULL;
}

static inline uint32_t size_of(uint32_t type)
{
    static const unsigned char sizes[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 255, 255};
    return type < 12 ? sizes[type] : (type - 12) / 2;
}

/* false: not an entry as it must be. */
static inline bool parse(const walk *w, const unsigned char *at, const unsigned char *end, entry *out)
{
    uint32_t bytes, head;
    const unsigned char *body = varint(at, end, &bytes), *fields;
    if (!body || bytes > w->most || bytes > (size_t)(end - body))
        return false;
    end = body + bytes;
    at = varint(body, end, &head);
    if (!at || head > bytes)
        return false;
    fields = body + head;
    for (int i = 0; i < FIELDS; i++) {
        at = varint(at, body + head, &out->type[i]);
        if (!at || size_of(out->type[i]) > (size_t)(end - fields))
            return false;
        out->field[i] = fields;
        fields += size_of(out->type[i]);
    }
    bool texts = out->type[0] > 12 && out->type[0] % 2 && out->type[3] > 12 && out->type[3] % 2;
    return texts && out->type[1] != 7 && out->type[2] != 7 && out->type[5] != 7;
}

static inline int64_t whole(const entry *e, int i)
{
    const unsigned char *at = e->field[i];
    uint32_t type = e->type[i], n = size_of(type);
    if (type >= 8 || n == 0)
        return type == 9;
    int64_t value = (signed char)at[0];
    for (uint32_t k = 1; k < n; k++)
        value = (int64_t)((uint64_t)value << 8 | at[k]);
    return value;
}

/* SQLite keeps a real number without a fraction as a whole one. */
static inline double number(const entry *e, int i)
{
    double value;
    int64_t bits = whole(e, i);
    if (e->type[i] != 7)
        return (double)bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int compare_key(const walk *w, const entry *e)
{
    size_t n = size_of(e->type[0]), least = n < w->key_n ? n : w->key_n;
    int order = memcmp(e->field[0], w->key, least);
    return order ? order : n < w->key_n ? -1 : n > w->key_n;
}

/* false: no more. */
static inline bool take(walk *w, const entry *e)
{
    if (size_of(e->type[3]) != w->run_n || memcmp(e->field[3], w->run, w->run_n) != 0)
        return true;
    w->stopped = !w->point(w->user, whole(e, 2), whole(e, 1), number(e, 4), whole(e, 5) != 0);
    return !w->stopped;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static bool visit_leaf(walk *w, const unsigned char *page, bool *more)
{
    uint32_t n = mlp_pages_u16(page + 3);
    entry e;
    if (8 + 2 * n > w->pages.usable)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = mlp_pages_u16(page + 8 + 2 * i);
        if (at >= w->pages.usable || !parse(w, page + at, page + w->pages.usable, &e))
            return false;
        int order = compare_key(w, &e);
        if (order > 0 || (order == 0 && !take(w, &e))) {
            *more = false;
            break;
        }
    }
    return true;
}

static bool visit(walk *w, uint32_t number, int depth, bool *more);

/* Left child, entry, left child, entry, ..., right child; *more false: the keys are behind ours. */
static bool visit_interior(walk *w, const unsigned char *page, int depth, bool *more)
{
    uint32_t n = mlp_pages_u16(page + 3), last = mlp_pages_u32(page + 8);
    entry e;
    if (12 + 2 * n > w->pages.usable)
        return false;
    for (uint32_t i = 0; i < n && *more; i++) {
        uint32_t at = mlp_pages_u16(page + 12 + 2 * i);
        if (at + 4 >= w->pages.usable || !parse(w, page + at + 4, page + w->pages.usable, &e))
            return false;
        int order = compare_key(w, &e);
        if (order >= 0 && !visit(w, mlp_pages_u32(page + at), depth + 1, more))
            return false;
        if (order == 0 && *more)
            *more = take(w, &e);
        *more = *more && order <= 0;
    }
    return !*more || visit(w, last, depth + 1, more);
}

static bool visit(walk *w, uint32_t number, int depth, bool *more)
{
    const unsigned char *page = mlp_pages_get(&w->pages, number, depth);
    if (!page || (page[0] != LEAF && page[0] != INTERIOR))
        return false;
    return page[0] == LEAF ? visit_leaf(w, page, more) : visit_interior(w, page, depth, more);
}

/* The index as it must be: its root page, and the schema's number. 0: it is not. */
static uint32_t find_root(mlp_db *db, uint32_t *schema)
{
    mlp_stmt *stmt = NULL;
    bool row = false;
    uint32_t root = 0;
    if (mlp_db_prepare(db,
                       "SELECT m.rootpage, (SELECT schema_version FROM pragma_schema_version) FROM sqlite_master m "
                       "WHERE m.name = 'sqlite_autoindex_metrics_1' AND m.tbl_name = 'metrics' AND (SELECT "
                       "group_concat(name || desc || coll) FROM (SELECT name, desc, coll FROM "
                       "pragma_index_xinfo('sqlite_autoindex_metrics_1') WHERE key = 1 ORDER BY seqno)) = "
                       "'key0BINARY,timestamp0BINARY,step0BINARY,run_uuid0BINARY,value0BINARY,is_nan0BINARY'",
                       &stmt, NULL) == MLPLAT_OK &&
        mlp_stmt_step(stmt, &row, NULL) == MLPLAT_OK && row) {
        root = (uint32_t)mlp_stmt_col_int(stmt, 0);
        *schema = (uint32_t)mlp_stmt_col_int(stmt, 1);
    }
    mlp_stmt_done(stmt);
    return root;
}

mlp_metric_pages_end mlp_metric_pages(mlp_db *db, const char *run_id, const char *key, mlp_metric_point point,
                                      void *user)
{
    walk w = {.run = run_id, .key = key, .run_n = strlen(run_id), .key_n = strlen(key), .point = point, .user = user};
    uint32_t schema = 0, root = find_root(db, &schema);
    bool more = true;
    bool good = root && mlp_pages_open(db, &w.pages) && w.pages.schema == schema;
    if (good) {
        w.most = (w.pages.usable - 12) * 64 / 255 - 23;
        good = visit(&w, root, 1, &more);
    }
    mlp_pages_close(&w.pages);
    return !good ? MLP_PAGES_NO : w.stopped ? MLP_PAGES_STOPPED : MLP_PAGES_ALL;
}

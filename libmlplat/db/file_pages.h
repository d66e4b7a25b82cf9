/*
 * Pages of a database as a reader sees them, without SQLite's statements between: out of the file and its write-ahead
 * log. For reading much in little time; who meets anything unexpected goes back to SQL. SQLite's file format is
 * documented and fixed.
 */
#ifndef MLP_FILE_PAGES_H
#define MLP_FILE_PAGES_H
#include "db/db_inside.h"

enum { MLP_PAGES_DEPTH = 12 }; /* of a tree */

typedef struct mlp_pages {
    sqlite3_file *file;
    uint32_t size, usable; /* bytes of a page, and those that hold something */
    uint32_t schema;       /* number of the schema */
    unsigned char *log;    /* the whole write-ahead log, NULL: none */
    uint32_t *places;      /* pairs (page, frame), by a hash of the page; page 0: free */
    size_t n_places;       /* a power of two */
    unsigned char *room[MLP_PAGES_DEPTH];
} mlp_pages;

/* Inside a read transaction that has read something: what is read then is committed, and no older than what it sees.
 * false: not this way. Close it either way. */
bool mlp_pages_open(mlp_db *db, mlp_pages *out);
void mlp_pages_close(mlp_pages *pages);
/* A page, lent until the next one of the same depth is asked for; NULL: it cannot be read. */
const unsigned char *mlp_pages_get(mlp_pages *pages, uint32_t page, int depth);

static inline uint32_t mlp_pages_u16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}
static inline uint32_t mlp_pages_u32(const unsigned char *at)
{
    return mlp_pages_u16(at) << 16 | mlp_pages_u16(at + 2);
}

#endif

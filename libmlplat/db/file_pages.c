/*
 * A read transaction holds what keeps these bytes still: without a write-ahead log the shared lock; with one, its mark,
 * behind which no page of the file is replaced. Frames that were committed since are whole too, and all pages are taken
 * as of the last of them. The log is read once, so that it may begin anew meanwhile.
 */
#include "db/file_pages.h"
#include "base/alloc.h"
#include <string.h>

#define LOG_MOST   ((sqlite3_int64)64 << 20)
#define LOG_HEAD   32u
#define FRAME_HEAD 24u

static bool read_at(sqlite3_file *file, void *to, size_t n, sqlite3_int64 offset)
{
    return file->pMethods && file->pMethods->xRead(file, to, (int)n, offset) == SQLITE_OK;
}

/* ---- the write-ahead log ----------------------------------------------------------------------------------------- */

static uint32_t word(const unsigned char *at, bool big)
{
    uint32_t value = mlp_pages_u32(at);
    return big ? value : __builtin_bswap32(value);
}

static void add_sum(uint32_t sum[2], const unsigned char *at, size_t n, bool big)
{
    for (size_t i = 0; i < n; i += 8) {
        sum[0] += word(at + i, big) + sum[1];
        sum[1] += word(at + i + 4, big) + sum[0];
    }
}

static bool sum_is(const uint32_t sum[2], const unsigned char *at)
{
    return sum[0] == mlp_pages_u32(at) && sum[1] == mlp_pages_u32(at + 4);
}

/* How many frames are committed: whole, of this life of the log, and a commit behind them. */
static size_t committed(const mlp_pages *p, size_t n)
{
    const unsigned char *log = p->log;
    uint32_t sum[2] = {0, 0}, magic = mlp_pages_u32(log);
    bool big = magic == 0x377f0683;
    size_t good = 0;
    if ((!big && magic != 0x377f0682) || mlp_pages_u32(log + 8) != p->size)
        return 0;
    add_sum(sum, log, 24, big);
    if (!sum_is(sum, log + 24))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *frame = log + LOG_HEAD + i * (FRAME_HEAD + p->size);
        if (memcmp(frame + 8, log + 16, 8) != 0)
            break;
        add_sum(sum, frame, 8, big);
        add_sum(sum, frame + FRAME_HEAD, p->size, big);
        if (!sum_is(sum, frame + 16))
            break;
        if (mlp_pages_u32(frame + 4))
            good = i + 1;
    }
    return good;
}

static uint32_t *place(const mlp_pages *p, uint32_t page)
{
    size_t i = (page * 2654435761u) & (p->n_places - 1);
    while (p->places[2 * i] && p->places[2 * i] != page)
        i = (i + 1) & (p->n_places - 1);
    return &p->places[2 * i];
}

static bool note_frames(mlp_pages *p, size_t n)
{
    for (p->n_places = 16; p->n_places < 2 * n; p->n_places *= 2)
        ;
    p->places = mlp_alloc_array(2 * p->n_places, sizeof *p->places);
    for (size_t i = 0; p->places && i < n; i++) {
        uint32_t page = mlp_pages_u32(p->log + LOG_HEAD + i * (FRAME_HEAD + p->size));
        uint32_t *at = place(p, page);
        at[0] = page;
        at[1] = (uint32_t)i; /* the last one counts */
    }
    return p->places != NULL;
}

static bool read_log(mlp_db *db, mlp_pages *p)
{
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log ||
        !log->pMethods || log->pMethods->xFileSize(log, &size) != SQLITE_OK || size > LOG_MOST)
        return false;
    size_t n = size > LOG_HEAD ? ((size_t)size - LOG_HEAD) / (FRAME_HEAD + p->size) : 0;
    if (n == 0)
        return true;
    size_t bytes = LOG_HEAD + n * (FRAME_HEAD + p->size);
    p->log = mlp_alloc_array(bytes, 1);
    return p->log && read_at(log, p->log, bytes, 0) && note_frames(p, committed(p, n));
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

bool mlp_pages_open(mlp_db *db, mlp_pages *p)
{
    unsigned char head[100];
    *p = (mlp_pages){0};
    if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &p->file) != SQLITE_OK || !p->file ||
        !read_at(p->file, head, sizeof head, 0) || memcmp(head, "SQLite format 3", 16) != 0)
        return false;
    p->size = mlp_pages_u16(head + 16) == 1 ? 65536 : mlp_pages_u16(head + 16);
    p->usable = p->size - head[20];
    if (p->size < 512 || p->usable < 480 || (head[19] == 2 && !read_log(db, p)))
        return false;
    const unsigned char *first = mlp_pages_get(p, 1, 0);
    p->schema = first ? mlp_pages_u32(first + 40) : 0;
    return first && mlp_pages_u32(first + 56) == 1; /* texts are UTF-8 */
}

void mlp_pages_close(mlp_pages *p)
{
    mlp_free(p->log);
    mlp_free(p->places);
    for (int i = 0; i < MLP_PAGES_DEPTH; i++)
        mlp_free(p->room[i]);
    *p = (mlp_pages){0};
}

const unsigned char *mlp_pages_get(mlp_pages *p, uint32_t page, int depth)
{
    const uint32_t *at = p->places ? place(p, page) : NULL;
    if (page == 0 || depth >= MLP_PAGES_DEPTH)
        return NULL;
    if (at && at[0])
        return p->log + LOG_HEAD + at[1] * (size_t)(FRAME_HEAD + p->size) + FRAME_HEAD;
    if (!p->room[depth] && !(p->room[depth] = mlp_alloc_array(p->size, 1)))
        return NULL;
    bool read = read_at(p->file, p->room[depth], p->size, (sqlite3_int64)(page - 1) * p->size);
    return read ? p->room[depth] : NULL;
}

#include "spool/run_map.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define MAP_FILE  "runs.map"
#define LOCK_FILE "runs.lock"

enum { ID_MOST = 256 };

void mlp_run_map_init(mlp_run_map *map)
{
    *map = (mlp_run_map){0};
    pthread_mutex_init(&map->lock, NULL);
}

void mlp_run_map_free(mlp_run_map *map)
{
    mlp_run_map_unlock(map);
    json_decref(map->ids);
    pthread_mutex_destroy(&map->lock);
}

/* ---- reading: under lock ----------------------------------------------------------------------------------------- */

/* What is known stays: its text is lent. */
static mlplat_status take_line(mlp_run_map *map, const char *line, size_t n, mlplat_error *err)
{
    char id[ID_MOST + 1];
    const char *blank = memchr(line, ' ', n);
    size_t id_n = blank ? (size_t)(blank - line) : 0, server_n = blank ? n - id_n - 1 : 0;
    if (!id_n || id_n > ID_MOST || !server_n || server_n > ID_MOST || memchr(blank + 1, ' ', server_n) ||
        !mlp_text_utf8(line, n))
        return MLPLAT_OK;
    memcpy(id, line, id_n);
    id[id_n] = 0;
    return json_object_get(map->ids, id) ? MLPLAT_OK
                                         : mlp_json_set(map->ids, id, json_stringn(blank + 1, server_n), err);
}

static mlplat_status take_lines(mlp_run_map *map, const mlp_buf *text, size_t *used, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    const char *end;
    *used = 0;
    while (s == MLPLAT_OK && text->size > *used && (end = memchr(text->data + *used, '\n', text->size - *used))) {
        const char *line = text->data + *used;
        s = take_line(map, line, (size_t)(end - line), err);
        if (s == MLPLAT_OK)
            *used = (size_t)(end - text->data) + 1;
    }
    return s;
}

static mlplat_status read_rest(mlp_run_map *map, int p, int fd, mlplat_error *err)
{
    char part[16384];
    mlp_buf text = {0};
    ssize_t n;
    size_t used = 0;
    off_t at = map->read[p];
    while ((n = mlp_sys.pread(fd, part, sizeof part, at)) > 0) {
        mlp_buf_add(&text, part, (size_t)n);
        at += n;
    }
    mlplat_status s = n < 0 ? mlp_fail_errno(err, errno, "the map of runs cannot be read") : mlp_buf_ok(&text, err);
    if (s == MLPLAT_OK)
        s = take_lines(map, &text, &used, err);
    map->read[p] += (off_t)used;
    mlp_buf_free(&text);
    return s;
}

static mlplat_status read_place(mlp_run_map *map, int p, const mlp_place *place, mlplat_error *err)
{
    int top;
    mlplat_status s = mlp_place_open(place, false, &top, err);
    if (s != MLPLAT_OK)
        return s == MLPLAT_NOT_FOUND ? MLPLAT_OK : s;
    int fd = mlp_sys.open(top, MAP_FILE, O_RDONLY | O_NOFOLLOW, 0);
    if (fd != -1) {
        s = read_rest(map, p, fd, err);
        mlp_sys.close(fd);
    } else if (errno != ENOENT) {
        s = mlp_fail_errno(err, errno, "the map of runs in %s cannot be opened", place->path);
    }
    mlp_sys.close(top);
    return s;
}

static mlplat_status read_all(mlp_run_map *map, const mlp_place *places, int n, mlplat_error *err)
{
    mlplat_status s = map->ids || (map->ids = json_object()) ? MLPLAT_OK : mlp_fail_memory(err);
    for (int p = 0; s == MLPLAT_OK && p < n; p++)
        s = read_place(map, p, &places[p], err);
    return s;
}

mlplat_status mlp_run_map_get(mlp_run_map *map, const mlp_place *places, int n, const char *id, const char **out,
                              mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    pthread_mutex_lock(&map->lock);
    *out = json_string_value(json_object_get(map->ids, id));
    if (!*out)
        s = read_all(map, places, n, err);
    if (s == MLPLAT_OK)
        *out = json_string_value(json_object_get(map->ids, id));
    pthread_mutex_unlock(&map->lock);
    return s;
}

mlplat_status mlp_run_map_list(mlp_run_map *map, const mlp_place *places, int n, json_t **out, mlplat_error *err)
{
    const char *id;
    json_t *server, *list = json_array();
    pthread_mutex_lock(&map->lock);
    mlplat_status s = list ? read_all(map, places, n, err) : mlp_fail_memory(err);
    json_object_foreach(map->ids, id, server) if (s == MLPLAT_OK) s =
        mlp_json_push(list, json_pack("{s:s, s:O}", "local_id", id, "run_id", server), err);
    pthread_mutex_unlock(&map->lock);
    if (s == MLPLAT_OK)
        *out = list;
    else
        json_decref(list);
    return s;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* A line that was torn ends here. */
static bool is_torn(int fd)
{
    struct stat st;
    char last = '\n';
    return mlp_sys.fstat(fd, &st) == 0 && st.st_size > 0 && mlp_sys.pread(fd, &last, 1, st.st_size - 1) == 1 &&
           last != '\n';
}

static mlplat_status append(int top, const mlp_buf *line, mlplat_error *err)
{
    int fd = mlp_sys.open(top, MAP_FILE, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "the map of runs cannot be opened");
    size_t skip = is_torn(fd) ? 0 : 1;
    mlplat_status s = mlp_file_write_all(fd, line->data + skip, line->size - skip, err);
    if (s == MLPLAT_OK && mlp_sys.fsync(fd) == -1)
        s = mlp_fail_errno(err, errno, "the map of runs");
    mlp_sys.close(fd);
    return s == MLPLAT_OK ? mlp_file_sync_folder(top, err) : s;
}

mlplat_status mlp_run_map_put(const mlp_place *place, const char *id, const char *server_id, mlplat_error *err)
{
    int top = -1;
    mlp_buf line = {0};
    mlp_buf_printf(&line, "\n%s %s\n", id, server_id);
    mlplat_status s = mlp_buf_ok(&line, err);
    if (s == MLPLAT_OK)
        s = mlp_place_open(place, true, &top, err);
    if (s == MLPLAT_OK)
        s = append(top, &line, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_buf_free(&line);
    return s;
}

/* ---- one at a time ----------------------------------------------------------------------------------------------- */

/* The process that makes one: POSIX locks do not keep its threads apart, and a child has none of them. */
static _Atomic pid_t maker;

static mlplat_status busy(mlplat_error *err)
{
    mlp_fail(err, MLPLAT_UNAVAILABLE, "another one makes a run that was started offline just now");
    if (err)
        err->retryable = 1;
    return MLPLAT_UNAVAILABLE;
}

static mlplat_status lock_file(mlp_run_map *map, const mlp_place *place, mlplat_error *err)
{
    int top;
    mlplat_status s = mlp_place_open(place, true, &top, err);
    if (s != MLPLAT_OK)
        return s;
    int fd = mlp_sys.open(top, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    mlp_sys.close(top);
    if (fd == -1)
        return mlp_fail_errno(err, errno, "the lock of the map of runs cannot be opened");
    if (mlp_sys.lock(fd, 0, false) == 0) {
        map->lock_fd = fd + 1;
        return MLPLAT_OK;
    }
    s = errno == EAGAIN ? busy(err) : mlp_fail_errno(err, errno, "the map of runs cannot be locked");
    mlp_sys.close(fd);
    return s;
}

mlplat_status mlp_run_map_lock(mlp_run_map *map, const mlp_place *place, mlplat_error *err)
{
    pid_t self = getpid(), was = atomic_load(&maker);
    if (was == self || !atomic_compare_exchange_strong(&maker, &was, self))
        return busy(err);
    mlplat_status s = lock_file(map, place, err);
    if (s != MLPLAT_OK)
        atomic_store(&maker, 0);
    return s;
}

void mlp_run_map_unlock(mlp_run_map *map)
{
    if (!map->lock_fd)
        return;
    mlp_sys.close(map->lock_fd - 1);
    map->lock_fd = 0;
    atomic_store(&maker, 0);
}

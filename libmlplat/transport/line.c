#include "transport/line.h"
#include "base/alloc.h"
#include "base/err.h"
#include <pthread.h>

enum { IDLE_MOST = 8 };

struct mlp_lines {
    mlp_curl curl;
    pthread_mutex_t lock; /* held for the list alone, never while bytes move */
    mlp_line *idle;
    int n_idle;
};

static void line_free(const mlp_curl *curl, mlp_line *line)
{
    if (line->multi)
        curl->multi_cleanup(line->multi);
    mlp_free(line);
}

mlplat_status mlp_lines_open(const char *library, mlp_lines **out, mlplat_error *err)
{
    mlp_lines *lines = mlp_alloc(sizeof *lines);
    *out = NULL;
    mlplat_status s = lines ? mlp_curl_open(library, &lines->curl, err) : mlp_fail_memory(err);
    if (s != MLPLAT_OK) {
        mlp_free(lines);
        return s;
    }
    pthread_mutex_init(&lines->lock, NULL);
    *out = lines;
    return MLPLAT_OK;
}

void mlp_lines_close(mlp_lines *lines)
{
    if (!lines)
        return;
    while (lines->idle) {
        mlp_line *line = lines->idle;
        lines->idle = line->next;
        line_free(&lines->curl, line);
    }
    pthread_mutex_destroy(&lines->lock);
    mlp_free(lines);
}

void mlp_lines_abandon(mlp_lines *lines)
{
    while (lines && lines->idle) { /* libcurl's own memory stays: giving it back would talk to the parent's server */
        mlp_line *line = lines->idle;
        lines->idle = line->next;
        mlp_free(line);
    }
    mlp_free(lines);
}

const char *mlp_lines_ca(const mlp_lines *lines)
{
    return mlp_curl_ca(&lines->curl);
}

const mlp_curl *mlp_lines_curl(const mlp_lines *lines)
{
    return &lines->curl;
}

static mlplat_status line_new(const mlp_curl *curl, mlp_line **out, mlplat_error *err)
{
    mlp_line *line = mlp_alloc(sizeof *line);
    if (line && (line->multi = curl->multi_init())) {
        line->socket = -1;
        *out = line;
        return MLPLAT_OK;
    }
    mlp_free(line);
    return mlp_fail_memory(err);
}

mlplat_status mlp_lines_take(mlp_lines *lines, mlp_line **out, mlplat_error *err)
{
    pthread_mutex_lock(&lines->lock);
    mlp_line *line = lines->idle;
    if (line) {
        lines->idle = line->next;
        lines->n_idle--;
    }
    pthread_mutex_unlock(&lines->lock);
    *out = line;
    return line ? MLPLAT_OK : line_new(&lines->curl, out, err);
}

void mlp_lines_give(mlp_lines *lines, mlp_line *line, bool keep)
{
    pthread_mutex_lock(&lines->lock);
    keep = keep && lines->n_idle < IDLE_MOST;
    if (keep) {
        line->next = lines->idle;
        lines->idle = line;
        lines->n_idle++;
    }
    pthread_mutex_unlock(&lines->lock);
    if (!keep)
        line_free(&lines->curl, line);
}

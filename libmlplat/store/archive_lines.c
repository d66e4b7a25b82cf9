#include "store/archive_lines.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

/* A line of metrics has a thousand points of four values. */
enum { PIECE = 1 << 17, VALUES_MOST = 1 << 16 };

mlplat_status mlp_archive_lines_open(int root_fd, const mlp_manifest *manifest, mlp_archive_lines *out,
                                     mlplat_error *err)
{
    *out = (mlp_archive_lines){.piece = mlp_alloc(PIECE)};
    if (!out->piece)
        return mlp_fail_memory(err);
    mlplat_status s = mlp_zin_open(root_fd, MLP_ARCHIVE_DATA, &mlp_manifest_find(manifest, MLP_ARCHIVE_DATA)->info,
                                   &out->in, err);
    if (s != MLPLAT_OK)
        mlp_archive_lines_close(out);
    return s;
}

void mlp_archive_lines_close(mlp_archive_lines *lines)
{
    mlp_zin_free(&lines->in);
    mlp_free(lines->piece);
    mlp_buf_free(&lines->line);
    *lines = (mlp_archive_lines){0};
}

mlplat_status mlp_archive_lines_fail(const mlp_archive_lines *lines, const char *why, mlplat_error *err)
{
    return mlp_fail(err, MLPLAT_CORRUPT, "the archive is damaged: '%s', line %llu: %s", MLP_ARCHIVE_DATA,
                    (unsigned long long)lines->number, why);
}

/* Which table a line is of, by its first member, which we write first. */
static mlplat_status look(mlp_archive_lines *lines, mlplat_error *err)
{
    static const char begin[] = "{\"table\":\"";
    char name[40];
    const char *text = lines->line.data;
    size_t n = lines->line.size > sizeof begin ? strcspn(text + sizeof begin - 1, "\"") : 0;
    if (!n || strncmp(text, begin, sizeof begin - 1) != 0 || n >= sizeof name)
        return mlp_archive_lines_fail(lines, "does not begin with its table", err);
    memcpy(name, text + sizeof begin - 1, n);
    name[n] = 0;
    lines->table = strcmp(name, mlp_manifest_artifacts) == 0 ? MLP_ARTIFACT_LINE : mlp_store_table_find(name);
    lines->head = lines->table == MLP_EXPERIMENTS || lines->table == MLP_RUNS || lines->table == MLP_LOGGED_MODELS ||
                  lines->table == MLP_REGISTERED_MODELS || lines->table == MLP_MODEL_VERSIONS;
    if (lines->table < 0 || lines->table == MLP_INPUT_TAGS)
        return mlp_archive_lines_fail(lines, "of a table that no archive has", err);
    return MLPLAT_OK;
}

mlplat_status mlp_archive_lines_next(mlp_archive_lines *lines, const char **text, size_t *n, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    bool whole = false;
    *text = NULL;
    mlp_buf_clear(&lines->line);
    lines->number++;
    while (s == MLPLAT_OK && !whole) {
        if (lines->at == lines->n) {
            lines->at = 0;
            if ((s = mlp_zin_read(&lines->in, lines->piece, PIECE, &lines->n, err)) != MLPLAT_OK)
                return s;
            if (!lines->n)
                return lines->line.size ? mlp_archive_lines_fail(lines, "has no end", err) : MLPLAT_OK;
        }
        const char *from = lines->piece + lines->at, *end = memchr(from, '\n', lines->n - lines->at);
        size_t take = end ? (size_t)(end - from) : lines->n - lines->at;
        mlp_buf_add(&lines->line, from, take);
        lines->at += take + (end != NULL);
        whole = end != NULL;
        if (lines->line.size > MLP_ARCHIVE_LINE)
            return mlp_archive_lines_fail(lines, "is longer than 32 MiB", err);
        s = mlp_buf_ok(&lines->line, err);
    }
    if (s == MLPLAT_OK)
        s = look(lines, err);
    if (s == MLPLAT_OK) {
        *text = lines->line.data;
        *n = lines->line.size;
    }
    return s;
}

mlplat_status mlp_archive_lines_json(const mlp_archive_lines *lines, json_t **out, mlplat_error *err)
{
    mlplat_status s = mlp_json_parse_few(lines->line.data, lines->line.size, VALUES_MOST, out, err);
    if (s == MLPLAT_INVALID)
        return mlp_archive_lines_fail(lines, "is no JSON, or has far more values than a row", err);
    if (s == MLPLAT_OK && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return mlp_archive_lines_fail(lines, "is no JSON object", err);
    }
    return s;
}

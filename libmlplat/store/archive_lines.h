/* The lines of an archive's data, in groups: an experiment, a run, a logged model, a registered model or a version,
 * each with what belongs to it. */
#ifndef MLP_ARCHIVE_LINES_H
#define MLP_ARCHIVE_LINES_H
#include "base/json.h"
#include "store/manifest.h"

enum { MLP_ARTIFACT_LINE = MLP_STORE_TABLES }; /* beside the ids of tables */

typedef struct mlp_archive_lines {
    mlp_zin in;
    char *piece;
    size_t at, n;
    mlp_buf line;
    uint64_t number; /* of the line in hand, from 1 */
    /* The line in hand. */
    int table; /* MLP_ARTIFACT_LINE: an artifact */
    bool head; /* the first of its group */
} mlp_archive_lines;

mlplat_status mlp_archive_lines_open(int root_fd, const mlp_manifest *manifest, mlp_archive_lines *out,
                                     mlplat_error *err);
/* *text NULL: no more. The text lives until the next call and ends with a NUL. CORRUPT: no line of an archive. */
mlplat_status mlp_archive_lines_next(mlp_archive_lines *lines, const char **text, size_t *n, mlplat_error *err);
mlplat_status mlp_archive_lines_json(const mlp_archive_lines *lines, json_t **out, mlplat_error *err);
/* CORRUPT, with the line's number. */
mlplat_status mlp_archive_lines_fail(const mlp_archive_lines *lines, const char *why, mlplat_error *err);
void mlp_archive_lines_close(mlp_archive_lines *lines);

#endif

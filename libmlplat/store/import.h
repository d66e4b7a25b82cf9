/* An import: all of the archive is looked at and compared before the first row is written. */
#ifndef MLP_IMPORT_H
#define MLP_IMPORT_H
#include "store/archive_lines.h"
#include "store/import_lock.h"
#include "store/rows.h"
#include "store/store_view.h"
#include <mlplat/store.h>

#define MLP_IMPORT_MARK "mlplat.import" /* tag of a run or logged model of which not all is there yet */

typedef enum mlp_import_policy { MLP_IMPORT_FAIL, MLP_IMPORT_KEEP, MLP_IMPORT_REPLACE } mlp_import_policy;

/* What becomes of a group. */
typedef enum mlp_import_fate {
    MLP_FATE_NEW,     /* not there */
    MLP_FATE_SAME,    /* there and equal: nothing to do */
    MLP_FATE_KEPT,    /* there and different, and stays */
    MLP_FATE_REPLACED,/* there and different, or there by half: what belongs to it is removed first */
    MLP_FATES
} mlp_import_fate;

typedef struct mlp_importing {
    mlp_store_view view;
    mlp_rows rows; /* of the target */
    mlp_manifest manifest;
    int root_fd; /* of the archive */
    mlp_import_lock lock;
    mlp_import_policy policy;
    mlp_pace pace;
    unsigned char *fates; /* one a group, in the archive's order */
    size_t n_groups, cap;
    uint64_t counts[MLP_STORE_TABLES][MLP_FATES]; /* of groups, by the table of their head */
    uint64_t artifacts;
    mlplat_error refusal; /* the first conflict: told when the archive is known to be whole */
    char *piece;
} mlp_importing;

/* import_check.c: fills the fates. Nothing is changed. */
mlplat_status mlp_import_check(mlp_importing *im, mlplat_error *err);
/* import_files.c: every file of the archive is what it is called. */
mlplat_status mlp_import_check_files(mlp_importing *im, mlplat_error *err);
/* An artifact from the archive to its place below location, whole or not at all; or an empty folder. */
mlplat_status mlp_import_place(mlp_importing *im, const json_t *line, const char *location, mlplat_error *err);
/* import_compare.c: the fate of the group whose lines have the digest sha256; inside a read transaction. */
mlplat_status mlp_import_compare(mlp_importing *im, int table, const json_t *head, const char *sha256,
                                 mlp_import_fate *fate, mlplat_error *err);
/* A row that experiments and registered models share: must be as the target has it, where it has it. */
mlplat_status mlp_import_compare_row(mlp_importing *im, int table, const json_t *row, mlplat_error *err);
/* import_apply.c: writes what the fates say. */
mlplat_status mlp_import_apply(mlp_importing *im, mlplat_error *err);

/* import_chunk.c: rows that are written in one transaction. */
typedef struct mlp_import_op {
    json_t *row;
    int table;
    bool end;    /* the group of this head is whole */
    bool anew;   /* there already: written over */
} mlp_import_op;
typedef struct mlp_import_chunk {
    mlp_import_op *ops;
    size_t n, cap, rows;
} mlp_import_chunk;
mlplat_status mlp_import_chunk_add(mlp_import_chunk *chunk, const mlp_import_op *op, size_t rows /* that it makes */,
                                   mlplat_error *err); /* takes op->row, also on failure */
mlplat_status mlp_import_chunk_write(mlp_importing *im, mlp_import_chunk *chunk, mlplat_error *err); /* and empties */
void mlp_import_chunk_free(mlp_import_chunk *chunk);

/* import_row.c: inside a write transaction of the file that the table is in. */
mlplat_status mlp_import_row(mlp_importing *im, const mlp_import_op *op, mlplat_error *err);
/* A run or logged model that is there becomes unfinished, before anything of it is removed: killed now, it is no whole
 * one to anybody, and the same import brings the rest. */
mlplat_status mlp_import_reopen(mlp_importing *im, int table, const json_t *row, mlplat_error *err);
mlplat_status mlp_import_end(mlp_importing *im, const mlp_import_op *op, mlplat_error *err);
/* import_row_special.c: what is not one line a row */
mlplat_status mlp_import_experiment(mlp_importing *im, const json_t *row, mlplat_error *err);
mlplat_status mlp_import_points(mlp_importing *im, const json_t *row, mlplat_error *err);
mlplat_status mlp_import_input(mlp_importing *im, const json_t *row, mlplat_error *err);
mlplat_status mlp_import_dataset(mlp_importing *im, const json_t *row, mlplat_error *err);
/* *id -1: no such experiment. *location may be NULL. */
mlplat_status mlp_import_find_experiment(mlp_importing *im, const char *name, int64_t *id, char **location,
                                         mlplat_error *err);
mlplat_status mlp_import_dataset_id(mlp_importing *im, const char *experiment, const char *name, const char *digest,
                                    char **uuid, mlplat_error *err);
/* INSERT of all columns: what the row has, the experiment's number, the workspace, the presets. more is put before it
 * ("OR IGNORE") or behind ("ON CONFLICT ..."), each may be "". over: columns that win, JSON object or NULL. */
mlplat_status mlp_import_insert(mlp_importing *im, int id, const json_t *row, const json_t *over, const char *before,
                                const char *behind, mlplat_error *err);

/* store_remove.c: in steps, so that no writer waits long. With the row itself, or (rest) all but that. */
mlplat_status mlp_store_remove_run(mlp_store_view *view, const char *run_id, bool rest_only, mlplat_error *err);
mlplat_status mlp_store_remove_model(mlp_store_view *view, const char *model_id, bool rest_only, mlplat_error *err);
/* The folder of the artifacts of a run or logged model, if there is one. INVALID: it is not called after the id. STATE:
 * it does not lie below the folder of artifacts, a location itself. No link below that is followed. */
mlplat_status mlp_store_remove_files(const char *below, const char *location, const char *id, mlplat_error *err);

#endif

/* The manifest of an archive: every file with its size and digest. docs/store.md describes the format. */
#ifndef MLP_MANIFEST_H
#define MLP_MANIFEST_H
#include "base/buf.h"
#include "store/store_tables.h"
#include "store/zfile.h"

#define MLP_ARCHIVE_DATA   "data.jsonl.zst"
#define MLP_ARCHIVE_FORMAT "mlplat-archive"
enum { MLP_ARCHIVE_VERSION = 1, MLP_ARCHIVE_NAME = 80, MLP_ARCHIVE_LINE = 32 << 20 /* the longest */ };

typedef struct mlp_manifest_file {
    char name[MLP_ARCHIVE_NAME]; /* "data.jsonl.zst", "files/<SHA-256 of what is in it>.zst" */
    mlp_zfile_info info;
} mlp_manifest_file;

typedef struct mlp_manifest {
    bool artifacts;
    uint64_t counts[MLP_STORE_TABLES + 1]; /* rows by table; points of metrics; the last: lines of artifacts */
    mlp_manifest_file *files;              /* by name once it is read or written */
    size_t n, cap;
} mlp_manifest;

extern const char *const mlp_manifest_artifacts; /* "artifacts", the name of the last count */
mlplat_status mlp_manifest_add(mlp_manifest *manifest, const char *name, const mlp_zfile_info *info, mlplat_error *err);
uint64_t mlp_manifest_raw(const mlp_manifest *manifest); /* bytes of all files, uncompressed */
uint64_t mlp_manifest_size(const mlp_manifest *manifest);
const mlp_manifest_file *mlp_manifest_find(const mlp_manifest *manifest, const char *name);
mlplat_status mlp_manifest_write(int root_fd, mlp_manifest *manifest, mlplat_error *err);
/* Reads it and looks through the folder: a file too many or too few, a link, another size are CORRUPT, and so is what
 * is no manifest. UNSUPPORTED: of a newer version. path is for messages. */
mlplat_status mlp_manifest_read(int root_fd, const char *path, mlp_manifest *out, mlplat_error *err);
void mlp_manifest_free(mlp_manifest *manifest);

#endif

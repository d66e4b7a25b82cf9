/* The artifacts of an archive. */
#include "artifacts/artifact_local.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/os.h"
#include "store/import.h"
#include <stdio.h>
#include <string.h>

enum { PIECE = 1 << 17 };

static mlplat_status check_file(mlp_importing *im, const mlp_manifest_file *file, mlplat_error *err)
{
    mlp_zin in = {0};
    mlp_sha256 sha;
    char hex[65];
    size_t got = 1;
    mlp_sha256_begin(&sha);
    mlplat_status s = mlp_zin_open(im->root_fd, file->name, &file->info, &in, err);
    while (s == MLPLAT_OK && got) {
        s = mlp_zin_read(&in, im->piece, PIECE, &got, err);
        mlp_sha256_add(&sha, im->piece, s == MLPLAT_OK ? got : 0);
        if (s == MLPLAT_OK)
            s = mlp_pace_add(&im->pace, got, err);
    }
    mlp_zin_free(&in);
    mlp_sha256_end(&sha, hex);
    if (s == MLPLAT_OK && strncmp(file->name + strlen("files/"), hex, 64) != 0)
        s = mlp_fail(err, MLPLAT_CORRUPT,
                     "the archive is damaged: '%s' holds another file: export it again, or copy it again", file->name);
    return s;
}

mlplat_status mlp_import_check_files(mlp_importing *im, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    if (!im->piece && !(im->piece = mlp_alloc(PIECE)))
        return mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < im->manifest.n; i++)
        if (strcmp(im->manifest.files[i].name, MLP_ARCHIVE_DATA) != 0)
            s = check_file(im, &im->manifest.files[i], err);
    return s;
}

typedef struct unpacking {
    mlp_importing *im;
    mlp_zin in;
} unpacking;

static int64_t next_piece(void *user, void *data, size_t n, mlplat_error *err)
{
    unpacking *u = user;
    size_t got = 0;
    mlplat_status s = mlp_zin_read(&u->in, data, n, &got, err);
    if (s == MLPLAT_OK)
        s = mlp_pace_add(&u->im->pace, got, err);
    return s == MLPLAT_OK ? (int64_t)got : -1;
}

static mlplat_status put_file(mlp_importing *im, int top, const json_t *line, mlplat_error *err)
{
    unpacking u = {.im = im};
    char name[MLP_ARCHIVE_NAME];
    const char *sha256 = json_string_value(json_object_get(line, "sha256"));
    snprintf(name, sizeof name, "files/%.64s.zst", sha256 ? sha256 : "");
    const mlp_manifest_file *file = mlp_manifest_find(&im->manifest, name);
    if (!file)
        return mlp_fail(err, MLPLAT_CORRUPT, "the archive was changed while it was read: import it again");
    mlplat_status s = mlp_zin_open(im->root_fd, file->name, &file->info, &u.in, err);
    if (s == MLPLAT_OK)
        s = mlp_file_put_beneath(top, json_string_value(json_object_get(line, "path")), next_piece, &u, err);
    mlp_zin_free(&u.in);
    im->artifacts += s == MLPLAT_OK;
    return s;
}

mlplat_status mlp_import_place(mlp_importing *im, const json_t *line, const char *location, mlplat_error *err)
{
    char *root = NULL;
    int top = -1;
    mlplat_status s = mlp_store_root(location, &root, err);
    if (s == MLPLAT_OK)
        s = mlp_artifact_local_enter(root, true, &top, err);
    if (s == MLPLAT_OK && json_is_true(json_object_get(line, "folder")))
        s = mlp_artifact_local_folder(top, json_string_value(json_object_get(line, "path")), err);
    else if (s == MLPLAT_OK)
        s = put_file(im, top, line, err);
    if (top != -1)
        mlp_sys.close(top);
    mlp_free(root);
    return s;
}

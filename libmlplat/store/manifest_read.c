/* Reading a manifest that anybody may have written, and the folder around it. */
#include "artifacts/artifact_local.h"
#include "base/err.h"
#include "base/json.h"
#include "base/os.h"
#include "store/manifest.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file takes at least 150 bytes and 5 values. */
enum { MANIFEST_MOST = 64 << 20, VALUES_MOST = 5 * (MANIFEST_MOST / 150), PIECE = 4096 };

static mlplat_status corrupt(mlplat_error *err, const char *path, const char *name, const char *why)
{
    return mlp_fail(err, MLPLAT_CORRUPT,
                    "the archive '%.160s' is damaged: '%.160s' %s: export it again, or copy it again", path, name, why);
}

/* A link is the archive's fault, a file that may not be read the caller's. */
static bool is_plain(int root_fd)
{
    struct stat st;
    return fstatat(root_fd, "manifest.json", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static mlplat_status read_text(int root_fd, const char *path, mlp_buf *text, mlplat_error *err)
{
    int fd = -1;
    char piece[PIECE];
    ssize_t got = 1;
    mlplat_status s = mlp_file_open_beneath(root_fd, "manifest.json", O_RDONLY, 0, &fd, err);
    if (s == MLPLAT_NOT_FOUND)
        return mlp_fail(err, MLPLAT_CORRUPT, "'%.200s' is no archive: it has no manifest.json", path);
    if (s == MLPLAT_INVALID || (s == MLPLAT_DENIED && !is_plain(root_fd)))
        return corrupt(err, path, "manifest.json", "is no plain file that can be read");
    while (s == MLPLAT_OK && got) {
        if ((got = mlp_sys.read(fd, piece, sizeof piece)) == -1)
            s = errno == EISDIR ? corrupt(err, path, "manifest.json", "is a folder")
                                : mlp_fail_errno(err, errno, "cannot read the manifest of '%.200s'", path);
        else
            mlp_buf_add(text, piece, (size_t)got);
        if (s == MLPLAT_OK && text->size > MANIFEST_MOST)
            s = corrupt(err, path, "manifest.json", "is longer than 64 MiB");
    }
    if (fd != -1)
        mlp_sys.close(fd);
    return s == MLPLAT_OK ? mlp_buf_ok(text, err) : s;
}

static bool is_digest(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i]))
            return false;
    return n == 64;
}

/* Only two forms of names are ever written, so that none can lead elsewhere. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (strcmp(name, MLP_ARCHIVE_DATA) == 0)
        return true;
    return n == 74 && memcmp(name, "files/", 6) == 0 && is_digest(name + 6, 64) && strcmp(name + 70, ".zst") == 0;
}

static bool take_size(const json_t *entry, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(entry, key);
    *out = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) < (int64_t)1 << 50;
}

static mlplat_status take_file(const json_t *entry, const char *path, mlp_manifest *m, mlplat_error *err)
{
    mlp_zfile_info info = {0};
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
    if (!name || !is_name(name))
        return corrupt(err, path, "manifest.json", "names a file that no archive has");
    if (!take_size(entry, "size", &info.size) || !take_size(entry, "raw_size", &info.raw_size) || !sha256 ||
        !is_digest(sha256, strlen(sha256)))
        return corrupt(err, path, "manifest.json", "tells no size and digest of a file");
    memcpy(info.sha256, sha256, 65);
    if (m->n && strcmp(m->files[m->n - 1].name, name) >= 0)
        return corrupt(err, path, "manifest.json", "does not list the files by name, each once");
    return mlp_manifest_add(m, name, &info, err);
}

static mlplat_status take_counts(const json_t *counts, const char *path, mlp_manifest *m, mlplat_error *err)
{
    for (int i = 0; i <= MLP_STORE_TABLES; i++)
        if (i != MLP_INPUT_TAGS &&
            !take_size(counts, i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts, &m->counts[i]))
            return corrupt(err, path, "manifest.json", "does not count what is in the archive");
    return MLPLAT_OK;
}

static mlplat_status take(const json_t *json, const char *path, mlp_manifest *m, mlplat_error *err)
{
    const char *format = json_string_value(json_object_get(json, "format"));
    const json_t *files = json_object_get(json, "files"), *artifacts = json_object_get(json, "artifacts");
    json_int_t version = json_integer_value(json_object_get(json, "version"));
    if (!format || strcmp(format, MLP_ARCHIVE_FORMAT) != 0 || version < 1)
        return corrupt(err, path, "manifest.json", "is none of an mlplat archive");
    if (version > MLP_ARCHIVE_VERSION)
        return mlp_fail(err, MLPLAT_UNSUPPORTED,
                        "the archive '%.200s' has version %lld of the format, and this library reads version %d: take "
                        "a newer one",
                        path, (long long)version, MLP_ARCHIVE_VERSION);
    if (!json_is_array(files) || !json_is_boolean(artifacts))
        return corrupt(err, path, "manifest.json", "lists no files");
    m->artifacts = json_is_true(artifacts);
    mlplat_status s = take_counts(json_object_get(json, "counts"), path, m, err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(files); i++)
        s = take_file(json_array_get(files, i), path, m, err);
    if (s == MLPLAT_OK && !mlp_manifest_find(m, MLP_ARCHIVE_DATA))
        s = corrupt(err, path, "manifest.json", "does not list " MLP_ARCHIVE_DATA);
    return s;
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static mlplat_status check_tree(const mlp_artifact_tree *tree, const char *path, const mlp_manifest *m,
                                mlplat_error *err)
{
    size_t files = 0;
    for (size_t i = 0; i < tree->n; i++) {
        const mlp_artifact_entry *entry = &tree->entries[i];
        if (strcmp(entry->name, "manifest.json") == 0 || (entry->is_folder && strcmp(entry->name, "files") == 0))
            continue;
        const mlp_manifest_file *file = entry->is_folder ? NULL : mlp_manifest_find(m, entry->name);
        if (!file)
            return corrupt(err, path, entry->name, "does not belong to it");
        if (file->info.size != entry->size)
            return corrupt(err, path, entry->name, "has another size than the manifest says");
        files++;
    }
    for (size_t i = 0; files < m->n && i < m->n; i++) {
        bool there = false;
        for (size_t k = 0; !there && k < tree->n; k++)
            there = strcmp(tree->entries[k].name, m->files[i].name) == 0;
        if (!there)
            return corrupt(err, path, m->files[i].name, "is missing");
    }
    return MLPLAT_OK;
}

static mlplat_status check_folder(int root_fd, const char *path, const mlp_manifest *m, mlplat_error *err)
{
    mlp_artifact_tree tree = {0};
    mlplat_status s = mlp_artifact_tree_walk(root_fd, path, &tree, err);
    if (s == MLPLAT_INVALID && err)
        err->status = MLPLAT_CORRUPT; /* a link or device: the message names it */
    if (s != MLPLAT_OK)
        return s == MLPLAT_INVALID ? MLPLAT_CORRUPT : s;
    s = check_tree(&tree, path, m, err);
    mlp_artifact_tree_free(&tree);
    return s;
}

mlplat_status mlp_manifest_read(int root_fd, const char *path, mlp_manifest *out, mlplat_error *err)
{
    mlp_buf text = {0};
    json_t *json = NULL;
    *out = (mlp_manifest){0};
    mlplat_status s = read_text(root_fd, path, &text, err);
    if (s == MLPLAT_OK) {
        s = mlp_json_parse_few(text.data ? text.data : "", text.size, VALUES_MOST, &json, err);
        if (s == MLPLAT_INVALID)
            s = corrupt(err, path, "manifest.json", "is no JSON");
    }
    if (s == MLPLAT_OK)
        s = take(json, path, out, err);
    if (s == MLPLAT_OK)
        s = check_folder(root_fd, path, out, err);
    json_decref(json);
    mlp_buf_free(&text);
    if (s != MLPLAT_OK)
        mlp_manifest_free(out);
    return s;
}

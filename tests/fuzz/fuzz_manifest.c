/* An archive as far as its files go: the manifest, the compressed data, the lines in it. What is taken is all there, of
 * the size and digest told. Input: a byte: lines of data, a manifest, or compressed data as it is. */
#include "fuzz_folder.h"
#include "store/archive_lines.h"
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

enum { FILE_MOST = 1 << 14 };

static int root_fd, manifest_fd, data_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    (void)argc;
    (void)argv;
    fuzz_check(mlp_file_open_root(fuzz_folder(), false, &root_fd, &err) == MLPLAT_OK);
    manifest_fd = openat(root_fd, "manifest.json", O_CREAT | O_RDWR, 0600);
    data_fd = openat(root_fd, MLP_ARCHIVE_DATA, O_CREAT | O_RDWR, 0600);
    return manifest_fd == -1 || data_fd == -1;
}

static void put(int fd, const void *bytes, size_t n)
{
    fuzz_check(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n);
}

/* The lines one by one: each a row of a table, together as many bytes as were told. */
static void read_lines(const mlp_manifest *manifest, mlplat_error *err)
{
    mlp_archive_lines lines;
    const char *text = "";
    size_t n = 0, all = 0;
    mlplat_status s = mlp_archive_lines_open(root_fd, manifest, &lines, err);
    fuzz_check(s == MLPLAT_OK || (s == MLPLAT_CORRUPT && fuzz_refused(s, err)));
    if (s != MLPLAT_OK)
        return;
    while ((s = mlp_archive_lines_next(&lines, &text, &n, err)) == MLPLAT_OK && text) {
        json_t *row = NULL;
        fuzz_check(!text[n] && !memchr(text, '\n', n) && lines.table >= 0 && lines.table <= MLP_ARTIFACT_LINE);
        mlplat_status parsed = mlp_archive_lines_json(&lines, &row, err);
        fuzz_check(parsed == MLPLAT_OK ? json_is_object(row) : parsed == MLPLAT_CORRUPT && fuzz_refused(parsed, err));
        json_decref(row);
        all += n + 1;
    }
    fuzz_check(s == MLPLAT_OK ? all == lines.in.expected.raw_size : s == MLPLAT_CORRUPT && fuzz_refused(s, err));
    mlp_archive_lines_close(&lines);
}

/* The manifest that we write for the data is taken. */
static void put_manifest(const void *bytes, size_t size, uint64_t raw)
{
    mlplat_error err = {0};
    mlp_manifest manifest = {0};
    mlp_zfile_info info = {.size = size, .raw_size = raw};
    mlp_sha256 sha;
    mlp_sha256_begin(&sha);
    mlp_sha256_add(&sha, bytes, size);
    mlp_sha256_end(&sha, info.sha256);
    put(data_fd, bytes, size);
    fuzz_check(mlp_manifest_add(&manifest, MLP_ARCHIVE_DATA, &info, &err) == MLPLAT_OK);
    read_lines(&manifest, &err);
    mlp_manifest_free(&manifest);
}

static void try_manifest(const uint8_t *text, size_t n, mlplat_error *err)
{
    mlp_manifest manifest = {0};
    put(data_fd, "", 0);
    put(manifest_fd, text, n);
    mlplat_status s = mlp_manifest_read(root_fd, "archive", &manifest, err);
    fuzz_check(s == MLPLAT_OK || ((s == MLPLAT_CORRUPT || s == MLPLAT_UNSUPPORTED) && fuzz_refused(s, err)));
    if (s == MLPLAT_OK) { /* the folder has one file, which is empty */
        fuzz_check(manifest.n == 1 && strcmp(manifest.files[0].name, MLP_ARCHIVE_DATA) == 0);
        fuzz_check(mlp_manifest_size(&manifest) == 0);
        read_lines(&manifest, err);
    }
    mlp_manifest_free(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packed[2 * FILE_MOST];
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    unsigned kind = fuzz_byte(&in) % 4;
    if (in.n > FILE_MOST)
        return 0;
    if (kind == 1) {
        try_manifest(in.at, in.n, err);
    } else if (kind == 0) {
        unsigned long long raw = ZSTD_getFrameContentSize(in.at, in.n);
        put_manifest(in.at, in.n, raw < 1u << 20 ? raw : 0);
    } else {
        size_t n = ZSTD_compress(packed, sizeof packed, in.at, in.n, -5);
        fuzz_check(!ZSTD_isError(n));
        put_manifest(packed, n, in.n);
    }
    return 0;
}

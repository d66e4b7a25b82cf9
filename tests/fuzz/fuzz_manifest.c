/* An archive as far as its files go: the manifest, the compressed data, the lines in it. What is taken is all there, of
 * the size and digest told. Input: a byte: lines of data, a manifest, or compressed data as it is. */
#include "archive_files.h"
#include "store/archive_lines.h"

enum { FILE_MOST = 1 << 14 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    archive_make();
    return 0;
}

/* The lines one by one: each a row of a table, together as many bytes as were told. */
static void read_lines(const mlp_manifest *manifest, mlplat_error *err)
{
    mlp_archive_lines lines;
    const char *text = "";
    size_t n = 0, all = 0;
    mlplat_status s = mlp_archive_lines_open(archive.root_fd, manifest, &lines, err);
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
static void try_data(uint64_t raw)
{
    mlplat_error err = {0};
    mlp_manifest manifest = {0};
    mlp_zfile_info info = archive_info(raw);
    fuzz_check(mlp_manifest_add(&manifest, MLP_ARCHIVE_DATA, &info, &err) == MLPLAT_OK);
    read_lines(&manifest, &err);
    mlp_manifest_free(&manifest);
}

static void try_manifest(const uint8_t *text, size_t n, mlplat_error *err)
{
    mlp_manifest manifest = {0};
    archive_put(ARCHIVE_DATA, "", 0);
    archive_put(ARCHIVE_MANIFEST, text, n);
    mlplat_status s = mlp_manifest_read(archive.root_fd, "archive", &manifest, err);
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
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    unsigned kind = fuzz_byte(&in) % 4;
    if (in.n > FILE_MOST)
        return 0;
    if (kind == 1) {
        try_manifest(in.at, in.n, err);
    } else if (kind == 0) {
        try_data(archive_put_packed(in.at, in.n));
    } else {
        archive_put_lines(in.at, in.n);
        try_data(in.n);
    }
    return 0;
}

/* Archives that anybody may have written. What a dry run takes is imported, and a second dry run finds nothing to do;
 * what it refuses is told as damage. Input: a byte: lines of data, a manifest, or a compressed file as it is. With
 * files in memory: some thousand a second. */
#include "base/json.h"
#include "fuzz_folder.h"
#include "store/manifest.h"
#include <fcntl.h>
#include <mlplat.h>
#include <unistd.h>
#include <zstd.h>

enum { FILE_MOST = 1 << 16 };

static const char *folder;
static char archive[96];
static int manifest_fd, data_fd;
static mlplat *ml;

static void close_store(void)
{
    mlplat_close(ml);
}

static mlplat *open_store(const char *name)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat *out = NULL;
    mlplat_doc *doc = NULL;
    char uri[128];
    snprintf(uri, sizeof uri, "sqlite:///%s/%s.db", folder, name);
    options.tracking_uri = uri;
    fuzz_check(mlplat_open(&options, &out, &err) == MLPLAT_OK);
    fuzz_check(mlplat_experiment_search(out, NULL, &doc, &err) == MLPLAT_OK);
    mlplat_doc_free(doc);
    return out;
}

static int open_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", archive, name);
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    fuzz_check(fd != -1);
    return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    folder = fuzz_folder();
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    snprintf(archive, sizeof archive, "%s/archive", folder);
    fuzz_check(mkdir(archive, 0700) == 0);
    manifest_fd = open_file("manifest.json");
    data_fd = open_file(MLP_ARCHIVE_DATA);
    ml = open_store("all");
    atexit(close_store);
    return 0;
}

static void put(int fd, const void *bytes, size_t n)
{
    fuzz_check(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n);
}

/* How many lines are of a table; of metrics, how many points. */
static uint64_t count(const char *lines, size_t n, const char *table)
{
    char begin[64];
    uint64_t found = 0;
    size_t begin_n = (size_t)snprintf(begin, sizeof begin, "{\"table\":\"%s\"", table);
    for (const char *at = lines, *end = lines + n, *stop; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        if ((size_t)(stop - at) < begin_n || memcmp(at, begin, begin_n) != 0)
            continue;
        json_t *row = json_loadb(at, (size_t)(stop - at), 0, NULL);
        found += strcmp(table, "metrics") == 0 ? json_array_size(json_object_get(row, "points")) : 1;
        json_decref(row);
    }
    return found;
}

/* The manifest that fits a file of data: n bytes of lines, raw of whatever. */
static void put_manifest(const char *lines, size_t n, size_t raw, const void *bytes, size_t size)
{
    mlp_buf text = {0};
    mlp_sha256 sha;
    char hex[65];
    mlp_sha256_begin(&sha);
    mlp_sha256_add(&sha, bytes, size);
    mlp_sha256_end(&sha, hex);
    mlp_buf_puts(&text, "{\"format\":\"mlplat-archive\",\"version\":1,\"artifacts\":false,\"counts\":{");
    for (int i = 0; i <= MLP_STORE_TABLES; i++) {
        const char *name = i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts;
        mlp_buf_printf(&text, "%s\"%s\":%llu", i ? "," : "", name, (unsigned long long)count(lines, n, name));
    }
    mlp_buf_printf(&text, "},\"files\":[{\"name\":\"%s\",\"size\":%zu,\"raw_size\":%zu,\"sha256\":\"%s\"}]}",
                   MLP_ARCHIVE_DATA, size, raw, hex);
    put(manifest_fd, text.data, text.size);
    mlp_buf_free(&text);
}

static void put_lines(const char *lines, size_t n)
{
    static char packed[FILE_MOST];
    size_t size = ZSTD_compress(packed, sizeof packed, lines, n, -5);
    fuzz_check(!ZSTD_isError(size));
    put(data_fd, packed, size);
    put_manifest(lines, n, n, packed, size);
}

static void put_packed(const uint8_t *bytes, size_t n)
{
    unsigned long long raw = ZSTD_getFrameContentSize(bytes, n);
    put(data_fd, bytes, n);
    put_manifest("", 0, raw < FILE_MOST ? (size_t)raw : 0, bytes, n);
}

static mlplat_status import(mlplat *into, bool dry, mlplat_doc **out)
{
    mlplat_error err = {0};
    mlplat_import_options options = MLPLAT_IMPORT_OPTIONS_INIT;
    options.dry_run = dry;
    options.max_bytes = FILE_MOST;
    mlplat_status s = mlplat_import(into, archive, &options, out, &err);
    bool known = s == MLPLAT_OK || s == MLPLAT_CORRUPT || s == MLPLAT_CONFLICT || s == MLPLAT_UNSUPPORTED ||
                 s == MLPLAT_INVALID || s == MLPLAT_STATE;
    if (!known || (s != MLPLAT_OK && !fuzz_refused(s, &err))) {
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
        fuzz_fail(__FILE__, __LINE__, "an import says what is wrong with the archive");
    }
    return s;
}

/* What a dry run takes goes into an empty store, which is good then, and has all of it. */
static void check_taken(void)
{
    static const char *const kinds[] = {"experiments", "runs", "logged_models", "registered_models", "model_versions"};
    mlplat_error err = {0};
    mlplat *fresh = open_store("fresh");
    mlplat_doc *doc = NULL, *again = NULL, *check = NULL;
    char path[128];
    mlplat_status s = import(fresh, false, &doc);
    if (s == MLPLAT_OK && import(fresh, true, &again) == MLPLAT_OK) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            int64_t left = -1;
            snprintf(path, sizeof path, "%s.imported", kinds[i]);
            fuzz_check(mlplat_doc_int(again, path, &left, &err) == MLPLAT_OK && left == 0);
        }
        fuzz_check(mlplat_store_check(fresh, NULL, &check, &err) == MLPLAT_OK);
    }
    mlplat_doc_free(doc);
    mlplat_doc_free(again);
    mlplat_doc_free(check);
    mlplat_close(fresh);
    snprintf(path, sizeof path, "%s/fresh.db", folder);
    fuzz_check(unlink(path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_doc *doc = NULL;
    unsigned kind = fuzz_byte(&in) % 4;
    if (in.n > FILE_MOST / 2)
        return 0;
    if (kind == 0)
        put_packed(in.at, in.n);
    else
        put_lines((const char *)in.at, kind == 1 ? 0 : in.n);
    if (kind == 1)
        put(manifest_fd, in.at, in.n);
    if (import(ml, true, &doc) == MLPLAT_OK)
        check_taken();
    mlplat_doc_free(doc);
    return 0;
}

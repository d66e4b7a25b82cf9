/* Archives that anybody may have written, looked at as an import does first, through a view of a store that stays open.
 * Now and then also by the public way: a dry run says the same; what it takes is imported, and a second dry run finds
 * nothing to do; what it refuses is told as damage. Input: a byte: lines of data, a manifest, or a compressed file. */
#include "archive_files.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "store/import.h"
#include <mlplat.h>

enum { PUBLIC_ONE_IN = 64, TAKEN_ONE_IN = 16 };

static mlplat *ml;
static const mlp_hook nobody;
static mlp_pace pace = {.hook = &nobody, .what = "a look"};
static mlp_store_view view;

static void close_store(void)
{
    mlp_store_view_close(&view);
    mlplat_close(ml);
}

static mlplat *open_store(const char *name)
{
    mlplat_error err = {0};
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    mlplat *out = NULL;
    mlplat_doc *doc = NULL;
    char uri[128];
    snprintf(uri, sizeof uri, "sqlite:///%s/%s.db", fuzz_folder_path, name);
    options.tracking_uri = uri;
    fuzz_check(mlplat_open(&options, &out, &err) == MLPLAT_OK);
    fuzz_check(mlplat_experiment_search(out, NULL, &doc, &err) == MLPLAT_OK);
    mlplat_doc_free(doc);
    return out;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    (void)argc;
    (void)argv;
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    archive_make();
    ml = open_store("all");
    fuzz_check(mlp_store_view_open(ml, &pace, &view, &err) == MLPLAT_OK);
    atexit(close_store);
    return 0;
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

/* The manifest that fits the file of data: n bytes of lines, raw of whatever. */
static void put_manifest(const char *lines, size_t n, uint64_t raw)
{
    mlp_buf text = {0};
    mlp_zfile_info info = archive_info(raw);
    mlp_buf_puts(&text, "{\"format\":\"mlplat-archive\",\"version\":1,\"artifacts\":false,\"counts\":{");
    for (int i = 0; i <= MLP_STORE_TABLES; i++) {
        const char *name = i < MLP_STORE_TABLES ? mlp_store_specs[i].name : mlp_manifest_artifacts;
        mlp_buf_printf(&text, "%s\"%s\":%llu", i ? "," : "", name, (unsigned long long)count(lines, n, name));
    }
    mlp_buf_printf(&text, "},\"files\":[{\"name\":\"%s\",\"size\":%llu,\"raw_size\":%llu,\"sha256\":\"%s\"}]}",
                   MLP_ARCHIVE_DATA, (unsigned long long)info.size, (unsigned long long)raw, info.sha256);
    archive_put(ARCHIVE_MANIFEST, text.data, text.size);
    mlp_buf_free(&text);
}

static bool known(mlplat_status s)
{
    return s == MLPLAT_OK || s == MLPLAT_CORRUPT || s == MLPLAT_CONFLICT || s == MLPLAT_UNSUPPORTED ||
           s == MLPLAT_INVALID || s == MLPLAT_STATE;
}

/* As a dry run does. */
static mlplat_status look(mlplat_error *err)
{
    mlp_importing im = {.view = view, .root_fd = archive.root_fd, .pace = pace};
    mlplat_status s = mlp_manifest_read(archive.root_fd, archive.path, &im.manifest, err);
    im.rows =
        (mlp_rows){.tracking = view.tracking, .registry = view.registry, .artifacts = im.manifest.artifacts};
    if (s == MLPLAT_OK)
        s = mlp_manifest_raw(&im.manifest) > ARCHIVE_FILE_MOST ? mlp_fail(err, MLPLAT_INVALID, "too large")
                                                       : mlp_import_check(&im, err);
    fuzz_check(known(s) && (s == MLPLAT_OK || fuzz_refused(s, err)));
    mlp_rows_end(&im.rows);
    mlp_manifest_free(&im.manifest);
    mlp_free(im.fates);
    mlp_free(im.piece);
    return s;
}

static mlplat_status import(mlplat *into, bool dry, mlplat_doc **out)
{
    mlplat_error err = {0};
    mlplat_import_options options = MLPLAT_IMPORT_OPTIONS_INIT;
    options.dry_run = dry;
    options.max_bytes = ARCHIVE_FILE_MOST;
    mlplat_status s = mlplat_import(into, archive.path, &options, out, &err);
    if (!known(s) || (s != MLPLAT_OK && !fuzz_refused(s, &err))) {
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
    snprintf(path, sizeof path, "%s/fresh.db", fuzz_folder_path);
    fuzz_check(unlink(path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error *err = fuzz_error(data, size);
    mlplat_doc *doc = NULL;
    unsigned kind = fuzz_byte(&in) % 4;
    if (in.n > ARCHIVE_FILE_MOST / 2)
        return 0;
    if (kind == 0) {
        put_manifest("", 0, archive_put_packed(in.at, in.n));
    } else {
        size_t n = kind == 1 ? 0 : in.n;
        archive_put_lines(in.at, n);
        put_manifest((const char *)in.at, n, n);
    }
    if (kind == 1)
        archive_put(ARCHIVE_MANIFEST, in.at, in.n);
    mlplat_status s = look(err);
    if (fuzz_now_and_then(data, size, s == MLPLAT_OK ? TAKEN_ONE_IN : PUBLIC_ONE_IN))
        fuzz_check(import(ml, true, &doc) == s);
    if (doc)
        check_taken();
    mlplat_doc_free(doc);
    return 0;
}

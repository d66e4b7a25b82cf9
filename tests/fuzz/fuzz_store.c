/* Store files that anybody may have written, opened through the public API: an answer or an error. Input:
 * changes of a good file, each a page, an offset and bytes. With files: some hundred a second. */
#include "base/buf.h"
#include "fuzz_folder.h"
#include <fcntl.h>
#include <mlplat.h>
#include <unistd.h>

enum { PAGE = 4096, CHANGES = 8, LENGTH = 8 };

static char path[96], uri[128], run_id[64];
static mlp_buf good, file;

static void leave_environment(void)
{
    static const char *const names[] = {"MLPLAT_TRACKING_URI", "MLFLOW_TRACKING_URI",  "MLPLAT_REGISTRY_URI",
                                        "MLFLOW_REGISTRY_URI", "MLPLAT_ARTIFACT_ROOT", "MLPLAT_SPOOL",
                                        "MLPLAT_DURABILITY",   "MLPLAT_PROFILE",       "MLPLAT_CONFIG",
                                        "MLFLOW_RUN_ID",       "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

static mlplat_status open_store(mlplat **ml, mlplat_error *err)
{
    mlplat_options options = MLPLAT_OPTIONS_INIT;
    options.tracking_uri = uri;
    return mlplat_open(&options, ml, err);
}

/* Something of each kind. */
static void fill(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    char model[100];
    fuzz_check(mlplat_run_start(ml, NULL, &run, &err) == MLPLAT_OK);
    snprintf(run_id, sizeof run_id, "%s", mlplat_run_id(run));
    fuzz_check(mlplat_run_log_param(run, "depth", "6", &err) == MLPLAT_OK);
    for (int i = 0; i < 50; i++)
        fuzz_check(mlplat_run_log_metric(run, "loss", 1.0 / (i + 1), i, &err) == MLPLAT_OK);
    fuzz_check(mlplat_run_log_text(run, "x", "model/MLmodel", &err) == MLPLAT_OK);
    fuzz_check(mlplat_run_end(run, NULL, &err) == MLPLAT_OK);
    mlplat_run_free(run);
    snprintf(model, sizeof model, "runs:/%s/model", run_id);
    fuzz_check(mlplat_model_version_create(ml, "m", model, NULL, NULL, &err) == MLPLAT_OK);
    fuzz_check(mlplat_model_alias_set(ml, "m", "champion", "1", &err) == MLPLAT_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    mlplat_error err = {0};
    mlplat *ml = NULL;
    (void)argc;
    (void)argv;
    leave_environment();
    snprintf(path, sizeof path, "%s/mlflow.db", fuzz_folder());
    snprintf(uri, sizeof uri, "sqlite:///%s", path);
    fuzz_check(open_store(&ml, &err) == MLPLAT_OK);
    fill(ml);
    mlplat_close(ml);
    return mlp_file_read(path, 64 << 20, &good, &err) != MLPLAT_OK;
}

static void change(fuzz_input *in)
{
    mlp_buf_clear(&file);
    mlp_buf_add(&file, good.data, good.size);
    for (int i = 0; i < CHANGES && in->n; i++) {
        size_t page = fuzz_byte(in), high = fuzz_byte(in), at = page * PAGE + (high << 8 | fuzz_byte(in)) % PAGE;
        unsigned n = fuzz_byte(in);
        if (n == 255 && at < file.size) /* cut short */
            file.size = at;
        for (unsigned k = 0; k < n % LENGTH && at + k < file.size; k++)
            file.data[at + k] = (char)fuzz_byte(in);
    }
}

static void write_file(void)
{
    static const char *const beside[] = {"-wal", "-shm", "-journal"};
    char name[120];
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, beside[i]);
        unlink(name);
    }
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    fuzz_check(fd != -1 && write(fd, file.data, file.size) == (ssize_t)file.size);
    close(fd);
}

static void answer(mlplat_status s, mlplat_doc **doc, const mlplat_error *err)
{
    fuzz_check(s == MLPLAT_OK ? *doc && *mlplat_doc_text(*doc) : !*doc && fuzz_refused(s, err));
    mlplat_doc_free(*doc);
    *doc = NULL;
}

static void read_all(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    mlplat_search query = MLPLAT_SEARCH_INIT;
    query.filter = "metrics.loss < 0.5 AND params.depth = '6'";
    query.order_by = "metrics.loss DESC";
    answer(mlplat_run_search(ml, &query, &doc, &err), &doc, &err);
    answer(mlplat_run_get(ml, run_id, &doc, &err), &doc, &err);
    answer(mlplat_metric_history(ml, run_id, "loss", 0, NULL, &doc, &err), &doc, &err);
    answer(mlplat_experiment_search(ml, NULL, &doc, &err), &doc, &err);
    answer(mlplat_model_version_get(ml, "m", "@champion", &doc, &err), &doc, &err);
}

static void write_some(mlplat *ml)
{
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_run_start(ml, NULL, &run, &err);
    fuzz_check(s == MLPLAT_OK || fuzz_refused(s, &err));
    if (s == MLPLAT_OK) {
        s = mlplat_run_log_metric(run, "x", 1, 0, &err);
        fuzz_check(s == MLPLAT_OK || fuzz_refused(s, &err));
        s = mlplat_run_end(run, NULL, &err);
        fuzz_check(s == MLPLAT_OK || fuzz_refused(s, &err));
    }
    mlplat_run_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    mlplat_error err = {0};
    mlplat *ml = NULL;
    mlplat_doc *doc = NULL;
    bool writes = fuzz_byte(&in) % 4 == 0;
    change(&in);
    write_file();
    fuzz_check(open_store(&ml, &err) == MLPLAT_OK); /* nothing is opened before it is needed */
    read_all(ml);
    answer(mlplat_store_check(ml, NULL, &doc, &err), &doc, &err);
    if (writes)
        write_some(ml);
    mlplat_close(ml);
    return 0;
}

/*
 * Artifacts in one page: a run's files, a model directory that MLflow loads, and reading both back by URI.
 *
 *     cc artifacts.c $(pkg-config --cflags --libs mlplat) -o artifacts && ./artifacts
 */
#include <mlplat.h>
#include <stdio.h>
#include <string.h>

static const char loader[] = "class Constant:\n"
                             "    def __init__(self, value):\n"
                             "        self.value = value\n"
                             "    def predict(self, rows, params=None):\n"
                             "        return [self.value] * len(rows)\n"
                             "def _load_pyfunc(path):\n"
                             "    return Constant(float(open(path).read()))\n";

static int write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    int bad = fputs(text, file) < 0;
    return fclose(file) != 0 || bad ? -1 : 0;
}

/* A model of two files: its data, and the Python module that loads it. */
static mlplat_status log_model(mlplat_run *run, char **uri, mlplat_error *err)
{
    mlplat_model model = MLPLAT_MODEL_INIT;
    model.loader_module = "constant_loader";
    model.code = "constant_loader.py";
    model.data = "constant.txt";
    model.signature = "{\"inputs\": [{\"name\": \"amount\", \"type\": \"double\"}],"
                      " \"outputs\": [{\"type\": \"double\"}]}";
    model.input_example = "{\"columns\": [\"amount\"], \"data\": [[12.5], [80.0]]}";
    return mlplat_run_log_model(run, &model, "model", uri, err);
}

static int64_t show(void *user, const void *data, size_t n)
{
    return (int64_t)fwrite(data, 1, n, user);
}

static mlplat_status read_back(mlplat *ml, const char *uri, mlplat_error *err)
{
    char file[200];
    mlplat_doc *files = NULL;
    mlplat_status s = mlplat_artifact_list(ml, uri, &files, err);
    if (s == MLPLAT_OK)
        printf("%s\n", mlplat_doc_text(files));
    mlplat_doc_free(files);
    snprintf(file, sizeof file, "%s/MLmodel", uri);
    if (s == MLPLAT_OK)
        s = mlplat_artifact_read(ml, file, show, stdout, err);
    return s == MLPLAT_OK ? mlplat_artifact_get(ml, uri, "downloaded", NULL, err) : s;
}

static mlplat_status example(mlplat *ml, mlplat_error *err)
{
    char *uri = NULL;
    mlplat_run *run = NULL;
    mlplat_status s = mlplat_run_start(ml, NULL, &run, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_text(run, "trained by hand\n", "notes/readme.txt", err);
    if (s == MLPLAT_OK)
        s = log_model(run, &uri, err);
    if (s == MLPLAT_OK)
        s = read_back(ml, uri, err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, "FINISHED", err);
    mlplat_free(uri);
    mlplat_run_free(run);
    return s;
}

int main(void)
{
    mlplat *ml = NULL;
    mlplat_error err = {0};
    if (write_file("constant.txt", "0.75") != 0 || write_file("constant_loader.py", loader) != 0) {
        perror("cannot write the model's files");
        return 1;
    }
    mlplat_status s = mlplat_open(NULL, &ml, &err);
    if (s == MLPLAT_OK)
        s = example(ml, &err);
    mlplat_close(ml);
    if (s != MLPLAT_OK)
        fprintf(stderr, "%s: %s\n", mlplat_status_name(s), err.message);
    return s == MLPLAT_OK ? 0 : 1;
}

/* What the tests of pipelines share: the programs they run as steps, files, child processes, documents. */
#ifndef PIPELINE_SUPPORT_H
#define PIPELINE_SUPPORT_H
#include "support/support.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A program built beside this test. In one of four static buffers. */
static inline const char *beside(const char *name)
{
    static char paths[4][4096];
    static int next;
    char *out = paths[next++ % 4];
    ssize_t n = readlink("/proc/self/exe", out, 3000);
    assert_true(n > 0);
    out[n] = 0;
    snprintf(strrchr(out, '/') + 1, 1000, "%s", name);
    return out;
}

static inline char *read_text(const char *path)
{
    static char text[65536];
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    return text;
}

/* Waits until the file is there, at most 20 s. */
static inline char *await_text(const char *path)
{
    struct timespec pause = {0, 2000000};
    for (int i = 0; i < 10000 && access(path, F_OK) != 0; i++)
        nanosleep(&pause, NULL);
    return read_text(path);
}

static inline bool process_is_gone(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    if (fscanf(f, "%*d %*s %c", &state) != 1)
        state = 'Z';
    fclose(f);
    return state == 'Z' || state == 'X';
}

static inline void await_gone(pid_t pid)
{
    struct timespec pause = {0, 5000000};
    for (int i = 0; i < 4000 && !process_is_gone(pid); i++)
        nanosleep(&pause, NULL);
    if (!process_is_gone(pid))
        fail_msg("process %d is still there", (int)pid);
}

/* Runs a program with both its outputs going to files in the folder: "out" and "err". @return its exit code */
static inline int run_program(const char *folder, char *const *argv)
{
    char out[1100], complaint[1100];
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(complaint, sizeof complaint, "%s/err", folder);
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen(out, "w", stdout) || !freopen(complaint, "w", stderr) || chdir(folder) != 0)
            _exit(99);
        execv(argv[0], argv);
        _exit(98);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline mlplat_doc *parse(const char *json)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_parse(json, strlen(json), &doc, &err));
    return doc;
}

/* The string at a path of a document, "" if it is not there. */
static inline const char *text_at(const mlplat_doc *doc, const char *path)
{
    const char *out = "";
    return mlplat_doc_string(doc, path, &out, NULL) == MLPLAT_OK ? out : "";
}

/* A component that runs the plain test program with these words (NULL ends). */
static inline mlplat_component *tool(const char *name, const char *const *words)
{
    const char *argv[16] = {beside("pipeline_tool")};
    size_t n = 1;
    mlplat_component *c = NULL;
    mlplat_error err = {0};
    for (; words[n - 1]; n++)
        argv[n] = words[n - 1];
    assert_ok(mlplat_component_container(name, "alpine", argv, n, &c, &err));
    return c;
}
#define TOOL(name, ...) tool(name, (const char *const[]){__VA_ARGS__, NULL})

static inline mlplat_pipeline *new_pipeline(const char *name)
{
    mlplat_pipeline *p = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_pipeline_new(name, NULL, &p, &err));
    return p;
}

/* A task of a component that is freed at once. */
static inline mlplat_task *add_task(mlplat_pipeline *p, mlplat_component *c, const char *name)
{
    mlplat_task *t = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_pipeline_task(p, c, name, &t, &err));
    mlplat_component_free(c);
    return t;
}

/* Compiles and frees the pipeline. */
static inline mlplat_doc *compile(mlplat_pipeline *p)
{
    mlplat_doc *ir = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_pipeline_compile(p, &ir, &err));
    mlplat_pipeline_free(p);
    return ir;
}

#endif

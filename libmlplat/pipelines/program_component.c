/* A program that prints its own specification becomes a component. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "pipelines/component_spec.h"
#include "pipelines/process.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPEC_LIMIT = 4 << 20, TIME_LIMIT_MS = 60000 };

/* A running program and what it printed. */
typedef struct printer {
    int out[2], err[2];
    mlp_buf spec, complaint;
    pid_t pid;
} printer;

static void printer_free(printer *p)
{
    for (size_t i = 0; i < 2; i++) {
        if (p->out[i] >= 0)
            close(p->out[i]);
        if (p->err[i] >= 0)
            close(p->err[i]);
    }
    mlp_buf_free(&p->spec);
    mlp_buf_free(&p->complaint);
}

/* Takes what is there; closes the descriptor at the end or past the limit. */
static void take(int *fd, mlp_buf *to)
{
    char piece[8192];
    ssize_t got = mlp_sys.read(*fd, piece, sizeof piece);
    if (got > 0)
        mlp_buf_add(to, piece, (size_t)got);
    if (got <= 0 || to->size > SPEC_LIMIT) {
        close(*fd);
        *fd = -1;
    }
}

static mlplat_status listen_to(printer *p, const char *program, mlplat_error *err)
{
    int64_t end = mlp_clock_mono_ns() + (int64_t)TIME_LIMIT_MS * 1000000;
    while (p->out[0] >= 0 || p->err[0] >= 0) {
        struct pollfd fds[2] = {{.fd = p->out[0], .events = POLLIN}, {.fd = p->err[0], .events = POLLIN}};
        int64_t left = (end - mlp_clock_mono_ns()) / 1000000;
        if (left <= 0)
            return mlp_fail(err, MLPLAT_TIMEOUT,
                            "program '%s' did not print its specification within %d s of --component-spec", program,
                            TIME_LIMIT_MS / 1000);
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return mlp_fail_errno(err, errno, "while waiting for the specification of '%s'", program);
        if (p->out[0] >= 0 && fds[0].revents)
            take(&p->out[0], &p->spec);
        if (p->err[0] >= 0 && fds[1].revents)
            take(&p->err[0], &p->complaint);
    }
    return MLPLAT_OK;
}

/* The last line that is not empty. */
static const char *last_line(mlp_buf *text)
{
    while (text->size > 0 && strchr("\r\n \t", text->data[text->size - 1]))
        text->data[--text->size] = 0;
    char *line = text->size ? strrchr(text->data, '\n') : NULL;
    return line ? line + 1 : text->size ? text->data : "(it said nothing)";
}

static mlplat_status judge(printer *p, const char *program, int status, mlplat_error *err)
{
    if (WIFSIGNALED(status))
        return mlp_fail(err, MLPLAT_INVALID, "program '%s' --component-spec was ended by signal %d", program,
                        WTERMSIG(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return mlp_fail(err, MLPLAT_INVALID, "program '%s' --component-spec failed with exit code %d: %s", program,
                        WEXITSTATUS(status), last_line(&p->complaint));
    if (p->spec.size > SPEC_LIMIT)
        return mlp_fail(err, MLPLAT_INVALID, "program '%s' --component-spec printed more than 4 MiB", program);
    return mlp_buf_ok(&p->spec, err);
}

/* Runs `words --component-spec`; what it printed is in p->spec. */
static mlplat_status print_spec(printer *p, char *const *words, mlplat_error *err)
{
    if (mlp_os_pipe(p->out) != 0 || mlp_os_pipe(p->err) != 0)
        return mlp_fail_errno(err, errno, "pipes for '%s'", words[0]);
    mlp_process process = {
        .file = words[0], .argv = words, .envp = mlp_os_environ(), .out = p->out[1], .err = p->err[1], .announce = -1};
    mlplat_status s = mlp_process_start(&process, &p->pid, err);
    if (s != MLPLAT_OK)
        return s;
    close(p->out[1]);
    close(p->err[1]);
    p->out[1] = p->err[1] = -1;
    s = listen_to(p, words[0], err);
    if (s != MLPLAT_OK)
        mlp_process_signal(p->pid, SIGKILL);
    int status = mlp_process_reap(p->pid);
    return s == MLPLAT_OK ? judge(p, words[0], status, err) : s;
}

/* ---- the words of the call --------------------------------------------------------------------------------------- */

static void words_free(char **words, size_t n)
{
    for (size_t i = 0; words && i < n; i++)
        mlp_free(words[i]);
    mlp_free(words);
}

/* The program's words as they work from any folder: the program found, names of files made absolute. */
static mlplat_status absolute_words(const char *const *program, size_t n, char **words, mlplat_error *err)
{
    char *found = NULL;
    mlplat_status s = mlp_process_find(program[0], getenv("PATH"), &found, err);
    if (s != MLPLAT_OK)
        return s;
    words[0] = mlp_file_absolute(found);
    mlp_free(found);
    for (size_t i = 1; i < n; i++)
        words[i] = mlp_file_exists(program[i]) ? mlp_file_absolute(program[i]) : mlp_strdup(program[i]);
    for (size_t i = 0; i < n; i++)
        if (!words[i])
            return mlp_fail_memory(err);
    return MLPLAT_OK;
}

/* The command as it is called here; what the program prints names it as an image has it. */
static mlplat_status set_command(mlplat_component *c, char *const *words, size_t n, mlplat_error *err)
{
    json_t *command = json_array();
    mlplat_status s = command ? MLPLAT_OK : mlp_fail_memory(err);
    for (size_t i = 0; s == MLPLAT_OK && i < n; i++)
        s = mlp_json_push(command, mlp_json_string(words[i]), err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(c->container, "command", json_incref(command), err);
    json_decref(command);
    return s;
}

mlplat_status mlplat_component_program(const char *const *program, const char *image, mlplat_component **out,
                                       mlplat_error *err)
{
    size_t n = 0;
    *out = NULL;
    while (program && program[n])
        n++;
    if (n == 0)
        return mlp_fail(err, MLPLAT_INVALID, "no program was given");
    printer p = {.out = {-1, -1}, .err = {-1, -1}};
    char **words = mlp_alloc_array(n + 2, sizeof *words);
    mlplat_component *c = NULL;
    mlplat_status s = words ? absolute_words(program, n, words, err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = (words[n] = mlp_strdup("--component-spec")) ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = print_spec(&p, words, err);
    if (s == MLPLAT_OK) {
        s = mlplat_component_load(p.spec.data ? p.spec.data : "", p.spec.size, &c, err);
        if (s != MLPLAT_OK)
            s = mlp_fail_prefix(err, s, "what program '%s' --component-spec prints", words[0]);
    }
    if (s == MLPLAT_OK)
        s = image ? mlp_json_set(c->container, "image", mlp_json_string(image), err) : set_command(c, words, n, err);
    if (s == MLPLAT_OK)
        *out = c;
    else
        mlplat_component_free(c);
    printer_free(&p);
    words_free(words, n + 1);
    return s;
}

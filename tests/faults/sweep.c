#include "faults/sweep.h"
#include "base/file.h"
#include "base/os.h"
#include "support/support.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 60, MET = 0, MISSED = 42 }; /* a point's seconds; exit codes of its process */

/* What the processes of a sweep tell each other. */
typedef struct board {
    char digest[SCENE_TEXT], found[SCENE_TEXT], complaint[SCENE_TEXT];
    long places, failed_calls;
} board;

/* Ends a worker: cmocka is in another process. */
__attribute__((format(printf, 1, 2))) static void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    _exit(2);
}

/* ---- the folder: brought back to what prepare made, before each point -------------------------------------------- */

static const char *copy_from, *copy_to;

static int copy_file(const char *from, const char *to, mode_t mode)
{
    static char block[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ssize_t n = 0;
    while (in >= 0 && out >= 0 && (n = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)n) != n)
            n = -1;
    if (in < 0 || out < 0 || n < 0)
        return -1;
    close(in);
    return close(out);
}

static int copy_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char to[1100];
    (void)ftw;
    snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
    return type == FTW_D ? mkdir(to, st->st_mode & 07777) : copy_file(path, to, st->st_mode & 07777);
}

void sweep_copy_tree(const char *from, const char *to)
{
    copy_from = from;
    copy_to = to;
    mlp_file_remove_tree(to, NULL);
    if (nftw(from, copy_entry, 16, FTW_PHYS) != 0)
        give_up("%s cannot be copied to %s: %s", from, to, strerror(errno));
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

typedef struct sweep {
    const scenario *s;
    const sweep_fault *fault;
    char folder[300], saved[300];
    board *shared;
} sweep;

/* Waits for a process that may have gone wrong. @return its exit code, with a complaint if it has none of the good */
static int ended(sweep *w, pid_t pid, long nth)
{
    int status = 0;
    char why[100] = "";
    if (waitpid(pid, &status, 0) != pid)
        give_up("a process is lost: %s", strerror(errno));
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == MET || code == MISSED)
        return code;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "%s", WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    else if (code != SCENE_BROKEN)
        snprintf(why, sizeof why, "exit code %d", code);
    char *c = w->shared->complaint;
    size_t n = strlen(c);
    snprintf(c + n, SCENE_TEXT - n, "%s%s (%s, %s %ld)", n && *why ? "; " : "", why, w->s->name, w->fault->name, nth);
    return code;
}

/* cmocka's handlers would go on with its tests in here. */
static void begin_process(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    alarm(LIMIT_S);
    test_clear_environment();
}

static int prepare(sweep *w)
{
    pid_t pid = fork();
    if (pid == 0) {
        scene sc;
        begin_process();
        scene_start(&sc, w->folder, w->shared->complaint);
        if (w->s->prepare)
            w->s->prepare(&sc);
        _exit(MET);
    }
    return ended(w, pid, -1);
}

static void arm(scene *sc)
{
    const sweep *w = sc->of_begin;
    w->fault->arm(sc->nth);
}

static void enter(sweep *w, scene *sc, long nth)
{
    sc->begin = arm;
    sc->of_begin = w;
    sc->nth = nth;
    w->s->run(sc);
}

/* Runs it once without a fault, to know where it ends and how many places there are. */
static int count(sweep *w)
{
    sweep_copy_tree(w->saved, w->folder);
    pid_t pid = fork();
    if (pid == 0) {
        scene sc;
        begin_process();
        scene_start(&sc, w->folder, w->shared->complaint);
        enter(w, &sc, 0);
        w->shared->places = w->fault->disarm();
        scene_digest(&sc, w->shared->digest);
        _exit(MET);
    }
    return ended(w, pid, 0);
}

/* What is left where a fault kept it from being removed is no harm; of a call in many steps the points count. */
static void forget_some(const sweep *w, char *digest)
{
    char *end = w->s->partial ? strstr(digest, "-- other") : w->fault->leaves_files ? strstr(digest, "files: ") : NULL;
    if (end)
        *end = 0;
}

static void compare(sweep *w, scene *sc)
{
    char *want = w->shared->digest, *found = w->shared->found;
    scene_digest(sc, found);
    forget_some(w, found);
    if (strcmp(want, found) == 0)
        return;
    size_t at = 0;
    while (want[at] == found[at])
        at++;
    while (at && want[at - 1] != '\n')
        at--;
    scene_break(sc, "after %d failed calls it ends otherwise: not '%.*s' but '%.*s'", sc->failed_in_all,
                (int)strcspn(want + at, "\n"), want + at, (int)strcspn(found + at, "\n"), found + at);
}

static int point(sweep *w, long nth)
{
    sweep_copy_tree(w->saved, w->folder);
    pid_t pid = fork();
    if (pid == 0) {
        scene sc;
        begin_process();
        scene_start(&sc, w->folder, w->shared->complaint);
        sc.truthful = w->fault->truthful;
        long before = w->fault->blocks ? w->fault->blocks() : 0;
        enter(w, &sc, nth);
        bool met = w->fault->disarm() >= nth;
        long after = w->fault->blocks ? w->fault->blocks() : 0;
        if (before != after && !w->fault->cold)
            scene_break(&sc, "%ld blocks of memory are lost after %d failed calls", after - before, sc.failed_in_all);
        compare(w, &sc);
        w->shared->failed_calls += sc.failed_in_all;
        _exit(met ? MET : MISSED);
    }
    return ended(w, pid, nth);
}

/* The libraries' own first use is over when the points are counted. */
static void warm_up(sweep *w)
{
    scene sc;
    sweep_copy_tree(w->saved, w->folder);
    scene_start(&sc, w->folder, w->shared->complaint);
    w->s->run(&sc);
    getpwnam("nobody of this name"); /* libc loads what it needs for names, and keeps it */
}

/* One of n processes that share the points of a sweep. */
static void work(sweep *w, long first, long step, sweep_result *out)
{
    int code = 0;
    for (long nth = first; nth <= w->shared->places && !*w->shared->complaint; nth += step) {
        code = point(w, nth);
        out->points += code == MET;
    }
    out->failed_calls = w->shared->failed_calls;
    snprintf(out->complaint, sizeof out->complaint, "%s", w->shared->complaint);
}

static void *shared_memory(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

/* A worker: everything of its own, so that several can be at it. */
static void whole(sweep *w, long worker, long workers, long most, sweep_result *out)
{
    char *folder = test_folder_make();
    snprintf(w->folder, sizeof w->folder, "%s/scene", folder);
    snprintf(w->saved, sizeof w->saved, "%s/saved", folder);
    w->shared = shared_memory(sizeof *w->shared);
    bool well = mkdir(w->folder, 0755) == 0 && prepare(w) == MET;
    if (well)
        sweep_copy_tree(w->folder, w->saved);
    if (well && !w->fault->cold)
        warm_up(w);
    well = well && count(w) == MET;
    if (well)
        forget_some(w, w->shared->digest);
    out->places = w->shared->places;
    long stride = most > 0 && out->places > most ? (out->places + most - 1) / most : 1;
    if (well && most < 0)
        work(w, -most, out->places, out);
    else if (well)
        work(w, 1 + worker * stride, stride * workers, out);
    else
        snprintf(out->complaint, sizeof out->complaint, "%s", w->shared->complaint);
    munmap(w->shared, sizeof *w->shared);
    test_folder_remove(folder);
}

void sweep_run(const scenario *s, const sweep_fault *fault, long most, sweep_result *out)
{
    int workers = most < 0 ? 1 : mlp_os_processors() > 4 ? 4 : mlp_os_processors();
    sweep_result *results = shared_memory(4 * sizeof *results);
    pid_t pids[4];
    fflush(NULL);
    for (int i = 0; i < workers; i++)
        if ((pids[i] = fork()) == 0) {
            sweep w = {.s = s, .fault = fault};
            begin_process();
            alarm(0);
            whole(&w, i, workers, most, &results[i]);
            _exit(0);
        }
    *out = (sweep_result){0};
    for (int i = 0; i < workers; i++) {
        int status = 0;
        waitpid(pids[i], &status, 0);
        if (status != 0 && !*results[i].complaint)
            snprintf(results[i].complaint, sizeof results[i].complaint, "%s: a worker ended with %x", s->name, status);
        out->places = results[i].places > out->places ? results[i].places : out->places;
        out->points += results[i].points;
        out->failed_calls += results[i].failed_calls;
        if (!*out->complaint)
            snprintf(out->complaint, sizeof out->complaint, "%s", results[i].complaint);
    }
    munmap(results, 4 * sizeof *results);
}

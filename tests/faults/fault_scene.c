/* One scene in a process of its own, for faults that come from outside of it:
 *     fault_scene list
 *     fault_scene prepare SCENARIO FOLDER
 *     fault_scene run SCENARIO FOLDER ERROR CALL    where strace lets system call CALL fail with ERROR; "-": none
 *     fault_scene digest SCENARIO FOLDER            prints what is there in the end
 * What is wrong is said on stderr, with the exit code SCENE_BROKEN; SCENE_STUCK: the store could be opened for reading
 * alone, and every call said so. */
#include "faults/scene.h"
#include "support/support.h"
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 20 }; /* the fault may meet each of them */

static const char *error, *call;

static bool is(const char *name)
{
    return strcmp(error, name) == 0;
}

/* What the system said to SQLite may reach us in other words: a file that cannot be opened for writing, by whatever
 * error, it opens for reading alone. */
static bool says_system(mlplat_status status)
{
    if (strcmp(call, "openat") == 0 && status == MLPLAT_DENIED)
        return true;
    if (strcmp(call, "mmap") == 0 && (status == MLPLAT_NO_MEMORY || status == MLPLAT_UNAVAILABLE))
        return true; /* memory, or the stack of a thread */
    return status == MLPLAT_IO || (is("ENOSPC") && status == MLPLAT_NO_SPACE);
}

/* Shows in strace's record where faults may begin. */
static void mark(const char *path)
{
    if (access(path, F_OK) == 0)
        _exit(3);
}

static void begin(scene *sc)
{
    (void)sc;
    mark("/scene-begins");
}

static int list(void)
{
    for (size_t i = 0; scenario_at(i); i++)
        puts(scenario_at(i)->name);
    return 0;
}

static void act(const char *what, const scenario *s, scene *sc)
{
    static char digest[SCENE_TEXT];
    if (strcmp(what, "prepare") == 0 && s->prepare) {
        s->prepare(sc);
    } else if (strcmp(what, "run") == 0) {
        sc->truthful = is("-") ? NULL : says_system;
        sc->most = THREADS;
        sc->begin = begin;
        s->run(sc);
        mark("/scene-ends");
    } else if (strcmp(what, "digest") == 0) {
        scene_digest(sc, digest);
        char *end = strstr(digest, s->partial ? "-- other" : "files: ");
        printf("%.*s", (int)(end ? end - digest : SCENE_TEXT), digest);
    }
}

static char complaint[SCENE_TEXT];

/* A component's stderr goes elsewhere. */
static int own_stderr;

static void complain(void)
{
    dprintf(own_stderr, "%s", complaint);
}

int main(int argc, char **argv)
{
    scene sc;
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    const scenario *s = argc > 3 ? scenario_named(argv[2]) : NULL;
    if (!s)
        return 2;
    error = argc > 5 ? argv[4] : "-";
    call = argc > 5 ? argv[5] : "";
    own_stderr = dup(2);
    test_clear_environment();
    scene_start(&sc, argv[3], complaint);
    sc.broken = complain;
    act(argv[1], s, &sc);
    return 0;
}

/*
 * A scene: one run of a scenario in a folder of its own, in which calls may fail by a fault that was put into them. A
 * call that fails must tell the truth, and is made again until it succeeds: so that a scene ends, whatever happened in
 * it, with the same things in the store as one without a fault, or something was lost, done twice or left half.
 */
#ifndef SCENE_H
#define SCENE_H
#include <mlplat.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes of a process whose scene went wrong, or cannot go on but said why; bytes of a digest. */
enum { SCENE_BROKEN = 41, SCENE_STUCK = 43, SCENE_TEXT = 6000 };

typedef struct scene scene;
struct scene {
    const char *folder;
    char uri[300];                          /* of the store in it */
    bool (*truthful)(mlplat_status status); /* may a call that met the fault say this? NULL: there is no fault */
    bool of_steps;                          /* a failed step may be why a whole fails: STATE */
    int most;                               /* calls of one kind that may fail in a row */
    int failed, failed_in_all;
    void (*begin)(scene *sc); /* puts the fault in; NULL: there is none */
    void *of_begin;
    long nth;
    void (*after)(scene *sc); /* each call that went well; NULL: nothing */
    void *of_after;
    mlplat *ml;           /* of the last scene_open */
    void (*broken)(void); /* called when it is; NULL: nothing is */
    char *complaint; /* why it is broken: SCENE_TEXT bytes */
    mlplat_error err;
};

typedef struct scenario {
    const char *name;
    void (*prepare)(scene *sc); /* what it finds, made without faults; NULL: an empty folder */
    void (*run)(scene *sc);     /* calls scene_begin or scene_ready */
    bool partial; /* a call of many steps, which leaves what is done of it and says so by the state of that */
} scenario;

/* Every file of scenarios has one list, ended by a name that is NULL. */
extern const scenario scenarios_of_logging[], scenarios_of_reading[], scenarios_of_registry[], scenarios_of_files[],
    scenarios_of_store[], scenarios_of_pipelines[], scenarios_of_display[];
const scenario *scenario_at(size_t i); /* of all lists; NULL after the last */
const scenario *scenario_named(const char *name);

void scene_start(scene *sc, const char *folder, char *complaint);
/* Ends the process. */
_Noreturn void scene_break(scene *sc, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True: the call met the fault, and is to be made again. */
bool scene_again(scene *sc, const char *call, mlplat_status status);
void scene_begin(scene *sc);    /* from here on faults may come */
mlplat *scene_open(scene *sc);  /* a session on the scene's store */
mlplat *scene_ready(scene *sc); /* the same with the store open, and faults from there on */
mlplat_run *scene_run(scene *sc, mlplat *ml, mlplat_durability durability); /* of the experiment "faults" */
const char *scene_path(const scene *sc, const char *name); /* in one of eight static buffers */
void scene_write(scene *sc, const char *name, const char *text);

/* Opens the store again as the next program would, and tells all that is in it and in the folder. It must be whole. */
void scene_digest(scene *sc, char out[SCENE_TEXT]);

/* Makes a call until it succeeds. In a function with a scene `sc`; the call's error is &sc->err. */
#define DO(call)                                                                                                       \
    do {                                                                                                               \
    } while (scene_again(sc, #call, (call)))
/* A document that is only asked for. */
#define READ(doc, call)                                                                                                \
    do {                                                                                                               \
        mlplat_doc *doc = NULL;                                                                                        \
        DO(call);                                                                                                      \
        mlplat_doc_free(doc);                                                                                          \
    } while (0)
#define MUST(holds)                                                                                                    \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            scene_break(sc, "%s:%d: not so: %s", __FILE__, __LINE__, #holds);                                          \
    } while (0)

#endif

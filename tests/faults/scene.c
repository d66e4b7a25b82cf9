#include "faults/scene.h"
#include "support/support.h"
#include <ftw.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

const scenario *scenario_at(size_t i)
{
    static const scenario *const lists[] = {scenarios_of_logging,   scenarios_of_reading, scenarios_of_registry,
                                            scenarios_of_files,     scenarios_of_store,   scenarios_of_pipelines,
                                            scenarios_of_display};
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (const scenario *s = lists[l]; s->name; s++)
            if (i-- == 0)
                return s;
    return NULL;
}

const scenario *scenario_named(const char *name)
{
    const scenario *s = NULL;
    for (size_t i = 0; (s = scenario_at(i)) && strcmp(s->name, name) != 0; i++)
        ;
    return s;
}

void scene_start(scene *sc, const char *folder, char *complaint)
{
    *sc = (scene){.folder = folder, .complaint = complaint, .most = 1};
    snprintf(sc->uri, sizeof sc->uri, "sqlite:///%s/mlflow.db", folder);
    complaint[0] = 0;
}

void scene_break(scene *sc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sc->complaint, SCENE_TEXT, format, args);
    va_end(args);
    if (sc->broken)
        sc->broken();
    _exit(SCENE_BROKEN);
}

bool scene_again(scene *sc, const char *call, mlplat_status status)
{
    if (status == MLPLAT_OK) {
        sc->failed = 0;
        if (sc->after)
            sc->after(sc);
        return false;
    }
    const char *name = mlplat_status_name(status);
    if (!sc->truthful || !(sc->truthful(status) || (sc->of_steps && status == MLPLAT_STATE)))
        scene_break(sc, "%.100s: %s: %s (%d failed before)", call, name, sc->err.message, sc->failed_in_all);
    if (sc->err.status != status || !sc->err.message[0])
        scene_break(sc, "%.100s: %s, and its error says %s: '%s'", call, name, mlplat_status_name(sc->err.status),
                    sc->err.message);
    /* A write-ahead log that SQLite could open for reading alone stays so while the store is open. */
    if (++sc->failed > sc->most && status == MLPLAT_DENIED && strstr(sc->err.message, "readonly database"))
        _exit(SCENE_STUCK);
    if (sc->failed > sc->most)
        scene_break(sc, "%.100s failed %d times: %s: %s", call, sc->failed, name, sc->err.message);
    sc->failed_in_all++;
    sc->err = (mlplat_error){0};
    return true;
}

/* Without a fault there is nothing to warn of, but that the tests' folder is in memory, and what a
 * scenario has set aside. */
static void take_line(void *user, mlplat_log_level level, const char *line)
{
    scene *sc = user;
    if (level >= MLPLAT_LOG_WARNING && !sc->truthful && !strstr(line, "lies on tmpfs") && !strstr(line, "set aside"))
        scene_break(sc, "said without a fault: %s", line);
}

mlplat *scene_open(scene *sc)
{
    mlplat *ml = NULL;
    mlplat_options o = MLPLAT_OPTIONS_INIT;
    o.tracking_uri = sc->uri;
    o.log = take_line;
    o.user = sc;
    sc->ml = NULL;
    DO(mlplat_open(&o, &ml, &sc->err));
    sc->ml = ml;
    return ml;
}

void scene_begin(scene *sc)
{
    if (sc->begin)
        sc->begin(sc);
}

mlplat *scene_ready(scene *sc)
{
    mlplat *ml = scene_open(sc);
    READ(doc, mlplat_experiment_get(ml, "0", &doc, &sc->err));
    scene_begin(sc);
    return ml;
}

mlplat_run *scene_run(scene *sc, mlplat *ml, mlplat_durability durability)
{
    mlplat_run *run = NULL;
    mlplat_run_options o = MLPLAT_RUN_OPTIONS_INIT;
    o.experiment = "faults";
    o.name = "a run";
    o.durability = durability;
    DO(mlplat_run_start(ml, &o, &run, &sc->err));
    return run;
}

const char *scene_path(const scene *sc, const char *name)
{
    return test_path(sc->folder, name);
}

void scene_write(scene *sc, const char *name, const char *text)
{
    FILE *f = fopen(scene_path(sc, name), "w");
    MUST(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- what is there in the end ------------------------------------------------------------------------------------ */

typedef struct text {
    char *at;
    size_t n;
} text;

__attribute__((format(printf, 2, 3))) static void add(text *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->at + out->n, SCENE_TEXT - out->n, format, args);
    va_end(args);
    out->n = out->n + (size_t)n < SCENE_TEXT ? out->n + (size_t)n : SCENE_TEXT - 1;
}

/* The rows of a question, columns joined by commas. */
static void ask(scene *sc, sqlite3 *db, const char *sql, text *out)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        scene_break(sc, "%s: %s", sql, sqlite3_errmsg(db));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0, n = sqlite3_column_count(stmt); i < n; i++)
            add(out, "%s%s", (const char *)sqlite3_column_text(stmt, i), i < n - 1 ? "," : "\n");
    if (code != SQLITE_DONE)
        scene_break(sc, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
}

static void ask_each_table(scene *sc, sqlite3 *db, text *out)
{
    char names[4000] = "", sql[200];
    text list = {names, 0};
    ask(sc, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'mlplat_journal' ORDER BY name",
        &list);
    for (char *rest = names, *name; (name = strtok_r(rest, "\n", &rest));) {
        text count = {(char[SCENE_TEXT]){0}, 0};
        snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"%s", name,
                 strcmp(name, "tags") == 0 ? " WHERE key NOT LIKE 'mlflow.source.git%'" : "");
        ask(sc, db, sql, &count);
        if (strcmp(count.at, "0\n") != 0)
            add(out, "%s: %s", name, count.at);
    }
}

/* Of git a run has what could be read. */
static void tell_store(scene *sc, const char *path, text *out)
{
    static const char *const questions[] = {
        "PRAGMA integrity_check",
        "SELECT 'dangling', count(*) FROM pragma_foreign_key_check",
        "SELECT key, count(*), sum(step), sum(value), count(DISTINCT step) FROM metrics GROUP BY 1 ORDER BY 1",
        "SELECT key, step, value FROM latest_metrics ORDER BY 1, 2, 3",
        "SELECT '-- other'",
        "SELECT key, value FROM params ORDER BY 1, 2",
        "SELECT status, lifecycle_stage, count(*) FROM runs GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT key, count(*) FROM tags WHERE key NOT LIKE 'mlflow.source.git%' GROUP BY 1 ORDER BY 1",
        "SELECT name, lifecycle_stage FROM experiments ORDER BY 1",
    };
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        scene_break(sc, "%s: %s", path, sqlite3_errmsg(db));
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        ask(sc, db, questions[i], out);
    ask_each_table(sc, db, out);
    sqlite3_close(db);
}

static struct {
    int files, folders;
    char databases[4][300];
    size_t n_databases;
} seen;

static int see(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    size_t n = strlen(path);
    (void)st, (void)ftw;
    if (n > 4 && (strcmp(path + n - 4, "-wal") == 0 || strcmp(path + n - 4, "-shm") == 0))
        return 0; /* a store's that nobody has opened since: the next opener's */
    seen.files += type == FTW_F;
    seen.folders += type == FTW_D;
    if (type == FTW_F && n > 3 && strcmp(path + n - 3, ".db") == 0 && seen.n_databases < 4)
        snprintf(seen.databases[seen.n_databases++], sizeof seen.databases[0], "%s", path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

void scene_digest(scene *sc, char out[SCENE_TEXT])
{
    text told = {out, 0};
    bool (*truthful)(mlplat_status) = sc->truthful;
    sc->truthful = NULL; /* from here on all must go well */
    if (access(scene_path(sc, "mlflow.db"), F_OK) == 0) {
        mlplat *ml = scene_open(sc);
        READ(doc, mlplat_spool_sync(ml, &doc, &sc->err));
        mlplat_close(ml);
    }
    memset(&seen, 0, sizeof seen);
    nftw(sc->folder, see, 16, FTW_PHYS);
    qsort(seen.databases, seen.n_databases, sizeof seen.databases[0], by_name);
    for (size_t i = 0; i < seen.n_databases; i++)
        tell_store(sc, seen.databases[i], &told);
    add(&told, "files: %d\nfolders: %d\n", seen.files, seen.folders);
    sc->truthful = truthful;
}

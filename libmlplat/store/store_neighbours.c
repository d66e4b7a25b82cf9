/* Other stores in the store's folder: they keep their artifacts in the same mlruns/ unless told otherwise. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "store/store_gc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What a neighbour is asked. */
typedef struct question {
    json_t *paths; /* of what nobody here has; what the neighbour has is taken out */
    bool runs, models; /* which tables it has */
} question;

static mlplat_status ask(mlp_db *db, void *ctx, mlplat_error *err)
{
    static const char column[] = "SELECT 1 FROM pragma_table_info('runs') WHERE name = ?",
                      model_column[] = "SELECT 1 FROM pragma_table_info('logged_models') WHERE name = ?";
    question *q = ctx;
    mlplat_status s = mlp_store_has_row(db, column, "run_uuid", &q->runs, err);
    if (s == MLPLAT_OK)
        s = mlp_store_has_row(db, model_column, "model_id", &q->models, err);
    for (size_t i = 0; s == MLPLAT_OK && i < json_array_size(q->paths);) {
        const char *id = strrchr(json_string_value(json_array_get(q->paths, i)), '/') + 1;
        bool model = id[1] == '-', theirs = false;
        if (model ? q->models : q->runs)
            s = mlp_store_has_row(db,
                                  model ? "SELECT 1 FROM logged_models WHERE model_id = ?"
                                        : "SELECT 1 FROM runs WHERE run_uuid = ?",
                                  id, &theirs, err);
        if (theirs)
            json_array_remove(q->paths, i);
        else
            i++;
    }
    return s;
}

static bool is_database(int folder, const char *name)
{
    char head[16] = "";
    int fd = mlp_sys.open(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    ssize_t n = fd == -1 ? -1 : mlp_sys.pread(fd, head, sizeof head, 0);
    if (fd != -1)
        mlp_sys.close(fd);
    return n == -1 || (n == (ssize_t)sizeof head && memcmp(head, "SQLite format 3", 16) == 0);
}

/* Through SQLite first: a descriptor of ours, closed, would take away this process's locks on a store. */
static mlplat_status ask_file(mlp_gc *gc, int folder, const char *name, const char *path, mlplat_error *err)
{
    mlp_db *db = NULL;
    mlplat_error why = {0};
    question q = {.paths = gc->orphans};
    const mlp_db_options options = {.log = &gc->view.ml->log};
    mlplat_status s = mlp_db_open(path, &options, &db, &why);
    if (s == MLPLAT_OK)
        s = mlp_db_read(db, ask, &q, gc->view.hook, &why);
    mlp_db_close(db);
    if (s == MLPLAT_OK || s == MLPLAT_NOT_FOUND || (s == MLPLAT_CORRUPT && !is_database(folder, name)))
        return MLPLAT_OK; /* some other file, or one that just went */
    return mlp_fail(err, s, "'%.200s' may be a store with artifacts in the same folders, and cannot be asked: %s", path,
                    why.message);
}

static bool is_candidate(const mlp_gc *gc, int folder, const char *name)
{
    static const char *const parts[] = {"-wal", "-shm", "-journal", "-ticket"};
    struct stat st;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (mlp_text_ends(name, parts[i]))
            return false;
    return strcmp(name, strrchr(gc->view.about.path, '/') + 1) != 0 &&
           fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size >= 512;
}

mlplat_status mlp_gc_ask_neighbours(mlp_gc *gc, int folder_fd, const char *folder, mlplat_error *err)
{
    mlplat_status s = MLPLAT_OK;
    int fd = mlp_sys.open(folder_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    if (!dir) {
        s = mlp_fail_errno(err, errno, "the folder '%.200s' of the store cannot be listed", folder);
        if (fd != -1)
            mlp_sys.close(fd);
        return s;
    }
    for (const char *name; json_array_size(gc->orphans) && (name = mlp_file_next(dir, &s, err));) {
        if (!is_candidate(gc, fd, name))
            continue;
        char *path = mlp_sprintf("%s/%s", folder, name);
        s = path ? ask_file(gc, fd, name, path, err) : mlp_fail_memory(err);
        mlp_free(path);
    }
    closedir(dir);
    return s;
}

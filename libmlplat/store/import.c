#include "store/import.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"
#include "base/os.h"
#include "base/take.h"
#include <string.h>

#define ROOM ((uint64_t)1 << 40) /* of all files of an archive, uncompressed, if the caller says nothing */

static mlplat_status take_policy(const char *word, mlp_import_policy *out, mlplat_error *err)
{
    static const char *const words[] = {"fail", "keep", "replace"};
    *out = MLP_IMPORT_FAIL;
    for (int i = 0; word && i < 3; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (mlp_import_policy)i;
            return MLPLAT_OK;
        }
    return word ? mlp_fail(err, MLPLAT_INVALID, "on_conflict '%.40s': it is fail, keep or replace", word) : MLPLAT_OK;
}

/* MLflow's folder of runs has no manifest; whoever names one wants something else. */
static mlplat_status check_kind(const char *path, mlplat_error *err)
{
    static const char *const marks[] = {"0/meta.yaml", ".trash", "models"};
    char *manifest = mlp_file_join(path, "manifest.json");
    bool store = false;
    mlplat_status s = manifest ? MLPLAT_OK : mlp_fail_memory(err);
    if (s == MLPLAT_OK && mlp_file_exists(manifest)) {
        mlp_free(manifest);
        return s;
    }
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof marks / sizeof marks[0]; i++) {
        char *mark = mlp_file_join(path, marks[i]);
        store = store || (mark && mlp_file_exists(mark));
        s = mark ? s : mlp_fail_memory(err);
        mlp_free(mark);
    }
    mlp_free(manifest);
    if (s == MLPLAT_OK && store)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED,
                     "'%.120s' is a folder of MLflow's old file store, not an archive: bring it into a database with "
                     "`mlflow migrate-filestore --source '%.120s' --target sqlite:///mlflow.db`, and open that",
                     path, path);
    return s;
}

static mlplat_status check_room(const mlp_importing *im, uint64_t most, mlplat_error *err)
{
    uint64_t raw = mlp_manifest_raw(&im->manifest);
    if (raw <= (most ? most : ROOM))
        return MLPLAT_OK;
    return mlp_fail(err, MLPLAT_INVALID, "the archive holds %llu bytes, more than the %llu that are allowed: raise "
                                         "max_bytes if that is meant",
                    (unsigned long long)raw, (unsigned long long)(most ? most : ROOM));
}

static mlplat_status check_writable(const mlp_importing *im, mlplat_error *err)
{
    mlplat_status s = mlp_tracking_writable(im->view.module, err);
    if (s == MLPLAT_OK && !im->view.registry_schema.registry_known)
        s = mlp_fail(err, MLPLAT_UNSUPPORTED, "'%.300s': the tables of the registry have a shape that this version "
                                              "does not know (head %s): nothing can be imported into it",
                     im->view.registry_path, im->view.registry_schema.head);
    return s;
}

static mlplat_status import(mlp_importing *im, const char *path, const mlplat_import_options *o, mlplat_error *err)
{
    mlplat_status s = mlp_file_open_root(path, false, &im->root_fd, err);
    if (s == MLPLAT_OK)
        s = mlp_manifest_read(im->root_fd, path, &im->manifest, err);
    if (s == MLPLAT_OK)
        s = check_room(im, o->max_bytes, err);
    if (s == MLPLAT_OK)
        s = check_writable(im, err);
    im->rows = (mlp_rows){
        .tracking = im->view.tracking, .registry = im->view.registry, .artifacts = im->manifest.artifacts};
    if (s == MLPLAT_OK && !o->dry_run)
        s = mlp_import_lock_take(&im->lock, im->view.about.path, &im->view.ml->log, im->view.hook, err);
    im->pace.total = 2 * mlp_manifest_raw(&im->manifest);
    if (s == MLPLAT_OK)
        s = mlp_import_check(im, err);
    return s == MLPLAT_OK && !o->dry_run ? mlp_import_apply(im, err) : s;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static mlplat_status put_counts(const mlp_importing *im, json_t *doc, mlplat_error *err)
{
    static const int tables[] = {MLP_EXPERIMENTS, MLP_RUNS, MLP_LOGGED_MODELS, MLP_REGISTERED_MODELS,
                                 MLP_MODEL_VERSIONS};
    static const char *const words[MLP_FATES] = {"imported", "same", "kept", "replaced"};
    mlplat_status s = MLPLAT_OK;
    for (size_t i = 0; s == MLPLAT_OK && i < sizeof tables / sizeof tables[0]; i++) {
        json_t *counts = json_object();
        s = mlp_json_set(doc, mlp_store_specs[tables[i]].name, counts, err);
        for (int k = 0; s == MLPLAT_OK && k < MLP_FATES; k++)
            s = mlp_json_set(counts, words[k], json_integer((json_int_t)im->counts[tables[i]][k]), err);
    }
    return s;
}

static mlplat_status report(const mlp_importing *im, const char *path, bool dry, mlplat_doc **out, mlplat_error *err)
{
    json_t *doc = json_object();
    mlplat_status s = doc ? mlp_json_set(doc, "path", mlp_json_string(path), err) : mlp_fail_memory(err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "dry_run", json_boolean(dry), err);
    if (s == MLPLAT_OK)
        s = put_counts(im, doc, err);
    if (s == MLPLAT_OK)
        s = mlp_json_set(doc, "artifacts", json_integer((json_int_t)im->artifacts), err);
    if (s == MLPLAT_OK)
        return mlp_doc_new(doc, out, err);
    json_decref(doc);
    return s;
}

mlplat_status mlplat_import(mlplat *ml, const char *path, const mlplat_import_options *options, mlplat_doc **out,
                            mlplat_error *err)
{
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    mlp_importing im = {.root_fd = -1};
    if (out)
        *out = NULL;
    if (!ml || !path || !*path)
        return mlp_fail(err, MLPLAT_INVALID, "an import needs a session and the path of an archive");
    mlplat_status s = MLP_TAKE(&o, options, MLPLAT_IMPORT_OPTIONS_INIT, err);
    const mlp_hook own = {o.progress, o.user};
    const mlp_hook *hook = o.progress ? &own : &ml->hook;
    im.pace = (mlp_pace){.hook = hook, .what = "the import"};
    if (s == MLPLAT_OK)
        s = take_policy(o.on_conflict, &im.policy, err);
    if (s == MLPLAT_OK)
        s = check_kind(path, err);
    if (s == MLPLAT_OK)
        s = mlp_store_view_open(ml, &im.pace, &im.view, err);
    if (s == MLPLAT_OK)
        s = import(&im, path, &o, err);
    if (s == MLPLAT_OK && out)
        s = report(&im, path, o.dry_run, out, err);
    mlp_rows_end(&im.rows);
    mlp_import_lock_give(&im.lock);
    mlp_store_view_close(&im.view);
    mlp_manifest_free(&im.manifest);
    mlp_free(im.fates);
    mlp_free(im.piece);
    if (im.root_fd != -1)
        mlp_sys.close(im.root_fd);
    return s;
}

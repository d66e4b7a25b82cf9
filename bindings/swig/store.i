BLOCKING(store_create)
REPLACED(mlplat_store_create)
REPLACED(mlplat_store_upgrade)
BLOCKING(store_upgrade)
BLOCKING(store_check)
BLOCKING(store_backup)
BLOCKING(store_gc)
REPLACED(mlplat_store_check)
REPLACED(mlplat_store_backup)
REPLACED(mlplat_store_gc)
BLOCKING(store_export)
BLOCKING(store_import)
REPLACED(mlplat_export)
REPLACED(mlplat_import)
%include <mlplat/store.h>

%inline %{
static mlplat_status store_create(mlplat *ml, optional_text mlflow, mlplat_doc **out, mlplat_error *err)
{
    mlplat_store_options o = MLPLAT_STORE_OPTIONS_INIT;
    o.mlflow = mlflow;
    return mlplat_store_create(ml, &o, out, err);
}

static mlplat_status store_upgrade(mlplat *ml, optional_text to, mlplat_doc **out, mlplat_error *err)
{
    return mlplat_store_upgrade(ml, to, out, err);
}

static mlplat_status store_check(mlplat *ml, int repair, mlplat_progress progress, void *user, mlplat_doc **out,
                                 mlplat_error *err)
{
    mlplat_check_options o = MLPLAT_CHECK_OPTIONS_INIT;
    o.repair = repair;
    o.progress = progress;
    o.user = user;
    return mlplat_store_check(ml, &o, out, err);
}

static mlplat_status store_backup(mlplat *ml, const char *path, int artifacts, mlplat_progress progress, void *user,
                                  mlplat_doc **out, mlplat_error *err)
{
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    o.artifacts = artifacts;
    o.progress = progress;
    o.user = user;
    return mlplat_store_backup(ml, path, &o, out, err);
}

static mlplat_status store_gc(mlplat *ml, optional_text older_than, optional_text runs, optional_text experiments,
                              optional_text models, int orphans, int dry_run, mlplat_progress progress, void *user,
                              mlplat_doc **out, mlplat_error *err)
{
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    o.older_than = older_than;
    o.runs = runs;
    o.experiments = experiments;
    o.models = models;
    o.orphans = orphans;
    o.dry_run = dry_run;
    o.progress = progress;
    o.user = user;
    return mlplat_store_gc(ml, &o, out, err);
}

static mlplat_status store_export(mlplat *ml, const char *path, optional_text experiments, optional_text runs,
                                  optional_text filter, optional_text models, int no_artifacts,
                                  mlplat_progress progress, void *user, mlplat_doc **out, mlplat_error *err)
{
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    o.experiments = experiments;
    o.runs = runs;
    o.filter = filter;
    o.models = models;
    o.no_artifacts = no_artifacts;
    o.progress = progress;
    o.user = user;
    return mlplat_export(ml, path, &o, out, err);
}

static mlplat_status store_import(mlplat *ml, const char *path, optional_text on_conflict, int dry_run,
                                  int64_t max_bytes, mlplat_progress progress, void *user, mlplat_doc **out,
                                  mlplat_error *err)
{
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    o.on_conflict = on_conflict;
    o.dry_run = dry_run;
    o.max_bytes = max_bytes > 0 ? (uint64_t)max_bytes : 0;
    o.progress = progress;
    o.user = user;
    return mlplat_import(ml, path, &o, out, err);
}
%}

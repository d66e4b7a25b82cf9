/* store, export, import. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

static int store_create(cli *c)
{
    mlplat_doc *doc = NULL;
    mlplat_store_options options = MLPLAT_STORE_OPTIONS_INIT;
    int code = cli_open(c);
    options.mlflow = cli_get(c, "mlflow");
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_create(c->ml, &options, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "URI=uri,HEAD=head,CREATED=created") : code;
}

static int store_upgrade(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_upgrade(c->ml, cli_get(c, "to"), &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "URI=uri,FROM=from,HEAD=head,CHANGED=changed") : code;
}

static int store_heads(cli *c)
{
    mlplat_doc *doc = NULL;
    int code = cli_result(c, mlplat_store_heads(&doc, &c->err));
    return code == CLI_OK ? cli_print_list(c, doc, "heads", "HEAD=head,MLFLOW=mlflow") : code;
}

static const cli_option create_options[] = {
    {"mlflow", "RELEASE", "the MLflow that it is made for, such as 2.14.0, or a head; default: the newest known"},
    {NULL, NULL, NULL},
};
static const cli_option upgrade_options[] = {
    {"to", "RELEASE", "a release of MLflow or a head; default: the newest known"},
    {NULL, NULL, NULL},
};

/* A JSON array of all "--option TEXT"; *out is malloc'd, NULL if there are none. */
static void take_texts(const cli *c, const char *option, char **out)
{
    cli_text text = {0};
    for (int i = 0; i < c->n_options; i++)
        if (strcmp(c->options[i].name, option) == 0) {
            cli_text_add(&text, text.n ? "," : "[", 1);
            cli_text_quote(&text, c->options[i].value, strlen(c->options[i].value));
        }
    if (text.n)
        cli_text_add(&text, "]", 1);
    *out = text.data;
}

static int store_check(cli *c)
{
    mlplat_check_options o = MLPLAT_CHECK_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    int ok = 0;
    o.repair = cli_get(c, "repair") != NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_check(c->ml, &o, &doc, &c->err));
    if (code != CLI_OK)
        return code;
    mlplat_doc_bool(doc, "ok", &ok, NULL);
    bool table = c->format == CLI_TABLE || c->format == CLI_TSV;
    code = table ? cli_print_list(c, doc, "findings", "CHECK=check,SEVERITY=severity,COUNT=count,WHAT=what,"
                                                      "EXAMPLE=example,REPAIRED=repaired")
                 : cli_print(c, doc, "");
    return code == CLI_OK && !ok ? CLI_SAID_NO : code;
}

static int store_backup(cli *c)
{
    mlplat_backup_options o = MLPLAT_BACKUP_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    o.artifacts = cli_get(c, "artifacts") != NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_backup(c->ml, c->args[0], &o, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc, "PATH=path,BYTES=size,HEAD=head,ARTIFACTS=files") : code;
}

static int store_gc(cli *c)
{
    mlplat_gc_options o = MLPLAT_GC_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *runs, *experiments, *models;
    take_texts(c, "run", &runs);
    take_texts(c, "experiment", &experiments);
    take_texts(c, "model", &models);
    o.older_than = cli_get(c, "older-than");
    o.runs = runs;
    o.experiments = experiments;
    o.models = models;
    o.orphans = cli_get(c, "orphans") != NULL;
    o.dry_run = cli_get(c, "dry-run") != NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_store_gc(c->ml, &o, &doc, &c->err));
    free(runs);
    free(experiments);
    free(models);
    return code == CLI_OK ? cli_print(c, doc,
                                      "RUNS=runs,EXPERIMENTS=experiments,MODELS=logged_models,ORPHANS=orphans,"
                                      "KEPT=kept")
                          : code;
}

static const cli_option check_options[] = {
    {"repair", NULL, "put right what can be derived: latest values, names of runs"},
    {NULL, NULL, NULL},
};
static const cli_option backup_options[] = {
    {"artifacts", NULL, "also the artifact root, into FILE.artifacts"},
    {NULL, NULL, NULL},
};
static const cli_option gc_options[] = {
    {"older-than", "TIME", "deleted at least so long ago: 30d, 2d8h5m20s"},
    {"run", "RUN_ID", "this run alone; may be given again"},
    {"experiment", "ID", "this experiment with what is in it; may be given again"},
    {"model", "MODEL_ID", "this logged model; may be given again"},
    {"orphans", NULL, "also artifact folders beside the store that no run or logged model of any store there has"},
    {"dry-run", NULL, "only tell"},
    {NULL, NULL, NULL},
};

static int export_archive(cli *c)
{
    mlplat_export_options o = MLPLAT_EXPORT_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    char *experiments, *runs, *models;
    take_texts(c, "experiment", &experiments);
    take_texts(c, "run", &runs);
    take_texts(c, "model", &models);
    o.experiments = experiments;
    o.runs = runs;
    o.models = models;
    o.filter = cli_get(c, "filter");
    o.no_artifacts = cli_get(c, "no-artifacts") != NULL;
    int code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_export(c->ml, c->args[0], &o, &doc, &c->err));
    free(experiments);
    free(runs);
    free(models);
    return code == CLI_OK ? cli_print(c, doc,
                                      "PATH=path,RUNS=counts.runs,POINTS=counts.metrics,"
                                      "MODELS=counts.registered_models,FILES=files,BYTES=size")
                          : code;
}

static int import_archive(cli *c)
{
    mlplat_import_options o = MLPLAT_IMPORT_OPTIONS_INIT;
    mlplat_doc *doc = NULL;
    int64_t most = 0;
    int code = cli_get_int(c, "max-bytes", &most);
    o.on_conflict = cli_get(c, "on-conflict");
    o.dry_run = cli_get(c, "dry-run") != NULL;
    o.max_bytes = most > 0 ? (uint64_t)most : 0;
    if (code == CLI_OK)
        code = cli_open(c);
    if (code == CLI_OK)
        code = cli_result(c, mlplat_import(c->ml, c->args[0], &o, &doc, &c->err));
    return code == CLI_OK ? cli_print(c, doc,
                                      "RUNS=runs.imported,SAME=runs.same,KEPT=runs.kept,REPLACED=runs.replaced,"
                                      "VERSIONS=model_versions.imported,ARTIFACTS=artifacts")
                          : code;
}

static const cli_option export_options[] = {
    {"experiment", "EXPERIMENT", "all that is in it; may be given again"},
    {"run", "RUN_ID", "a run; may be given again"},
    {"filter", "FILTER", "runs that match, of the experiments named or of all"},
    {"model", "MODEL", "a registered model with its versions; may be given again"},
    {"no-artifacts", NULL, "rows alone, which keep the places where the artifacts are now"},
    {NULL, NULL, NULL},
};
static const cli_option import_options[] = {
    {"on-conflict", "WHAT", "of what is there and differs: fail, keep or replace; default fail"},
    {"dry-run", NULL, "check everything and tell what would be done"},
    {"max-bytes", "N", "most that the archive may hold uncompressed; default 1 TiB"},
    {NULL, NULL, NULL},
};

const cli_command cli_store_commands[] = {
    {"store create", "", "Create the store if it is not there", "store create --mlflow 2.14.0", create_options,
     store_create},
    {"store upgrade", "", "Move the store to the head of a newer MLflow", "store upgrade", upgrade_options,
     store_upgrade},
    {"store heads", "", "List the heads of MLflow's schema that are known", "store heads", NULL, store_heads},
    {"store check", "", "Look whether the store is whole; exit code 7: it is not", "store check", check_options,
     store_check},
    {"store backup", "FILE", "Copy the store to a new file while others write", "store backup mlflow-backup.db",
     backup_options, store_backup},
    {"store gc", "", "Remove for good what was deleted", "store gc --older-than 30d --dry-run", gc_options, store_gc},
    {"export", "FOLDER", "Export runs and models with their artifacts to a new folder",
     "export fraud-archive --experiment fraud --model fraud-detector", export_options, export_archive},
    {"import", "FOLDER", "Import an archive that export made", "import fraud-archive --dry-run", import_options,
     import_archive},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

/**
 * Pipelines: a builder that writes Kubeflow Pipelines' IR (PipelineSpec, schema 2.1.0), and a local runner of it.
 *
 * Errors come from the call that makes them: an unknown input, a type that does not fit, a cycle. Components and
 * pipelines are for one thread at a time; compiled documents for any.
 */
#ifndef MLPLAT_PIPELINES_H
#define MLPLAT_PIPELINES_H
#include <mlplat/doc.h>
#include <mlplat/session.h>
#ifdef __cplusplus
extern "C" {
#endif

/* ---- components ----------------------------------------------------------------------------------------------- */

/** A component: what runs, and its typed inputs and outputs. */
typedef struct mlplat_component mlplat_component;

/** Types of parameters and artifacts by KFP's names: "NUMBER_INTEGER", "NUMBER_DOUBLE", "STRING", "BOOLEAN", "LIST",
 * "STRUCT" (also "Integer", "Double", "String", "Boolean", "List", "Dict"), or an artifact's: "system.Dataset",
 * "system.Model", "system.Metrics", "system.Artifact", ... (also "Dataset", "Model", "Metrics", "Artifact", ...). */

/**
 * A container component. *out is yours: mlplat_component_free.
 * @param name   of the component: any text with a letter or digit in it
 * @param image  container image; the local runner runs the command on this host
 * @param argv   command and arguments, argc of them; KFP's placeholders inside: "{{$}}",
 *               "{{$.inputs.parameters['x']}}", "{{$.outputs.artifacts['model'].path}}"
 * @return MLPLAT_OK; MLPLAT_INVALID
 */
MLPLAT_API mlplat_status mlplat_component_container(const char *name, const char *image, const char *const *argv,
                                                    size_t argc, mlplat_component **out, mlplat_error *err);
/**
 * A program component: runs `program --component-spec` and takes what it prints (see component.h). *out is yours.
 * @param program  path of an executable, or its name in PATH; or several words: an interpreter and a script; NULL ends
 * @param image    NULL: the command is this program by its absolute path, to run on this host; else the container image
 *                 that holds it: the command stays the program's plain name, which the local runner looks up in PATH
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_DENIED: not executable; MLPLAT_INVALID: prints no specification;
 *         MLPLAT_TIMEOUT: nothing within 60 s
 */
MLPLAT_API mlplat_status mlplat_component_program(const char *const *program, const char *image,
                                                  mlplat_component **out, mlplat_error *err);
/** A component from the text of its specification: KFP component YAML (a PipelineSpec with one executor).
 * *out is yours. @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_UNSUPPORTED: it runs no command of its own (an importer) */
MLPLAT_API mlplat_status mlplat_component_load(const char *yaml, size_t n, mlplat_component **out, mlplat_error *err);
/** Add an input. @param default_json  JSON text of the default, which makes a parameter optional; NULL: required
 * @return MLPLAT_OK; MLPLAT_INVALID: name, type or default; MLPLAT_EXISTS: the name is taken */
MLPLAT_API mlplat_status mlplat_component_input(mlplat_component *component, const char *name, const char *type,
                                                const char *default_json, mlplat_error *err);
/** Add an output. @return MLPLAT_OK; MLPLAT_INVALID; MLPLAT_EXISTS */
MLPLAT_API mlplat_status mlplat_component_output(mlplat_component *component, const char *name, const char *type,
                                                 mlplat_error *err);
/** Set an environment variable of the component's container. @return MLPLAT_OK; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_component_env(mlplat_component *component, const char *name, const char *value,
                                              mlplat_error *err);
/** The component's own specification as a document. *out is yours. @return MLPLAT_OK; MLPLAT_NO_MEMORY */
MLPLAT_API mlplat_status mlplat_component_spec(const mlplat_component *component, mlplat_doc **out,
                                               mlplat_error *err);
/** Free a component; NULL is fine. Tasks made from it keep what they need. */
MLPLAT_API void mlplat_component_free(mlplat_component *component);

/* ---- the builder ------------------------------------------------------------------------------------------------ */

typedef struct mlplat_pipeline mlplat_pipeline;
/** A task of a pipeline: lent, lives as long as its pipeline. */
typedef struct mlplat_task mlplat_task;

/** A new, empty pipeline. *out is yours. @param name  ^[a-z0-9][a-z0-9-]{0,127}$ @param description  or NULL */
MLPLAT_API mlplat_status mlplat_pipeline_new(const char *name, const char *description, mlplat_pipeline **out,
                                             mlplat_error *err);
/** Free a pipeline with its tasks; NULL is fine. */
MLPLAT_API void mlplat_pipeline_free(mlplat_pipeline *pipeline);
/** Add an input parameter of the pipeline. @param default_json  JSON text, or NULL: required */
MLPLAT_API mlplat_status mlplat_pipeline_input(mlplat_pipeline *pipeline, const char *name, const char *type,
                                               const char *default_json, mlplat_error *err);
/** Add a task. @param name  shown name; its sanitised form, made unique, is the id; NULL: the component's name
 * @param out  lent by the pipeline */
MLPLAT_API mlplat_status mlplat_pipeline_task(mlplat_pipeline *pipeline, const mlplat_component *component,
                                              const char *name, mlplat_task **out, mlplat_error *err);
/** The task's id in the pipeline. Lent. */
MLPLAT_API const char *mlplat_task_name(const mlplat_task *task);
/** Give an input parameter a constant; an input's former source is forgotten.
 * @param json  JSON text of a value that fits the parameter's type; integers up to +-(2^53-1), as KFP carries them
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such input; MLPLAT_INVALID: the value, or the input is an artifact */
MLPLAT_API mlplat_status mlplat_task_set(mlplat_task *task, const char *input, const char *json, mlplat_error *err);
/** Give an input parameter the value of a pipeline input.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such input of either; MLPLAT_INVALID: types differ */
MLPLAT_API mlplat_status mlplat_task_set_input(mlplat_task *task, const char *input, const char *pipeline_input,
                                               mlplat_error *err);
/** Give an input the output of another task of the same pipeline.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such input or output; MLPLAT_INVALID: types differ, or it makes a cycle */
MLPLAT_API mlplat_status mlplat_task_connect(mlplat_task *task, const char *input, const mlplat_task *producer,
                                             const char *output, mlplat_error *err);
/** Run a task after another without taking anything from it. @return MLPLAT_OK; MLPLAT_INVALID: it makes a cycle */
MLPLAT_API mlplat_status mlplat_task_after(mlplat_task *task, const mlplat_task *before, mlplat_error *err);
/** The pipeline as KFP IR. *out is yours: mlplat_doc_yaml writes what KFP uploads.
 * @return MLPLAT_OK; MLPLAT_INVALID: a required input of a task has no value, or there is no task */
MLPLAT_API mlplat_status mlplat_pipeline_compile(const mlplat_pipeline *pipeline, mlplat_doc **out,
                                                 mlplat_error *err);
/** Check an IR document, ours or KFP's: shape, references, types, cycles, and that the local runner can run it.
 * @return MLPLAT_OK; MLPLAT_INVALID with the place; MLPLAT_UNSUPPORTED: valid, with a part this runner cannot run */
MLPLAT_API mlplat_status mlplat_pipeline_validate(const mlplat_doc *ir, mlplat_error *err);

/* ---- the local runner ------------------------------------------------------------------------------------------- */

/** How to run. */
typedef struct mlplat_pipeline_options {
    size_t size;
    const char *params;      /**< JSON object of pipeline inputs, or NULL */
    const char *root;        /**< folder for work files, logs and artifacts of pipeline runs; NULL:
                                  MLPLAT_PIPELINE_ROOT, else mlplat-pipelines beside the embedded store */
    const char *experiment;  /**< name for the parent run; NULL: the pipeline's name */
    const char *run_name;    /**< NULL: generated */
    int workers;             /**< tasks at once; 0: as many as there are processors */
    int keep_going;          /**< 1: after a failure still run what does not depend on it */
    mlplat_progress progress;/**< done and total in tasks; NULL: the session's */
    void *user;
} mlplat_pipeline_options;
#define MLPLAT_PIPELINE_OPTIONS_INIT { sizeof(mlplat_pipeline_options), 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Run a pipeline on this host. A parent run in tracking with a child run per task; a task finds its own in
 * MLFLOW_RUN_ID and the store in MLFLOW_TRACKING_URI. Logs are files, and artifacts of the child runs.
 * @param ir   from mlplat_pipeline_compile, or parsed from KFP's YAML
 * @param out  {"run_id", "pipeline", "state": "SUCCEEDED" | "FAILED" | "CANCELED", "root", "error"?, "tasks":
 *             [{"name", "state", "run_id", "start_time"?, "exit_code"?, "seconds", "log", "error"?, "outputs":
 *             {"parameters": {name: value}, "artifacts": {name: {"uri", "metadata"}}}}]}, tasks in an order in which
 *             they can run, also when tasks failed; yours, may be NULL. States of tasks: SUCCEEDED, FAILED, SKIPPED,
 *             CANCELED; run_id and log of one that never started are null
 * @return MLPLAT_OK: the pipeline succeeded; MLPLAT_STATE: a task failed (*out is set); MLPLAT_CANCELLED (*out is set);
 *         MLPLAT_INVALID: the IR or a parameter; the store's own status, MLPLAT_NO_MEMORY (*out is set if it had begun)
 */
MLPLAT_API mlplat_status mlplat_pipeline_run(mlplat *ml, const mlplat_doc *ir, const mlplat_pipeline_options *options,
                                             mlplat_doc **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif

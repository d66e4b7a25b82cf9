/**
 * Components: an ordinary C function becomes a step of a pipeline.
 *
 *     static mlplat_status train(mlplat_step *step, void *user, mlplat_error *err) { ... }
 *     int main(int argc, char **argv)
 *     {
 *         static const mlplat_port ports[] = {
 *             { MLPLAT_IN, "rows", "Dataset", NULL, "cleaned rows" },
 *             { MLPLAT_IN, "depth", "Integer", "6", "depth of the trees" },
 *             { MLPLAT_OUT, "model", "Model", NULL, "the model" },
 *         };
 *         mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
 *         def.name = "train"; def.ports = ports; def.n_ports = 3; def.fn = train;
 *         return mlplat_component_main(argc, argv, &def);
 *     }
 *
 * The program then answers to `--executor_input JSON` (KFP's launcher and the local runner), `--component-spec` (prints
 * its specification as KFP component YAML), `--help`, and `--name value` for each port, for running it by hand: a
 * parameter's value, an artifact's path; an output parameter is printed as name=value.
 */
#ifndef MLPLAT_COMPONENT_H
#define MLPLAT_COMPONENT_H
#include <mlplat/doc.h>
#include <mlplat/error.h>
#include <mlplat/session.h>
#include <mlplat/tracking.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Direction of a port. */
typedef enum mlplat_direction { MLPLAT_IN = 0, MLPLAT_OUT = 1 } mlplat_direction;

/** One typed input or output; types as in pipelines.h. */
typedef struct mlplat_port {
    mlplat_direction direction;
    const char *name;         /**< [A-Za-z_][A-Za-z0-9_]* */
    const char *type;         /**< "Integer", "Dataset", "system.Model", ... */
    const char *default_json; /**< inputs: JSON text that makes it optional; NULL: required */
    const char *description;  /**< one line for --help; NULL: none */
} mlplat_port;

/** What a running component knows. Lent by mlplat_component_main; one thread at a time. */
typedef struct mlplat_step mlplat_step;

/** A component's body. @return MLPLAT_OK or why it failed, with err filled */
typedef mlplat_status (*mlplat_component_fn)(mlplat_step *step, void *user, mlplat_error *err);

/** A component. */
typedef struct mlplat_component_def {
    size_t size;
    const char *name;
    const char *description; /**< or NULL */
    const char *image;       /**< container image for a cluster; NULL: "mlplat-local" */
    const mlplat_port *ports;
    size_t n_ports;
    mlplat_component_fn fn;
    void *user; /**< handed to fn */
} mlplat_component_def;
#define MLPLAT_COMPONENT_DEF_INIT { sizeof(mlplat_component_def), 0, 0, 0, 0, 0, 0, 0 }

/** The whole main function of a component. Errors go to stderr in one line.
 * @return the exit code: 0, 1 if the body failed, 2 for a wrong call */
MLPLAT_API int mlplat_component_main(int argc, char **argv, const mlplat_component_def *def);

/** An input parameter of type Integer, read exactly.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID: another type */
MLPLAT_API mlplat_status mlplat_step_int(mlplat_step *step, const char *name, int64_t *out, mlplat_error *err);
/** An input parameter of type Double or Integer. */
MLPLAT_API mlplat_status mlplat_step_double(mlplat_step *step, const char *name, double *out, mlplat_error *err);
/** An input parameter of type Boolean, 0 or 1. */
MLPLAT_API mlplat_status mlplat_step_bool(mlplat_step *step, const char *name, int *out, mlplat_error *err);
/** An input parameter of type String, or the JSON text of a List or Struct. Lent by the step. */
MLPLAT_API mlplat_status mlplat_step_string(mlplat_step *step, const char *name, const char **out, mlplat_error *err);
/** An input artifact's local path. Lent by the step. @return MLPLAT_OK; MLPLAT_NOT_FOUND */
MLPLAT_API mlplat_status mlplat_step_input_path(mlplat_step *step, const char *name, const char **out,
                                                mlplat_error *err);
/** An output artifact's local path to write a file or make a directory at; its parent is there. Lent by the step. */
MLPLAT_API mlplat_status mlplat_step_output_path(mlplat_step *step, const char *name, const char **out,
                                                 mlplat_error *err);
/** An artifact's metadata as {"name", "uri", "metadata"}. *out is yours. @param name  of an input or output artifact */
MLPLAT_API mlplat_status mlplat_step_artifact(mlplat_step *step, const char *name, mlplat_doc **out,
                                              mlplat_error *err);
/** Set an output parameter. @param json  JSON text of a value that fits the type */
MLPLAT_API mlplat_status mlplat_step_output(mlplat_step *step, const char *name, const char *json, mlplat_error *err);
/** Set one key of an output artifact's metadata. @param json  JSON text */
MLPLAT_API mlplat_status mlplat_step_metadata(mlplat_step *step, const char *name, const char *key, const char *json,
                                              mlplat_error *err);
/** A session by the environment, opened at the first call. Lent by the step: do not close it. */
MLPLAT_API mlplat_status mlplat_step_session(mlplat_step *step, mlplat **out, mlplat_error *err);
/** The step's run: the one in MLFLOW_RUN_ID, whose status the runner keeps, else a new one that ends with the step.
 * Lent by the step: neither end nor free it. */
MLPLAT_API mlplat_status mlplat_step_run(mlplat_step *step, mlplat_run **out, mlplat_error *err);

#ifdef __cplusplus
}
#endif
#endif

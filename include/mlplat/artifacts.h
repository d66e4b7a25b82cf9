/**
 * Artifacts: files and directories at a URI, and the model directory.
 *
 * URIs: an absolute path or file:/path, runs:/<run id>/<path>, models:/<name>/<version>[/<path>],
 * models:/<name>@<alias>[/<path>], models:/<id of a logged model>[/<path>]. What a run has no artifacts of is read from
 * its logged model of that name. A path inside never leaves its root, whoever wrote it: "..", absolute parts,
 * backslashes, control characters, percent-encoded forms of these and symbolic links out are refused.
 * What is written appears whole or not at all: temporary name, fsync, rename. Any thread.
 */
#ifndef MLPLAT_ARTIFACTS_H
#define MLPLAT_ARTIFACTS_H
#include <mlplat/doc.h>
#include <mlplat/session.h>
#ifdef __cplusplus
extern "C" {
#endif

/** How to transfer. */
typedef struct mlplat_transfer {
    size_t size;
    mlplat_progress progress; /**< in bytes; NULL: the session's */
    void *user;
} mlplat_transfer;
#define MLPLAT_TRANSFER_INIT { sizeof(mlplat_transfer), 0, 0 }

/**
 * Copy a local file or directory to a URI, which becomes the file or the directory. In a directory symbolic links,
 * devices and names that no artifact may have are refused before anything is copied; the path itself may be a link.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND: no such path or run; MLPLAT_INVALID: the URI leaves its root or is none;
 *         MLPLAT_NO_SPACE, MLPLAT_DENIED, MLPLAT_IO; MLPLAT_CANCELLED; MLPLAT_UNSUPPORTED: the scheme
 */
MLPLAT_API mlplat_status mlplat_artifact_put(mlplat *ml, const char *path, const char *uri,
                                             const mlplat_transfer *transfer, mlplat_error *err);
/** Write n bytes as the file at a URI. @return as mlplat_artifact_put */
MLPLAT_API mlplat_status mlplat_artifact_put_bytes(mlplat *ml, const void *data, size_t n, const char *uri,
                                                   mlplat_error *err);
/**
 * Copy the file or directory at a URI to a local path, which becomes the file or the directory: files there of the
 * same names are replaced, others stay.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; as mlplat_artifact_put
 */
MLPLAT_API mlplat_status mlplat_artifact_get(mlplat *ml, const char *uri, const char *path,
                                             const mlplat_transfer *transfer, mlplat_error *err);
/** Stream the file at a URI. @param write  gets the bytes in order @return as mlplat_artifact_get */
MLPLAT_API mlplat_status mlplat_artifact_read(mlplat *ml, const char *uri, mlplat_write write, void *user,
                                              mlplat_error *err);
/** What is in the directory at a URI, by name: {"root_uri", "files": [{"path", "is_dir", "file_size"?}]}, as MLflow
 * lists; paths are relative to the root of the run or model. Of a file: the file alone. *out is yours.
 * @return MLPLAT_OK (nothing there: an empty list); MLPLAT_NOT_FOUND: no such run or model; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_artifact_list(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err);
/** What a runs:/ or models:/ URI stands for, as a path or URI of a store. *out is yours: mlplat_free.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_artifact_resolve(mlplat *ml, const char *uri, char **out, mlplat_error *err);

/**
 * A model directory to write, in MLflow's layout. mlflow.pyfunc.load_model and `mlflow models serve` read it when
 * loader_module can be imported there: one of MLflow's own ("mlflow.sklearn"), or a module in code.
 */
typedef struct mlplat_model {
    size_t size;
    const char *loader_module; /**< Python module with _load_pyfunc(path): required */
    const char *data;          /**< local file or directory to copy in as the model's data; NULL: none */
    const char *code;          /**< local directory or .py file copied to code/, a package (with __init__.py) under its
                                    own name; NULL: none */
    const char *flavors;       /**< JSON object of further flavors: {"sklearn": {"pickled_model": "model.pkl"}}, and of
                                    more of python_function: {"python_function": {"predict_fn": ...}}; NULL */
    const char *signature;     /**< JSON {"inputs": [...], "outputs": [...], "params": [...]} with columns as MLflow
                                    writes them: {"name", "type", "required"}; NULL: none */
    const char *input_example; /**< JSON: {"columns", "data"} (one table) or any instance; NULL: none */
    const char *requirements;  /**< pip requirements, one a line; NULL: none */
    const char *python_version;/**< "3.11.2"; NULL: left out */
    const char *metadata;      /**< JSON object; NULL: none */
    const char *run_id;        /**< or NULL */
    const char *artifact_path; /**< path within the run; NULL: none */
    const char *model_id;      /**< of the logged model whose files these are; NULL: none */
} mlplat_model;
#define MLPLAT_MODEL_INIT { sizeof(mlplat_model), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

#ifndef MLPLAT_MINIMAL
/** Write a model directory at a local path that is not there yet, or is an empty directory.
 * @return MLPLAT_OK; MLPLAT_INVALID: a member is wrong (the message names it); MLPLAT_EXISTS: not empty; as put */
MLPLAT_API mlplat_status mlplat_model_save(mlplat *ml, const mlplat_model *model, const char *dir, mlplat_error *err);

/** The MLmodel file of the model directory at a URI. *out is yours.
 * @return MLPLAT_OK; MLPLAT_NOT_FOUND; MLPLAT_INVALID */
MLPLAT_API mlplat_status mlplat_model_info(mlplat *ml, const char *uri, mlplat_doc **out, mlplat_error *err);
#endif

#ifdef __cplusplus
}
#endif
#endif

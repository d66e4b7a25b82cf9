BLOCKING(mlplat_artifact_put_bytes)
BLOCKING(mlplat_artifact_read)
BLOCKING(mlplat_artifact_list)
BLOCKING(mlplat_artifact_resolve)
BLOCKING(mlplat_model_info)
BLOCKING(artifact_put)
BLOCKING(artifact_get)
BLOCKING(model_save)
REPLACED(mlplat_artifact_put)
REPLACED(mlplat_artifact_get)
REPLACED(mlplat_model_save)
%include <mlplat/artifacts.h>

%inline %{
static mlplat_status artifact_put(mlplat *ml, const char *path, const char *uri, mlplat_progress progress, void *user,
                                  mlplat_error *err)
{
    mlplat_transfer t = MLPLAT_TRANSFER_INIT;
    t.progress = progress;
    t.user = user;
    return mlplat_artifact_put(ml, path, uri, progress ? &t : NULL, err);
}

static mlplat_status artifact_get(mlplat *ml, const char *uri, const char *path, mlplat_progress progress, void *user,
                                  mlplat_error *err)
{
    mlplat_transfer t = MLPLAT_TRANSFER_INIT;
    t.progress = progress;
    t.user = user;
    return mlplat_artifact_get(ml, uri, path, progress ? &t : NULL, err);
}

static mlplat_status model_save(mlplat *ml, const char *dir, const char *loader_module, optional_path data,
                                optional_path code, optional_text flavors, optional_text signature,
                                optional_text input_example, optional_text requirements, optional_text python_version,
                                optional_text metadata, optional_text run_id, optional_text artifact_path,
                                mlplat_error *err)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    m.loader_module = loader_module;
    m.data = data;
    m.code = code;
    m.flavors = flavors;
    m.signature = signature;
    m.input_example = input_example;
    m.requirements = requirements;
    m.python_version = python_version;
    m.metadata = metadata;
    m.run_id = run_id;
    m.artifact_path = artifact_path;
    return mlplat_model_save(ml, &m, dir, err);
}
%}

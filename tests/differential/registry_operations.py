"""The registry's operations, for MLflow's store and for us."""

from harness import Operation, plain


def without_aliases(model):
    """The versions in a model's document without their aliases: see aliases-in-lists."""
    document = plain(model)
    for version in document.get("latest_versions") or ():
        version.pop("aliases", None)
    return document


def model_tags(tags):
    from mlflow.entities.model_registry import RegisteredModelTag
    return [RegisteredModelTag(key, value) for key, value in (tags or {}).items()]


def version_tags(tags):
    from mlflow.entities.model_registry import ModelVersionTag
    return [ModelVersionTag(key, value) for key, value in (tags or {}).items()]


def _create_version(side, name, source, run_id=None, description=None, tags=None, run_link=None):
    return side.registry.create_model_version(name, source, run_id, version_tags(tags), run_link, description)


def _get_version(side, name, version):
    """In the library's own words, where what is no number is no alias."""
    from mlplat import _c, doc
    return doc.loads(_c.model_version_get(side.ml._h, name, str(version)))


create_model = Operation(
    "create_model",
    lambda side, name, description=None, tags=None:
        side.registry.create_registered_model(name, model_tags(tags), description),
    lambda side, name, description=None, tags=None: side.ml.registry.create(name, description, tags=tags),
    compare=False)
get_model = Operation(
    "get_model",
    lambda side, name: side.registry.get_registered_model(name),
    lambda side, name: side.ml.registry.get(name),
    compare=without_aliases)
get_model_whole = Operation("get_model_whole", get_model.theirs, get_model.ours)
update_model = Operation(
    "update_model",
    lambda side, name, description: side.registry.update_registered_model(name, description),
    lambda side, name, description: side.ml.registry.update(name, description),
    compare=False)
rename_model = Operation(
    "rename_model",
    lambda side, name, new_name: side.registry.rename_registered_model(name, new_name),
    lambda side, name, new_name: side.ml.registry.rename(name, new_name),
    compare=False)
delete_model = Operation(
    "delete_model",
    lambda side, name: side.registry.delete_registered_model(name),
    lambda side, name: side.ml.registry.delete(name))
set_model_tag = Operation(
    "set_model_tag",
    lambda side, name, key, value: side.registry.set_registered_model_tag(name, *model_tags({key: value})),
    lambda side, name, key, value: side.ml.registry.set_tag(name, key, value))
delete_model_tag = Operation(
    "delete_model_tag",
    lambda side, name, key: side.registry.delete_registered_model_tag(name, key),
    lambda side, name, key: side.ml.registry.delete_tag(name, key))
create_version = Operation(
    "create_version",
    lambda side, *args, **kwargs: int(_create_version(side, *args, **kwargs).version),
    lambda side, name, source, run_id=None, description=None, tags=None, run_link=None:
        side.ml.registry.register(name, source, run=run_id, description=description, tags=tags, run_link=run_link))
get_version = Operation(
    "get_version",
    lambda side, name, version: side.registry.get_model_version(name, version),
    _get_version)
update_version = Operation(
    "update_version",
    lambda side, name, version, description: side.registry.update_model_version(name, version, description),
    lambda side, name, version, description: side.ml.registry.update_version(name, version, description),
    compare=False)
delete_version = Operation(
    "delete_version",
    lambda side, name, version: side.registry.delete_model_version(name, version),
    lambda side, name, version: side.ml.registry.delete_version(name, version))
set_version_tag = Operation(
    "set_version_tag",
    lambda side, name, version, key, value:
        side.registry.set_model_version_tag(name, version, *version_tags({key: value})),
    lambda side, name, version, key, value: side.ml.registry.set_version_tag(name, version, key, value))
delete_version_tag = Operation(
    "delete_version_tag",
    lambda side, name, version, key: side.registry.delete_model_version_tag(name, version, key),
    lambda side, name, version, key: side.ml.registry.delete_version_tag(name, version, key))
set_alias = Operation(
    "set_alias",
    lambda side, name, alias, version: side.registry.set_registered_model_alias(name, alias, version),
    lambda side, name, alias, version: side.ml.registry.set_alias(name, alias, version))
delete_alias = Operation(
    "delete_alias",
    lambda side, name, alias: side.registry.delete_registered_model_alias(name, alias),
    lambda side, name, alias: side.ml.registry.delete_alias(name, alias))
get_by_alias = Operation(
    "get_by_alias",
    lambda side, name, alias: side.registry.get_model_version_by_alias(name, alias),
    lambda side, name, alias: side.ml.registry.version(name, "@" + alias))
latest_versions = Operation(
    "latest_versions",
    lambda side, name, *stages: side.registry.get_latest_versions(name, list(stages)),
    lambda side, name, *stages: side.ml.registry.latest(name, *stages))
transition = Operation(
    "transition",
    lambda side, name, version, stage, archive=False:
        side.registry.transition_model_version_stage(name, str(version), stage, archive),
    lambda side, name, version, stage, archive=False:
        side.ml.registry.transition(name, version, stage, archive_existing=archive))
copy_version = Operation(
    "copy_version",
    lambda side, source, to: int(side.client.copy_model_version(source, to).version),
    lambda side, source, to: side.ml.registry.copy_version(source, to))
resolve = Operation(
    "resolve",
    lambda side, uri: _resolve(uri),
    lambda side, uri: side.ml.artifacts.resolve(uri))


def _resolve(uri):
    from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
    return ModelsArtifactRepository.get_underlying_uri(uri)


RUN, MODEL_ID = "0123456789abcdef0123456789abcdef", "m-fedcba9876543210fedcba9876543210"
OTHER_ID = "m-00000000000000000000000000000001"


def _given(side, *rows, files=()):
    """The same rows and files on both sides, whoever would have made them."""
    import sqlite3
    from contextlib import closing
    with closing(sqlite3.connect(side.path)) as db, db:
        for table, values in rows:
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
    for name in files:
        path = side.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("flavors: {}")


given = Operation("given", _given, _given)


def run_row(run_id=RUN):
    return ("runs", {"run_uuid": run_id, "name": "first", "source_type": "UNKNOWN", "source_name": "",
                     "entry_point_name": "", "user_id": "me", "status": "FINISHED", "start_time": 1, "end_time": 2,
                     "source_version": "", "lifecycle_stage": "active", "experiment_id": 0,
                     "artifact_uri": f"<root>/mlruns/0/{run_id}/artifacts"})


def model_row(model_id=MODEL_ID, name="logged", run_id=RUN, created=3, stage="active", status=2):
    return ("logged_models", {"model_id": model_id, "experiment_id": 0, "name": name, "creation_timestamp_ms": created,
                              "last_updated_timestamp_ms": created, "status": status, "lifecycle_stage": stage,
                              "source_run_id": run_id,
                              "artifact_location": f"<root>/mlruns/0/models/{model_id}/artifacts"})


def output_row(model_id=MODEL_ID, step=0, run_id=RUN):
    return ("inputs", {"input_uuid": model_id, "source_type": "RUN_OUTPUT", "source_id": run_id,
                       "destination_type": "MODEL_OUTPUT", "destination_id": model_id, "step": step})


def _register(side, name, source, tags=None):
    import mlflow
    return int(mlflow.register_model(source, name, tags=tags).version)


register = Operation(
    "register",
    _register,
    lambda side, name, source, tags=None: side.ml.registry.register(name, source, tags=tags))

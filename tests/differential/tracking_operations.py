"""Tracking's operations, for MLflow's store and for us."""

import contextlib
import os
import pwd

from harness import Operation, plain

USER = pwd.getpwuid(os.getuid()).pw_name
PROGRAM = "/usr/bin/env"  # in no git work tree


def run_document(run):
    """Without the old name of the run's id, and edges that are not there."""
    document = plain(run)
    document["info"].pop("run_uuid", None)
    return {key: {name: part for name, part in value.items() if part} for key, value in document.items()}


def experiment_document(experiment):
    """Without what is not about the experiment itself: workspaces are an extension, and traces are not ours."""
    document = plain(experiment)
    for name in ("effective_trace_archival_retention", "workspace"):
        document.pop(name, None)
    return document


def points(history):
    """Only what a metric's history is about."""
    return [{**{key: point[key] for key in ("key", "timestamp", "step")}, "value": float(point["value"])}
            for point in plain(list(history))]


def _tags(tags, kind):
    return [kind(key, value) for key, value in (tags or {}).items()]


@contextlib.contextmanager
def _run(side, run_id):
    yield side.ml.attach_run(run_id)


# ---- experiments -----------------------------------------------------------------------------------------------------


def _create_experiment(side, name, location=None, tags=None):
    from mlflow.entities import ExperimentTag
    return side.tracking.create_experiment(name, location, _tags(tags, ExperimentTag))


def _set_experiment_tag(side, id, key, value):
    from mlflow.entities import ExperimentTag
    side.tracking.set_experiment_tag(id, ExperimentTag(key, value))


def _experiment_by_name(side, name):
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
    found = side.tracking.get_experiment_by_name(name)
    if found is None:  # what MLflow's client and server make of it
        raise MlflowException("none", RESOURCE_DOES_NOT_EXIST)
    return found


create_experiment = Operation(
    "create_experiment", _create_experiment,
    lambda side, name, location=None, tags=None:
        side.ml.experiments.create(name, artifact_location=location, tags=tags))
get_experiment = Operation("get_experiment", lambda side, id: side.tracking.get_experiment(id),
                           lambda side, id: side.ml.experiments.get(id), compare=experiment_document)
experiment_by_name = Operation("experiment_by_name", _experiment_by_name,
                               lambda side, name: side.ml.experiments.by_name(name), compare=experiment_document)
rename_experiment = Operation("rename_experiment", lambda side, id, name: side.tracking.rename_experiment(id, name),
                              lambda side, id, name: side.ml.experiments.rename(id, name), compare=False)
delete_experiment = Operation("delete_experiment", lambda side, id: side.tracking.delete_experiment(id),
                              lambda side, id: side.ml.experiments.delete(id), compare=False)
restore_experiment = Operation("restore_experiment", lambda side, id: side.tracking.restore_experiment(id),
                               lambda side, id: side.ml.experiments.restore(id), compare=False)
set_experiment_tag = Operation("set_experiment_tag", _set_experiment_tag,
                               lambda side, id, key, value: side.ml.experiments.set_tag(id, key, value), compare=False)
delete_experiment_tag = Operation(
    "delete_experiment_tag", lambda side, id, key: side.tracking.delete_experiment_tag(id, key),
    lambda side, id, key: side.ml.experiments.delete_tag(id, key), compare=False)

# ---- runs ------------------------------------------------------------------------------------------------------------


def _create_run(side, experiment="0", name="a run", tags=None, start=1234):
    from mlflow.entities import RunTag
    context = {"mlflow.user": USER, "mlflow.source.name": PROGRAM, "mlflow.source.type": "LOCAL"}
    return side.tracking.create_run(experiment, USER, start, _tags({**context, **(tags or {})}, RunTag), name)


def _our_create_run(side, experiment="0", name="a run", tags=None, start=1234):
    run = side.ml.run(name, tags=tags, experiment_id=experiment, start_time_ms=start, source_name=PROGRAM)
    side.ml._ended(run._h)  # it stays as it is when the session is closed
    return run


def _update_run(side, run_id, status=None, end=None, name=None):
    from mlflow.entities import RunStatus
    side.tracking.update_run_info(run_id, status and RunStatus.from_string(status), end, name)


def _set_tag(side, run_id, key, value):
    from mlflow.entities import RunTag
    side.tracking.set_tag(run_id, RunTag(key, value))


def _log_param(side, run_id, key, value):
    from mlflow.entities import Param
    side.tracking.log_param(run_id, Param(key, value))


def _our_log_param(side, run_id, key, value):
    with _run(side, run_id) as run:
        run.log_param(key, value)


def _log_metric(side, run_id, key, value, timestamp=5, step=0):
    from mlflow.entities import Metric
    side.tracking.log_metric(run_id, Metric(key, value, timestamp, step))


def _our_log_metric(side, run_id, key, value, timestamp=5, step=0):
    with _run(side, run_id) as run:
        run.log(key, value, step, timestamp)


def _log_batch(side, run_id, metrics=(), params=None, tags=None):
    from mlflow.entities import Metric, Param, RunTag
    side.tracking.log_batch(
        run_id,
        [Metric(m["key"], m["value"], m["timestamp"], m["step"], m.get("model_id"), m.get("dataset_name"),
                m.get("dataset_digest")) for m in metrics], _tags(params, Param), _tags(tags, RunTag))


def _our_log_batch(side, run_id, metrics=(), params=None, tags=None):
    with _run(side, run_id) as run:
        run.log_batch(metrics, params, tags)


create_run = Operation(
    "create_run", _create_run, _our_create_run, compare=False,
    identity=lambda run: getattr(run, "id", None) or run.info.run_id)
get_run = Operation("get_run", lambda side, id: side.tracking.get_run(id), lambda side, id: side.ml.get_run(id),
                    compare=run_document)
update_run = Operation(
    "update_run", _update_run,
    lambda side, run_id, status=None, end=None, name=None: side.ml.update_run(
        run_id, name=name, status=status, end_time_ms=end or 0), compare=False)
delete_run = Operation("delete_run", lambda side, id: side.tracking.delete_run(id),
                       lambda side, id: side.ml.delete_run(id), compare=False)
restore_run = Operation("restore_run", lambda side, id: side.tracking.restore_run(id),
                        lambda side, id: side.ml.restore_run(id), compare=False)
set_tag = Operation("set_tag", _set_tag,
                    lambda side, run_id, key, value: side.ml.attach_run(run_id).set_tag(key, value), compare=False)
delete_tag = Operation("delete_tag", lambda side, run_id, key: side.tracking.delete_tag(run_id, key),
                       lambda side, run_id, key: side.ml.attach_run(run_id).delete_tag(key), compare=False)
log_param = Operation("log_param", _log_param, _our_log_param, compare=False)
log_metric = Operation("log_metric", _log_metric, _our_log_metric, compare=False)
log_batch = Operation("log_batch", _log_batch, _our_log_batch, compare=False)
history = Operation("history", lambda side, run_id, key: side.tracking.get_metric_history(run_id, key),
                    lambda side, run_id, key: side.ml.metric_history(run_id, key), compare=points)

def bulk_points(points):
    """By run, and what a point is about."""
    rows = (point if isinstance(point, dict) else point.to_dict() for point in points)
    return [{name: row[name] for name in ("run_id", "key", "value", "timestamp", "step")} for row in rows]


history_bulk = Operation(
    "history_bulk", lambda side, *runs, key, most=1000: side.tracking.get_metric_history_bulk(runs, key, most),
    lambda side, *runs, key, most=1000: side.ml.metric_history_bulk(runs, key, max_results=most), compare=bulk_points)

# ---- inputs and outputs ----------------------------------------------------------------------------------------------


def _log_inputs(side, run_id, datasets=(), models=()):
    from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput
    side.tracking.log_inputs(
        run_id, [DatasetInput(Dataset(**dataset), _tags(tags, InputTag)) for dataset, tags in datasets],
        [LoggedModelInput(model) for model in models])


def _our_log_inputs(side, run_id, datasets=(), models=()):
    from mlplat import _c, datasets as described
    named = [({key: value for key, value in dataset.items() if value is not None}, tags) for dataset, tags in datasets]
    _c.run_log_inputs(side.ml.attach_run(run_id)._h, described.inputs(named, models))


def _log_outputs(side, run_id, *models, step=0):
    from mlflow.entities import LoggedModelOutput
    side.tracking.log_outputs(run_id, [LoggedModelOutput(model, step) for model in models])


log_inputs = Operation("log_inputs", _log_inputs, _our_log_inputs, compare=False)
log_outputs = Operation(
    "log_outputs", _log_outputs,
    lambda side, run_id, *models, step=0: side.ml.attach_run(run_id).log_model_outputs(*models, step=step),
    compare=False)

# ---- logged models ---------------------------------------------------------------------------------------------------


def _create_model(side, name="forest", experiment="0", run=None, tags=None, params=None, model_type=None):
    from mlflow.entities import LoggedModelParameter, LoggedModelTag
    return side.tracking.create_logged_model(experiment, name, run, _tags(tags, LoggedModelTag),
                                             _tags(params, LoggedModelParameter), model_type)


def _finalize(side, model_id, status):
    from mlflow.entities import LoggedModelStatus
    return side.tracking.finalize_logged_model(model_id, LoggedModelStatus(status))


def _set_model_tags(side, model_id, tags):
    from mlflow.entities import LoggedModelTag
    side.tracking.set_logged_model_tags(model_id, _tags(tags, LoggedModelTag))


def _log_model_params(side, model_id, params):
    from mlflow.entities import LoggedModelParameter
    side.tracking.log_logged_model_params(model_id, _tags(params, LoggedModelParameter))


create_logged_model = Operation(
    "create_logged_model", _create_model,
    lambda side, name="forest", experiment="0", run=None, tags=None, params=None, model_type=None:
        side.ml.logged_models.create(name, experiment_id=experiment, source_run=run, tags=tags, params=params,
                                     model_type=model_type),
    identity=lambda model: model["info"]["model_id"] if isinstance(model, dict) else model.model_id)
get_logged_model = Operation("get_logged_model", lambda side, id: side.tracking.get_logged_model(id),
                             lambda side, id: side.ml.logged_models.get(id))
finalize_logged_model = Operation("finalize_logged_model", _finalize,
                                  lambda side, id, status: side.ml.logged_models.finalize(id, status))
set_logged_model_tags = Operation("set_logged_model_tags", _set_model_tags,
                                  lambda side, id, tags: side.ml.logged_models.set_tags(id, tags), compare=False)
delete_logged_model_tag = Operation(
    "delete_logged_model_tag", lambda side, id, key: side.tracking.delete_logged_model_tag(id, key),
    lambda side, id, key: side.ml.logged_models.delete_tag(id, key), compare=False)
log_logged_model_params = Operation("log_logged_model_params", _log_model_params,
                                    lambda side, id, params: side.ml.logged_models.log_params(id, params),
                                    compare=False)
delete_logged_model = Operation("delete_logged_model", lambda side, id: side.tracking.delete_logged_model(id),
                                lambda side, id: side.ml.logged_models.delete(id), compare=False)

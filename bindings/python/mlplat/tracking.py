"""Tracking: experiments, runs, metrics, params and tags, in MLflow's own store."""

import sys

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Literal, SupportsFloat, SupportsIndex

    from typing_extensions import Buffer

    from .logged_models import LoggedModels

    Number = SupportsFloat | SupportsIndex
    Status = Literal["FINISHED", "FAILED", "KILLED"]
    Durability = Literal["memory", "process", "disk", "remote"]
    SpoolFull = Literal["block", "drop-oldest", "error"]
    View = Literal["active", "deleted", "all"]
    Path = str | os.PathLike[str]
    Document = str | Mapping[str, Any] | Sequence[Any] | None

FINISHED: "Status" = "FINISHED"
FAILED: "Status" = "FAILED"
KILLED: "Status" = "KILLED"


def status_after(kind: "type[BaseException] | None", value: "BaseException | None" = None) -> "Status":
    """How a run ends that an exception ends: KILLED by Ctrl-C, FINISHED by sys.exit() without complaint, or FAILED."""
    if kind is None or issubclass(kind, GeneratorExit):
        return FINISHED
    if issubclass(kind, SystemExit):
        return FINISHED if getattr(value, "code", None) in (None, 0) else FAILED
    return KILLED if issubclass(kind, KeyboardInterrupt) else FAILED


class RunData(doc.Document):
    """A run as the store has it: MLflow's document, {"info": {...}, "data": {...}}, with its parts at hand."""

    __slots__ = ()
    kind = "run"

    def __repr__(self) -> str:
        return f"<mlplat.RunData {self.name!r} {self.id} {self.status}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self["info"]["run_id"]

    @property
    def name(self) -> str:
        """The run's name."""
        return self["info"].get("run_name") or ""

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment."""
        return self["info"]["experiment_id"]

    @property
    def status(self) -> str:
        """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
        return self["info"]["status"]

    @property
    def artifact_uri(self) -> str:
        """Where its artifacts are."""
        return self["info"]["artifact_uri"]

    @property
    def metrics(self) -> "dict[str, float]":
        """The latest value of each metric."""
        return {m["key"]: float(m["value"]) for m in self["data"].get("metrics", ())}

    @property
    def params(self) -> "dict[str, str]":
        """The params."""
        return {p["key"]: p["value"] for p in self["data"].get("params", ())}

    @property
    def tags(self) -> "dict[str, str]":
        """The tags."""
        return {t["key"]: t["value"] for t in self["data"].get("tags", ())}

    @property
    def datasets(self) -> "list[dict[str, Any]]":
        """The datasets it read, each with the tags that say what for."""
        return [{**i["dataset"], "tags": {t["key"]: t["value"] for t in i.get("tags", ())}}
                for i in self.get("inputs", {}).get("dataset_inputs", ())]

    @property
    def model_outputs(self) -> "list[str]":
        """The ids of the logged models that it made."""
        return [m["model_id"] for m in self.get("outputs", {}).get("model_outputs", ())]


class Run:
    """One tracked run. End it, or use `with`, which ends it FINISHED, FAILED after an exception, KILLED after Ctrl-C.

    What is left open ends with its session, at the latest when the interpreter exits.
    """

    __slots__ = ("_h", "_session", "_ours", "_id", "_name", "_experiment_id", "_artifact_uri", "__weakref__")

    def __init__(self, handle: "Any", session: "Any", ours: bool) -> None:
        self._h = handle
        self._session = session
        self._ours = ours
        # Kept, so that they can be asked for when the run is long over and the session closed.
        self._id = _c.run_id(handle)
        self._name = _c.run_name(handle)
        self._experiment_id = _c.run_experiment_id(handle)
        self._artifact_uri = _c.run_artifact_uri(handle)
        if ours and session is not None:
            session._opened(handle)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: "type[BaseException] | None", value: "BaseException | None",
                 trace: "TracebackType | None") -> None:
        if not self._ours:
            return
        try:
            self.end(status_after(kind, value))
        except Exception as problem:
            if value is None:
                raise
            value.add_note(f"and the run did not end: {problem}")

    def __repr__(self) -> str:
        return f"<mlplat.Run {self._name!r} {self._id}>"

    def _repr_html_(self) -> "str | None":
        try:
            return self.data()._repr_html_()
        except Exception:
            return None

    @property
    def id(self) -> str:
        """The run's id, 32 hexadecimal digits (mlplat_run_id).

        It stays what it was when this handle was made. If the server did not answer then, it is the run's own id, which
        begins with 0ff11e and is good for every call, before and after delivery; session.get_run(run.id).id is the
        server's once it is delivered.
        """
        return self._id

    @property
    def name(self) -> str:
        """The run's name as it was at the start (mlplat_run_name)."""
        return self._name

    @property
    def experiment_id(self) -> str:
        """The id of the run's experiment (mlplat_run_experiment_id)."""
        return self._experiment_id

    @property
    def artifact_uri(self) -> str:
        """Where the run's artifacts are, a URI or an absolute path (mlplat_run_artifact_uri)."""
        return self._artifact_uri

    def log(self, key: str, value: "Number | Buffer | Iterable[Number]",
            step: "int | Buffer | Iterable[int] | None" = None,
            timestamp_ms: "int | Buffer | Iterable[int] | None" = None, *, _log: "Any" = _c.run_log) -> None:
        """Log one value, or a span of them of which all are accepted or none. Does not wait for the store, unless the
        durability is remote (mlplat_run_log_metric, mlplat_run_log_metric_at, mlplat_run_log_metrics).

        key: 1 to 250 characters: letters, digits, and any of _/-. : that are also a clean relative path.
        value: any number, NaN and infinities too; or a numpy array, anything with the buffer or an Arrow interface, or
        an iterable. 64-bit floats go in without a copy.
        step, timestamp_ms: for a span one per value; None: the key's next steps, and now.
        """
        _log(self._h, key, value, step, timestamp_ms)

    def log_metrics(self, metrics: "Mapping[str, Number]", step: "int | None" = None,
                    timestamp_ms: "int | None" = None, *, model_id: "str | None" = None,
                    dataset: "tuple[str, str] | None" = None) -> None:
        """Log one value of each of several metrics: all are accepted or none (mlplat_run_log_batch).

        model_id: a logged model whose metrics these are too.
        dataset: name and digest of what they were measured on; they count with a model_id.
        """
        more: "dict[str, Any]" = {}
        if model_id is not None:
            more["model_id"] = model_id
        if dataset is not None:
            more["dataset_name"], more["dataset_digest"] = dataset
        if step is not None:
            more["step"] = step.__index__()
        if timestamp_ms is not None:
            more["timestamp"] = timestamp_ms.__index__()
        items = [{"key": key, "value": doc.number(value, key), **more} for key, value in doc.items(metrics, "metrics")]
        _c.run_log_batch(self._h, doc.text({"metrics": items}))

    def log_batch(self, metrics: "Mapping[str, Number] | Sequence[Mapping[str, Any]]" = (),
                  params: "Mapping[str, Any] | None" = None, tags: "Mapping[str, Any] | None" = None) -> None:
        """Log metrics, params and tags together: all of it is checked before any of it is accepted
        (mlplat_run_log_batch). metrics: {key: value}, or [{"key", "value", "step"?, "timestamp"?, "model_id"?,
        "dataset_name"?, "dataset_digest"?}]."""
        listed: "Any" = metrics
        if hasattr(listed, "items"):
            listed = [{"key": key, "value": value} for key, value in doc.items(listed, "metrics")]
        items = [{**item, "value": doc.number(item["value"], item.get("key"))} for item in listed]
        _c.run_log_batch(self._h, doc.text({
            "metrics": items,
            "params": {key: doc.as_text(value) for key, value in doc.items(params or {}, "params")},
            "tags": {key: doc.as_text(value) for key, value in doc.items(tags or {}, "tags")}}))

    def log_param(self, key: str, value: "Any") -> None:
        """Log a param; it is in the store when this returns. The same value again is fine, another one is a Conflict
        (mlplat_run_log_param)."""
        _c.run_log_param(self._h, key, doc.as_text(value))

    def log_params(self, params: "Mapping[str, Any]") -> None:
        """Log several params: all of them or none (mlplat_run_log_batch)."""
        self.log_batch(params=params)

    def set_tag(self, key: str, value: "Any") -> None:
        """Set a tag; queued like a metric (mlplat_run_set_tag)."""
        _c.run_set_tag(self._h, key, doc.as_text(value))

    def set_tags(self, tags: "Mapping[str, Any]") -> None:
        """Set several tags: all of them or none (mlplat_run_log_batch)."""
        self.log_batch(tags=tags)

    def delete_tag(self, key: str) -> None:
        """Remove a tag; waits for the store (mlplat_run_delete_tag)."""
        _c.run_delete_tag(self._h, key)

    def log_input(self, data: "Any" = None, context: "str | None" = None, *, tags: "Mapping[str, Any] | None" = None,
                  name: "str | None" = None, digest: "str | None" = None, source: "Any" = None,
                  source_type: "str | None" = None, schema: "Any" = None, profile: "Any" = None) -> "dict[str, Any]":
        """Say that the run read a dataset; the description that was stored (mlplat_run_log_inputs).

        data: a pandas or polars DataFrame, a pyarrow Table, a numpy array, a dataset of mlflow.data: its digest,
        schema and profile are computed as far as they are MLflow's (see mlplat.datasets). None: give name and digest.
        context: what for: "training"; the tag mlflow.data.context.
        """
        from .datasets import describe, inputs
        dataset = describe(data, name=name, digest=digest, source=source, source_type=source_type, schema=schema,
                           profile=profile)
        of = dict(tags or {})
        if context is not None:
            of["mlflow.data.context"] = context
        _c.run_log_inputs(self._h, inputs([(dataset, of)]))
        return dataset

    def log_model_inputs(self, *model_ids: str) -> None:
        """Say that the run used logged models (mlplat_run_log_inputs)."""
        from .datasets import inputs
        _c.run_log_inputs(self._h, inputs(models=model_ids))

    def log_model_outputs(self, *model_ids: str, step: int = 0) -> None:
        """Say that the run made logged models (mlplat_run_log_outputs)."""
        _c.run_log_outputs(self._h, doc.text({
            "models": [{"model_id": model, "step": step.__index__()} for model in model_ids]}))

    def log_artifact(self, path: "Path", artifact_path: "str | None" = None) -> None:
        """Copy a file or a directory into the run's artifacts (mlplat_run_log_artifact).

        artifact_path: a clean relative folder to put it in; None: the top.
        """
        _c.run_log_artifact(self._h, path, artifact_path)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Write text as an artifact (mlplat_run_log_text). artifact_file: "notes/readme.md"."""
        _c.run_log_text(self._h, text, artifact_file)

    def log_dict(self, value: "Any", artifact_file: str) -> None:
        """Write a document as an artifact, as YAML if the name ends in .yaml or .yml (mlplat_run_log_dict). Dates and
        whatever else JSON does not have are written by str(), arrays of numpy as lists."""
        _c.run_log_dict(self._h, doc.lenient_text(value), artifact_file)

    def log_table(self, data: "Any", artifact_file: str) -> None:
        """Write a table as MLflow's load_table and UI read it; rows are added to what is there (mlplat_run_log_table).

        data: a data frame of pandas or polars, an Arrow table, or a dict of columns or of one row. Images in a column
        (Pillow's, MLflow's) become files, as MLflow does it.
        artifact_file: ends in .json; or in .parquet, which pandas writes.
        """
        from . import media
        text = media.table_text(data, lambda image: self._table_image(image, artifact_file))
        if artifact_file.endswith(".parquet"):
            self._log_parquet(text, artifact_file)
        else:
            _c.run_log_table(self._h, text, artifact_file)

    def _table_image(self, image: "Any", artifact_file: str) -> "dict[str, str]":
        import uuid

        from . import media
        path = f"table_images/{artifact_file.rsplit('.', 1)[0]}/{uuid.uuid4()}"
        _c.run_log_image(self._h, media.encode(image, "png"), path + ".png", None, 0, 0, b"")
        _c.run_log_image(self._h, media.small(image), path + ".webp", None, 0, 0, b"")
        return {"type": "image", "filepath": path + ".png", "compressed_filepath": path + ".webp"}

    def _log_parquet(self, text: str, artifact_file: str) -> None:
        import io

        import pandas

        from .errors import NotFound
        whole = pandas.read_json(io.StringIO(text), orient="split")
        uri = f"runs:/{self._id}/{artifact_file}"
        try:
            there = pandas.read_parquet(io.BytesIO(self._session.artifacts.read(uri)))
            whole = pandas.concat([there, whole], ignore_index=True)
        except NotFound:
            pass
        out = io.BytesIO()
        whole.to_parquet(out, index=False)
        _c.run_log_image(self._h, out.getvalue(), artifact_file, None, 0, 0, b"")
        noted = doc.loads(self.data().tags.get("mlflow.loggedArtifacts") or "[]")
        if (entry := {"path": artifact_file, "type": "table"}) not in noted:
            self.set_tag("mlflow.loggedArtifacts", doc.text([*noted, entry]))

    def log_image(self, image: "Any", artifact_file: "str | None" = None, *, key: "str | None" = None, step: int = 0,
                  timestamp_ms: int = 0) -> None:
        """Write an image as an artifact (mlplat_run_log_image).

        image: an array of numpy (height, width) or (height, width, 1, 3 or 4), whole numbers of 0 to 255 or others of
        0 to 1; an image of Pillow or MLflow; or the bytes of a file. All but bytes need Pillow.
        artifact_file: its name; or key and step, of which MLflow's UI makes a series. timestamp_ms 0: now.
        """
        from . import media
        ready = isinstance(image, (bytes, bytearray, memoryview))
        format = artifact_file.rsplit(".", 1)[-1].lower() if artifact_file and "." in artifact_file else "png"
        data = image if ready else media.encode(image, "jpeg" if format == "jpg" else format)
        small = b"" if ready or key is None else media.small(image)
        _c.run_log_image(self._h, data, artifact_file, key, step, timestamp_ms, small)

    def log_figure(self, figure: "Any", artifact_file: str, **options: "Any") -> None:
        """Write a figure of matplotlib or plotly as an artifact (mlplat_run_log_image).

        artifact_file: its ending says the format: .png, .svg, .pdf; plotly also .html.
        options: for the figure's own savefig, to_image or to_html.
        """
        from . import media
        _c.run_log_image(self._h, media.figure_bytes(figure, artifact_file, options), artifact_file, None, 0, 0, b"")

    def log_model(self, name: str = "model", *, loader_module: str, data: "Path | None" = None,
                  code: "Path | None" = None, flavors: "Document" = None, signature: "Document" = None,
                  input_example: "Document" = None, requirements: "str | Iterable[str] | None" = None,
                  python_version: "str | None" = None, metadata: "Document" = None) -> str:
        """Save a model directory as a logged model of the run; its URI, "models:/<model id>" (mlplat_run_log_model). A
        store of MLflow 2 has it as an artifact of the run, "runs:/<run id>/<name>", which finds it either way.

        name: of the logged model, without any of / : . % " and '. The others are those of `Artifacts.save_model`.
        """
        return _c.run_log_model(
            self._h, name, loader_module, data, code, doc.optional_text(flavors), doc.optional_text(signature),
            doc.optional_text(input_example), doc.lines(requirements), python_version or _python(),
            doc.optional_text(metadata))

    def end(self, status: "Status" = "FINISHED") -> None:
        """End the run: its records are stored first, then its status and end time. Of a run that this handle has ended
        already nothing is changed (mlplat_run_end)."""
        if self._ours:
            _c.run_end(self._h, status)
            self._ours = False
            if self._session is not None:
                self._session._ended(self._h)

    def data(self) -> RunData:
        """The run as it is now: status, latest metrics, params, tags (mlplat_run_get)."""
        if self._session is None:
            raise ValueError("run is closed")
        return self._session.get_run(self.id)


def _python() -> str:
    return "{}.{}.{}".format(*sys.version_info[:3])


class Experiment(doc.Document):
    """An experiment as the store has it: MLflow's document, with its parts at hand."""

    __slots__ = ()
    kind = "experiment"

    def __repr__(self) -> str:
        return f"<mlplat.Experiment {self.name!r} {self.id}>"

    @property
    def id(self) -> str:
        """The experiment's id."""
        return self["experiment_id"]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self["name"]

    @property
    def tags(self) -> "dict[str, str]":
        """The tags."""
        return {t["key"]: t["value"] for t in self.get("tags", ())}


class Experiments:
    """The experiments of a session: `ml.experiments`."""

    __slots__ = ("_session",)

    def __init__(self, session: "Tracking") -> None:
        self._session = session

    def create(self, name: str, *, artifact_location: "Path | None" = None,
               tags: "Mapping[str, Any] | None" = None) -> str:
        """Create an experiment; its id. Raises Exists if the name is taken (mlplat_experiment_create)."""
        return _c.experiment_create(
            self._session._h, name, artifact_location, doc.strings(tags))

    def ensure(self, name: str) -> str:
        """Get or create: the id of the experiment of this name, safe when many processes do it at once
        (mlplat_experiment_ensure)."""
        return _c.experiment_ensure(self._session._h, name)

    def get(self, id: str) -> Experiment:
        """An experiment by id (mlplat_experiment_get)."""
        return doc.keep_home(Experiment(doc.loads(_c.experiment_get(self._session._h, id))), self._session)

    def by_name(self, name: str) -> Experiment:
        """An experiment by name (mlplat_experiment_get_by_name)."""
        found = Experiment(doc.loads(_c.experiment_get_by_name(self._session._h, name)))
        return doc.keep_home(found, self._session)

    def search(self, filter: "str | None" = None, *, order_by: "str | Iterable[str] | None" = None,
               view: "View" = "active", max_results: int = 0,
               page_token: "str | None" = None) -> "doc.Page[Experiment]":
        """Experiments, newest first, each an Experiment (mlplat_experiment_search).

        filter: comparisons joined by AND: "name LIKE 'fraud%'", "tags.team = 'risk'", "creation_time > 1700000000000".
        order_by: a key or several: "name ASC".
        max_results: of one page, 1 to 50,000; 0: 1,000. The result's next_page_token asks for the next one.
        """
        return doc.page(
            _c.experiment_search(self._session._h, filter, doc.joined(order_by, "order_by"), view, max_results, page_token),
            "experiments", Experiment, self._session)

    def rename(self, id: str, new_name: str) -> None:
        """Give an experiment another name (mlplat_experiment_rename)."""
        _c.experiment_rename(self._session._h, id, new_name)

    def delete(self, id: str) -> None:
        """Mark an experiment and its runs deleted (mlplat_experiment_delete)."""
        _c.experiment_delete(self._session._h, id)

    def restore(self, id: str) -> None:
        """Bring a deleted experiment and the runs deleted with it back (mlplat_experiment_restore)."""
        _c.experiment_restore(self._session._h, id)

    def set_tag(self, id: str, key: str, value: "Any") -> None:
        """Set a tag of an experiment (mlplat_experiment_set_tag)."""
        _c.experiment_set_tag(self._session._h, id, key, doc.as_text(value))

    def delete_tag(self, id: str, key: str) -> None:
        """Remove a tag of an experiment (mlplat_experiment_delete_tag)."""
        _c.experiment_delete_tag(self._session._h, id, key)


class Tracking:
    """What a session does for runs."""

    __slots__ = ()
    _h: "Any"

    def run(self, name: "str | None" = None, *, params: "Mapping[str, Any] | None" = None,
            tags: "Mapping[str, Any] | None" = None, experiment: "str | None" = None,
            experiment_id: "str | None" = None, parent: "Run | str | None" = None, description: "str | None" = None,
            durability: "Durability | None" = None, start_time_ms: int = 0,
            source_name: "str | None" = None) -> Run:
        """Start a run; it is in the store when this returns (mlplat_run_start).

        name: None: MLFLOW_RUN_NAME, else generated.
        experiment: its name, created if it is not there; None: experiment_id, MLFLOW_EXPERIMENT_NAME, "Default".
        parent: a run or its id, which makes this a nested run.
        durability: what logging waits for: "memory", "process", "disk" or "remote"; None: as the session.
        source_name: None: the script.
        """
        handle = _c.run_start(self._h, experiment, experiment_id, name, _id(parent), description, doc.strings(tags),
                              source_name or (sys.argv[0] if sys.argv and sys.argv[0] else None), start_time_ms,
                              durability)
        if durability is not None:
            _c.run_set_waits(handle, handle, durability in ("disk", "remote"))
        run = Run(handle, self, True)
        if params:
            try:
                run.log_params(params)
            except BaseException:
                run.end("FAILED")
                raise
        return run

    def resume_run(self, run_id: str) -> Run:
        """Go on with a run, of this process or another; its status becomes RUNNING again (mlplat_run_resume)."""
        return Run(_c.run_resume(self._h, run_id), self, True)

    def attach_run(self, run_id: str) -> Run:
        """Log to a run without changing its status, as a second process of one training does (mlplat_run_attach)."""
        return Run(_c.run_attach(self._h, run_id), self, False)

    def get_run(self, run_id: str) -> RunData:
        """A run with its latest metrics, params and tags (mlplat_run_get)."""
        return doc.keep_home(RunData(doc.loads(_c.run_get(self._h, run_id))), self)

    def search_runs(self, filter: "str | None" = None, *, experiment: "str | None" = None,
                    experiment_ids: "str | Iterable[str] | None" = None,
                    order_by: "str | Iterable[str] | None" = None,
                    view: "View" = "active", max_results: int = 0,
                    page_token: "str | None" = None) -> "doc.Page[RunData]":
        """Runs, newest first, each a RunData (mlplat_run_search).

        filter: comparisons joined by AND: "metrics.loss < 0.5", "params.depth = '6'", "tags.team LIKE 'a%'".
        experiment: its name; or experiment_ids; None: all active experiments.
        order_by: a key or several: "metrics.loss ASC", ["params.depth", "start_time DESC"].
        max_results: of one page, 1 to 50,000; 0: 1,000. The result's next_page_token asks for the next one.
        """
        if experiment is not None:
            experiment_ids = doc.loads(_c.experiment_get_by_name(self._h, experiment))["experiment_id"]
        return doc.page(_c.run_search(self._h, doc.joined(experiment_ids, "experiment_ids"), filter, doc.joined(order_by, "order_by"), view,
                                      max_results, page_token), "runs", RunData, self)

    def update_run(self, run_id: str, *, name: "str | None" = None,
                   status: "Status | Literal['RUNNING', 'SCHEDULED'] | None" = None, end_time_ms: int = 0) -> None:
        """Change name, status and end time of a run; what is not given stays (mlplat_run_update)."""
        _c.run_update(self._h, run_id, name, status, end_time_ms)

    def delete_run(self, run_id: str) -> None:
        """Mark a run deleted (mlplat_run_delete)."""
        _c.run_delete(self._h, run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back (mlplat_run_restore)."""
        _c.run_restore(self._h, run_id)

    def metric_history(self, run: "Run | RunData | str", key: str, *, since_ms: "int | None" = None, max_results: int = 0,
                       page_token: "str | None" = None) -> "doc.Page[dict[str, Any]]":
        """All points of a metric in the order (timestamp, step, value), each {"key", "value", "timestamp", "step"};
        max_results 0: all; since_ms: those of this time and later (mlplat_metric_history,
        mlplat_metric_history_since)."""
        found = (_c.metric_history(self._h, _id(run), key, max_results, page_token) if since_ms is None else
                 _c.metric_history_since(self._h, _id(run), key, since_ms, max_results, page_token))
        points = doc.page(found, "metrics", dict)
        for point in points:
            point["value"] = float(point["value"])
        return points

    def metric_history_bulk(self, runs: "Iterable[Run | str]", key: str, *,
                            max_results: int = 0) -> "list[dict[str, Any]]":
        """All points of one metric of several runs, by run id, then in the order (timestamp, step, value), each
        {"run_id", "key", "value", "timestamp", "step"}; max_results 0: all (mlplat_metric_history_bulk)."""
        ids = ",".join(run if isinstance(run, str) else run.id for run in runs)
        points: "list[dict[str, Any]]" = doc.loads(
            _c.metric_history_bulk(self._h, ids, key, max_results))["metrics"]
        for point in points:
            point["value"] = float(point["value"])
        return points

    def metric_sample(self, run: "Run | str", key: str, buckets: int = 0, *,
                      axis: "Literal['step', 'time']" = "step") -> "dict[str, Any]":
        """A metric's history decimated for plots, exact over all points (mlplat_metric_sample): {"count", "nan", "low",
        "high", "buckets": [{"start", "count", "nan", "min", "max", "last"}], ...}, where min, max and last are
        {"value", "step", "timestamp"}.

        buckets: at most so many, to 100,000; 0: 1,000. Those without points are left out.
        axis: what they divide evenly. NaN is never min or max, and those are left out if there is nothing else.
        """
        sample: "dict[str, Any]" = doc.loads(_c.metric_sample(self._h, _id(run), key, buckets, axis))
        for bucket in sample["buckets"]:
            for name in ("min", "max", "last"):
                if name in bucket:
                    bucket[name]["value"] = float(bucket[name]["value"])
        return sample

    @property
    def experiments(self) -> Experiments:
        """The experiments."""
        return Experiments(self)

    @property
    def logged_models(self) -> "LoggedModels":
        """MLflow 3's logged models."""
        from .logged_models import LoggedModels
        return LoggedModels(self)

    def spool_count(self) -> "dict[str, int]":
        """This session's counts of records: accepted, durable at the level asked for, stored, dead
        (mlplat_spool_count)."""
        return dict(zip(("accepted", "durable", "stored", "dead"), _c.spool_count(self._h)))

    def spool_status(self) -> "dict[str, Any]":
        """Every journal of the store, and its dead letters; nothing is stored by it (mlplat_spool_status)."""
        return doc.loads(_c.spool_status(self._h))

    def spool_prometheus(self) -> str:
        """The counts of the spool as text for Prometheus (mlplat_spool_prometheus)."""
        return _c.spool_prometheus(self._h)

    def spool_inspect(self, what: "str | None" = None, *, run_id: "str | None" = None,
                      max_results: int = 0) -> "dict[str, Any]":
        """Records one by one: "dead" (set aside), "waiting", or both (mlplat_spool_inspect)."""
        return doc.loads(_c.spool_inspect(self._h, what, run_id, max_results))

    def spool_drop(self, what: str, *, run_id: "str | None" = None, dry_run: bool = False) -> "dict[str, Any]":
        """Throw away for good: "dead" (refused by the store), "waiting" (left by ended programs) or "damaged"
        (mlplat_spool_drop)."""
        return doc.loads(_c.spool_drop(self._h, what, run_id, int(dry_run)))

    def spool_sync(self) -> "dict[str, Any]":
        """Store what dead processes left behind (mlplat_spool_sync)."""
        return doc.loads(_c.spool_sync(self._h))

    def spool_retry(self) -> "dict[str, Any]":
        """Try the dead letters again (mlplat_spool_retry)."""
        return doc.loads(_c.spool_retry(self._h))


def _id(run: "Run | RunData | str | None") -> "str | None":
    return run.id if isinstance(run, (Run, RunData)) else run

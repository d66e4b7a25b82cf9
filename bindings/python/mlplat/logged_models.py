"""Logged models: MLflow 3's models of an experiment, with params, tags, metrics and files of their own."""

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    from .tracking import Run, Tracking


class LoggedModel(dict[str, "Any"]):
    """A logged model as the store has it: MLflow's document, {"info": {...}, "data": {...}}, with its parts at hand."""

    def __repr__(self) -> str:
        return f"<mlplat.LoggedModel {self.name!r} {self.id} {self.status}>"

    @property
    def id(self) -> str:
        """Its id, m-..."""
        return self["info"]["model_id"]

    @property
    def name(self) -> str:
        """Its name."""
        return self["info"]["name"]

    @property
    def uri(self) -> str:
        """models:/<id>, as mlflow.pyfunc.load_model and the registry take it."""
        return "models:/" + self.id

    @property
    def experiment_id(self) -> str:
        """The id of its experiment."""
        return self["info"]["experiment_id"]

    @property
    def status(self) -> str:
        """PENDING, READY or FAILED."""
        return {"LOGGED_MODEL_PENDING": "PENDING", "LOGGED_MODEL_READY": "READY",
                "LOGGED_MODEL_UPLOAD_FAILED": "FAILED"}.get(self["info"]["status"], "UNSPECIFIED")

    @property
    def source_run_id(self) -> "str | None":
        """The run that made it."""
        return self["info"].get("source_run_id")

    @property
    def artifact_uri(self) -> str:
        """Where its files are."""
        return self["info"]["artifact_uri"]

    @property
    def params(self) -> "dict[str, str]":
        """The params."""
        return {p["key"]: p["value"] for p in self["data"].get("params", ())}

    @property
    def tags(self) -> "dict[str, str]":
        """The tags."""
        return {t["key"]: t["value"] for t in self["info"].get("tags", ())}

    @property
    def metrics(self) -> "list[dict[str, Any]]":
        """All its points: key, value, timestamp, step, run_id and, if given, dataset_name and dataset_digest."""
        return [{**m, "value": float(m["value"])} for m in self["data"].get("metrics", ())]


class LoggedModels:
    """The logged models of a session: `ml.logged_models`. A store of MLflow 2 has none: Unsupported."""

    __slots__ = ("_session",)

    def __init__(self, session: "Tracking") -> None:
        self._session = session

    def create(self, name: "str | None" = None, *, experiment_id: "str | None" = None,
               model_type: "str | None" = None, source_run: "Run | str | None" = None,
               params: "Mapping[str, Any] | None" = None, tags: "Mapping[str, Any] | None" = None) -> LoggedModel:
        """Create a logged model, PENDING until `finalize` (mlplat_logged_model_create).

        name: without any of / : . % " and \'; None: generated.
        experiment_id: None: that of source_run, else the configured one, else "0".
        model_type: any word to search by: "agent".
        source_run: the run that makes it, or its id.
        """
        return LoggedModel(doc.loads(_c.logged_model_create(
            self._session._h, experiment_id, name, model_type, getattr(source_run, "id", source_run),
            doc.strings(params), doc.strings(tags))))

    def search(self, filter: "str | None" = None, *, experiment: "str | None" = None,
               experiment_ids: "str | Iterable[str] | None" = None,
               datasets: "Iterable[Mapping[str, str]] | None" = None,
               order_by: "str | Iterable[str | Mapping[str, Any]] | None" = None, max_results: int = 0,
               page_token: "str | None" = None) -> "doc.Page[LoggedModel]":
        """Logged models, newest first, each a LoggedModel (mlplat_logged_model_search).

        filter: comparisons joined by AND: "metrics.auc > 0.9", "params.depth = '6'", "name LIKE 'fraud%'".
        experiment: its name; or experiment_ids; None: all active experiments.
        datasets: only metrics on these count: [{"dataset_name": "train", "dataset_digest": "..."}], digests optional.
        order_by: a key or several: "metrics.auc DESC"; with a dataset as MLflow has it: [{"field_name": "metrics.auc",
        "ascending": False, "dataset_name": "test"}].
        max_results: of one page; 0: 100. The result's next_page_token asks for the next one, with the same arguments.
        """
        if experiment is not None:
            experiment_ids = self._session.experiments.by_name(experiment)["experiment_id"]
        if order_by is not None and not isinstance(order_by, str):
            keys = list(order_by)
            plain = all(isinstance(key, str) for key in keys)
            order_by = doc.joined(keys, "order_by") if plain else doc.text(keys)  # type: ignore[arg-type]
        return doc.page(
            _c.logged_model_search(self._session._h, doc.joined(experiment_ids, "experiment_ids"), filter,
                                   None if datasets is None else doc.text(list(datasets)), order_by, max_results,
                                   page_token), "models", LoggedModel)

    def get(self, model_id: str) -> LoggedModel:
        """A logged model that is not deleted (mlplat_logged_model_get)."""
        return LoggedModel(doc.loads(_c.logged_model_get(self._session._h, model_id)))

    def finalize(self, model_id: str, status: "Literal['READY', 'FAILED']" = "READY") -> LoggedModel:
        """Say that its files are whole, or not (mlplat_logged_model_finalize)."""
        return LoggedModel(doc.loads(_c.logged_model_finalize(self._session._h, model_id, status)))

    def set_tags(self, model_id: str, tags: "Mapping[str, Any]") -> None:
        """Set tags: all of them or none (mlplat_logged_model_set_tags)."""
        _c.logged_model_set_tags(self._session._h, model_id, doc.strings(tags))

    def delete_tag(self, model_id: str, key: str) -> None:
        """Remove a tag (mlplat_logged_model_delete_tag)."""
        _c.logged_model_delete_tag(self._session._h, model_id, key)

    def log_params(self, model_id: str, params: "Mapping[str, Any]") -> None:
        """Add params: all of them or none; Exists if it has one of them already (mlplat_logged_model_log_params)."""
        _c.logged_model_log_params(self._session._h, model_id, doc.strings(params))

    def delete(self, model_id: str) -> None:
        """Mark it deleted; its files stay (mlplat_logged_model_delete)."""
        _c.logged_model_delete(self._session._h, model_id)

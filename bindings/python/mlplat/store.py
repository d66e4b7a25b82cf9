"""The store as a whole: made, looked after, taken along."""

import sys
from os import listdir

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from .display import Hook, following
    from .session import Session
    from .tracking import Path


def _following(progress: "Hook", what: str) -> "following":
    from .display import following
    return following(progress, what)


def _texts(names: "Iterable[str] | str | None") -> "str | None":
    return None if names is None else doc.text([names] if isinstance(names, str) else list(names))


def installed_mlflow() -> "str | None":
    """The version of the MLflow that `import mlflow` would find, told by its metadata's folder; None: there is none."""
    for folder in sys.path:
        try:
            names = listdir(folder or ".")
        except OSError:
            continue
        for package in ("mlflow-", "mlflow_skinny-"):
            for name in names:
                if name.startswith(package) and name.endswith(".dist-info"):
                    return name[len(package):-len(".dist-info")]
    return None


def heads() -> "list[dict[str, str | None]]":
    """The heads of MLflow's schema that are known, oldest first: {"head", "mlflow": its first release, None: none}
    (mlplat_store_heads)."""
    known: "list[dict[str, str | None]]" = doc.loads(_c.store_heads())["heads"]
    return known


class Store:
    """The store of a session: `ml.store`."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self, mlflow: "str | None" = None) -> "dict[str, Any]":
        """Create the store that the tracking URI names, if it is not there (mlplat_store_create).

        mlflow: the MLflow that it is made for, such as "2.14.0", or a head; None: the session's mlflow_version, else
        the MLflow that is installed beside this Python, else the newest known.
        """
        return doc.loads(_c.store_create(self._session._h, mlflow))

    def upgrade(self, to: "str | None" = None) -> "dict[str, Any]":
        """Move the store to the head of a newer MLflow, all or nothing (mlplat_store_upgrade).

        to: as for create(). Returns {"path", "from", "head", "changed", ...}.
        """
        return doc.loads(_c.store_upgrade(self._session._h, to))

    def check(self, *, repair: bool = False, progress: "Hook" = None) -> "dict[str, Any]":
        """Is the store whole? (mlplat_store_check)

        repair: put right what can be derived: latest values of metrics, tags mlflow.runName.
        Returns {"ok", "path", "head", "findings": [{"check", "severity", "what", "count", "example"?, "repaired"}]}.
        """
        with _following(progress, "checks") as hook:
            return doc.loads(_c.store_check(self._session._h, repair, hook))

    def backup(self, path: "Path", *, artifacts: bool = False,
               progress: "Hook" = None) -> "dict[str, Any]":
        """Copy the store's file to a new one, while others write: one consistent snapshot (mlplat_store_backup).

        artifacts: also the artifact root, into the folder "<path>.artifacts".
        Returns {"path", "size", "head", "files", "bytes", "artifacts"?}.
        """
        with _following(progress, "bytes") as hook:
            return doc.loads(_c.store_backup(self._session._h, path, artifacts, hook))

    def gc(self, *, older_than: "str | None" = None, runs: "Iterable[str] | str | None" = None,
           experiments: "Iterable[str] | str | None" = None, models: "Iterable[str] | str | None" = None,
           orphans: bool = False, dry_run: bool = False, progress: "Hook" = None) -> "dict[str, Any]":
        """Remove for good what was deleted, with its artifacts, as `mlflow gc` does (mlplat_store_gc).

        older_than: deleted at least so long ago: "30d", "2d8h5m20s".
        runs, experiments, models: ids: these alone. Nothing named: all that is deleted.
        orphans: also artifact folders in the store's folder that no run or logged model has, of this store or of
            another one beside it, an hour old or older_than; what lies elsewhere is told under "kept".
        dry_run: only tell.
        Returns {"dry_run", "runs", "experiments", "logged_models", "orphans", "kept": [{"id", "why"}]}.
        """
        with _following(progress, "removed") as hook:
            return doc.loads(_c.store_gc(self._session._h, older_than, _texts(runs), _texts(experiments), _texts(models),
                                         orphans, dry_run, hook))

    def export_to(self, path: "Path", *, experiments: "Iterable[str] | str | None" = None,
                  runs: "Iterable[str] | str | None" = None, filter: "str | None" = None,
                  models: "Iterable[str] | str | None" = None, artifacts: bool = True,
                  progress: "Hook" = None) -> "dict[str, Any]":
        """Export to a new folder, an archive that import_from() reads (mlplat_export). Nothing named: everything.

        experiments: names: all that is in them; with a filter: where to search.
        runs: run ids. filter: runs that match, as search_runs(), deleted ones too.
        models: names of registered models, each with all versions and aliases.
        artifacts: False: rows alone, which keep the places where the artifacts are now.
        progress: called with (bytes so far, 0); False cancels.
        Returns {"path", "files", "size", "raw_size", "counts": {table: rows}}.
        """
        with _following(progress, "bytes") as hook:
            return doc.loads(_c.store_export(self._session._h, path, _texts(experiments), _texts(runs), filter,
                                             _texts(models), not artifacts, hook))

    def import_from(self, path: "Path", *, on_conflict: "Literal['fail', 'keep', 'replace']" = "fail",
                    dry_run: bool = False, max_bytes: int = 0,
                    progress: "Hook" = None) -> "dict[str, Any]":
        """Import an archive: all of it is checked first; what is there and equal is left alone (mlplat_import).

        on_conflict: what is there and differs: "fail" (Conflict, and nothing is changed), "keep" it, or "replace" it.
        dry_run: only check, and tell what would be done.
        max_bytes: most that the archive may hold uncompressed; 0: 1 TiB.
        progress: called with (bytes so far, bytes in all); False cancels: doing it again goes on.
        Returns {"path", "dry_run", "artifacts", and for "experiments", "runs", "logged_models", "registered_models",
        "model_versions" each {"imported", "same", "kept", "replaced"}}.
        """
        with _following(progress, "bytes") as hook:
            return doc.loads(_c.store_import(self._session._h, path, on_conflict, dry_run, max_bytes, hook))

"""The session: one object for everything, opened with URIs."""

import atexit
import sys
from _weakref import ref
from os import getpid

from . import _c, doc
from .tracking import FAILED, FINISHED, KILLED, Tracking, status_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any

    from .artifacts import Artifacts
    from .display import Axis, Comparison, Hook, Keys, Plot, Points, Runs
    from .pipelines import Pipeline, PipelineRun
    from .registry import Prompts, Registry, Webhooks
    from .store import Store
    from .tracking import Durability, Path, SpoolFull

# Sessions of this process, for the end of it; those with open runs are held, so that dropping them loses no run.
_live: "dict[int, ref[Session]]" = {}
_held: "dict[int, Session]" = {}


class Session(Tracking):
    """Tracking, registry, artifacts and pipelines of one store. Close it, or use `with`.

    Any number of threads may use it. After a fork the child opens its own: an inherited one raises State.
    """

    __slots__ = ("_h", "_runs", "_pid", "__weakref__")

    def __init__(self, tracking_uri: "str | None" = None, *, registry_uri: "str | None" = None,
                 mirror_uri: "str | None" = None, artifact_root: "Path | None" = None, spool_dir: "Path | None" = None,
                 durability: "Durability | None" = None, profile: "str | None" = None,
                 config_file: "Path | None" = None, mlflow_version: "str | None" = None,
                 spool_quota: "int | None" = None, spool_full: "SpoolFull | None" = None,
                 spool_rate: "int | None" = None, close_timeout: "float | None" = None,
                 progress: "Callable[[int, int], object] | None" = None,
                 log: "Callable[[int, str], object] | None" = None) -> None:
        """See mlplat.open()."""
        self._h = None
        self._runs: "dict[int, Any]" = {}
        self._pid = getpid()
        self._h = _c.session_open(tracking_uri, registry_uri, artifact_root, spool_dir, durability, profile,
                                  config_file, mlflow_version, spool_full, spool_quota or 0, spool_rate or 0,
                                  0 if close_timeout is None else int(close_timeout * 1000) or 1, mirror_uri,
                                  progress, log)
        me = id(self)
        _live[me] = ref(self, lambda _, me=me, live=_live: live.pop(me, None))  # type: ignore[misc]

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: "type[BaseException] | None", value: "BaseException | None",
                 trace: "TracebackType | None") -> None:
        try:
            self._finish(status_after(kind, value))
        except Exception as problem:
            if value is None:
                raise
            value.add_note(f"and the session did not close: {problem}")

    def __repr__(self) -> str:
        return "<mlplat.Session, closed>" if self._h is None else f"<mlplat.Session {len(self._runs)} open runs>"

    def close(self) -> None:
        """End the runs that are still open FINISHED, store what was accepted, and close (mlplat_close). Again is fine.

        What cannot be stored stays in the spool, and a warning in the log says so.
        """
        self._finish(FINISHED)

    def flush(self, timeout: "float | None" = None) -> None:
        """Wait until everything accepted so far is in its store; timeout in seconds, None: no limit (mlplat_flush)."""
        _c.flush(self._h, -1 if timeout is None else int(timeout * 1000))

    def config(self) -> "dict[str, Any]":
        """Every setting, its value and who set it; secrets are replaced by *** (mlplat_config)."""
        return doc.loads(_c.config(self._h))

    @property
    def registry(self) -> "Registry":
        """Registered models, their versions and aliases."""
        from .registry import Registry
        return Registry(self)

    @property
    def store(self) -> "Store":
        """The store as a whole."""
        from .store import Store
        return Store(self)

    @property
    def prompts(self) -> "Prompts":
        """Prompts and their versions."""
        from .registry import Prompts
        return Prompts(self)

    @property
    def webhooks(self) -> "Webhooks":
        """Webhooks of an MLflow server."""
        from .registry import Webhooks
        return Webhooks(self)

    @property
    def artifacts(self) -> "Artifacts":
        """Files and directories at URIs."""
        from .artifacts import Artifacts
        return Artifacts(self)

    def run_pipeline(self, pipeline: "Pipeline | Mapping[str, Any] | str", params: "Mapping[str, Any] | None" = None, *,
                     root: "Path | None" = None, experiment: "str | None" = None, run_name: "str | None" = None,
                     workers: int = 0, keep_going: bool = False,
                     progress: "Hook" = None) -> "PipelineRun":
        """Run a pipeline on this host: a parent run with a child run per task (mlplat_pipeline_run).

        pipeline: a Pipeline, its compiled document, or KFP's YAML text.
        params: its inputs.
        root: folder for work files, logs and artifacts; None: MLPLAT_PIPELINE_ROOT, else beside the store.
        workers: tasks at once; 0: as many as there are processors.
        keep_going: after a failure still run what does not depend on it.
        progress: called with (tasks done, tasks in all), False stops the pipeline; None: a line while it lasts, where
        somebody sees it; False: none.
        Returns {"run_id", "state", "root", "tasks": [...], ...}; a failed task raises State, with the same as JSON text
        in its `document`.
        """
        from .display import following
        from .pipelines import PipelineRun, ir_text
        with following(progress, "tasks") as hook:
            return PipelineRun(doc.loads(_c.pipeline_run(
                self._h, ir_text(pipeline), None if params is None else doc.text(params), root, experiment, run_name,
                workers, keep_going, hook)))

    def plot(self, runs: "Runs", keys: "Keys", *, title: "str | None" = None, x_label: "str | None" = None,
             y_label: "str | None" = None, width: int = 0, height: int = 0, x: "Axis" = "step", log_y: bool = False,
             smoothing: float = 0.0, progress: "Hook" = None) -> "Plot":
        """Draw metrics of runs as SVG, a line per run and key; no spike is lost, however many points there are
        (mlplat_metric_plot).

        runs: a run, its id, what search_runs() gave, or several of these. keys: a metric or several.
        x: "step", "elapsed" (time since each run's first point) or "clock".
        log_y: a logarithmic y axis.
        smoothing: 0 to 0.999: the weight of the past in a running mean, drawn over the pale values.
        progress: called with (points read, points in all or 0), False cancels; None: a line while it lasts; False: none.
        """
        from .display import plot_metrics
        return plot_metrics(self, runs, keys, title=title, x_label=x_label, y_label=y_label, width=width, height=height,
                            x=x, log_y=log_y, smoothing=smoothing, progress=progress)

    def compare(self, runs: "Runs", keys: "Keys | None" = None) -> "Comparison":
        """Runs side by side: metrics with the best of each, the params that differ, plots; for a notebook, and as HTML
        by html() (mlplat_run_compare_html). keys: the metrics to plot; None: what two of them have."""
        from .display import compare
        return compare(self, runs, keys)

    def points(self, runs: "Runs", keys: "Keys", *, progress: "Hook" = None) -> "Points":
        """Every point of metrics of runs as a table: run_id, key, step, timestamp, value (mlplat_metric_arrow).

        pandas, polars, pyarrow and duckdb read what this gives as it is; it has to_pandas(), to_polars() and to_arrow(),
        too. metric_history() has the points of one run and metric as documents.
        """
        from .display import Points
        return Points(self, runs, keys, progress)

    def _lend(self, handle: "Any") -> None:
        """Be a session that somebody else closes."""
        self._h, self._runs, self._pid = handle, {}, getpid()

    def _opened(self, handle: "Any") -> None:
        self._runs[id(handle)] = handle
        _held[id(self)] = self

    def _ended(self, handle: "Any") -> None:
        self._runs.pop(id(handle), None)
        if not self._runs:
            _held.pop(id(self), None)

    def _finish(self, status: str) -> None:
        """End the open runs with this status, and close. In a forked child only memory is freed."""
        problem = None
        for handle in list(self._runs.values()):
            try:
                if self._pid == getpid():
                    _c.run_end(handle, status)
            except Exception as error:  # the others end all the same; the first reason is told
                problem = problem or error
            self._ended(handle)
        if self._h is not None:
            _c.handle_close(self._h)
            self._h = None
        _live.pop(id(self), None)
        if problem is not None:
            raise problem


def open(tracking_uri: "str | None" = None, *, registry_uri: "str | None" = None, mirror_uri: "str | None" = None,
         artifact_root: "Path | None" = None, spool_dir: "Path | None" = None, durability: "Durability | None" = None,
         profile: "str | None" = None, config_file: "Path | None" = None, mlflow_version: "str | None" = None,
         spool_quota: "int | None" = None, spool_full: "SpoolFull | None" = None, spool_rate: "int | None" = None,
         close_timeout: "float | None" = None,
         progress: "Callable[[int, int], object] | None" = None,
         log: "Callable[[int, str], object] | None" = None) -> Session:
    """Open a session (mlplat_open). What is None comes from the environment, the profile file, or the default.

    tracking_uri: MLPLAT_TRACKING_URI, MLFLOW_TRACKING_URI; default "sqlite:///mlflow.db".
    registry_uri: MLPLAT_REGISTRY_URI, MLFLOW_REGISTRY_URI; default: the tracking URI.
    mirror_uri: MLPLAT_MIRROR_URI: a second store that is given what is logged as well, such as "sqlite:///copy.db";
    default: none.
    artifact_root: MLPLAT_ARTIFACT_ROOT: where new experiments keep artifacts; default: mlruns beside the SQLite file.
    spool_dir: MLPLAT_SPOOL; default: the store's path with ".spool" appended.
    durability: MLPLAT_DURABILITY: what logging waits for: "memory", "process" (default), "disk" or "remote".
    profile, config_file: MLPLAT_PROFILE, MLPLAT_CONFIG: the profile to read, and where from.
    mlflow_version: MLPLAT_MLFLOW_VERSION: a store that has to be made is made for this MLflow, such as "2.14.0", or at
    this head; default: for the MLflow that is installed beside this Python, else the newest known.
    spool_quota: MLPLAT_SPOOL_QUOTA: bytes of files that may wait for the store; default 1 GiB, -1: any.
    spool_full: MLPLAT_SPOOL_FULL: what a call does that finds them used up: "block" (default), "drop-oldest", "error".
    spool_rate: MLPLAT_SPOOL_RATE: records a second that a server is given at most; default -1: any.
    close_timeout: MLPLAT_CLOSE_TIMEOUT_MS: seconds that closing waits for a server; default 5, -1: no limit.
    progress: called with (done, total) by calls that wait, at least every 100 ms; False cancels them.
    log: called with (level, line), levels as in `logging`: logging.getLogger("mlplat").log will do. Python's main
    thread makes the call. None: warnings and errors go to stderr.
    """
    return Session(tracking_uri, registry_uri=registry_uri, mirror_uri=mirror_uri, artifact_root=artifact_root,
                   spool_dir=spool_dir, durability=durability, profile=profile, config_file=config_file,
                   mlflow_version=mlflow_version,
                   spool_quota=spool_quota, spool_full=spool_full, spool_rate=spool_rate, close_timeout=close_timeout,
                   progress=progress, log=log)


def _interactive() -> bool:
    """A prompt or a notebook, where an exception does not end the program."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "ipykernel" in sys.modules


@atexit.register
def _at_exit() -> None:
    """Nothing is left RUNNING by a normal exit: FINISHED, FAILED if an exception ended the program, KILLED if it was
    Ctrl-C. At a prompt and in a notebook FINISHED, whatever failed on the way."""
    kind = None if _interactive() else getattr(sys, "last_type", None)
    status = KILLED if kind is KeyboardInterrupt else FAILED if kind else FINISHED
    for session in [reference() for reference in list(_live.values())]:
        if session is None or session._pid != getpid():
            continue
        try:
            session._finish(status)
        except BaseException as problem:
            print(f"mlplat: at exit: {problem}", file=sys.stderr)

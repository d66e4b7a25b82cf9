"""Display: what a notebook shows. HTML of documents, plots of metrics as SVG, tables for pandas, polars, pyarrow, duckdb.

    run                                     # a run, an experiment, a page of runs, ... as the last line of a cell
    ml.plot(runs, "loss", log_y=True)       # SVG made by the library: no matplotlib
    ml.compare(runs)                        # side by side, with what differs
    ml.search_runs().to_pandas()            # runs as a table
    ml.points(runs, "loss").to_polars()     # every point of a metric, without a document a point

Nothing but the library is imported, until a method that names another package is called.
"""

import sys

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Literal, TypeAlias

    from .session import Session
    from .tracking import Path, Run, RunData

    Axis = Literal["step", "elapsed", "clock"]
    Runs: TypeAlias = Run | RunData | str | Iterable[Run | RunData | str]
    Keys: TypeAlias = str | Iterable[str]
    Hook: TypeAlias = Callable[[int, int], object] | bool | None

# Which function of the library shows which document, and whether it can ask the session for more.
_pages = {"run": (_c.run_html, True), "experiment": (_c.experiment_html, True), "runs": (_c.run_search_html, False),
          "model_version": (_c.model_version_html, True), "pipeline_run": (_c.pipeline_run_html, False)}


def html(value: "Any", session: "Session | None" = None) -> str:
    """The HTML of a document that the library handed out: a run, an experiment, a page of runs, a model version, the
    result of a pipeline run (mlplat_run_html, mlplat_experiment_html, mlplat_run_search_html,
    mlplat_model_version_html, mlplat_pipeline_run_html).

    session: where sparklines, latest runs and signatures come from; None: the one that the document came from, as long
    as it is open.
    """
    kind = getattr(value, "kind", "")
    if kind not in _pages:
        raise TypeError(f"type {type(value).__name__} has no HTML: give a run, an experiment, a page of runs, a model "
                        "version or the result of a pipeline run")
    render, asks = _pages[kind]
    text = value.text() if hasattr(value, "text") else doc.text(value)
    if not asks:
        return render(text)
    return render((session or doc.home(value))._h if session or doc.home(value) else None, text)


def lazily(value: "Any") -> "str | None":
    """The HTML of a value for a notebook, without what cannot be had now; None: its text is shown instead."""
    for session in (doc.home(value), _closed):
        try:
            return html(value, session or _closed)
        except Exception:
            continue
    return None


class _Closed:
    """A session that is not there."""

    _h = None


_closed: "Any" = _Closed()


def run_ids(runs: "Runs") -> str:
    """Ids of runs joined by commas, of a run, a document, an id, or many of these."""
    if isinstance(runs, str):
        return runs
    if hasattr(runs, "id"):
        return str(runs.id)
    ids = [run if isinstance(run, str) else run.id for run in runs]
    if not ids:
        raise ValueError("no runs are given: an empty list, or a search that found none")
    return ",".join(ids)


# ---- plots ------------------------------------------------------------------------------------------------------------

class Plot:
    """A plot: SVG, as text and as what a notebook shows."""

    __slots__ = ("svg",)

    def __init__(self, svg: str) -> None:
        self.svg: str = svg
        """The <svg> element, fit for a page and for a file of its own."""

    def _repr_html_(self) -> str:
        return f'<div class="mlplat" style="max-width:100%;overflow-x:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"<mlplat.Plot, {len(self.svg)} bytes of SVG>"

    def save(self, path: "Path") -> None:
        """Write the SVG to a file."""
        with open(path, "w", encoding="ascii") as file:
            file.write(self.svg)


def plot(lines: "Mapping[str, Any] | Sequence[Any]", *, title: "str | None" = None, x_label: "str | None" = None,
         y_label: "str | None" = None, width: int = 0, height: int = 0, x: "Axis" = "step", log_y: bool = False,
         smoothing: float = 0.0, progress: "Hook" = None) -> Plot:
    """Draw lines of numbers (mlplat_plot).

    lines: {name: y} or {name: (x, y)}, or one y; x and y are numpy arrays, lists, or anything that Run.log() takes. A
    NaN is a gap, an infinity a mark at the edge.
    x: what x is: "step" (plain numbers), "elapsed" (milliseconds, from the first) or "clock" (milliseconds since 1970).
    log_y: a logarithmic y axis.
    smoothing: 0 to 0.999: the weight of the past in a running mean, drawn over the pale values.
    progress: called with (points done, points in all), False cancels; None: a line while it lasts, False: none.
    """
    named: "Any" = lines.items() if hasattr(lines, "items") else [(None, lines)]
    series = [(name, *line) if isinstance(line, tuple) and len(line) == 2 else (name, None, line)
              for name, line in named]
    with following(progress, "plot") as hook:
        return Plot(_c.lines_plot(series, title, x_label, y_label, width, height, x, bool(log_y), smoothing, hook))


def plot_metrics(session: "Session", runs: "Runs", keys: "Keys", *, title: "str | None" = None,
                 x_label: "str | None" = None, y_label: "str | None" = None, width: int = 0, height: int = 0,
                 x: "Axis" = "step", log_y: bool = False, smoothing: float = 0.0, progress: "Hook" = None) -> Plot:
    """See Session.plot()."""
    with following(progress, "plot") as hook:
        return Plot(_c.metric_plot(session._h, run_ids(runs), doc.joined(keys, "keys") or "", title, x_label, y_label, width,
                                   height, x, bool(log_y), smoothing, hook))


# ---- comparisons ------------------------------------------------------------------------------------------------------

class Comparison:
    """Runs side by side: what a notebook shows of `ml.compare(runs)`."""

    __slots__ = ("runs", "keys", "_home")

    def __init__(self, session: "Session", runs: "doc.Page[RunData]", keys: "str | None") -> None:
        self.runs: "doc.Page[RunData]" = runs
        """The runs as they were when they were compared."""
        self.keys: "str | None" = keys
        doc.keep_home(self, session)

    def html(self) -> str:
        """The comparison as HTML (mlplat_run_compare_html)."""
        home = doc.home(self)
        return _c.run_compare_html(home._h if home else None, self.runs.text(), self.keys)

    def _repr_html_(self) -> "str | None":
        for handle in (getattr(doc.home(self), "_h", None), None):
            try:
                return _c.run_compare_html(handle, self.runs.text(), self.keys)
            except Exception:
                continue
        return None

    def __repr__(self) -> str:
        return f"<mlplat.Comparison of {len(self.runs)} runs>"


def compare(session: "Session", runs: "Runs", keys: "Keys | None" = None) -> Comparison:
    """See Session.compare()."""
    page: "doc.Page[RunData]" = doc.Page(session.get_run(run) for run in run_ids(runs).split(","))
    page.kind = "runs"
    return Comparison(session, page, None if keys is None else doc.joined(keys, "keys"))


# ---- tables -----------------------------------------------------------------------------------------------------------

class Points:
    """Every point of metrics: run_id, key, step, timestamp, value. pandas, polars, pyarrow and duckdb read it as it is.

    The points are read from the store when the table is made of them.
    """

    __slots__ = ("_session", "runs", "keys", "progress")

    def __init__(self, session: "Session", runs: "Runs", keys: "Keys", progress: "Hook" = None) -> None:
        self._session = session
        self.runs: str = run_ids(runs)
        self.keys: str = doc.joined(keys, "keys") or ""
        self.progress: "Hook" = progress

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's C stream interface (mlplat_metric_arrow)."""
        with following(self.progress, "points") as hook:
            return _c.metric_arrow(self._session._h, self.runs, self.keys, hook)

    def to_arrow(self) -> "Any":
        """A pyarrow.Table."""
        return to_arrow(self)

    def to_pandas(self) -> "Any":
        """A pandas.DataFrame."""
        return to_pandas(self)

    def to_polars(self) -> "Any":
        """A polars.DataFrame."""
        return to_polars(self)

    def _repr_html_(self) -> "str | None":
        try:
            return plot_metrics(self._session, self.runs, self.keys, progress=False)._repr_html_()
        except Exception:
            return None

    def __repr__(self) -> str:
        return f"<mlplat.Points of {self.keys} of {self.runs.count(',') + 1} runs>"


def stream(page: "doc.Page[Any]") -> object:
    """Arrow's C stream interface of a page (mlplat_list_arrow)."""
    return _c.list_arrow(page.text())


def to_arrow(table: "Any") -> "Any":
    """A pyarrow.Table of anything with Arrow's C stream interface."""
    import pyarrow
    return pyarrow.RecordBatchReader.from_stream(table).read_all()


class _Table:
    """Arrow's interface of a table alone: some packages would take a page for the list that it is, too."""

    __slots__ = ("__arrow_c_stream__",)

    def __init__(self, table: "Any") -> None:
        self.__arrow_c_stream__ = table.__arrow_c_stream__


def to_pandas(table: "Any") -> "Any":
    """A pandas.DataFrame of anything with Arrow's C stream interface: by pandas itself (3.0 and newer), or by pyarrow."""
    import pandas
    if hasattr(pandas.DataFrame, "from_arrow"):
        return pandas.DataFrame.from_arrow(_Table(table))
    return to_arrow(table).to_pandas()


def to_polars(table: "Any") -> "Any":
    """A polars.DataFrame of anything with Arrow's C stream interface."""
    import polars
    return polars.DataFrame(_Table(table))


# ---- progress ---------------------------------------------------------------------------------------------------------

class following:
    """A progress callable for one call: `with following(progress, "plot") as hook: ...`.

    A callable is used as it is, False means none. None and True: what runs longer than half a second shows a line: tqdm
    if the program has loaded it, in a notebook a line of the cell's output, on a terminal one line of stderr. None shows
    nothing where nobody would see it.
    """

    __slots__ = ("_hook", "_what", "_began", "_line")

    def __init__(self, progress: "Hook", what: str) -> None:
        self._what = what
        self._line: "Any" = None
        self._began: "float | None" = None
        if callable(progress):
            self._hook: "Any" = progress
        else:
            self._hook = None if progress is False else self._shown(progress is True)

    def _shown(self, always: bool) -> "Any":
        for line in (_TqdmLine, _NotebookLine, _TerminalLine):
            if line.fits():
                self._line = line(self._what)
                return self._step
        if always:
            self._line = _TerminalLine(self._what)
            return self._step
        return None

    def _step(self, done: int, total: int) -> None:
        from time import monotonic
        now = monotonic()
        if self._began is None:
            self._began = now
        if now - self._began >= 0.5:
            self._line.show(done, total)

    def __enter__(self) -> "Any":
        return self._hook

    def __exit__(self, kind: "type[BaseException] | None", value: "BaseException | None",
                 trace: "TracebackType | None") -> None:
        if self._line is not None:
            self._line.close()


class _TqdmLine:
    """What tqdm shows."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: "Any" = None

    @staticmethod
    def fits() -> bool:
        return "tqdm" in sys.modules

    def show(self, done: int, total: int) -> None:
        if self._bar is None:
            from tqdm.auto import tqdm  # type: ignore[import-untyped]
            self._bar = tqdm(total=total or None, desc=self._what, leave=False)
        self._bar.total = total or None
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _words(what: str, done: int, total: int) -> str:
    return f"{what}: {done:,} of {total:,}" if total else f"{what}: {done:,}"


class _NotebookLine:
    """A line in the output of the cell, gone when the call is over."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown: "Any" = None

    @staticmethod
    def fits() -> bool:
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        return getattr(shell, "kernel", None) is not None

    def show(self, done: int, total: int) -> None:
        import importlib
        display: "Any" = importlib.import_module("IPython.display").display
        width = min(100.0, 100.0 * done / total) if total else 100.0
        text = _words(self._what, done, total)
        data = {"text/plain": text, "text/html": (
            '<div style="font:12px system-ui,sans-serif;opacity:.75;max-width:320px">' + text +
            '<div style="height:3px;border-radius:2px;background:rgba(128,128,128,.25)">'
            f'<div style="height:3px;border-radius:2px;background:#3b82d6;width:{width:.1f}%"></div></div></div>')}
        if self._shown is None:
            self._shown = display(data, raw=True, display_id=True)
        else:
            self._shown.update(data, raw=True)

    def close(self) -> None:
        if self._shown is not None:
            self._shown.update({"text/plain": "", "text/html": ""}, raw=True)


class _TerminalLine:
    """One line of stderr, wiped when the call is over."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._width = 0

    @staticmethod
    def fits() -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int, total: int) -> None:
        text = _words(self._what, done, total)
        if total:
            filled = int(20 * min(1.0, done / total))
            text = f"[{'#' * filled}{'.' * (20 - filled)}] {text}"
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def close(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()

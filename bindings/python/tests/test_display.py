"""What a notebook shows: pages, plots, tables, progress. pandas and the like are asked only where they are installed."""

import copy
import io
import math
import pickle
import signal
import sys
import time
import types

import mlplat
import pytest
from mlplat import display

EVIL = "<script>alert(1)</script>\"'&\x07\u202e"


@pytest.fixture
def runs(ml):
    for i in range(3):
        with ml.run(f"run-{i}", experiment="shown", params={"depth": i, "seed": 1}) as run:
            run.log("loss", [1 / (1 + k + i) for k in range(50)])
            run.log("auc", 0.5 + i / 10)
    return ml.search_runs(experiment="shown")


def page(value):
    html = value._repr_html_()
    assert html.startswith('<div class="mlplat">') and html.endswith("</div>")
    assert html.isascii() and len(html) <= 50_000 and "<script" not in html
    return html


# ---- pages ------------------------------------------------------------------------------------------------------------

def test_runs_show_themselves(ml, runs):
    assert "run-2" in page(runs[0]) and "<svg" in page(runs[0])
    assert all(f"run-{i}" in page(runs) for i in range(3))
    assert "run-1" in page(ml.experiments.by_name("shown"))
    with ml.run("open") as run:
        run.log("loss", 0.25)
        assert "RUNNING" in page(run) and "0.25" in page(run)
    assert display.html(runs[0]) == page(runs[0])


def test_a_comparison_shows_what_differs(ml, runs):
    comparison = ml.compare(runs)
    assert "params that differ" in page(comparison) and page(comparison).count("<svg") == 1
    assert page(ml.compare([run.id for run in runs[:2]], ["loss", "auc"])).count("<svg") == 2
    assert comparison.html() == page(comparison)
    assert repr(comparison) == "<mlplat.Comparison of 3 runs>"


def test_versions_and_pipeline_runs_show_themselves(ml, folder):
    (folder / "model").mkdir()
    (folder / "model/MLmodel").write_text(
        "flavors: {}\nsignature:\n  inputs: '[{\"name\": \"amount<\", \"type\": \"double\"}]'\n")
    with ml.run() as run:
        run.log_artifact("model")
    ml.registry.register("m", f"runs:/{run.id}/model")
    assert "amount&lt;" in page(ml.registry.version("m"))
    result = mlplat.PipelineRun({"pipeline": "p", "state": "FAILED", "tasks": [
        {"name": "a", "state": "SUCCEEDED", "seconds": 2.0, "start_time": 1000}]})
    assert "<rect" in page(result) and repr(result) == "<mlplat.PipelineRun 'p' FAILED 1 tasks>"


def test_hostile_text_does_no_harm(ml):
    with ml.run(EVIL, params={f"p{i}": EVIL * 100 for i in range(100)}) as run:
        run.set_tag("t", EVIL * 200)
    for value in (run, run.data(), ml.search_runs(), ml.compare([run])):
        assert "&lt;script&gt;" in page(value)


def test_a_page_never_raises(ml, runs):
    one, all_of_them, comparison = runs[0], runs, ml.compare(runs)
    ml.close()
    assert "<svg" not in page(one) and "run-0" in page(all_of_them) and "run-1" in page(comparison)
    assert mlplat.RunData({"nothing": 1})._repr_html_() is None
    with mlplat.open() as other:
        run = other.run()
        run.end()
    assert run._repr_html_() is None and repr(run).startswith("<mlplat.Run ")
    with pytest.raises(TypeError, match="has no HTML"):
        display.html({"info": {}})


def test_text_is_one_line(ml, runs):
    for value in (runs, runs[0], ml.experiments.get("0"), ml.plot(runs, "loss"), ml.points(runs, "loss")):
        assert "\n" not in repr(value) and len(repr(value)) < 200
    assert repr(runs) == "<mlplat page of 3 runs>"
    assert repr(ml.search_runs(max_results=1)) == "<mlplat page of 1 runs, and there are more>"


def test_documents_are_copied_and_pickled_as_what_they_are(runs):
    for twin in (pickle.loads(pickle.dumps(runs[0])), copy.deepcopy(runs[0]), copy.copy(runs[0])):
        assert twin == runs[0] and type(twin) is mlplat.RunData and "run-2" in page(twin)
    assert runs[1:] == list(runs)[1:]


# ---- plots ------------------------------------------------------------------------------------------------------------

def test_metrics_are_drawn(ml, runs, folder):
    plot = ml.plot(runs, "loss")
    assert plot.svg.startswith("<svg ") and all(f">run-{i}<" in plot.svg for i in range(3))
    assert plot.svg in plot._repr_html_()
    plot.save("loss.svg")
    assert (folder / "loss.svg").read_text() == plot.svg
    assert ">run-0: auc<" in ml.plot(runs, ["loss", "auc"], x="clock", log_y=True, smoothing=0.5, title="t").svg
    assert ml.plot(runs[0], "loss").svg == ml.plot(runs[0].id, "loss").svg
    for wrong, kind in (({"keys": []}, mlplat.Invalid), ({"runs": "0" * 32}, mlplat.NotFound),
                        ({"width": 10}, mlplat.Invalid), ({"x": "time"}, ValueError)):
        with pytest.raises(kind):
            ml.plot(**{"runs": runs, "keys": "loss", **wrong})


def test_numbers_are_drawn():
    assert mlplat.plot([1.0, 2.0, 4.0]).svg == mlplat.plot({"": [1, 2, 4]}).svg
    lines = {"list": [1.0, math.nan, 3.0], "range": range(3), "pair": ([0, 5, 9], (1, 2, 3))}
    plot = mlplat.plot(lines, title="a < b", x_label="epoch", y_label="loss")
    assert "a &lt; b" in plot.svg and ">epoch<" in plot.svg and "1 NaN" in plot.svg
    assert all(f">{name}<" in plot.svg for name in lines)
    numpy = pytest.importorskip("numpy")
    assert mlplat.plot({"a": numpy.arange(5.0)}).svg == mlplat.plot({"a": [0, 1, 2, 3, 4]}).svg
    with pytest.raises(mlplat.Invalid, match="one x per y"):
        mlplat.plot({"a": ([1], [1, 2])})
    with pytest.raises(TypeError):
        mlplat.plot({"a": 1.0})


def test_a_million_points_keep_their_spike(plain):
    numpy = pytest.importorskip("numpy")
    values = numpy.zeros(1_000_000)
    values[777_777] = 1
    with_spike, without = mlplat.plot({"a": values}), mlplat.plot({"a": numpy.zeros(1_000_000)})
    assert len(with_spike.svg) < 200_000 and with_spike.svg != without.svg
    assert ">1.0<" in with_spike.svg


# ---- tables -----------------------------------------------------------------------------------------------------------

def test_a_page_is_a_table_for_whoever_reads_arrow(ml, runs):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.RecordBatchReader.from_stream(runs).read_all()
    assert table.column("metrics.auc").to_pylist() == [0.7, 0.6, 0.5]
    assert table.column("params.depth").to_pylist() == ["2", "1", "0"]
    assert str(table.schema.field("start_time").type) == "timestamp[ms, tz=UTC]"
    assert table.equals(runs.to_arrow())
    table.validate(full=True)
    assert ml.experiments.search().to_arrow().column("name").to_pylist() == ["shown", "Default"]
    history = ml.metric_history(runs[0], "loss")
    assert history.to_arrow().column("step").to_pylist() == list(range(50))


def test_pandas_reads_it(ml, runs):
    pandas = pytest.importorskip("pandas")
    frame = runs.to_pandas()
    assert list(frame["run_name"]) == ["run-2", "run-1", "run-0"]
    assert frame["metrics.auc"].dtype == "float64" and str(frame["start_time"].dtype) == "datetime64[ms, UTC]"
    points = ml.points(runs, "loss").to_pandas()
    assert list(points.columns) == ["run_id", "key", "step", "timestamp", "value"]
    assert len(points) == 150 and points.groupby("run_id")["value"].min().max() == pytest.approx(1 / 50)
    assert isinstance(frame, pandas.DataFrame)


def test_polars_reads_it(ml, runs):
    pytest.importorskip("polars")
    frame = runs.to_polars()
    assert frame["metrics.auc"].to_list() == [0.7, 0.6, 0.5]
    assert ml.points(runs, ["loss", "auc"]).to_polars().group_by("key").len().sort("key")["len"].to_list() == [3, 150]


def test_values_that_are_no_numbers_come_through(ml):
    pyarrow = pytest.importorskip("pyarrow")
    with ml.run() as run:
        run.log("m", [math.nan, 1.0, math.inf])
    values = pyarrow.RecordBatchReader.from_stream(ml.points(run, "m")).read_all().column("value").to_pylist()
    assert math.isnan(values[0]) and values[1:] == [1.0, sys.float_info.max]
    assert math.isnan(ml.metric_history(run, "m").to_arrow().column("value")[0].as_py())
    assert ml.search_runs("metrics.m > 1e9").to_arrow().column("metrics.m").null_count == 0


def test_a_stream_that_nobody_reads_is_released(ml, runs):
    for table in (runs, ml.points(runs, "loss")):
        capsule = table.__arrow_c_stream__()
        assert "arrow_array_stream" in repr(capsule)
        del capsule


def test_nothing_is_imported_before_it_is_asked_for(finish):
    code, out, err = finish("""
import sys, mlplat
with mlplat.open() as ml:
    with ml.run() as run:
        run.log("loss", [1.0, 2.0])
    runs = ml.search_runs()
    runs._repr_html_(); ml.plot(runs, "loss")._repr_html_(); ml.compare(runs)._repr_html_()
    ml.points(runs, "loss").__arrow_c_stream__()
print(sorted({"pandas", "polars", "pyarrow", "numpy", "tqdm", "matplotlib", "IPython"} & set(sys.modules)))
""")
    assert (code, out.strip()) == (0, "[]"), err


# ---- closed, None, wrong ----------------------------------------------------------------------------------------------

def test_a_closed_session_says_so(ml, runs):
    points = ml.points(runs, "loss")
    ml.close()
    with pytest.raises(mlplat.Invalid, match="session"):
        ml.plot("0" * 32, "loss")
    with pytest.raises(mlplat.Invalid, match="session"):
        points.__arrow_c_stream__()
    with pytest.raises(ValueError):
        ml.compare(runs)
    assert points._repr_html_() is None


# ---- progress and Ctrl-C ----------------------------------------------------------------------------------------------

def test_progress_is_asked_and_stops(ml, runs):
    seen = []
    ml.plot(runs, "loss", progress=lambda done, total: seen.append((done, total)))
    assert seen
    with pytest.raises(mlplat.Cancelled):
        ml.plot(runs, "loss", progress=lambda done, total: False)
    with pytest.raises(ZeroDivisionError):
        ml.plot(runs, "loss", progress=lambda done, total: 1 / 0)
    assert "<svg" in ml.plot(runs, "loss", progress=False).svg


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_shows_a_line_of_what_takes_long(clock, monkeypatch):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with display.following(None, "bytes") as hook:
        hook(1, 4)
        assert sys.stderr.getvalue() == ""
        clock[0] += 0.6
        hook(2, 4)
        assert sys.stderr.getvalue() == "\r[##########..........] bytes: 2 of 4"
        hook(1000, 0)
    assert sys.stderr.getvalue().endswith("\r" + " " * len("bytes: 1,000") + "\r") or "1,000" in sys.stderr.getvalue()


def test_nobody_sees_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with display.following(None, "bytes") as hook:
        assert hook is None
    with display.following(False, "bytes") as hook:
        assert hook is None


def test_tqdm_is_used_if_it_is_loaded(clock, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, desc, leave):
            self.total, self.n, self.closed = total, 0, False
            bars.append(self)

        def update(self, n):
            self.n += n

        def close(self):
            self.closed = True

    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    with display.following(None, "points") as hook:
        hook(1, 10)
        clock[0] += 1
        hook(4, 10)
        hook(9, 10)
    assert [(bar.total, bar.n, bar.closed) for bar in bars] == [(10, 9, True)]


def test_a_notebook_shows_a_line_of_its_own(clock, monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data)

    def show(data, raw, display_id):
        shown.append(data)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=show))
    with display.following(None, "tasks") as hook:
        hook(0, 4)
        clock[0] += 1
        hook(1, 4)
        hook(2, 4)
    assert [data["text/plain"] for data in shown] == ["tasks: 1 of 4", "tasks: 2 of 4", ""]
    assert "width:50.0%" in shown[1]["text/html"]


LONG = """
import sys, time, mlplat
ml = mlplat.open()
with ml.run() as run:
    for i in range(20):
        run.log("loss", [float(k) for k in range(10_000)])
ml.flush()
print("ready", flush=True)
try:
    while True:
        CALL
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
assert ml.get_run(run.id).metrics["loss"] == 9999.0
print("usable", len(ml.plot(run, "loss").svg) > 1000, flush=True)
"""


@pytest.mark.parametrize("call", ['ml.plot(run, "loss")', 'ml.points(run, "loss").__arrow_c_stream__()',
                                  "ml.search_runs()"])
def test_ctrl_c_arrives_and_leaves_everything_usable(python, plain, call):
    process = python(LONG.replace("CALL", call))
    assert process.stdout.readline() == "ready\n"
    # a signal that comes in the middle of it, wherever that is
    time_to_be_inside = time.monotonic() + 0.2
    while time.monotonic() < time_to_be_inside:
        pass
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    words = out.split()
    assert words[0] == "interrupted" and words[2:] == ["usable", "True"], (out, err)
    assert float(words[1]) - sent < 0.3

import array
import contextlib
import math
import pathlib
import socket
import sqlite3
import subprocess
import sys

import mlplat
import pytest


def history(ml, run, key):
    return [(p["step"], p["value"]) for p in ml.metric_history(run, key)]


def test_a_run_is_there_with_all_that_was_logged(ml):
    with ml.run("fraud", params={"depth": 6, "kind": "forest"}, tags={"team": "risk"}, experiment="cards",
                description="first try") as run:
        run.log("loss", 0.5)
        run.log_metrics({"auc": 0.9, "f1": 0.8}, step=3)
        run.log_param("seed", 7)
        run.set_tag("stage", "dev")
        run.set_tags({"a": 1, "b": 2})
    data = ml.get_run(run.id)
    assert data.name == run.name == "fraud" and data.id == run.id and len(run.id) == 32
    assert data.status == "FINISHED"
    assert data.metrics == {"loss": 0.5, "auc": 0.9, "f1": 0.8}
    assert data.params == {"depth": "6", "kind": "forest", "seed": "7"}
    assert {"team": "risk", "stage": "dev", "a": "1", "b": "2"}.items() <= data.tags.items()
    assert data.tags["mlflow.note.content"] == "first try"
    assert data.experiment_id == run.experiment_id == ml.experiments.by_name("cards")["experiment_id"]
    assert run.artifact_uri == data.artifact_uri
    assert run.data() == data


def test_source_is_the_script(ml, run):
    assert run.data().tags["mlflow.source.name"] == sys.argv[0]


def test_steps_count_by_themselves(ml, run):
    run.log("loss", 1)
    run.log("loss", 2, step=10)
    run.log("loss", [3, 4])
    assert history(ml, run, "loss") == [(0, 1), (10, 2), (11, 3), (12, 4)]


def test_values_that_are_not_finite_are_stored_as_mlflow_stores_them(ml, run):
    run.log("odd", [math.nan, math.inf, -math.inf])
    run.log_metrics({"nan": math.nan, "inf": -math.inf})
    most = sys.float_info.max
    assert sorted(str(value) for _, value in history(ml, run, "odd")) == sorted(map(str, [math.nan, most, -most]))
    metrics = run.data().metrics
    assert math.isnan(metrics["nan"]) and metrics["inf"] == -most


SPANS = {
    "list": lambda: [1, 2.0, True],
    "tuple": lambda: (1, 2, 1),
    "range and map": lambda: map(float, [1, 2, 1]),
    "array d": lambda: array.array("d", [1, 2, 1]),
    "array f": lambda: array.array("f", [1, 2, 1]),
    "array q": lambda: array.array("q", [1, 2, 1]),
    "array i": lambda: array.array("i", [1, 2, 1]),
    "array B": lambda: array.array("B", [1, 2, 1]),
    "memoryview, strided": lambda: memoryview(array.array("d", [1, 9, 2, 9, 1]))[::2],
}


@pytest.mark.parametrize("make", SPANS.values(), ids=SPANS)
def test_span_of_anything_that_holds_numbers(ml, run, make):
    run.log("m", make())
    assert history(ml, run, "m") == [(0, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "u1", "?"])
@pytest.mark.parametrize("cut", [slice(None), slice(None, None, 2), slice(None, None, -1)],
                         ids=["whole", "every", "back"])
def test_span_of_numpy(ml, run, dtype, cut):
    numpy = pytest.importorskip("numpy")
    values = numpy.array([1, 0, 1, 1, 0], dtype=dtype)[cut]
    run.log("m", values)
    assert [value for _, value in history(ml, run, "m")] == [float(v) for v in values]


def test_scalars_of_numpy(ml, run):
    numpy = pytest.importorskip("numpy")
    for i, value in enumerate([numpy.float32(1), numpy.float64(2), numpy.int64(3), numpy.array(4.0)]):
        run.log("m", value, step=numpy.int64(i))
    assert history(ml, run, "m") == [(0, 1), (1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("dtype, shape", [("f2", 3), ("i2", 3), ("u8", 3), (">f8", 3), ("c16", 3), ("f8", (2, 2))])
def test_other_arrays_are_refused_with_advice(run, dtype, shape):
    numpy = pytest.importorskip("numpy")
    with pytest.raises(mlplat.Invalid, match="astype|ravel"):
        run.log("m", numpy.zeros(shape, dtype))


@pytest.mark.parametrize("kind", ["float64", "float32", "int64", "int32", "uint8"])
def test_arrow_array_and_chunks(ml, run, kind):
    arrow = pytest.importorskip("pyarrow")
    array = arrow.array([9, 1, 2, 1], getattr(arrow, kind)())[1:]
    run.log("one", array)
    run.log("many", arrow.chunked_array([array, array[:0], array]))
    assert [v for _, v in history(ml, run, "one")] == [1, 2, 1]
    assert sorted(v for _, v in history(ml, run, "many")) == [1, 1, 1, 1, 2, 2]


def test_polars_series(ml, run):
    polars = pytest.importorskip("polars")
    run.log("m", polars.Series([1.0, 2.0, 1.0]))
    assert history(ml, run, "m") == [(0, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize("make, says", [
    (lambda arrow: arrow.array([1.0, None]), "nulls"),
    (lambda arrow: arrow.chunked_array([[1.0], [None]], arrow.float64()), "nulls"),
    (lambda arrow: arrow.array(["a"]), "format"),
    (lambda arrow: arrow.array([1, 2]).dictionary_encode(), "dictionary"),
    (lambda arrow: arrow.table({"a": [1.0]}), "format"),
])
def test_arrow_that_is_no_span_is_refused(run, make, says):
    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(mlplat.Invalid, match=says):
        run.log("m", make(arrow))


def test_steps_and_times_of_a_span(ml, run):
    run.log("m", [1, 2, 3], step=array.array("q", [5, 6, 7]), timestamp_ms=[10, 20, 30])
    assert [(p["step"], p["timestamp"]) for p in ml.metric_history(run, "m")] == [(5, 10), (6, 20), (7, 30)]
    run.log("one", 1, 4, 99)
    assert [(p["step"], p["timestamp"]) for p in ml.metric_history(run, "one")] == [(4, 99)]


@pytest.mark.parametrize("value, step, says", [
    ([1, 2], 5, "2 values need as many steps, and 1 came"),
    ([1, 2], [5], "2 values need as many steps, and 1 came"),
    (1.0, [5, 6], "1 value needs as many steps, and 2 came"),
])
def test_steps_that_do_not_match(ml, run, value, step, says):
    with pytest.raises(mlplat.Invalid, match=says):
        run.log("m", value, step)
    assert history(ml, run, "m") == []


@pytest.mark.parametrize("value", ["1", b"12", None, {"a": 1}, object(), ["x"], [None], 1j])
def test_what_is_no_number_is_a_type_error(run, value):
    with pytest.raises(TypeError, match="value"):
        run.log("m", value)


@pytest.mark.parametrize("step, kind", [("1", TypeError), (1.5, TypeError), (2**63, mlplat.Invalid),
                                        ([2**63], mlplat.Invalid)])
def test_bad_steps(run, step, kind):
    with pytest.raises(kind, match="step"):
        run.log("m", 1.0 if not isinstance(step, list) else [1.0], step)


def test_an_empty_span_is_nothing(ml, run):
    run.log("m", [])
    assert history(ml, run, "m") == []


@pytest.mark.parametrize("key", ["", "k" * 251, "../up", "a/../b", "/abs", "sharp#", "a\0b", "\udcff", "new\nline"])
def test_bad_keys_are_refused_everywhere_and_lose_nothing(ml, run, key):
    for call in (lambda: run.log(key, 1), lambda: run.log(key, [1, 2]), lambda: run.log_metrics({"good": 1, key: 1}),
                 lambda: run.log_param(key, 1), lambda: run.log_params({"good": 1, key: 1}),
                 lambda: run.set_tag(key, 1), lambda: run.set_tags({"good": 1, key: 1})):
        with pytest.raises(mlplat.Invalid):
            call()
    run.log("kept", 1)
    data = run.data()
    assert data.metrics == {"kept": 1} and data.params == {} and "good" not in data.tags


def test_param_keeps_its_value(run):
    run.log_param("depth", 6)
    run.log_param("depth", 6)
    with pytest.raises(mlplat.Conflict, match="depth"):
        run.log_param("depth", 7)
    with pytest.raises(mlplat.Conflict):
        run.log_params({"depth": 8})
    assert run.data().params == {"depth": "6"}


def test_failing_params_fail_the_run(ml):
    with pytest.raises(mlplat.Invalid):
        ml.run("bad", params={"../x": 1})
    [data] = ml.search_runs()
    assert (data.name, data.status) == ("bad", "FAILED")


@pytest.mark.parametrize("raised, status", [(None, "FINISHED"), (RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED"),
                                            (SystemExit, "FINISHED"), (SystemExit(3), "FAILED")])
def test_with_ends_the_run_by_what_happened(ml, raised, status):
    try:
        with ml.run("x") as run:
            if raised:
                raise raised
    except BaseException as problem:
        assert type(problem) in (raised, type(raised))
    assert ml.get_run(run.id).status == status


def test_ended_run_takes_nothing_more(ml, run):
    run.log("loss", 1)
    run.end("KILLED")
    run.end()  # again is fine
    for call in (lambda: run.log("loss", 2), lambda: run.log_param("a", 1), lambda: run.set_tag("a", 1)):
        with pytest.raises(mlplat.State, match="ended"):
            call()
    assert run.data().status == "KILLED"


def test_unknown_end_is_refused(ml):
    run = ml.run("x")
    with pytest.raises(mlplat.Invalid, match="DONE"):
        run.end("DONE")
    run.end()
    assert run.data().status == "FINISHED"


def test_resume_goes_on_and_attach_leaves_the_status(ml):
    with ml.run("x") as run:
        run.log("m", 1)
    with ml.attach_run(run.id) as again:
        again.log("m", 2)
        assert ml.get_run(run.id).status == "FINISHED"
    with ml.resume_run(run.id) as again:
        again.log("m", 3)
        assert ml.get_run(run.id).status == "RUNNING"
    assert ml.get_run(run.id).status == "FINISHED"
    assert history(ml, run, "m") == [(0, 1), (1, 2), (2, 3)]


def test_nested_run_knows_its_parent(ml, run):
    with ml.run("child", parent=run) as child:
        pass
    assert child.data().tags["mlflow.parentRunId"] == run.id


def test_search_by_filter_order_and_page(ml):
    for i in range(5):
        with ml.run(f"r{i}", experiment="e", params={"i": i}) as run:
            run.log("loss", i / 10)
    assert [r.name for r in ml.search_runs("metrics.loss > 0.15", order_by="metrics.loss ASC")] == ["r2", "r3", "r4"]
    assert [r.name for r in ml.search_runs("params.i = '3'", experiment="e")] == ["r3"]
    first = ml.search_runs(order_by="metrics.loss ASC", max_results=3)
    rest = ml.search_runs(order_by="metrics.loss ASC", max_results=3, page_token=first.next_page_token)
    assert [r.name for r in first + rest] == ["r0", "r1", "r2", "r3", "r4"]
    assert rest.next_page_token is None
    with pytest.raises(mlplat.Invalid):
        ml.search_runs("metrics.loss <> 'x")
    with pytest.raises(mlplat.NotFound):
        ml.search_runs(experiment="none such")


def test_orders_of_several_keys_are_texts_or_lists(ml):
    for i in range(4):
        with ml.run(f"r{i}", params={"half": i // 2}) as run:
            run.log("loss", i)
    for order in ("params.half DESC, metrics.loss", ["params.half DESC", "metrics.loss ASC"]):
        assert [r.name for r in ml.search_runs(order_by=order)] == ["r2", "r3", "r0", "r1"]


def test_experiments_are_searched(ml):
    for name, team in (("fraud", "risk"), ("spam", "risk"), ("Fraud", "Risk")):
        ml.experiments.create(name, tags={"team": team})
    def names(*args, **options):
        return [experiment["name"] for experiment in ml.experiments.search(*args, **options)]
    assert names("tags.team = 'risk'", order_by="name DESC") == ["spam", "fraud"]
    assert names("name ILIKE 'FRAUD'", order_by=["name"]) == ["Fraud", "fraud"]
    with pytest.raises(mlplat.Invalid, match="capitals"):
        names("name like 'fraud'")


def test_deleted_runs_and_experiments_come_back(ml, run):
    ml.delete_run(run.id)
    assert [r.id for r in ml.search_runs(view="deleted")] == [run.id] and ml.search_runs() == []
    ml.restore_run(run.id)
    assert [r.id for r in ml.search_runs()] == [run.id]
    id = ml.experiments.create("gone", tags={"a": 1})
    ml.experiments.delete(id)
    assert ml.experiments.get(id)["lifecycle_stage"] == "deleted"
    assert [e["name"] for e in ml.experiments.search(view="deleted")] == ["gone"]
    with pytest.raises(mlplat.State):
        ml.run("x", experiment="gone")
    ml.experiments.restore(id)
    ml.experiments.set_tag(id, "b", 2)
    assert {t["key"]: t["value"] for t in ml.experiments.get(id)["tags"]} == {"a": "1", "b": "2"}


def test_experiments_by_name(ml):
    id = ml.experiments.ensure("e")
    assert ml.experiments.ensure("e") == id
    with pytest.raises(mlplat.Exists, match="e"):
        ml.experiments.create("e")
    with pytest.raises(mlplat.NotFound):
        ml.experiments.get("12345")
    with pytest.raises(mlplat.NotFound):
        ml.run("x", experiment_id="12345")


def test_tag_is_removed(run):
    run.set_tag("a", 1)
    run.delete_tag("a")
    assert "a" not in run.data().tags
    with pytest.raises(mlplat.NotFound):
        run.delete_tag("a")


def test_artifacts_of_a_run(ml, run, folder):
    (folder / "data.csv").write_text("a,b\n")
    run.log_artifact("data.csv")
    run.log_artifact(pathlib.Path("data.csv"), "in/put")
    run.log_text("hällo", "notes/readme.md")
    run.log_dict({"a": [1, 2.5, None]}, "settings.json")
    run.log_dict({"a": "yes"}, "settings.yaml")
    names = [f["path"] for f in ml.artifacts.list(f"runs:/{run.id}/")]
    assert sorted(names) == ["data.csv", "in", "notes", "settings.json", "settings.yaml"]
    assert ml.artifacts.read(f"runs:/{run.id}/notes/readme.md").decode() == "hällo"
    assert mlplat.doc.parse(ml.artifacts.read(f"runs:/{run.id}/settings.json").decode()) == {"a": [1, 2.5, None]}
    assert mlplat.doc.parse_yaml(ml.artifacts.read(f"runs:/{run.id}/settings.yaml").decode()) == {"a": "yes"}
    for bad in ("../out.txt", "/out.txt", "a/../../out.txt", "a\0b"):
        with pytest.raises(mlplat.Invalid):
            run.log_text("x", bad)
    with pytest.raises(mlplat.NotFound, match="none such"):
        run.log_artifact("none such")


def test_history_in_pages(ml, run):
    run.log("m", range(10))
    first = ml.metric_history(run, "m", max_results=6)
    rest = ml.metric_history(run, "m", max_results=6, page_token=first.next_page_token)
    newest = max(p["timestamp"] for p in ml.metric_history(run, "m"))
    assert ml.metric_history(run, "m", since_ms=newest + 1) == []
    assert len(ml.metric_history(run, "m", since_ms=0)) == len(ml.metric_history(run, "m"))
    with pytest.raises(mlplat.Invalid, match="since_ms"):
        ml.metric_history(run, "m", since_ms=-1)
    assert [p["value"] for p in first + rest] == list(range(10))
    with pytest.raises(mlplat.NotFound):
        ml.metric_history("0" * 32, "m")


def test_spool_tells_what_is_where(ml, run):
    run.log("m", range(10))
    ml.flush()
    status = ml.spool_status()
    assert status["accepted"] == status["stored"] and status["waiting"] == 0 and status["dead"] == 0
    assert status["waiting_runs"] == [] and status["oldest_ms"] == 0
    assert ml.spool_inspect() == {"records": [], "more": False}
    assert ml.spool_sync()["dead"] == 0
    assert ml.spool_retry() == {"stored": 0, "dead": 0}


LEAVER = """
import sys, mlplat
with mlplat.open() as ml, ml.run("left") as run:
    ml.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    run.log("m", range(100))
    print("logged", flush=True)
    sys.stdin.read()
"""


def test_sync_tells_what_it_stored(python, folder):
    program = python(LEAVER, stdin=subprocess.PIPE)
    assert program.stdout.readline() == "begun\n"
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as held:
        held.execute("begin immediate")
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.stdout.readline() == "logged\n"
        program.kill()
        program.communicate()
        held.execute("rollback")
    with mlplat.open() as ml:
        assert ml.spool_sync() == {"replayed": 100, "dead": 0, "journals": 1}
        assert ml.spool_sync() == {"replayed": 0, "dead": 0, "journals": 0}


def test_sync_tells_what_stays(folder, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("MLPLAT_CLOSE_TIMEOUT_MS", "100")
    with socket.socket() as nobody:  # bound, and listened to by nobody
        nobody.bind(("127.0.0.1", 0))
        with mlplat.open(tracking_uri=f"http://127.0.0.1:{nobody.getsockname()[1]}") as ml, ml.run("offline") as run:
            run.log("m", range(3))
            with pytest.raises(mlplat.Unavailable, match=r"^4 record\(s\) still wait in .*nothing listens there") as told:
                ml.spool_sync()
    assert told.value.retryable


def test_what_was_refused_is_shown_to_people_and_to_prometheus(ml, run):
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
    ml.delete_run(run.id)
    run.log("m", range(3))
    run.set_tag("db_password", "hunter2")
    ml.flush()
    dead = ml.spool_inspect("dead", run_id=run.id)["records"]
    assert [r["kind"] for r in dead] == ["metric"] * 3 + ["tag"] and dead[3]["value"] == "***"
    assert all("deleted" in r["reason"] for r in dead)
    assert len(ml.spool_inspect(max_results=2)["records"]) == 2
    families = {f.name: f.samples[0].value for f in parser.text_string_to_metric_families(ml.spool_prometheus())}
    assert families["mlplat_spool_dead_records"] == 4 and families["mlplat_spool_waiting_records"] == 0
    assert families["mlplat_spool_accepted"] == families["mlplat_spool_delivered"] + 4
    with pytest.raises(mlplat.Invalid, match="dead or waiting"):
        ml.spool_inspect("all")
    for what in ("dead", "waiting"):
        with pytest.raises(mlplat.NotFound, match=f"run {'0' * 32} has no {what} record"):
            ml.spool_drop(what, run_id="0" * 32)
        with pytest.raises(mlplat.Invalid, match="run id 'no run'"):
            ml.spool_drop(what, run_id="no run")
    told = {"what": "dead", "records": 4, "journals": 0, "files": 0, "busy": 0,
            "runs": [{"run_id": run.id, "records": 4}]}
    for dry in (True, False):
        assert ml.spool_drop("dead", run_id=run.id, dry_run=dry) == {**told, "dry_run": dry}
    assert ml.spool_inspect()["records"] == []
    assert ml.spool_drop("waiting")["records"] == ml.spool_drop("damaged")["files"] == 0
    with pytest.raises(mlplat.Invalid, match="dead, waiting or damaged"):
        ml.spool_drop("all")
    with pytest.raises(mlplat.Invalid, match="of no run"):
        ml.spool_drop("damaged", run_id=run.id)
    ml.restore_run(run.id)

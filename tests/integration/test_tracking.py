"""Tracking against the real MLflow: it reads what we wrote, we read what it wrote, both write at once."""

import math
import os
import subprocess
import sys
import threading
import time

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")
mlplat = pytest.importorskip("mlplat", reason="the Python binding is not built")

from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402


@pytest.fixture
def uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MLPLAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def client(uri):
    return lambda: mlflow.MlflowClient(tracking_uri=uri)


def points(history):
    return [(m.timestamp, m.step, repr(m.value)) for m in history]


def test_mlflow_reads_what_we_wrote(uri, client, tmp_path):
    with mlplat.open(uri) as ml:
        experiment = ml.experiments.create("fraud", tags={"team": "risk"})
        parent = ml.run("parent", experiment="fraud", tags={"phase": "train"}, description="a try")
        child = ml.run("child", experiment_id=experiment, parent=parent)
        parent.log_params({"depth": 6, "criterion": "gini", "long": "v" * 7000})
        for step in range(100):
            parent.log("loss", 1 / (1 + step), step=step, timestamp_ms=1000 + step)
        for step, value in enumerate((math.nan, math.inf, -math.inf, 0.25, 5e-324)):
            parent.log("odd/values", value, step=step, timestamp_ms=7)
        parent.log("last is nan", math.nan, step=3)
        parent.log("counted", [0.5] * 50)
        parent.set_tag("größe", "ß")
        child.end("FAILED")
        parent.end()
        ids = parent.id, child.id
        ours = ml.get_run(parent.id)

    mlf = client()
    assert mlf.get_experiment(experiment).name == "fraud"
    assert mlf.get_experiment(experiment).tags == {"team": "risk"}
    assert mlf.get_experiment_by_name("fraud").experiment_id == experiment
    assert mlf.get_experiment("0").name == "Default"
    run, failed = mlf.get_run(ids[0]), mlf.get_run(ids[1])
    assert (run.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert run.info.run_name == "parent" and run.data.tags["mlflow.runName"] == "parent"
    assert run.info.artifact_uri == ours["info"]["artifact_uri"]
    assert (run.info.start_time, run.info.end_time) == (ours["info"]["start_time"], ours["info"]["end_time"])
    assert run.info.user_id == run.data.tags["mlflow.user"]
    assert run.data.tags["mlflow.source.type"] == "LOCAL"
    assert run.data.tags["mlflow.note.content"] == "a try"
    assert run.data.tags["größe"] == "ß"
    assert failed.data.tags["mlflow.parentRunId"] == ids[0]
    assert run.data.params == {"depth": "6", "criterion": "gini", "long": "v" * 6000}
    assert run.data.params == ours.params and run.data.tags == ours.tags
    assert run.data.metrics.keys() == ours.metrics.keys()
    assert math.isnan(run.data.metrics["last is nan"]) and math.isnan(ours.metrics["last is nan"])
    assert run.data.metrics["loss"] == ours.metrics["loss"] == 0.01
    assert points(mlf.get_metric_history(ids[0], "odd/values")) == [
        (7, 0, "nan"), (7, 1, "1.7976931348623157e+308"), (7, 2, "-1.7976931348623157e+308"), (7, 3, "0.25"),
        (7, 4, "5e-324")]
    assert [m.step for m in mlf.get_metric_history(ids[0], "counted")] == list(range(50))
    assert len(mlf.get_metric_history(ids[0], "loss")) == 100
    mlf.set_tag(ids[0], "seen", "by mlflow")
    mlf.log_metric(ids[0], "loss", 0.0, step=500)
    mlf.delete_experiment(experiment)


def test_we_read_what_mlflow_wrote(uri, client):
    mlf = client()
    experiment = mlf.create_experiment("theirs", tags={"team": "a"})
    run = mlf.create_run(experiment, run_name="made there", tags={"mlflow.user": "ada"}, start_time=5)
    now = int(time.time() * 1000)
    mlf.log_batch(run.info.run_id, params=[Param("a", "1")], tags=[RunTag("t", "u")], metrics=[
        Metric("m", value, now, step) for step, value in enumerate((1.5, math.nan, math.inf))])
    mlf.set_terminated(run.info.run_id, "KILLED")
    gone = mlf.create_run(experiment)
    mlf.delete_run(gone.info.run_id)

    with mlplat.open(uri) as ml:
        assert ml.experiments.by_name("theirs")["tags"] == [{"key": "team", "value": "a"}]
        ours = ml.get_run(run.info.run_id)
        theirs = mlf.get_run(run.info.run_id)
        assert ours.name == "made there" and ours.status == "KILLED"
        assert ours["info"]["start_time"] == 5 and ours["info"]["end_time"] == theirs.info.end_time
        assert ours.params == {"a": "1"} and ours.tags["t"] == "u"
        assert ours["info"]["artifact_uri"] == theirs.info.artifact_uri
        assert [repr(p["value"]) for p in ml.metric_history(run.info.run_id, "m")] == [
            "1.5", "nan", "1.7976931348623157e+308"]
        assert [r.id for r in ml.search_runs()] == [run.info.run_id]
        assert [r.id for r in ml.search_runs(view="deleted")] == [gone.info.run_id]
        with pytest.raises(mlplat.State):
            ml.attach_run(gone.info.run_id)
        more = ml.resume_run(run.info.run_id)
        more.log("m", 9)
        with pytest.raises(mlplat.Conflict):
            more.log_param("a", 2)
        more.end()
        assert ml.experiments.create("ours next") == str(int(experiment) + 1)
    assert mlf.get_run(run.info.run_id).data.metrics["m"] == 9
    assert mlf.get_run(run.info.run_id).info.status == "FINISHED"


WRITER = """
import sys, mlflow
from mlflow.entities import Metric
mlf = mlflow.MlflowClient(tracking_uri=sys.argv[1])
mlf.get_run(sys.argv[2])
print("ready", flush=True)
for i in range(40):
    mlf.log_batch(sys.argv[2], metrics=[Metric("theirs", i * 10 + k, 1, i * 10 + k) for k in range(10)])
    mlf.set_tag(sys.argv[2], f"t{i}", "x")
"""


def start_thread(uri, run_id):
    failures = []

    def body():
        try:
            exec(compile(WRITER.replace("sys.argv", "argv"), "writer", "exec"), {"argv": ["", uri, run_id]})
        except Exception as problem:
            failures.append(problem)

    thread = threading.Thread(target=body)
    thread.start()
    return lambda: (thread.join(), failures)[1]


def start_process(uri, run_id):
    process = subprocess.Popen([sys.executable, "-c", WRITER, uri, run_id], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return lambda: (process.stdout.close(), process.wait())[1]


@pytest.mark.parametrize("start", [start_thread, start_process])
def test_both_write_at_once(uri, client, start):
    mlf = client()
    shared = mlf.create_run("0").info.run_id
    n = 3000
    finish = start(uri, shared)
    with mlplat.open(uri) as ml, ml.attach_run(shared) as run:
        for i in range(n):
            run.log("ours", i, step=i)
            if i % 100 == 0:
                run.set_tag(f"o{i}", "x")
                ml.flush()
        assert not finish()
        assert len(ml.metric_history(shared, "theirs")) == 400
    run = mlf.get_run(shared)
    assert len(mlf.get_metric_history(shared, "ours")) == n
    assert len(mlf.get_metric_history(shared, "theirs")) == 400
    assert run.data.metrics == {"ours": n - 1, "theirs": 399}
    assert sum(key.startswith("t") for key in run.data.tags) == 40


def fill(ml):
    for i in range(12):
        tags = {"team": "Risk" if i % 2 else "ris_k", "a b": str(i), "quote": "it's"}
        run = ml.run(f"run {i % 5}", experiment="one" if i % 3 else "two", tags=tags if i != 4 else None,
                     params={"depth": i % 4, "kind": f"k{i}"}, start_time_ms=1000 + i // 2)
        run.log("loss", math.nan if i == 2 else i / 10, step=0)
        if i % 2:
            run.log("val/acc", -i)
            run.log("dot.ted", 1e-9 * i)
        if i == 3:
            run.log("loss", math.inf, step=1)
        if i != 7:
            run.end(("FINISHED", "FAILED", "KILLED")[i % 3])


FILTERS = [
    None, "", "metrics.loss < 0.5", "metrics.loss <= .5", "metrics.loss > 1e-1", "metrics.loss >= 0.3",
    "metrics.loss = 0", "metrics.loss != 0.1", "metric.loss > -1", "metrics.`val/acc` < -3",
    'metrics."val/acc" < -3', "metrics.dot.ted > 0", "metrics.`dot.ted` < 5E-9", "metrics.nothing = 1",
    "metrics.loss > 1000000", "params.depth = '1'", "params.depth != '1'", 'params.depth = "1"',
    "parameters.kind LIKE 'k1%'", "param.kind like 'K%'", "params.kind ILIKE 'K_'", "params.depth IS NULL",
    "params.depth is not null", "params.nothing IS NULL", "tags.team = 'Risk'", "tags.team LIKE 'ris%'",
    "tags.team LIKE '%[s]%'", "tag.team ILIKE 'RIS%'", "tags.team IS NULL", "tags.`a b` = '3'",
    'tags."a b" LIKE \'1%\'', "tags.mlflow.source.type = 'LOCAL'", "tags.`mlflow.runName` = 'run 1'",
    'tags.quote = "it\'s"', "tags.quote = 'it''s'", "attributes.status = 'FINISHED'",
    "attribute.status != 'FINISHED'", "attr.status LIKE 'F%'", "status = 'RUNNING'", "run.run_name = 'run 2'",
    "run_name LIKE 'run%'", "`run name` = 'run 1'", "attributes.`Run Name` = 'run 1'",
    "attributes.start_time > 1002", "start_time <= 1002", "created = 1003", "attributes.Created != 1003",
    "end_time > 0", "user_id != 'nobody'", "artifact_uri LIKE '%artifacts'", "run_id IN ('a', 'b')",
    "run_id NOT IN ('a')", "attributes.run_id = 'a'", "datasets.name = 'x'", "dataset.context IN ('a')",
    "metrics.loss > 0.2 AND params.depth = '1'",
    "metrics.loss > 0.2 and tags.team = 'Risk' AND status != 'KILLED'",
]
ORDERS = [
    None, "metrics.loss ASC", "metrics.loss DESC", "metrics.`val/acc`", "params.depth", "params.kind DESC",
    "tags.team asc", "tags.`a b` DESC", "attributes.start_time ASC", "start_time DESC", "end_time", "run_name",
    "attributes.status desc", "created", "metrics.nothing DESC",
]
REFUSED = [
    "metrics.loss < 'a'", "metrics.loss", "metrics.loss <", "metrics.loss LIKE 'a'", "params.depth = 6",
    "params.depth < '6'", "metrics.loss IS NULL", "attributes.nothing = 'a'", "loss < 1", "models.a = 'b'",
    "status IN ('FINISHED')", "params.a = '1' OR params.b = '2'", "params.a = 'x", "datasets.size = 'x'",
    "metrics.a == 1", "metrics.a <> 1", "metrics.val-loss < 1", "attributes.start_time = '5'",
    "attributes.status > 'A'", "status = FINISHED", "tags.a = `b`",
]


def test_searches_find_the_same_in_the_same_order(uri, client):
    with mlplat.open(uri) as ml:
        fill(ml)
        ml.flush()
        mlf = client()
        ids = [ml.experiments.by_name(name)["experiment_id"] for name in ("one", "two")]
        for filter_string in FILTERS:
            for order in ORDERS if filter_string in (None, "metrics.loss > -1") else (None, "metrics.loss DESC"):
                theirs = mlf.search_runs(ids, filter_string or "", order_by=[order] if order else None)
                ours = ml.search_runs(filter_string, experiment_ids=ids, order_by=order)
                assert [r.id for r in ours] == [r.info.run_id for r in theirs], (filter_string, order)
        for both in ("metrics.loss DESC, start_time", "params.depth, tags.team DESC"):
            theirs = mlf.search_runs(ids, order_by=both.split(", "))
            assert [r.id for r in ml.search_runs(experiment_ids=ids, order_by=both)] == [r.info.run_id for r in theirs]


def test_pages_are_the_same(uri, client):
    with mlplat.open(uri) as ml:
        fill(ml)
        ml.flush()
        mlf = client()
        ids = [ml.experiments.by_name(name)["experiment_id"] for name in ("one", "two")]
        token = None
        for _ in range(3):
            theirs = mlf.search_runs(ids, run_view_type=ViewType.ALL, max_results=5, page_token=token)
            ours = ml.search_runs(experiment_ids=ids, view="all", max_results=5, page_token=token)
            assert [r.id for r in ours] == [r.info.run_id for r in theirs]
            token = theirs.token.decode() if isinstance(theirs.token, bytes) else theirs.token
            assert ours.next_page_token == token
        assert token is None


@pytest.mark.parametrize("filter_string", REFUSED)
def test_what_mlflow_refuses_to_search_we_refuse(uri, client, filter_string):
    with mlplat.open(uri) as ml:
        with pytest.raises(mlplat.Invalid):
            ml.search_runs(filter_string)
    with pytest.raises(MlflowException):
        client().search_runs(["0"], filter_string)


def test_a_deleted_experiment_comes_back_alike(uri, client):
    with mlplat.open(uri) as ml:
        run = ml.run(experiment="gone")
        run.end()
        ml.experiments.delete(run.experiment_id)
        mlf = client()
        assert mlf.get_experiment(run.experiment_id).lifecycle_stage == "deleted"
        assert mlf.get_run(run.id).info.lifecycle_stage == "deleted"
        mlf.restore_experiment(run.experiment_id)
        assert ml.experiments.get(run.experiment_id)["lifecycle_stage"] == "active"
        assert ml.get_run(run.id)["info"]["lifecycle_stage"] == "active"
        mlf.delete_run(run.id)
        ml.restore_run(run.id)
        assert mlf.get_run(run.id).info.lifecycle_stage == "active"


def test_a_renamed_run_is_renamed_for_both(uri, client):
    with mlplat.open(uri) as ml, ml.run("first") as run:
        mlf = client()
        run.set_tag("mlflow.runName", "second")
        ml.flush()
        assert mlf.get_run(run.id).info.run_name == "second"
        mlf.update_run(run.id, name="third")
        assert ml.get_run(run.id).name == ml.get_run(run.id).tags["mlflow.runName"] == "third"

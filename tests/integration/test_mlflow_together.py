"""MLflow and we on one file, at once: both write, MLflow's server reads, and nobody is told that the file is locked."""

import json
import subprocess
import sys
import urllib.request

import pytest

from programs import HEAVY, server

pytest.importorskip("mlflow", reason="mlflow is not installed")

POINTS = 20_000 if HEAVY else 2_000
WRITER = """
import sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
uri, points = sys.argv[1], int(sys.argv[2])
client = MlflowClient(uri)
run = client.create_run("0", run_name="mlflow").info.run_id
print(run, flush=True)
for start in range(0, points, 100):
    now = int(time.time() * 1000)
    client.log_batch(run, [Metric("loss", i * 0.5, now, i) for i in range(start, start + 100)])
    client.log_metric(run, "beat", start)
    client.set_tag(run, "at", str(start))
client.set_terminated(run)
"""


def start_mlflow(store):
    return subprocess.Popen([sys.executable, "-c", WRITER, store.uri, str(POINTS)], env=store.environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=store.folder)


def history(client, run, key="loss"):
    return sorted((p.step, p.value) for p in client.get_metric_history(run, key))


def get(url, body=None):
    request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


def test_all_write_at_once_and_nobody_sees_a_lock(store):
    store.mlplat("store", "create")
    theirs = [start_mlflow(store) for _ in range(2)]
    runs = [process.stdout.readline().strip() for process in theirs]  # MLflow is up: now both kinds write
    ours = [store.logger(MLPLAT_N=POINTS, MLPLAT_DURABILITY=level, MLPLAT_QUIET=1)
            for level in ("process", "process", "disk")]
    for process in ours + theirs:
        out, problems = process.communicate(timeout=600)
        assert process.returncode == 0, problems
        assert "locked" not in problems
        if process in ours:
            runs.append(out.split()[1])
    client = store.client()
    want = [(i, i * 0.5) for i in range(POINTS)]
    assert [history(client, run) == want for run in runs] == [True] * 5
    assert {run.info.status for run in client.search_runs(["0"])} == {"FINISHED"}


def test_we_append_to_a_file_that_mlflow_made(store):
    client = store.client()
    run = client.create_run("0", run_name="theirs").info.run_id
    client.log_metric(run, "loss", 0.5, step=1)
    client.log_param(run, "depth", 6)
    listed = json.loads(store.mlplat("run", "get", run, "-o", "json"))
    assert listed["info"]["run_name"] == "theirs" and listed["data"]["params"] == [{"key": "depth", "value": "6"}]
    process = store.logger(MLPLAT_N=10, MLPLAT_QUIET=1)
    out, problems = process.communicate(timeout=60)
    assert process.returncode == 0, problems
    assert history(client, out.split()[1]) == [(i, i * 0.5) for i in range(10)]
    client.log_metric(run, "loss", 0.25, step=2)  # and MLflow goes on with it
    assert history(client, run) == [(1, 0.5), (2, 0.25)]


@pytest.mark.parametrize("command", ["server", "ui"])
def test_mlflows_server_opens_our_file_and_shares_it(store, command):
    process = store.logger(MLPLAT_N=300, MLPLAT_QUIET=1, MLPLAT_EXPERIMENT="shared", MLPLAT_RUN_NAME="ours")
    out, problems = process.communicate(timeout=60)
    assert process.returncode == 0, problems
    run = out.split()[1]
    with server(store, command, "--backend-store-uri", store.uri, "--workers", "1") as mlflow:
        api = mlflow.url + "/api/2.0/mlflow"
        experiment = get(f"{api}/experiments/get-by-name?experiment_name=shared")["experiment"]["experiment_id"]
        found = get(f"{api}/runs/search", {"experiment_ids": [experiment]})["runs"]
        assert [(r["info"]["run_name"], r["info"]["status"]) for r in found] == [("ours", "FINISHED")]
        points = get(f"{api}/metrics/get-history?run_id={run}&metric_key=loss")["metrics"]
        assert sorted((int(p["step"]), p["value"]) for p in points) == [(i, i * 0.5) for i in range(300)]

        writer = store.logger(MLPLAT_N=POINTS, MLPLAT_QUIET=1, MLPLAT_EXPERIMENT="shared", MLPLAT_DURABILITY="process")
        second = writer.stdout.readline().split()[1]
        for i in range(20):
            get(f"{api}/runs/log-metric", {"run_id": run, "key": "late", "value": i, "timestamp": 1000 + i, "step": i})
            get(f"{api}/runs/search", {"experiment_ids": [experiment]})
        _, problems = writer.communicate(timeout=120)
        assert writer.returncode == 0, problems
        assert "locked" not in problems and "locked" not in mlflow.log.read_text()
        got = get(f"{api}/runs/get?run_id={second}")["run"]
        assert {m["key"]: m["value"] for m in got["data"]["metrics"]} == {"loss": (POINTS - 1) * 0.5}
    late = json.loads(store.mlplat("run", "get", run, "-o", "json"))["data"]["metrics"]
    assert {m["key"]: m["value"] for m in late}["late"] == 19

"""The command line on a real MLflow server: what the embedded store does, over REST, and what a dead server costs."""

import json
import signal
import subprocess
import sys

import pytest

from forgetful import Forgetful
from mlflow_server import MlflowServer
from programs import BUILD, ROOT, clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


def settings(server, folder):
    """Those of a program in a home of its own."""
    return clean_environment(MLFLOW_TRACKING_URI=server.url, HOME=folder, XDG_STATE_HOME=folder)


@pytest.fixture
def mlplat(server, tmp_path):
    def run(*words, code=0):
        environment = settings(server, tmp_path)
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip() if code == 0 else done.stderr
    return run


def test_a_run_is_logged_read_and_searched(server, mlplat, tmp_path):
    run = mlplat("run", "start", "--experiment", "one", "--name", "first")
    points = [{"key": "loss", "value": value, "step": step} for step, value in enumerate([0.5, "NaN", "Infinity", 0.25])]
    (tmp_path / "batch.json").write_text(json.dumps({"metrics": points, "params": [{"key": "depth", "value": "6"}],
                                                     "tags": [{"key": "team", "value": "a"}]}))
    mlplat("run", "log-batch", run, "batch.json")
    mlplat("run", "log-batch", run, "batch.json")  # the same params once more are no change
    mlplat("run", "end", run)
    document = json.loads(mlplat("run", "get", run, "-o", "json"))
    assert (document["info"]["status"], document["info"]["run_name"]) == ("FINISHED", "first")
    assert document["data"]["params"] == [{"key": "depth", "value": "6"}]
    assert document["data"]["metrics"][0]["value"] == 0.25
    assert server.rows(f"select count(*) from params where run_uuid = '{run}'") == [(1,)]
    assert run in mlplat("run", "list", "--experiment", "one", "--filter", "params.depth = '6' and metrics.loss < 1")
    assert run not in mlplat("run", "list", "--experiment", "one", "--filter", "tags.team = 'b'")


@pytest.fixture(scope="module")
def old_server(tmp_path_factory):
    python = ROOT / "build/mlflow-2.14.0/bin/python"
    if not python.exists():
        pytest.skip(f"there is no MLflow 2.14.0 at {python}: ./setup.sh test makes one")
    server = MlflowServer(tmp_path_factory.mktemp("old-server"), python).start()
    yield server
    server.kill()


@pytest.mark.parametrize("release", ["2.14.0", "newest"])
def test_a_server_does_what_every_tracking_store_does(request, release, tmp_path):
    """The suite of tests/contract/, which empties the server between its tests."""
    server = request.getfixturevalue("server" if release == "newest" else "old_server")
    words = [BUILD / "tests/tracking_on_server", server.url, server.database, release]
    done = subprocess.run(words, cwd=tmp_path, text=True, env=settings(server, tmp_path), capture_output=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_server_refuses_is_told(mlplat):
    assert "RESOURCE_DOES_NOT_EXIST" in mlplat("run", "get", "0" * 32, code=3)
    run = mlplat("run", "start", "--experiment", "two")
    mlplat("run", "delete", run)
    assert "deleted" in mlplat("run", "end", run, code=1)


def test_nothing_is_lost_or_doubled_when_the_server_dies(server, mlplat, tmp_path):
    """The logger goes on while the server is away, and what it logged is there once it is back."""
    environment = settings(server, tmp_path)
    logger = subprocess.Popen([BUILD / "examples/logger"], cwd=tmp_path, env=environment, text=True,
                              stdout=subprocess.PIPE)
    run = logger.stdout.readline().split()[1]
    server.kill()
    before = server.rows(f"select count(*) from metrics where run_uuid = '{run}'")[0][0]
    assert before < 1000, "the server had taken all of it before it died: nothing was shown"
    server.start()
    told, _ = logger.communicate(timeout=200)
    assert logger.returncode == 0
    sent = {int(line.split()[1]) for line in told.splitlines() if line.startswith("ACC ")}
    assert len(sent) == 1000
    rows = server.rows(f"select key, step from metrics where run_uuid = '{run}'")
    assert len(rows) == len(set(rows)) == 1000


LOGGER_THAT_DIES = """
import os, signal, sys, mlplat
session = mlplat.open()
run = session.run("dies").__enter__()
run.set_tag("phase", "train")
run.set_tag("phase", "test")
session.flush()
print(run.id, flush=True)
sys.stdin.readline()  # the server is gone
run.set_tag("late", "yes")
run.log("loss", [0.5, 0.25])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_replay_leaves_alone_what_others_set_since(server, mlplat, tmp_path):
    """What a killed process had delivered is not set again; what it had not is."""
    logger = subprocess.Popen([sys.executable, "-c", LOGGER_THAT_DIES], cwd=tmp_path, env=settings(server, tmp_path),
                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    run = logger.stdout.readline().strip()
    assert server.tags(run)["phase"] == "test"
    server.kill()
    logger.communicate("\n", timeout=60)
    assert logger.returncode == -signal.SIGKILL
    server.start()
    server.set_tag(run, "phase", "done by another")
    mlplat("spool", "sync")
    tags = server.tags(run)
    assert (tags.pop("phase"), tags.pop("late")) == ("done by another", "yes")
    assert set(tags) == {"mlplat.op"}, "a mark of a journal that is gone stays on the run"
    assert server.rows(f"select step, value from metrics where run_uuid = '{run}' order by step") == [(0, 0.5), (1, 0.25)]
    assert "mlplat.op" not in mlplat("run", "get", run, "-o", "json")


@pytest.fixture
def forgetful(server):
    with Forgetful(server.url) as proxy:
        yield proxy


LOGGER_OF_EVERYTHING = """
import mlplat
with mlplat.open() as session:
    with session.run("all", experiment="lost", params={"depth": 6}) as run:
        run.set_tag("phase", "test")
        run.log("loss", [0.5, 0.25])
        run.log_input(name="numbers", digest="1", source="{}", source_type="local", context="training")
        run.log_model_outputs("m-1", "m-2")
    print(run.id)
"""


def test_nothing_is_there_twice_when_answers_are_lost(server, forgetful, tmp_path):
    environment = settings(server, tmp_path) | {"MLFLOW_TRACKING_URI": forgetful.url}
    done = subprocess.run([sys.executable, "-c", LOGGER_OF_EVERYTHING], cwd=tmp_path, env=environment, text=True,
                          capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr
    run = done.stdout.strip()
    calls = {path.split("/api/2.0/mlflow/")[1] for path in forgetful.lost}
    assert calls >= {"experiments/create", "runs/create", "runs/log-batch", "runs/log-inputs", "runs/outputs",
                     "runs/update"}, "these answers were not lost"
    there = server.rows("select run_uuid, status from runs join experiments using (experiment_id) "
                        "where experiments.name = 'lost'")
    assert there == [(run, "FINISHED")]
    assert server.rows(f"select key, value from params where run_uuid = '{run}'") == [("depth", "6")]
    assert server.rows(f"select step, value from metrics where run_uuid = '{run}' order by step") == [(0, 0.5), (1, 0.25)]
    edges = server.rows("select source_type, destination_type, count(*) from inputs where "
                        f"source_id = '{run}' or destination_id = '{run}' group by 1, 2 order by 1")
    assert edges == [("DATASET", "RUN", 1), ("RUN_OUTPUT", "MODEL_OUTPUT", 2)]
    assert server.tags(run)["phase"] == "test"

"""Two stores at once: what is logged to a server is in a local MLflow file too, or the other way round, and neither one
that is away keeps anything from the other."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys

import pytest

from mlflow_server import MlflowServer
from programs import clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


@pytest.fixture
def up(server):
    return server if server.process else server.start()


@pytest.fixture
def away(server):
    server.kill()
    return server


@pytest.fixture
def copy(tmp_path):
    return f"sqlite:///{tmp_path}/copy.db"


@pytest.fixture
def environment(server, copy, tmp_path):
    return clean_environment(MLFLOW_TRACKING_URI=server.url, MLPLAT_MIRROR_URI=copy, XDG_STATE_HOME=tmp_path)


@pytest.fixture
def program(environment, tmp_path):
    def run(text, *words, code=0, **more):
        done = subprocess.run([sys.executable, "-c", text, *words], cwd=tmp_path, env={**environment, **more},
                              text=True, capture_output=True, timeout=200)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip()
    return run


def as_mlflow_reads(uri, run):
    """What of a run is the same wherever it is."""
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    client = mlflow.MlflowClient(uri)
    found = client.get_run(run)
    history = {key: [(m.step, m.timestamp, m.value) for m in client.get_metric_history(run, key)]
               for key in sorted(found.data.metrics)}
    tags = {key: value for key, value in found.data.tags.items() if not key.startswith("mlplat.")}
    datasets = [(one.dataset.name, one.dataset.digest, [(tag.key, tag.value) for tag in one.tags])
                for one in found.inputs.dataset_inputs]
    info = found.info
    return {"experiment": client.get_experiment(info.experiment_id).name, "name": info.run_name, "status": info.status,
            "start": info.start_time, "end": info.end_time, "user": info.user_id, "params": found.data.params,
            "tags": tags, "metrics": history, "datasets": datasets}


TRAINING = """
import mlplat
with mlplat.open() as session:
    with session.run("first", experiment="mirrored", params={"depth": 6}, tags={"team": "a"}) as run:
        for step in range(1000):
            run.log("loss", 1 / (step + 1), step=step)
        run.log_metrics({"accuracy": 0.5, "f1": 0.25}, step=3)
        run.log("curve", [1.0, 2.0, 4.0])
        run.set_tag("phase", "late")
        run.set_tag("gone", "soon")
        run.delete_tag("gone")
        run.log_params({"width": 7, "long": "x" * 3000})
        run.log_input(name="numbers", digest="1", source="{}", source_type="local", context="training")
        print(run.id, flush=True)
        DIES
"""
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@contextlib.contextmanager
def held(path):
    """Nobody else writes into it meanwhile."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("begin immediate")
        yield
        db.execute("rollback")


def local_id(server, run):
    rows = server.rows(f"select run_uuid from tags where key = 'mlplat.local_id' and value = '{run}'")
    assert len(rows) == 1
    return rows[0][0]


def test_a_training_on_a_server_leaves_a_file_that_mlflow_reads_the_same(up, copy, program):
    run = program(TRAINING.replace("DIES", ""))
    here, there = as_mlflow_reads(copy, run), as_mlflow_reads(up.url, run)
    assert here == there
    assert (there["status"], len(there["metrics"]["loss"]), there["experiment"]) == ("FINISHED", 1000, "mirrored")
    assert there["params"]["width"] == "7" and there["datasets"][0][:2] == ("numbers", "1")


def test_a_training_on_a_file_is_at_the_server_too(up, environment, copy, program):
    run = program(TRAINING.replace("DIES", ""), MLFLOW_TRACKING_URI=copy, MLPLAT_MIRROR_URI=up.url)
    here, there = as_mlflow_reads(copy, run), as_mlflow_reads(up.url, local_id(up, run))
    assert here == there
    assert (here["status"], len(here["metrics"]["loss"])) == ("FINISHED", 1000)


@pytest.mark.parametrize("file_first", [False, True])
def test_a_server_that_is_away_keeps_nothing_from_the_file(away, file_first, copy, program, mlplat, environment):
    uris = {"MLFLOW_TRACKING_URI": copy, "MLPLAT_MIRROR_URI": away.url} if file_first else {}
    environment.update(uris, MLPLAT_CLOSE_TIMEOUT_MS="200")
    run = program(TRAINING.replace("DIES", ""))
    here = as_mlflow_reads(copy, run)
    assert (here["status"], len(here["metrics"]["loss"]), here["experiment"]) == ("FINISHED", 1000, "mirrored")
    away.start()
    mlplat("spool", "sync")
    assert as_mlflow_reads(away.url, local_id(away, run)) == here


def test_what_a_killed_training_left_is_brought_to_both(up, copy, program, mlplat):
    run = program(TRAINING.replace("DIES", KILLED), code=-signal.SIGKILL)
    mlplat("spool", "sync")
    here, there = as_mlflow_reads(copy, run), as_mlflow_reads(up.url, run)
    assert here == there and here["status"] == "RUNNING" and len(here["metrics"]["loss"]) == 1000


def test_the_file_alone_takes_what_a_killed_training_left_for_it(up, copy, program, mlplat, environment):
    """Whoever opens it next brings that in, also without knowing that it is a mirror."""
    run = program(TRAINING.replace("DIES", KILLED), code=-signal.SIGKILL)
    environment.update(MLFLOW_TRACKING_URI=copy)
    del environment["MLPLAT_MIRROR_URI"]
    assert json.loads(mlplat("run", "get", run, "-o", "json"))["info"]["run_name"] == "first"
    here = as_mlflow_reads(copy, run)
    assert (len(here["metrics"]["loss"]), len(here["params"]), len(here["datasets"])) == (1000, 3, 1)


def test_a_file_that_another_program_holds_keeps_nothing_from_the_server(up, copy, tmp_path, program, mlplat):
    mlplat("store", "create", "--tracking-uri", copy)
    with held(tmp_path / "copy.db"):
        run = program("""
import mlplat, os
session = mlplat.open()
with session.run("held", experiment="mirrored") as run:
    for step in range(100):
        run.log("loss", step, step=step)
print(run.id, flush=True)
try:
    session.flush(2)  # the server's part ends well, the file's cannot
except mlplat.Error as problem:
    assert "the mirror" in str(problem), problem
status = session.spool_status()
assert status["waiting"] == 0, status
assert status["mirror"]["waiting"] > 100, status
os._exit(0)
""")
        there = as_mlflow_reads(up.url, run)
        assert (there["status"], len(there["metrics"]["loss"])) == ("FINISHED", 100)
    assert json.loads(mlplat("spool", "status", "-o", "json"))["mirror"]["waiting"] > 100
    mlplat("spool", "sync")
    assert as_mlflow_reads(copy, run) == there


def test_changes_without_a_handle_and_runs_gone_on_with_are_mirrored(up, copy, program, mlplat, environment):
    """A run that the mirror does not know, as it is older than that, is made there when something is logged to it."""
    mirror = environment.pop("MLPLAT_MIRROR_URI")
    older = mlplat("run", "start", "--experiment", "mirrored", "--name", "older", "-o", "tsv").split()[-1]
    environment["MLPLAT_MIRROR_URI"] = mirror
    program("""
import sys, mlplat
with mlplat.open() as session:
    session.update_run(sys.argv[1], name="renamed")
    with session.attach_run(sys.argv[1]) as run:
        run.log("late", 1.0, step=1)
""", older)
    here, there = as_mlflow_reads(copy, older), as_mlflow_reads(up.url, older)
    assert here == there and here["name"] == "renamed" and here["metrics"]["late"]


def test_a_run_made_offline_goes_on_under_one_id_at_the_mirror(away, copy, program, mlplat, environment):
    """By its own id or the server's: at the file it is one run."""
    environment["MLPLAT_CLOSE_TIMEOUT_MS"] = "200"
    run = program(TRAINING.replace("DIES", ""))
    away.start()
    mlplat("spool", "sync")
    for name, step in ((run, 5000), (local_id(away, run), 5001)):
        program("""
import sys, mlplat
with mlplat.open() as session, session.attach_run(sys.argv[1]) as run:
    run.log("loss", 9.0, step=int(sys.argv[2]))
""", name, str(step))
    here = as_mlflow_reads(copy, run)
    assert [point[0] for point in here["metrics"]["loss"]][-2:] == [5000, 5001]
    assert as_mlflow_reads(away.url, local_id(away, run))["metrics"] == here["metrics"]


def test_the_tool_tells_of_both(up, copy, tmp_path, program, mlplat):
    mlplat("store", "create", "--tracking-uri", copy)
    with held(tmp_path / "copy.db"):
        program(TRAINING.replace("DIES", KILLED), code=-signal.SIGKILL)
        status = json.loads(mlplat("spool", "status", "-o", "json"))
        assert status["mirror"]["waiting"] > 1000 and status["mirror"]["store"].endswith("copy.db")
    done = json.loads(mlplat("spool", "sync", "-o", "json"))
    assert done["mirror"]["replayed"] > 1000 and done["mirror"]["dead"] == 0
    assert json.loads(mlplat("spool", "status", "-o", "json"))["mirror"]["waiting"] == 0

"""Runs made while the MLflow server is away: they are there once, with all that was logged, when it is back."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from mlflow_server import MlflowServer
from programs import BUILD, clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("server")).start()  # its database is made
    yield server
    server.kill()


@pytest.fixture
def away(server):
    server.kill()
    return server


@pytest.fixture
def environment(server, tmp_path):
    return clean_environment(MLFLOW_TRACKING_URI=server.url, HOME=tmp_path, XDG_STATE_HOME=tmp_path)


@pytest.fixture
def program(environment, tmp_path):
    """A Python program with a session: what it says on stdout, its exit code, its stderr."""
    def run(text, *words, code=0, **more):
        done = subprocess.run([sys.executable, "-c", text, *words], cwd=tmp_path, env={**environment, **more}, text=True,
                              capture_output=True, timeout=200)
        assert done.returncode == code, done.stdout + done.stderr
        return done
    return run


def runs_in(server, experiment):
    return server.rows("select run_uuid, status, runs.name from runs join experiments using (experiment_id) "
                       f"where experiments.name = '{experiment}'")


TRAINING_THAT_DIES = """
import os, signal, mlplat
session = mlplat.open()
run = session.run("first", experiment="dies", params={"depth": 6}, tags={"team": "a"}).__enter__()
for step in range(1000):
    run.log("loss", 1 / (step + 1), step=step)
run.set_tag("phase", "late")
run.log_params({"width": 7})
run.log_input(name="numbers", digest="1", source="{}", source_type="local", context="training")
print(run.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_training_that_never_met_its_server_is_delivered_once(away, program, mlplat):
    run = program(TRAINING_THAT_DIES, code=-signal.SIGKILL).stdout.strip()
    assert run.startswith("0ff11e") and len(run) == 32
    before = json.loads(mlplat("run", "get", run, "-o", "json"))
    assert (before["info"]["delivery"], before["info"]["run_name"]) == ("waiting", "first")
    assert before["data"]["params"] == [{"key": "depth", "value": "6"}, {"key": "width", "value": "7"}]
    assert before["data"]["metrics"][0]["step"] == 999
    away.start()
    mlplat("spool", "sync")
    mlplat("spool", "sync")
    (there,) = runs_in(away, "dies")
    assert there[1:] == ("RUNNING", "first")
    rows = away.rows(f"select step, value from metrics where run_uuid = '{there[0]}'")
    assert sorted(rows) == [(step, 1 / (step + 1)) for step in range(1000)]
    tags = away.tags(there[0])
    assert (tags["team"], tags["phase"], tags["mlplat.local_id"]) == ("a", "late", run)
    after = json.loads(mlplat("run", "get", run, "-o", "json"))
    assert after["info"]["run_id"] == there[0] and "delivery" not in after["info"]
    assert after == json.loads(mlplat("run", "get", there[0], "-o", "json"))
    status = json.loads(mlplat("spool", "status", "-o", "json"))
    assert status["runs"] == [{"local_id": run, "run_id": there[0]}]


@contextlib.contextmanager
def follower(environment, folder, *words):
    process = subprocess.Popen([BUILD / "tools/mlplat", "spool", "sync", "--follow", *words, "-o", "json"], cwd=folder,
                               env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_follower_delivers_what_a_killed_training_left_when_the_server_is_back(away, environment, program, mlplat,
                                                                                 tmp_path):
    with follower(environment, tmp_path) as process:
        text = TRAINING_THAT_DIES.replace('"dies"', '"followed"')
        run = program(text, code=-signal.SIGKILL).stdout.strip()
        assert "nothing listens there" in process.stderr.readline()  # it has tried, and goes on
        waiting = json.loads(mlplat("spool", "status", "-o", "json"))["waiting"]
        away.start()
        told = json.loads(process.stdout.readline())
        assert told == {"replayed": waiting, "dead": 0, "journals": 1} and waiting > 1000
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "") and process.returncode == 0
    (there,) = runs_in(away, "followed")
    rows = away.rows(f"select step, value from metrics where run_uuid = '{there[0]}'")
    assert sorted(rows) == [(step, 1 / (step + 1)) for step in range(1000)]
    assert away.tags(there[0])["mlplat.local_id"] == run


def test_a_follower_of_a_training_ends_with_it_and_has_delivered_all(away, environment, mlplat, tmp_path):
    text = TRAINING_THAT_DIES.replace('"dies"', '"led"').replace("signal.SIGKILL", "signal.SIGSTOP")
    training = subprocess.Popen([sys.executable, "-c", text], cwd=tmp_path, env=environment, text=True,
                                stdout=subprocess.PIPE)
    try:
        run = training.stdout.readline().strip()
        os.waitid(os.P_PID, training.pid, os.WSTOPPED | os.WNOWAIT)
        waiting = json.loads(mlplat("spool", "status", "-o", "json"))["waiting"]
        with follower(environment, tmp_path, "--pid", str(training.pid)) as process:
            away.start()  # which the training, as it stands still, does not see
            training.kill()
            out, said = process.communicate(timeout=120)
            assert process.returncode == 0, said
    finally:
        training.kill()
        training.communicate()
    assert json.loads(out)["replayed"] == waiting > 1000
    (there,) = runs_in(away, "led")
    rows = away.rows(f"select step, value from metrics where run_uuid = '{there[0]}'")
    assert sorted(rows) == [(step, 1 / (step + 1)) for step in range(1000)]
    assert away.tags(there[0])["mlplat.local_id"] == run


def test_a_search_does_not_find_a_run_that_waits_and_a_look_by_its_id_does(away, environment, mlplat, tmp_path):
    text = TRAINING_THAT_DIES.replace('"dies"', '"sought"').replace("signal.SIGKILL", "signal.SIGSTOP")
    training = subprocess.Popen([sys.executable, "-c", text], cwd=tmp_path, env=environment, text=True,
                                stdout=subprocess.PIPE)
    try:
        run = training.stdout.readline().strip()
        os.waitid(os.P_PID, training.pid, os.WSTOPPED | os.WNOWAIT)
        away.start()  # it answers, and has not been told of the run: the training stands still
        mlplat("experiment", "create", "sought")
        assert mlplat("run", "list", "--experiment", "sought", "-o", "json") == ""
        assert json.loads(mlplat("run", "get", run, "-o", "json"))["info"]["delivery"] == "waiting"
        assert [one["run_id"] for one in json.loads(mlplat("spool", "status", "-o", "json"))["waiting_runs"]] == [run]
    finally:
        training.kill()
        training.communicate()
    mlplat("spool", "sync")
    found = json.loads(mlplat("run", "list", "--experiment", "sought", "-o", "json"))
    assert found["info"]["run_name"] == "first" and "delivery" not in found["info"]


TRAINING = """
import sys, mlplat
with mlplat.open() as session:
    with session.run("goes on", experiment="goes on", params={"depth": 6}) as run:
        print(run.id, flush=True)
        for part in range(4):
            run.log("loss", [float(step) for step in range(500)], step=range(500 * part, 500 * part + 500))
            run.set_tag("part", str(part))
            run.log_param("depth", str(6 + part))  # another value is refused, and nothing else
            print(part, flush=True)
            sys.stdin.readline()
    session.flush(300)
    print(session.get_run(run.id).id, session.spool_count()["dead"], flush=True)
"""

OTHER = """
import sys, mlplat
with mlplat.open() as session:
    session.attach_run(sys.argv[1]).log("of_other", [1.0, 2.0, 3.0])
"""


def test_a_training_goes_on_while_its_server_comes_goes_and_comes(away, environment, program, mlplat, tmp_path):
    training = subprocess.Popen([sys.executable, "-c", TRAINING], cwd=tmp_path, env=environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        run, _ = training.stdout.readline().strip(), training.stdout.readline()
        program(OTHER, run)  # another process, which goes away and leaves what it logged
        away.start()
        training.stdin.write("\n")
        training.stdin.flush()
        assert training.stdout.readline() == "1\n"
        away.kill()
        training.stdin.write("\n")
        training.stdin.flush()
        assert training.stdout.readline() == "2\n"
        away.start()
        told, _ = training.communicate("\n\n", timeout=300)
    finally:
        training.kill()
    there, dead = told.split()[-2:]
    mlplat("spool", "sync")
    assert runs_in(away, "goes on") == [(there, "FINISHED", "goes on")]
    rows = away.rows(f"select step, value from metrics where run_uuid = '{there}' and key = 'loss'")
    assert sorted(rows) == [(step, float(step % 500)) for step in range(2000)]
    rows = away.rows(f"select value from metrics where run_uuid = '{there}' and key = 'of_other'")
    assert sorted(rows) == [(1.0,), (2.0,), (3.0,)]
    assert away.rows(f"select key, value from params where run_uuid = '{there}'") == [("depth", "6")]
    assert away.tags(there)["part"] == "3" and dead == "3"

"""PostgreSQL stopped, killed and started again under a training: no call waits for it for long, and all is there once,
under the ids that were told."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from postgres_server import PostgresServer
from programs import clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = PostgresServer()
    try:
        server.make("newest", tmp_path_factory.mktemp("artifacts"))
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(server, request):
    return server.copy("newest", re.sub(r"\W", "_", request.node.name)[:50].lower())


@pytest.fixture
def environment(server, database, tmp_path):
    return clean_environment(MLFLOW_TRACKING_URI=server.uri(database), HOME=tmp_path, XDG_STATE_HOME=tmp_path)


@pytest.fixture
def deliver(mlplat):
    """By other programs; one that finds another at it leaves that to the other."""
    def run():
        for _ in range(30):
            mlplat("spool", "sync")
            if not json.loads(mlplat("spool", "status", "-o", "json"))["waiting"]:
                return
        raise AssertionError(mlplat("spool", "status"))
    return run


@pytest.fixture
def training(environment, tmp_path):
    """A program that does a line of its stdin at a time, and says how long each took at most (milliseconds)."""
    with contextlib.ExitStack() as stack:
        def start(program):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-c", program], cwd=tmp_path, env=environment, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE))
            stack.callback(process.kill)
            return process
        yield start


def say(process, word=""):
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@contextlib.contextmanager
def stopped(server):
    """The kernel takes connections for it, and nobody answers."""
    os.killpg(server.process.pid, signal.SIGSTOP)
    for pid in children(server.process.pid):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in [*children(server.process.pid), server.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def runs_in(server, database, experiment):
    return server.rows("select run_uuid, status, r.name from runs r join experiments e using (experiment_id) "
                       f"where e.name = '{experiment}' order by r.name", database)


TRAINING = """
import sys, time, mlplat
session = mlplat.open()
slowest = 0
def timed(call, *args, **more):
    global slowest
    began = time.monotonic()
    result = call(*args, **more)
    slowest = max(slowest, time.monotonic() - began)
    return result
run = session.run("long", experiment="trains", params={"depth": 6}).__enter__()
print(run.id, flush=True)
for part, line in enumerate(sys.stdin):
    slowest = 0
    if line.strip() == "end":
        break
    for step in range(500 * part, 500 * part + 500):
        timed(run.log, "loss", float(step), step=step)
    timed(run.set_tag, "part", str(part))
    timed(run.log_param, f"param {part}", str(part))
    timed(run.log_param, "depth", str(6 + part))  # another value is refused, and nothing else
    timed(run.log_input, name="numbers", digest=str(part), source="{}", source_type="local", context="training")
    if line.strip() == "more":
        began = time.monotonic()
        with session.run(f"short {part}", experiment="trains", params={"part": part}) as other:
            other.log("loss", [1.0, 2.0])
        print("started in", time.monotonic() - began, flush=True)
    print(slowest, flush=True)
run.__exit__(None, None, None)
session.flush(120)
print(session.spool_count()["dead"], flush=True)
session.close()
"""


def test_a_training_goes_on_while_its_database_hangs_dies_and_comes_back(server, database, training):
    process = training(TRAINING)
    run = process.stdout.readline().strip()
    slow = [float(say(process))]
    with stopped(server):
        slow.append(float(say(process)))
    server.kill()
    began = say(process, "more")
    slow.append(float(process.stdout.readline()))
    server.start()
    slow.append(float(say(process)))
    dead = say(process, "end")
    assert process.wait(60) == 0
    assert max(slow) < 1.0, slow  # no call waits for the server
    assert float(began.split()[-1]) < 15, began
    found = runs_in(server, database, "trains")
    assert [(row[1], row[2]) for row in found] == [("FINISHED", "long"), ("FINISHED", "short 2")]
    assert found[0][0] == run
    rows = server.rows(f"select step, value from metrics where run_uuid = '{run}' order by 1", database)
    assert rows == [(step, float(step)) for step in range(2000)]
    params = dict(server.rows(f"select key, value from params where run_uuid = '{run}'", database))
    assert params == {"depth": "6", **{f"param {part}": str(part) for part in range(4)}}
    assert dict(server.rows(f"select key, value from tags where run_uuid = '{run}'", database))["part"] == "3"
    assert server.rows(f"select count(*) from inputs where destination_id = '{run}'", database) == [(4,)]
    assert dead == "3"  # depth


DIES = """
import os, signal, mlplat
session = mlplat.open()
run = session.run("first", experiment="dies", params={"depth": 6}, tags={"team": "a"}).__enter__()
for step in range(1000):
    run.log("loss", 1 / (step + 1), step=step)
run.set_tag("phase", "late")
run.log_params({"width": 7})
print(run.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_training_that_never_met_its_database_is_delivered_once(server, database, training, mlplat, deliver):
    server.kill()
    try:
        process = training(DIES)
        run = process.stdout.readline().strip()
        assert process.wait(60) == -signal.SIGKILL
        before = json.loads(mlplat("run", "get", run, "-o", "json"))
        assert (before["info"]["delivery"], before["info"]["run_name"]) == ("waiting", "first")
        assert before["data"]["params"] == [{"key": "depth", "value": "6"}, {"key": "width", "value": "7"}]
        assert before["data"]["metrics"][0]["step"] == 999
    finally:
        server.start()
    deliver()
    assert runs_in(server, database, "dies") == [(run, "RUNNING", "first")]
    rows = server.rows(f"select step, value from metrics where run_uuid = '{run}' order by 1", database)
    assert rows == [(step, 1 / (step + 1)) for step in range(1000)]
    after = json.loads(mlplat("run", "get", run, "-o", "json"))
    assert after["info"]["run_id"] == run and "delivery" not in after["info"]
    assert {tag["key"]: tag["value"] for tag in after["data"]["tags"]}["phase"] == "late"


CLOSES = """
import sys, time, mlplat
session = mlplat.open()
run = session.run("left").__enter__()
run.log("loss", [0.5])
session.flush()
print(run.id, flush=True)
sys.stdin.readline()  # the server hangs
run.log("loss", [0.25])
run.__exit__(None, None, None)
began = time.monotonic()
session.close()
print(time.monotonic() - began, flush=True)
"""


def test_closing_beside_a_database_that_hangs_has_its_limit(server, database, training, deliver):
    process = training(CLOSES)
    run = process.stdout.readline().strip()
    with stopped(server):
        took = float(say(process))
    assert 4 < took < 10, took  # 5 s, unless it is told otherwise
    assert process.wait(60) == 0
    deliver()
    rows = server.rows(f"select step, value from metrics where run_uuid = '{run}' order by 1", database)
    assert rows == [(0, 0.5), (1, 0.25)]
    assert server.rows("select status from runs", database) == [("FINISHED",)]

"""Artifacts logged while the MLflow server is away: they wait in the spool, and come through its proxy when it is back."""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from mlflow_server import MlflowServer
from programs import BUILD, clean_environment

LOGGER = """
import os, pathlib, signal, sys
import mlplat
with mlplat.open() as session:
    run = session.run("away", experiment="offline").__enter__()
    print(run.id, flush=True)
    run.log_text("first", "notes.txt")
    run.log_text("second", "notes.txt")
    run.log_dict({"a": 1}, "sub/config.json")
    run.log_artifact("tree")
    run.log_artifact("large.bin", "big")
    pathlib.Path("tree/a b.txt").write_text("changed later")
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    session.flush() if "flush" in sys.argv else None
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    words = ["--default-artifact-root", "mlflow-artifacts:/", "--artifacts-destination", str(folder / "artifacts")]
    server = MlflowServer(folder, words=words).start()
    yield server
    server.kill()


@pytest.fixture
def work(server, tmp_path):
    """A folder to log from; the server is away until the test starts it."""
    server.kill()
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/a b.txt").write_text("as it was")
    (tmp_path / "tree/deep/empty").write_bytes(b"")
    (tmp_path / "large.bin").write_bytes(os.urandom(200_000))
    yield tmp_path
    server.start() if not server.process else None


def environment(server, folder, **more):
    return clean_environment(MLFLOW_TRACKING_URI=server.url, HOME=folder, XDG_STATE_HOME=folder / "state",
                             MLPLAT_SPOOL_COPY="100KiB", **more)


def log(server, folder, *words, code=0):
    done = subprocess.run([sys.executable, "-c", LOGGER, *words], cwd=folder, env=environment(server, folder), text=True,
                          capture_output=True, timeout=200)
    assert done.returncode == code, done.stderr
    return done.stdout.strip(), done.stderr


def mlplat(server, folder, *words):
    done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=folder, env=environment(server, folder), text=True,
                          capture_output=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def copies(folder):
    return [path for path in (folder / "state").rglob("artifacts/*") if path.is_file()]


def seen(data):
    """What a failed comparison can show: the large one would keep pytest busy for an hour."""
    return data if len(data) < 1000 else (len(data), hashlib.sha256(data).hexdigest())


def delivered(server):
    """What the server has of the run that came last."""
    run = server.rows("select run_uuid from runs order by start_time desc, rowid desc limit 1")[0][0]
    experiment = server.rows(f"select experiment_id from runs where run_uuid = '{run}'")[0][0]
    root = server.folder / "artifacts" / str(experiment) / run / "artifacts"
    return {str(path.relative_to(root)): seen(path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def expected(folder):
    return {"notes.txt": b"second", "sub/config.json": b'{\n  "a": 1\n}', "tree/a b.txt": b"as it was",
            "tree/deep/empty": b"", "big/large.bin": seen((folder / "large.bin").read_bytes())}


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_what_is_logged_while_the_server_is_away_comes_later(server, work, how):
    local, words = log(server, work, *(["die"] if how == "killed" else []), code=-signal.SIGKILL if how == "killed" else 0)
    assert local.startswith("0ff11e")
    assert "must stay as it is" in words  # the one that is too large for a copy
    waiting = copies(work)
    assert len(waiting) == 5
    assert {path.stat().st_mode & 0o777 for path in waiting} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in waiting} == {0o700}
    server.start()
    code, words = mlplat(server, work, "spool", "sync")
    assert code == 0, words
    assert delivered(server) == expected(work)
    assert copies(work) == []


def test_a_file_that_was_changed_meanwhile_is_a_dead_letter_and_the_rest_goes_on(server, work):
    log(server, work)
    (work / "large.bin").write_bytes(b"another")
    server.start()
    mlplat(server, work, "spool", "sync")
    there = delivered(server)
    assert there == {name: data for name, data in expected(work).items() if name != "big/large.bin"}
    code, words = mlplat(server, work, "spool", "status", "-o", "json")
    assert "was changed since it was logged" in words, words


def test_a_server_that_goes_away_in_the_middle_misses_nothing(server, work):
    server.start()
    program = subprocess.Popen([sys.executable, "-c", """
import sys, mlplat
with mlplat.open() as session:
    with session.run("middle", experiment="offline") as run:
        run.log_text("before", "a.txt")
        print(run.id, flush=True)
        sys.stdin.readline()
        run.log_text("meanwhile", "b.txt")
        run.log_text("meanwhile", "a.txt")
        print("logged", flush=True)
        sys.stdin.readline()
        run.log_text("after", "b.txt")
"""], cwd=work, env=environment(server, work), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert len(program.stdout.readline().strip()) == 32
    server.kill()
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.stdout.readline() == "logged\n"
    server.start()
    program.communicate("\n", timeout=200)
    assert program.returncode == 0
    mlplat(server, work, "spool", "sync")
    assert delivered(server) == {"a.txt": b"meanwhile", "b.txt": b"after"}
    assert copies(work) == []

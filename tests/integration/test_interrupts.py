"""Ctrl-C ends every wait for a server that says nothing, at once, and whatever it waits for."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from programs import BUILD, clean_environment

PYTHON = """
import mlplat
try:
    with mlplat.open() as ml:
        {}
except KeyboardInterrupt:
    raise SystemExit(130)
"""
CALLS = {
    "list": [BUILD / "tools/mlplat", "run", "list"],
    "start": [BUILD / "tools/mlplat", "run", "start"],
    "make": [BUILD / "tools/mlplat", "experiment", "create", "new"],
    "register": [BUILD / "tools/mlplat", "model", "create", "new"],
    "python search": [sys.executable, "-c", PYTHON.format("ml.search_runs()")],
    "python start": [sys.executable, "-c", PYTHON.format("ml.run('x').__enter__()")],
    "python register": [sys.executable, "-c", PYTHON.format("ml.registry.create('new')")],
}


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_ends_it(scheme, call, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        user = "ann:hunter2@" if scheme == "postgresql" else ""
        environment = clean_environment(MLFLOW_TRACKING_URI=f"{scheme}://{user}127.0.0.1:{silent.getsockname()[1]}/d",
                                        HOME=tmp_path, XDG_STATE_HOME=tmp_path)
        program = subprocess.Popen(CALLS[call], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)  # it has asked, and waits
            begin = time.monotonic()
            program.send_signal(signal.SIGINT)
            out, said = program.communicate(timeout=30)
        assert program.returncode == 130, out + said
        assert time.monotonic() - begin < 3, "it went on to wait"  # 5 seconds are what a start waits by itself
        assert "hunter2" not in said

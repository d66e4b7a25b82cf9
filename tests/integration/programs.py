"""What the integration tests share: the programs of the build, a clean environment, a store in a folder of its own.

MLPLAT_BINARY_DIR names the build folder; default: build/release. MLPLAT_HEAVY=1 adds the long rounds.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", ROOT / "build/release")).resolve()
HEAVY = os.environ.get("MLPLAT_HEAVY") == "1"


def clean_environment(**more):
    """The environment without the tester's own settings."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("MLPLAT_", "MLFLOW_"))}
    ours = {"PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],  # MLflow starts uvicorn by name
            "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",  # and asks nobody
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven more processes, which no tracking needs
            "XDG_CONFIG_HOME": "/nonexistent"}
    return {**keep, **ours, **{name: str(value) for name, value in more.items()}}


class Store:
    """A store of its own, and the programs that use it."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "mlflow.db"
        self.uri = f"sqlite:///{self.path}"

    def environment(self, **more):
        return clean_environment(MLFLOW_TRACKING_URI=self.uri, **more)

    def logger(self, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings):
        """examples/logger.c, started."""
        return subprocess.Popen([BUILD / "examples/logger"], env=self.environment(**settings), stdout=stdout,
                                stderr=stderr, text=stdout == subprocess.PIPE, cwd=self.folder)

    def mlplat(self, *words, code=0):
        """What the CLI prints."""
        done = subprocess.run([BUILD / "tools/mlplat", *words], env=self.environment(), capture_output=True, text=True,
                              cwd=self.folder, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def client(self):
        """MLflow's own client on this store."""
        mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
        return mlflow.MlflowClient(self.uri)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A server process of MLflow: it and its children are gone at the end of the `with`."""

    def __init__(self, words, store, health, log):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port",
                                             str(self.port)], env=store.environment(), stdout=out, stderr=out,
                                            cwd=store.folder, start_new_session=True)
        self.health = health

    def __enter__(self):
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(self.url + self.health, timeout=5):
                    return self
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise AssertionError("the server did not start:\n" + self.log.read_text()) from None
                try:  # an end of the process is noticed at once, else the next try is due
                    self.process.wait(0.2)
                except subprocess.TimeoutExpired:
                    pass

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def server(store, *words, health="/health", log="server.log"):
    return Server(words, store, health, store.folder / log)

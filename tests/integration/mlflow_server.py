"""A real MLflow server on SQLite, which can be killed and started again on the same port."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request

from programs import clean_environment, free_port


class MlflowServer:
    """`mlflow server` on SQLite in a folder; it can be killed and started again. python: that of another MLflow; words
    and settings: more of the command line and of the environment."""

    def __init__(self, folder, python=sys.executable, words=(), **settings):
        self.folder, self.database = folder, folder / "server.db"
        self.python, self.words = str(python), words
        self.settings = {"PATH": os.path.dirname(self.python) + os.pathsep + os.environ["PATH"], **settings}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def command(self):
        return [self.python, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.database}",
                "--default-artifact-root", str(self.folder / "artifacts"), "--host", "127.0.0.1", "--port",
                str(self.port), "--workers", "1", *self.words]

    def start(self):
        environment = clean_environment(**self.settings)
        self.log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log, env=environment,
                                        start_new_session=True)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(f"{self.url}/health", timeout=5).status == 200:
                    return self
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        raise AssertionError("the server does not come up")

    def kill(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            self.log.close()

    def set_tag(self, run, key, value):
        """As somebody else does, in MLflow's own way."""
        body = json.dumps({"run_id": run, "key": key, "value": value}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/api/2.0/mlflow/runs/set-tag", body,
                                                      {"Content-Type": "application/json"}), timeout=20).close()

    def tags(self, run):
        return dict(self.rows(f"select key, value from tags where run_uuid = '{run}' and key not like 'mlflow.%'"))

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return database.execute(sql).fetchall()

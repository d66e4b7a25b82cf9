"""A PostgreSQL server of the tests' own, with MLflow's tables as MLflow makes them; it can be killed and started again."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from programs import clean_environment, free_port

psycopg2 = pytest.importorskip("psycopg2", reason="psycopg2 is not here: ./setup.sh test installs it")
MAKE = ("import sys; from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore; "
        "SqlAlchemyStore(sys.argv[1], sys.argv[2])")


class PostgresServer:
    """PostgreSQL in a folder of its own, as the user postgres where this one is root."""

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        self.programs = found[-1] if found else os.path.dirname(shutil.which("initdb") or "")
        self.user = "postgres" if os.getuid() == 0 else None
        if not self.programs or (self.user and self.user not in {u.pw_name for u in pwd.getpwall()}):
            pytest.skip("PostgreSQL is not here (package postgresql)")
        self.folder = tempfile.mkdtemp(prefix="mlplat-postgres-")
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        self.port, self.process = free_port(), None
        self.run("initdb", "-D", "data", "-A", "trust", "-U", "mlflow", "-N", "--locale=C.UTF-8", "-E", "UTF8")
        self.start()

    def words(self, name, *rest):
        return [f"{self.programs}/{name}", *rest]

    def run(self, name, *rest):
        subprocess.run(self.words(name, *rest), cwd=self.folder, check=True, user=self.user, group=self.user,
                       extra_groups=[] if self.user else None, capture_output=True, timeout=120)

    def start(self):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(
                self.words("postgres", "-D", "data", "-c", f"port={self.port}", "-c", f"unix_socket_directories={self.folder}",
                           "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"),
                cwd=self.folder, user=self.user, group=self.user, extra_groups=[] if self.user else None, stdout=log,
                stderr=log, start_new_session=True)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(psycopg2.OperationalError):
                return self.rows("select 1", "postgres") and self
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        raise AssertionError("PostgreSQL does not come up")

    def kill(self):
        """All of it at once."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database, user="mlflow", port=None):
        return f"postgresql+psycopg2://{user}@127.0.0.1:{port or self.port}/{database}"

    def rows(self, sql, database):
        with contextlib.closing(psycopg2.connect(host="127.0.0.1", port=self.port, user="mlflow", dbname=database)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

    def make(self, database, artifacts, python=sys.executable):
        """A database with the tables of this Python's MLflow."""
        self.rows(f"create database {database}", "postgres")
        subprocess.run([python, "-c", MAKE, self.uri(database), str(artifacts)], env=clean_environment(), check=True,
                       capture_output=True, timeout=200)

    def copy(self, source, database):
        self.rows(f"create database {database} template {source}", "postgres")
        return database

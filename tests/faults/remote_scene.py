"""An MLflow server that keeps a diary, and what a client's runs have to look like in its database."""

import collections
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

import victims
from mlflow_server import MlflowServer
from programs import BUILD, HEAVY, Store, clean_environment

AGAIN_LATER = 5  # docs/cli.md

# What the server writes, in its order: its tables alone do not tell that something was undone and done again.
DIARY = """
CREATE TABLE diary (n INTEGER PRIMARY KEY, what TEXT, run TEXT, key TEXT, value TEXT);
CREATE TRIGGER diary_tag AFTER INSERT ON tags BEGIN
  INSERT INTO diary (what, run, key, value) VALUES ('tag', new.run_uuid, new.key, new.value); END;
CREATE TRIGGER diary_tag_again AFTER UPDATE ON tags WHEN new.value <> old.value BEGIN
  INSERT INTO diary (what, run, key, value) VALUES ('tag', new.run_uuid, new.key, new.value); END;
CREATE TRIGGER diary_status AFTER UPDATE ON runs WHEN new.status <> old.status BEGIN
  INSERT INTO diary (what, run, key, value) VALUES ('status', new.run_uuid, '', new.status); END;
"""


class DiaryServer(MlflowServer):
    def prepare(self):
        """As MLflow does it, in a moment."""
        if not self.database.exists():
            Store(self.folder).mlplat("store", "create", "--tracking-uri", f"sqlite:///{self.database}")

    def start(self):
        self.prepare()
        super().start()
        with contextlib.closing(sqlite3.connect(self.database, timeout=60)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'diary'").fetchone():
                db.executescript(DIARY)
        return self


class Remote(Store):
    """A folder with a spool of its own, whose store is a server's; what is looked at is the server's database."""

    def __init__(self, folder, server, url=None):
        super().__init__(folder)
        self.server, self.path, self.uri = server, server.database, url or server.url
        folder.mkdir(exist_ok=True)

    def environment(self, **more):
        return clean_environment(**{"MLFLOW_TRACKING_URI": self.uri, "HOME": self.folder,
                                    "XDG_STATE_HOME": self.folder, "MLFLOW_EXPERIMENT_NAME": self.folder.name, **more})

    def log(self, told, points, runs=1, threads=1, **settings):
        """tests/faults/helpers/fault_remote.c, started."""
        told.write_bytes(victims.NOTHING)
        words = [BUILD / "tests/fault_remote", told, points, runs, threads]
        return subprocess.Popen([str(word) for word in words], env=self.environment(**settings), cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def sync(self):
        """Until nothing is left: what the server did not take now is tried again."""
        words, deadline = [BUILD / "tools/mlplat", "spool", "sync"], time.monotonic() + (900 if HEAVY else 120)
        while True:
            done = subprocess.run(words, env=self.environment(), capture_output=True, text=True, cwd=self.folder,
                                  timeout=300)
            if done.returncode == 0:
                return victims.settled(self)
            assert done.returncode == AGAIN_LATER and time.monotonic() < deadline, done.stderr

    def runs(self):
        """What the server has of this folder's experiment."""
        return [run for run, in self.server.rows(
            "SELECT run_uuid FROM runs JOIN experiments USING (experiment_id) "
            f"WHERE experiments.name = '{self.folder.name}'")]


def killed(remote, told, chance, children=0, waits=0.8):
    """A program that logs run after run, killed with all its children, so often
    after its first point is accepted. What it was told."""
    victim = victims.start(remote, told, chance.choice([0, 40]), children, VICTIM_PAUSE_US=200,
                           MLPLAT_DURABILITY=chance.choice(["process", "process", "disk"]))
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if chance.random() < waits:
                victims.wait_for_points(victim, told, 1, patience=240)
            victim.wait(chance.uniform(0, 0.1))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    problems = victim.stderr.read().decode()
    assert all(line.startswith("mlplat: warning: ") for line in problems.splitlines()), problems
    victim.stderr.close()
    return list(victims.read(told))


def finished(process, seconds=120):
    """What fault_remote says at its end."""
    out, problems = process.communicate(timeout=seconds)
    assert process.returncode == 0, problems
    return json.loads(out)


def at_server(server, tolds):
    """A run that was made offline told its own id: here it has the server's."""
    local = dict(server.rows("SELECT value, run_uuid FROM tags WHERE key = 'mlplat.local_id'"))
    return [told._replace(run=local.get(told.run, told.run)) for told in tolds]


def undone(server, runs):
    """Tags and states that the server was told twice, or in another order than they were given."""
    given = collections.defaultdict(list)
    for what, run, key, value in server.rows("SELECT what, run, key, value FROM diary ORDER BY n"):
        if run in runs and (what == "status" or key == "at"):
            given[what, run].append(int(value) if what == "tag" else value)
    for (what, run), values in given.items():
        if len(set(values)) != len(values) or (what == "tag" and values != sorted(values)):
            yield f"{run}: {what} {values}"


def verify(remote, tolds, after=None, killed=0):
    """All that was promised is there once, in its order; and no run that nobody was told of, but of those killed."""
    tolds = list(tolds)
    after = list(after or tolds)
    tolds, after = at_server(remote.server, tolds), at_server(remote.server, after)
    points = victims.verify(remote, tolds, after)
    names = {told.run for told in after}
    again = list(undone(remote.server, names))
    assert again == [], "\n".join(again)
    ghosts = set(remote.runs()) - names
    assert len(ghosts) <= killed, f"{len(ghosts)} runs more than there should be"
    return points

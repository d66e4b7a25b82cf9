"""Several imports of one archive at once, after one that was killed: each run is brought once, and whole."""

import json
import random
import sqlite3
import subprocess

import pytest

from programs import BUILD, HEAVY, Store

POINTS = 30_000


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Of a store with one run of many points."""
    source = Store(tmp_path_factory.mktemp("source"))
    run = source.mlplat("run", "start").strip()
    points = [{"key": "loss", "value": step / 7, "step": step, "timestamp": 1700000000000 + step}
              for step in range(POINTS)]
    for at in range(0, POINTS, 1000):
        (source.folder / "batch.json").write_text(json.dumps({"metrics": points[at:at + 1000]}))
        source.mlplat("run", "log-batch", run, str(source.folder / "batch.json"))
    source.mlplat("run", "end", run)
    source.mlplat("export", "archive")
    return source.folder / "archive"


def import_of(archive, store):
    return subprocess.Popen([BUILD / "tools/mlplat", "import", archive, "-o", "json"], env=store.environment(),
                            cwd=store.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("seed", range(50 if HEAVY else 4))
def test_imports_at_once_after_a_killed_one_bring_each_point_once(archive, store, seed):
    killed = import_of(archive, store)
    try:
        killed.wait(random.Random(seed).uniform(0.01, 0.25))
    except subprocess.TimeoutExpired:
        killed.kill()
    killed.communicate()
    together = [import_of(archive, store) for _ in range(3)]
    told = [(one.communicate(timeout=120), one.returncode) for one in together]
    assert [code for _, code in told] == [0, 0, 0], told
    assert sum(json.loads(out)["runs"]["imported"] + json.loads(out)["runs"]["replaced"]
               for (out, _), _ in told) <= 1  # none, if the killed one was through
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*), count(DISTINCT step) FROM metrics").fetchone() == (POINTS, POINTS)
        assert db.execute("SELECT lifecycle_stage FROM runs").fetchall() == [("active",)]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert not (store.folder / "mlflow.db-import").exists()

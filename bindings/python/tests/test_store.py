"""The store as a whole."""

import importlib.metadata
import os
import pathlib
import sqlite3
import subprocess
import sys

import pytest

import mlplat
import mlplat.store

NEWEST = mlplat.store.heads()[-1]["head"]


def test_store_is_created_on_demand(ml, folder):
    made = ml.store.create()
    assert made["created"] is True and pathlib.Path(made["path"]) == folder / "mlflow.db"
    with mlplat.open() as later:
        assert later.store.create() == {**made, "created": False}


def test_store_is_made_for_the_mlflow_that_is_asked_for(ml, folder):
    assert ml.store.create("2.14.0")["head"] == "5b0e9adcef9c"
    assert ml.store.create("3.1.0")["head"] == "5b0e9adcef9c"  # it is there, and stays as it is
    with pytest.raises(mlplat.Unsupported, match="older than 2.14.0"):
        ml.store.create("2.13.0")


def test_mlflow_version_is_a_setting(folder, monkeypatch):
    monkeypatch.setenv("MLPLAT_MLFLOW_VERSION", "3.1.4")
    with mlplat.open("sqlite:///a.db") as ml:
        assert ml.store.create()["head"] == "bda7b8c39065"
        assert ml.config()["mlflow_version"] == {"value": "3.1.4", "source": "environment MLPLAT_MLFLOW_VERSION"}
    with mlplat.open("sqlite:///b.db", mlflow_version="0584bdc529eb") as ml:
        assert ml.store.create()["head"] == "0584bdc529eb"
        assert ml.config()["mlflow_version"] == {"value": "0584bdc529eb", "source": "call"}


@pytest.mark.parametrize("name, head", [
    ("mlflow-2.22.1.dist-info", "0584bdc529eb"),
    ("mlflow_skinny-2.14.3.dist-info", "5b0e9adcef9c"),
    ("mlflow-99.0.dist-info", NEWEST),  # newer than we know: as new as can be
    ("mlflow-1.30.0.dist-info", NEWEST),
])
def test_a_new_store_is_made_for_the_mlflow_beside_us(folder, monkeypatch, name, head):
    (folder / "packages" / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(folder / "nowhere"), str(folder / "packages"), *sys.path])
    with mlplat.open() as ml, ml.run("first"):  # made by the first call that needs it
        pass
    with mlplat.open() as ml:
        assert ml.store.create()["head"] == head


def test_the_installed_mlflow_is_found_without_importing_it():
    script = "import sys, mlplat.store; print(mlplat.store.installed_mlflow(), 'mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    try:
        version = importlib.metadata.version("mlflow")
    except importlib.metadata.PackageNotFoundError:
        version = None
    assert done.stdout.split() == [str(version), "False"]


def test_upgrade_moves_the_store(ml):
    first = ml.store.create("2.14.0")["head"]
    with pytest.raises(mlplat.Unsupported, match="MLflow 3.0"):
        ml.logged_models.create("tree")
    done = ml.store.upgrade("3.1.0")
    assert (done["from"], done["head"], done["changed"]) == (first, "bda7b8c39065", True)
    assert ml.logged_models.create("tree").name == "tree"
    with pytest.raises(mlplat.Conflict, match="never taken back"):
        ml.store.upgrade("2.14.0")


def test_heads_are_listed():
    heads = mlplat.store.heads()
    assert heads[0] == {"head": "5b0e9adcef9c", "mlflow": "2.14.0"}
    assert heads[-1]["head"] == NEWEST
    assert len({one["head"] for one in heads}) == len(heads)


# ---- export and import -------------------------------------------------------------------------------------------


@pytest.fixture
def other(folder):
    (folder / "other").mkdir()
    with mlplat.open(f"sqlite:///{folder}/other/mlflow.db") as session:
        yield session


def fill(ml, name="fraud"):
    with ml.run("first", experiment=name, params={"depth": 6}, tags={"team": "risk"}) as run:
        run.log("loss", [0.5, float("nan"), float("inf"), -0.0])
        run.log_text("hello", "notes/a.txt")
    version = ml.registry.register("digits", f"runs:/{run.id}/notes")
    ml.registry.set_alias("digits", "champion", version)
    return run.id


def test_an_archive_goes_to_another_store(ml, other, folder):
    run_id = fill(ml)
    made = ml.store.export_to(folder / "archive")
    assert made["counts"]["runs"] == 1 and made["counts"]["metrics"] == 4 and made["counts"]["artifacts"] == 1
    done = other.store.import_from(folder / "archive")
    assert done["runs"] == {"imported": 1, "same": 0, "kept": 0, "replaced": 0} and done["artifacts"] == 1
    assert repr(other.get_run(run_id)["data"]) == repr(ml.get_run(run_id)["data"])
    assert repr(other.metric_history(run_id, "loss")) == repr(ml.metric_history(run_id, "loss"))
    assert other.registry.version("digits", "champion").run_id == run_id
    assert other.artifacts.read("models:/digits@champion/a.txt") == b"hello"
    assert other.store.import_from(folder / "archive")["runs"]["same"] == 1


@pytest.mark.parametrize("chosen, runs", [
    ({"experiments": "fraud"}, 1), ({"experiments": ["fraud", "risk"]}, 2), ({"experiments": ()}, 0),
    ({"filter": "params.depth = '6'"}, 2), ({"filter": "params.depth = '6'", "experiments": "risk"}, 1),
    ({"models": "digits"}, 2), ({}, 2)])
def test_what_is_named_is_exported(ml, folder, chosen, runs):
    fill(ml, "fraud")
    fill(ml, "risk")
    assert ml.store.export_to(folder / "archive", **chosen)["counts"]["runs"] == runs


def test_runs_are_named_by_id(ml, folder):
    one, two = fill(ml), fill(ml)
    assert ml.store.export_to(folder / "one", runs=one)["counts"]["runs"] == 1
    assert ml.store.export_to(folder / "both", runs={one, two}, artifacts=False)["counts"]["artifacts"] == 0
    with pytest.raises(mlplat.NotFound, match="nobody"):
        ml.store.export_to(folder / "none", runs="nobody")
    assert not (folder / "none").exists()


def test_what_differs_is_a_conflict(ml, other, folder):
    run_id = fill(ml)
    ml.store.export_to(folder / "archive")
    other.store.import_from(folder / "archive")
    with other.resume_run(run_id) as run:
        run.set_tag("team", "fraud")
    with pytest.raises(mlplat.Conflict, match=run_id):
        other.store.import_from(folder / "archive")
    assert other.store.import_from(folder / "archive", on_conflict="keep")["runs"]["kept"] == 1
    assert other.get_run(run_id).tags["team"] == "fraud"
    assert other.store.import_from(folder / "archive", on_conflict="replace", dry_run=True)["runs"]["replaced"] == 1
    assert other.get_run(run_id).tags["team"] == "fraud"
    assert other.store.import_from(folder / "archive", on_conflict="replace")["runs"]["replaced"] == 1
    assert other.get_run(run_id).tags["team"] == "risk"
    with pytest.raises(mlplat.Invalid, match="perhaps"):
        other.store.import_from(folder / "archive", on_conflict="perhaps")


def test_a_damaged_archive_is_named(ml, other, folder):
    fill(ml)
    ml.store.export_to(folder / "archive")
    data = folder / "archive" / "data.jsonl.zst"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    with pytest.raises(mlplat.Corrupt, match="data.jsonl.zst"):
        other.store.import_from(folder / "archive")
    assert other.search_runs() == []
    with pytest.raises(mlplat.Exists):
        ml.store.export_to(folder / "archive")
    with pytest.raises(mlplat.Invalid, match="max_bytes"):
        (folder / "archive").rename(folder / "damaged")
        ml.store.export_to(folder / "archive")
        other.store.import_from(folder / "archive", max_bytes=10)


def test_progress_is_told_and_cancels(ml, other, folder):
    fill(ml)
    seen = []
    ml.store.export_to(folder / "archive", progress=lambda done, total: seen.append((done, total)))
    assert seen
    seen.clear()
    other.store.import_from(folder / "archive", progress=lambda done, total: seen.append((done, total)))
    assert seen and all(0 <= done <= total for done, total in seen)
    with pytest.raises(mlplat.Cancelled):
        ml.store.export_to(folder / "more", progress=lambda done, total: False)
    assert not list(folder.glob("more*"))


def test_a_registry_in_a_file_of_its_own_comes_along(folder):
    def opened(name):
        return mlplat.open(f"sqlite:///{name}.db", registry_uri=f"sqlite:///{name}-registry.db",
                           artifact_root=folder / name)

    with opened("a") as a, opened("b") as b:
        run_id = fill(a)
        a.store.export_to(folder / "archive", models="digits")
        b.store.import_from(folder / "archive")
        assert b.artifacts.read("models:/digits@champion/a.txt") == b"hello"
        assert b.registry.version("digits").run_id == run_id
        assert b.store.import_from(folder / "archive")["model_versions"]["same"] == 1
        assert b.store.check()["ok"]


# ---- looking after -----------------------------------------------------------------------------------------------


def test_a_check_tells_and_repairs(ml, folder):
    fill(ml)
    assert ml.store.check() == {"ok": True, "path": str(folder / "mlflow.db"), "head": ml.store.create()["head"],
                                "findings": []}
    with sqlite3.connect(folder / "mlflow.db") as db:
        db.execute("UPDATE latest_metrics SET step = 77")
    db.close()
    report = ml.store.check()
    assert not report["ok"] and [f["check"] for f in report["findings"]] == ["latest_metrics"]
    assert ml.store.check(repair=True)["findings"][0]["repaired"] and ml.store.check()["findings"] == []


def test_a_look_at_a_store_makes_none(folder):
    with mlplat.open("sqlite:///nowhere.db") as session, pytest.raises(mlplat.NotFound, match="nowhere.db"):
        session.store.check()
    assert not (folder / "nowhere.db").exists()


def test_a_backup_is_a_store(ml, folder):
    run_id = fill(ml)
    made = ml.store.backup(folder / "copy.db", artifacts=True)
    assert made["files"] == 1 and pathlib.Path(made["artifacts"]).is_dir()
    with mlplat.open(f"sqlite:///{folder}/copy.db") as copy:
        assert repr(copy.get_run(run_id)) == repr(ml.get_run(run_id))
    with pytest.raises(mlplat.Exists):
        ml.store.backup(folder / "copy.db")


def test_what_was_deleted_goes_for_good(ml, folder):
    keep, gone = fill(ml), fill(ml)
    ml.delete_run(gone)
    with pytest.raises(mlplat.State, match=keep):
        ml.store.gc(runs=keep)
    assert ml.store.gc(older_than="1d")["runs"] == []
    with pytest.raises(mlplat.State):
        ml.store.gc(runs=gone, older_than="1d")
    for wrong in ("", "1", "5x", "3s4d", "d"):
        with pytest.raises(mlplat.Invalid, match="older_than"):
            ml.store.gc(older_than=wrong)
    assert ml.store.gc(dry_run=True)["runs"] == [gone] and ml.get_run(gone).id == gone
    assert ml.store.gc(older_than="0.0s")["runs"] == [gone]
    with pytest.raises(mlplat.NotFound):
        ml.get_run(gone)
    assert [path.parent.parent.parent.name for path in folder.glob("mlruns/*/*/artifacts/notes/a.txt")] == [keep]


def test_an_experiment_goes_with_what_is_in_it(ml, folder):
    run_id = fill(ml, "gone")
    experiment = ml.experiments.by_name("gone")["experiment_id"]
    ml.experiments.delete(experiment)
    report = ml.store.gc(experiments=[experiment])
    assert report["experiments"] == [experiment] and report["runs"] == [run_id]
    assert not list(folder.rglob("a.txt")) and ml.store.check()["findings"][0]["check"] == "artifacts"  # the version's


def test_orphans_go_only_when_asked(ml, folder):
    run_id = fill(ml)
    lost = folder / "mlruns" / ml.get_run(run_id).experiment_id / ("a" * 32) / "artifacts"
    lost.mkdir(parents=True)
    (lost.parent.parent / "mine").mkdir()
    assert ml.store.gc()["orphans"] == [] and ml.store.gc(orphans=True)["orphans"] == []  # too young
    os.utime(lost.parent, (1, 1))
    assert ml.store.gc(orphans=True, dry_run=True)["orphans"] == [str(lost.parent)] and lost.exists()
    assert ml.store.gc(orphans=True)["orphans"] == [str(lost.parent)] and not lost.exists()
    assert (lost.parent.parent / "mine").exists() and ml.artifacts.read(f"runs:/{run_id}/notes/a.txt") == b"hello"


@pytest.mark.parametrize("mangled, part", [
    ("ALTER TABLE datasets RENAME COLUMN digest TO sum", "inputs"),
    ("ALTER TABLE logged_models RENAME COLUMN name TO called", "logged models"),
    ("ALTER TABLE params RENAME COLUMN value TO content", "runs"),
    ("ALTER TABLE model_versions ADD COLUMN mood TEXT NOT NULL DEFAULT 'x'; "
     "ALTER TABLE registered_model_aliases RENAME COLUMN alias TO called", "registry"),
])
@pytest.mark.parametrize("head", [None, "ffffffffffff"], ids=["known", "unknown"])
def test_what_has_an_unknown_shape_is_not_written_and_the_rest_is(folder, mangled, part, head):
    with mlplat.open() as ml, ml.run("first"):
        pass
    with sqlite3.connect("mlflow.db") as db:
        db.executescript(mangled)
        if head:
            db.execute("UPDATE alembic_version SET version_num = ?", [head])
    db.close()
    done = []
    with mlplat.open() as ml:
        calls = {
            "runs": lambda: ml.run("second").end(),
            "inputs": lambda: ml.run("third").log_input(name="d", digest="1", source="s", source_type="local"),
            "logged models": lambda: ml.logged_models.create("tree"),
            "registry": lambda: ml.registry.create("fraud"),
        }
        for name, call in calls.items():
            try:
                call()
                done.append(name)
            except mlplat.Unsupported as problem:
                assert "shape" in str(problem)
        assert ml.experiments.get("0")["name"] == "Default"
        if part != "runs":
            assert {run.name for run in ml.search_runs(experiment_ids="0")} == {"first", "second", "third"}
    assert set(calls) - set(done) == ({part} if part != "runs" else set(calls) - {"registry"})

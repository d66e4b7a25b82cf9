"""The store as a whole."""

import importlib.metadata
import pathlib
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

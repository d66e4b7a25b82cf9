"""The tables that we make are the tables that the installed MLflow makes, and MLflow takes them for its own."""

import sqlite3
import subprocess
import sys

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")

import mlflow.store.db.utils as db_utils  # noqa: E402
from alembic.runtime.migration import MigrationContext  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore  # noqa: E402
from schemas import rows, shape  # noqa: E402


def dump(path):
    with sqlite3.connect(path) as db:
        text = "\n".join(db.iterdump())
    db.close()
    return text


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    TrackingStore(f"sqlite:///{folder}/mlflow.db", str(folder / "mlruns")).engine.dispose()
    return folder / "mlflow.db"


@pytest.fixture
def ours(store):
    store.mlplat("store", "create")
    return store


def test_our_tables_are_mlflows(ours, theirs):
    want, got = shape(theirs), shape(ours.path)
    assert len({key[0] for key in want if key[1] == "columns"}) >= 65
    assert sorted(map(repr, want)) == sorted(map(repr, got))
    for key in want:
        assert got[key] == want[key], key


def test_our_first_rows_are_mlflows(ours, theirs):
    want, got = rows(theirs), rows(ours.path)
    (default,) = got["experiments"]
    assert default[:4] == (0, "Default", f"{ours.folder}/mlruns/0", "active") and default[6] == "default"
    assert default[4] == default[5] > 1_600_000_000_000
    for content in (want, got):
        del content["experiments"]
    assert got == want


def test_mlflow_opens_our_file_and_changes_nothing(ours):
    before = dump(ours.path)
    tracking = TrackingStore(ours.uri, str(ours.folder / "mlruns"))
    registry = RegistryStore(ours.uri)
    assert [e.name for e in tracking.search_experiments()] == ["Default"]
    assert list(registry.search_registered_models()) == []
    for opened in (tracking, registry):
        opened.engine.dispose()
    assert dump(ours.path) == before


def test_alembic_finds_our_file_at_its_head(ours):
    engine = db_utils.create_sqlalchemy_engine(ours.uri)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    heads = ScriptDirectory.from_config(db_utils._get_alembic_config(ours.uri)).get_heads()
    engine.dispose()
    assert [current] == heads


def test_mlflow_db_upgrade_is_content_with_our_file(ours):
    before = dump(ours.path)
    done = subprocess.run([sys.executable, "-m", "mlflow", "db", "upgrade", ours.uri], env=ours.environment(),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert dump(ours.path) == before


def test_we_open_mlflows_file_and_change_nothing(store):
    TrackingStore(store.uri, str(store.folder / "mlruns")).engine.dispose()
    before = dump(store.path)
    store.mlplat("store", "create")
    assert "Default" in store.mlplat("experiment", "list")
    assert dump(store.path) == before

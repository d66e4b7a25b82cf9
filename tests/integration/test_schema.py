"""The tables that we make are the tables that the installed MLflow makes, and MLflow takes them for its own."""

import re
import sqlite3
import subprocess
import sys

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")

import mlflow.store.db.utils as db_utils  # noqa: E402
from alembic import command  # noqa: E402
from alembic.runtime.migration import MigrationContext  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore  # noqa: E402
from mlflow.store.tracking.dbmodels import initial_models  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore  # noqa: E402


def words(sql):
    """SQL without what does not matter: blanks, case, quotes around names."""
    return re.sub(r"\s+", "", re.sub(r'"(\w+)"', r"\1", sql or "")).lower()


def parts(sql):
    """Columns and constraints of a CREATE TABLE: only here are generated columns, checks and names of constraints."""
    out, depth, part = [], 0, ""
    for letter in sql[sql.index("(") + 1:sql.rindex(")")]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            out, part = [*out, words(part)], ""
        else:
            part += letter
    return sorted([*out, words(part)])


def shape(path):
    """What SQLite says about every table: columns (name, type, not null, default, key, hidden), keys, indexes."""
    out = {}
    with sqlite3.connect(path) as db:
        for table, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
            out[table, "columns"] = [row[1:] for row in db.execute(f"PRAGMA table_xinfo('{table}')")]
            out[table, "foreign keys"] = sorted(
                row[2:] for row in db.execute(f"PRAGMA foreign_key_list('{table}')"))
            out[table, "parts"] = parts(sql)
            for _, name, unique, origin, partial in db.execute(f"PRAGMA index_list('{table}')").fetchall():
                columns = [row[1:] for row in db.execute(f"PRAGMA index_xinfo('{name}')")]
                text = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
                key = name if text else (origin, *(column[1] for column in columns))
                out[table, "index", key] = (unique, origin, partial, columns, words(text))
        others = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
        for kind, name, sql in db.execute(others):
            out[kind, name] = words(sql)
    db.close()
    return out


def rows(path):
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: db.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    db.close()
    return {table: content for table, content in found.items() if content}


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


# The newest head of MLflow 2.14, 2.22, 3.1, 3.5 and 3.10: made by the installed MLflow's own migrations.
OLD_HEADS = ["5b0e9adcef9c", "0584bdc529eb", "bda7b8c39065", "bf29a5ff90ea", "1b5f0d9ad7c1"]


def make_at(store, revision):
    engine = db_utils.create_sqlalchemy_engine(store.uri)
    initial_models.Base.metadata.create_all(engine)
    config = db_utils._get_alembic_config(store.uri)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.mark.parametrize("revision", OLD_HEADS)
def test_files_of_older_mlflow_are_written(store, revision):
    make_at(store, revision)
    tables = shape(store.path)
    store.mlplat("model", "create", "fraud")
    assert "fraud" in store.mlplat("model", "list")
    store.mlplat("experiment", "create", "risk")
    assert "risk" in store.mlplat("experiment", "list")
    assert {key: value for key, value in shape(store.path).items() if key[0] != "mlplat_journal"} == tables

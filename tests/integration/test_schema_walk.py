"""Every head since MLflow 2.14.0: our file at it is MLflow's, we write and read it, and upgrade as MLflow does."""

import json
import logging
import shutil
import sqlite3
import time

import pytest

pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")
mlplat = pytest.importorskip("mlplat", reason="the Python binding is not installed: pip install ./bindings/python")

import mlplat.store  # noqa: E402
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore  # noqa: E402
from schemas import Migrations, rows, shape  # noqa: E402

OURS = {"mlplat_journal"}  # a table of our own, beside MLflow's
MIGRATIONS = Migrations()
HEADS = MIGRATIONS.heads
RELEASED = [one["head"] for one in mlplat.store.heads() if one["mlflow"] and one["head"] in HEADS]
NUMBERS = {head: number for number, head in enumerate(HEADS)}

# ---- rows that are in a file before it is upgraded -------------------------------------------------------------------

# Values that are not of any kind: they must fit together, or mean something to MLflow's upgrade.
SPECIAL = {
    "lifecycle_stage": ["active", "deleted", "active"],
    "status": ["FINISHED", "RUNNING", "FAILED"],
    "source_type": ["LOCAL", "NOTEBOOK", "LOCAL"],
    "is_nan": [0, 1, 0],
    "workspace": ["default", "default", "other"],
    "dimension_attributes": ['{"mlflow.llm.model": "m", "mlflow.llm.provider": "p"}', None,
                             '{"mlflow.llm.model": null}'],
}
IN_TABLE = {
    ("jobs", "status"): [0, 1, 2],
    ("logged_models", "status"): [1, 2, 3],
    ("trace_tags", "key"): ["mlflow.traceName", "other", "mlflow.traceName"],
    ("trace_request_metadata", "key"): ["mlflow.trace.session", "mlflow.trace.tokenUsage", "mlflow.trace.cost"],
    ("trace_request_metadata", "value"): ["s" * 300, '{"input_tokens": 3, "total_tokens": 7.0}', '{"total_cost": 0.5}'],
    ("trace_metrics", "key"): ["input_tokens", "output_tokens", "other"],
    ("span_metrics", "key"): ["input_cost", "total_cost", "other"],
    ("assessments", "value"): ['"yes"', "0.25", '{"a": 1}'],
}


def value_of(table, column, kind, i):
    if (table, column) in IN_TABLE:
        return IN_TABLE[table, column][i]
    if column in SPECIAL and kind != "INTEGER":
        return SPECIAL[column][i]
    if column in ("trace_id", "request_id"):  # one refers to the other
        return f"trace {i}"
    if kind in ("INTEGER", "BIGINT", "DATE"):
        return 10 + i
    if kind == "FLOAT":
        return i + 0.5
    if kind == "BOOLEAN":
        return i % 2
    if kind == "BLOB":
        return bytes([i, 0, 255])
    return json.dumps({"n": i}) if kind == "JSON" else f"{column} {i} \u00e9'\""


def seed(path, tables):
    """Three rows in each of the tables."""
    db = sqlite3.connect(path)
    for table in tables:
        columns = [(row[1], row[2].split("(")[0]) for row in db.execute(f"PRAGMA table_xinfo('{table}')") if not row[6]]
        for i in range(3):
            names = ", ".join(f'"{name}"' for name, _ in columns)
            marks = ", ".join("?" * len(columns))
            db.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})',
                       [value_of(table, name, kind, i) for name, kind in columns])
    db.commit()
    db.close()


def tables_of(path):
    with sqlite3.connect(path) as db:
        found = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.close()
    return found - {"alembic_version", "mlplat_journal"}


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """MLflow's file at every head, with rows in all tables; and the same after MLflow's next step."""
    folder = tmp_path_factory.mktemp("walk")
    path, seeded = folder / "now.db", set()
    MIGRATIONS.make(path)
    for number, head in enumerate(HEADS):
        if number:
            MIGRATIONS.upgrade(path, head)
            shutil.copy(path, folder / f"{number - 1}-next.db")
        seed(path, tables_of(path) - seeded)
        seeded |= tables_of(path)
        shutil.copy(path, folder / f"{number}.db")
    return folder


def same(got, want):
    """The same tables, indexes and rows, beside a table of our own; jobs that were cancelled have the time of it."""
    assert {key: value for key, value in shape(got).items() if key[0] not in OURS} == shape(want)
    ours, theirs = rows(got), rows(want)
    for content in (ours, theirs):
        content.pop("mlplat_journal", None)
        content["jobs"] = sorted([stamp(row) for row in content.get("jobs", [])], key=repr)
    assert ours == theirs


def stamp(row):
    now = time.time() * 1000
    return tuple("now" if isinstance(value, int) and now - 3_600_000 < value <= now + 1000 else value for value in row)


def session(path, **more):
    return mlplat.open(f"sqlite:///{path}", artifact_root=path.parent / "artifacts", **more)


# ---- the same tables ------------------------------------------------------------------------------------------------


def test_we_know_every_head_of_the_installed_mlflow():
    assert [one["head"] for one in mlplat.store.heads()] == HEADS


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{NUMBERS[head]}-{head}")
def test_a_file_that_we_make_at_a_head_is_mlflows(walk, tmp_path, head):
    path = tmp_path / "mlflow.db"
    with session(path) as ml:
        made = ml.store.create(head)
    assert (made["head"], made["created"]) == (head, True)
    theirs = walk / f"{NUMBERS[head]}.db"
    assert shape(path) == shape(theirs)
    got = rows(path)
    assert [row[:4] for row in got.pop("experiments")] == [(0, "Default", f"{tmp_path}/artifacts/0", "active")]
    first = [row for row in rows(theirs).get("workspaces", []) if row[0] == "default"]  # the others are this test's
    assert got == {"alembic_version": [(head,)]} | ({"workspaces": first} if first else {})


# ---- upgrades -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", HEADS[:-1], ids=lambda head: f"{NUMBERS[head]}-{head}")
def test_our_step_to_the_next_head_is_mlflows(walk, tmp_path, head):
    path = tmp_path / "mlflow.db"
    shutil.copy(walk / f"{NUMBERS[head]}.db", path)
    after = HEADS[NUMBERS[head] + 1]
    with session(path) as ml:
        done = ml.store.upgrade(after)
        assert (done["from"], done["head"], done["changed"]) == (head, after, True)
        assert ml.store.upgrade(after)["changed"] is False
    same(path, walk / f"{NUMBERS[head]}-next.db")


@pytest.mark.parametrize("head", RELEASED[:-1], ids=lambda head: f"{NUMBERS[head]}-{head}")
def test_our_upgrade_to_the_newest_head_is_mlflows(walk, tmp_path, head):
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    for path in (ours, theirs):
        shutil.copy(walk / f"{NUMBERS[head]}.db", path)
    MIGRATIONS.upgrade(theirs, HEADS[-1])
    with session(ours) as ml:
        assert ml.store.upgrade(HEADS[-1])["head"] == HEADS[-1]
    same(ours, theirs)


# What traces, spans and assessments may say in words, and MLflow's upgrade must make numbers of.
COUNTS = ["3", "3.0", "3.5", "-2", "1e3", "1e400", "9007199254740993", "9223372036854775808", "123456789012345678901",
          "true", "null", '"12"', '" 12 "', '"1.0"', '"twelve"', '""', "[1]", "{}", "NaN", "Infinity", "-Infinity", "0"]
COSTS = ["0.25", "3", "-0.5", "true", "null", '"0.5"', '" 1e-3 "', '"0x10"', '"inf"', '"nan"', "[0.5]", "NaN",
         "-Infinity", "1e-320", "12345678901234567890"]
TEXTS = ["{", "[]", "null", "3", "", '{"input_tokens": 1, "input_tokens": 2}', '{"total_tokens": "\\u00e9"}', '"{}"']
METRICS = [3.0, 2.5, -1.0, 9.3e18, 4611686018427387904.0, 1e300, float("inf"), None, 0.1]
SCORES = ["1", "0.5", "-3", "true", "false", "null", '"yes"', '"No"', '" YES "', '"maybe"', "yes", " no ", "YES!",
          "[1]", "{}", '{"a": 1}', "", "1e400", "123456789012345678901234567890", "NaN", "Infinity", '"3"', "03",
          "'yes'",
          '"y\\u0065s"']


def traces(path):
    db = sqlite3.connect(path)
    number = iter(range(1000))

    def trace(**metadata):
        name = f"t{next(number)}"
        db.execute("INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES (?, 0, 5, 'OK')",
                   [name])
        for key, value in metadata.items():
            db.execute("INSERT INTO trace_request_metadata VALUES (?, ?, ?)", [f"mlflow.trace.{key}", value, name])
        return name

    def span(trace_id, dimensions=None, **costs):
        name = f"s{next(number)}"
        db.execute("INSERT INTO spans (trace_id, experiment_id, span_id, status, start_time_unix_nano, "
                   "end_time_unix_nano, content, dimension_attributes) VALUES (?, 0, ?, 'OK', 1, 5, '{}', ?)",
                   [trace_id, name, dimensions])
        for key, value in costs.items():
            db.execute("INSERT INTO span_metrics VALUES (?, ?, ?, ?)", [trace_id, name, key, value])

    for value in COUNTS:
        trace(tokenUsage='{"input_tokens": %s, "other": "NaN", "total_tokens": 7}' % value)
    for value in COSTS:
        trace(cost='{"input_cost": %s, "total_cost": 0.125}' % value)
    for text in TEXTS:
        trace(tokenUsage=text, cost=text)
    for value in METRICS:
        made = trace(tokenUsage='{"input_tokens": 5, "output_tokens": 6}')
        db.execute("INSERT INTO trace_metrics VALUES (?, 'input_tokens', ?)", [made, value])
        span(made, input_cost=value, total_cost=value)
    for gateway in (True, False):
        for cost in (None, '{"total_cost": 9}'):
            made = trace(**({"cost": cost} if cost else {}))
            if gateway:
                db.execute("INSERT INTO trace_request_metadata VALUES ('mlflow.gateway.endpointId', 'e', ?)", [made])
            for value in (0.1, 0.2, 0.3, float("inf"), None):
                span(made, total_cost=value)
    for dimensions in ('{"mlflow.llm.model": "%s"}' % ("\u00e9" * 600), '{"mlflow.llm.provider": null}', "null", "{}"):
        span("t0", dimensions)
    db.execute("INSERT INTO trace_tags VALUES ('mlflow.traceName', ?, 't0'), ('mlflow.traceName', NULL, 't1')",
               ["\u00e9" * 5000])
    for i, value in enumerate(SCORES):
        db.execute("INSERT INTO assessments (assessment_id, trace_id, name, assessment_type, value, created_timestamp, "
                   "last_updated_timestamp, source_type, valid) VALUES (?, 't0', 'n', 'feedback', ?, 1, 1, 'HUMAN', 1)",
                   [f"a{i}", value])
    db.commit()
    db.close()


def test_our_upgrade_reads_numbers_of_traces_as_mlflows_does(tmp_path):
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    with session(ours) as ml:
        ml.store.create("3.16.0")
    traces(ours)
    shutil.copy(ours, theirs)
    MIGRATIONS.upgrade(theirs, HEADS[-1])
    with session(ours) as ml:
        ml.store.upgrade(HEADS[-1])
    want, got = rows(theirs), rows(ours)
    assert want["trace_info"] and want["spans"] and want["assessments"]
    for table in want:
        for expected_row, row in zip(want[table], got[table], strict=True):
            assert row == expected_row, table
    same(ours, theirs)


# ---- writing --------------------------------------------------------------------------------------------------------


def write(ml):
    """One of everything that all heads have. Returns what is read back with."""
    risk = ml.experiments.create("danger", tags={"team": "fraud"})
    ml.experiments.rename(risk, "risk")
    with ml.run("first", experiment_id=risk, params={"depth": 6}, tags={"kind": "tree"}) as run:
        run.log("loss", [0.5, 0.25, float("nan")])
        run.set_tag("late", "yes")
        run.log_text("all well", "notes.txt")
        run.log_input(name="people", digest="abc", source="s3://b/k", source_type="s3", context="training")
    with ml.run("gone", experiment_id=risk) as gone:
        gone.log("loss", 0.125)
    ml.delete_run(gone.id)
    ml.registry.create("theft", description="who steals", tags={"stage": "beta"})
    ml.registry.rename("theft", "fraud")
    ml.registry.register("fraud", run.artifact_uri, run=run, tags={"v": "1"})
    ml.registry.register("fraud", run.artifact_uri, run=run)
    ml.registry.set_alias("fraud", "champion", 1)
    ml.registry.set_version_tag("fraud", 1, "v", "one")
    ml.registry.transition("fraud", 1, "Production")
    ml.registry.update("fraud", "who stole")
    ml.registry.delete_version("fraud", 2)
    ml.registry.copy_version("models:/fraud@champion", "copied")
    ml.prompts.register("greeting", "Hello {{name}}", tags={"lang": "en"}, commit_message="first")
    ml.prompts.set_alias("greeting", "best", 1)
    return risk, run.id


def read(ml, risk, run_id):
    """What write() wrote, as we read it, without what differs from file to file."""
    run, model, version = ml.get_run(run_id), ml.registry.get("fraud"), ml.registry.version("fraud", "champion")
    experiment, prompt = ml.experiments.by_name("risk"), ml.prompts.version("greeting", "best")
    searches = {
        "runs": ml.search_runs("params.depth = '6' AND datasets.name = 'people'", experiment_ids=[risk],
                               order_by="metrics.loss"),
        "deleted": ml.search_runs("metrics.loss < 1", experiment_ids=[risk], view="deleted"),
        "experiments": ml.experiments.search("tags.team = 'fraud'"),
        "models": ml.registry.models("tags.stage = 'beta'"),
        "versions": ml.registry.versions(filter="tags.v = 'one' AND run_id = '%s'" % run_id),
        "prompts": ml.prompts.search("name LIKE 'greet%'"),
    }
    return {
        "experiment": (experiment["name"], experiment["lifecycle_stage"], experiment["tags"]),
        "run": (run.name, run.params, run.status, run.tags["kind"], run.tags["late"]),
        "inputs": [(one["dataset"]["name"], one["dataset"]["digest"], one["tags"])
                   for one in run["inputs"]["dataset_inputs"]],
        "points": [str(point["value"]) for point in ml.metric_history(run_id, "loss")],
        "model": (model["name"], model["description"], model["tags"], model["aliases"]),
        "versions": [(one.version, one.stage, one.run_id == run_id, one.tags) for one in ml.registry.versions("fraud")],
        "champion": (version.version, version.tags, version.aliases),
        "production": [one.version for one in ml.registry.latest("fraud", "Production")],
        "copied": ml.registry.version("copied").source,
        "prompt": (prompt.template, prompt.tags, prompt.commit_message, prompt.aliases),
        "found": {name: len(found) for name, found in searches.items()},
    }


def write_logged_model(ml, risk, run_id, head):
    """Since MLflow 3.0; before that the call says what is needed."""
    if NUMBERS[head] < NUMBERS["6953534de441"]:
        with pytest.raises(mlplat.Unsupported, match="MLflow 3.0.*store upgrade"):
            ml.logged_models.create("tree", experiment_id=risk)
        with pytest.raises(mlplat.Unsupported, match="MLflow 3.0.*store upgrade"):
            ml.attach_run(run_id).log_model_outputs("m-" + "0" * 32)
        return
    made = ml.logged_models.create("tree", experiment_id=risk, source_run=run_id, tags={"a": "b"}, params={"depth": "6"})
    run = ml.attach_run(run_id)
    run.log_batch([{"key": "auc", "value": 0.75, "step": 3, "model_id": made.id}])
    run.log_model_inputs(made.id)
    run.log_model_outputs(made.id, step=4)
    ml.logged_models.finalize(made.id)
    ml.flush()
    model, run = ml.logged_models.get(made.id), ml.get_run(run_id)
    assert (model.name, model.tags, model.params, model.status) == ("tree", {"a": "b"}, {"depth": "6"}, "READY")
    assert [(one["key"], one["value"], one["step"]) for one in model.metrics] == [("auc", 0.75, 3)]
    assert run["outputs"]["model_outputs"] == [{"model_id": made.id, "step": 4}]
    assert [one["model_id"] for one in run["inputs"]["model_inputs"]] == [made.id]
    assert [one.id for one in ml.logged_models.search("metrics.auc > 0.5", experiment_ids=[risk])] == [made.id]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What is read from a file at the newest head."""
    with session(tmp_path_factory.mktemp("newest") / "mlflow.db") as ml:
        ids = write(ml)
        return read(ml, *ids)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{NUMBERS[head]}-{head}")
def test_a_file_of_mlflows_at_any_head_is_written_and_read(walk, tmp_path, expected, head):
    path = tmp_path / "mlflow.db"
    shutil.copy(walk / f"{NUMBERS[head]}.db", path)
    before = shape(path)
    with session(path) as ml:
        ids = write(ml)
        assert read(ml, *ids) == expected
        write_logged_model(ml, *ids, head)
    assert {key: value for key, value in shape(path).items() if key[0] not in OURS} == before
    assert rows(path)["alembic_version"] == [(head,)]  # nobody asked for another one
    with session(path) as ml:
        ml.store.upgrade(HEADS[-1])
        assert read(ml, *ids) == expected

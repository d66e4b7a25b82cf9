"""What MLflow wrote goes through an archive into another store, and MLflow finds all of it there."""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")

import mlflow.store.db.utils as db_utils  # noqa: E402
from alembic import command  # noqa: E402
from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus, Metric, Param, RunTag  # noqa: E402
from mlflow.store.tracking.dbmodels import initial_models  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

from programs import BUILD, HEAVY, Store, clean_environment  # noqa: E402

INF = float("inf")
COPIED = ["experiments", "experiment_tags", "runs", "params", "tags", "metrics", "latest_metrics", "datasets", "inputs",
          "input_tags", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics",
          "registered_models", "registered_model_tags", "model_versions", "model_version_tags",
          "registered_model_aliases"]


def rows(path):
    """Every copied table as sorted rows by column name: ids of experiments by name, places below the store."""
    with sqlite3.connect(path) as db:
        names = dict(db.execute("SELECT experiment_id, name FROM experiments"))
        out = {}
        for table in COPIED:
            cursor = db.execute(f"SELECT * FROM {table}")
            columns = [c[0] for c in cursor.description]
            found = []
            for row in cursor.fetchall():
                record = dict(zip(columns, row))
                experiment = record.pop("experiment_id", None)
                name = names.get(experiment, experiment)
                for key, value in record.items():
                    if isinstance(value, str):  # places: below the store, and below the experiment's number there
                        record[key] = re.sub(r"^.*/mlruns/\d+", "<store>/<experiment>", value)
                found.append({"experiment": name, **record})
            out[table] = sorted(map(repr, found))
    db.close()
    return out


def files(folder):
    """Artifacts by the part of their path that is the same in every store."""
    root = folder / "mlruns"
    return {str(path.relative_to(root)).split("/", 1)[1]: path.read_bytes()
            for path in root.rglob("*") if path.is_file()}


def log_everything(client, folder):
    experiment = client.create_experiment("fraud/größe", tags={"mlflow.note.content": "a note", "team": "risk"})
    gone = client.create_experiment("gone")
    run = client.create_run(experiment, run_name="first", tags={"a b": "x\ny\"z"})
    rid = run.info.run_id
    values = [0.1, 1e-300, -0.0, INF, -INF, float("nan"), 5e-324, 2**53 + 1.0]
    client.log_batch(rid, metrics=[Metric("loss", v, 1000 + i, step) for i, v in enumerate(values) for step in (-3, 7)],
                     params=[Param("depth", "6"), Param("long", "ä" * 6000)], tags=[RunTag("k", "")])
    client.log_metric(rid, "other", 1.5)
    (folder / "notes").mkdir()
    (folder / "notes" / "blob.bin").write_bytes(os.urandom(300_000))
    (folder / "notes" / "empty").write_bytes(b"")
    client.log_artifacts(rid, str(folder / "notes"), "deep/er")
    from mlflow.data.meta_dataset import MetaDataset  # noqa: F401
    from mlflow.entities import Dataset, DatasetInput, InputTag
    client.log_inputs(rid, datasets=[DatasetInput(Dataset("d", "123abc", "local", "{}", "schema", "profile"),
                                                  [InputTag("mlflow.data.context", "train")])])
    model = client.create_logged_model(experiment, "m", source_run_id=rid, tags={"t": "1"}, params={"p": "2"})
    target = pathlib.Path(model.artifact_location.removeprefix("file://"))
    target.mkdir(parents=True)
    (target / "MLmodel").write_text("flavors: {}\n")
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(rid, [LoggedModelOutput(model.model_id, step=4)])
    judge = client.create_run(experiment, run_name="judge")
    client.log_inputs(judge.info.run_id, models=[LoggedModelInput(model.model_id)])
    client.log_batch(judge.info.run_id, metrics=[Metric("auc", 0.9, 5, 0, model_id=model.model_id, dataset_name="d",
                                                        dataset_digest="123abc", run_id=judge.info.run_id)])
    deleted = client.create_run(gone, run_name="deleted")
    client.delete_run(deleted.info.run_id)
    client.delete_experiment(gone)
    client.set_terminated(rid)
    client.create_registered_model("fraud", tags={"owner": "me"}, description="what it is for")
    client.create_model_version("fraud", f"models:/{model.model_id}", rid, tags={"v": "1"}, model_id=model.model_id)
    client.create_model_version("fraud", f"{run.info.artifact_uri}/deep", rid)
    client.create_model_version("fraud", f"runs:/{rid}/deep/er", rid, description="third")
    client.delete_model_version("fraud", "2")
    client.set_registered_model_alias("fraud", "champion", "3")
    return rid, model.model_id


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A store that MLflow wrote, and the ids of a run and a logged model in it."""
    store = Store(tmp_path_factory.mktemp("source"))
    os.chdir(store.folder)
    client = MlflowClient(store.uri)
    store.ids = log_everything(client, store.folder)
    store.mlplat("export", store.folder / "archive")
    return store


@pytest.fixture
def target(tmp_path, source, monkeypatch):
    """An empty folder for a store that the archive goes into."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path)
    store.archive = source.folder / "archive"
    return store


def test_all_tables_and_files_are_the_same_after_an_import(source, target):
    target.mlplat("import", target.archive)
    want, got = rows(source.path), rows(target.path)
    for table in COPIED:
        assert got[table] == want[table], table
    assert all(want[table] for table in COPIED)
    there = files(source.folder)
    assert len(there) == 3 and files(target.folder) == there


def test_mlflow_reads_what_was_imported(source, target):
    target.mlplat("import", target.archive)
    run_id, model_id = source.ids
    ours, theirs = MlflowClient(target.uri), MlflowClient(source.uri)
    a, b = ours.get_run(run_id), theirs.get_run(run_id)
    assert a.data.to_dictionary() == b.data.to_dictionary() and a.info.end_time == b.info.end_time
    assert repr(ours.get_metric_history(run_id, "loss")) == repr(theirs.get_metric_history(run_id, "loss"))
    assert a.inputs.to_dictionary() == b.inputs.to_dictionary()
    assert [o.model_id for o in a.outputs.model_outputs] == [model_id]
    model = ours.get_logged_model(model_id)
    assert model.tags["t"] == "1" and model.params == {"p": "2"} and [m.value for m in model.metrics] == [0.9]
    assert (pathlib.Path(ours.download_artifacts(run_id, "deep/er")) / "empty").exists()
    champion = ours.get_model_version_by_alias("fraud", "champion")
    assert champion.version == 3 and champion.description == "third"
    assert pathlib.Path(mlflow.artifacts.download_artifacts("models:/fraud@champion", tracking_uri=target.uri,
                                                            registry_uri=target.uri)).is_dir()
    client = MlflowClient(target.uri)
    client.log_metric(run_id, "loss", 9.0, step=100)
    assert client.get_run(run_id).data.metrics["loss"] == 9.0


def test_exports_repeat_themselves_even_from_the_copy(source, target):
    target.mlplat("import", target.archive)
    source.mlplat("export", target.folder / "again")
    target.mlplat("export", target.folder / "copied")
    for other in ("again", "copied"):
        done = subprocess.run(["diff", "-r", target.archive, target.folder / other], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_importing_twice_changes_nothing(source, target):
    target.mlplat("import", target.archive)
    before = rows(target.path)
    report = json.loads(target.mlplat("import", target.archive, "-o", "json"))
    assert report["runs"] == {"imported": 0, "same": 3, "kept": 0, "replaced": 0}
    assert report["logged_models"]["same"] == 1 and report["model_versions"]["same"] == 3
    assert rows(target.path) == before


def test_a_store_with_other_experiments_keeps_them(source, target):
    for name in ("one", "two", "fraud/größe"):
        target.mlplat("experiment", "create", name)
    with sqlite3.connect(source.path) as db:
        (theirs,) = db.execute("SELECT experiment_id FROM experiments WHERE name = 'fraud/größe'").fetchone()
    target.mlplat("run", "start", "--experiment", "one")
    target.mlplat("import", target.archive)
    client = MlflowClient(target.uri)
    run = client.get_run(source.ids[0])
    ours = client.get_experiment_by_name("fraud/größe")
    assert run.info.experiment_id == ours.experiment_id != str(theirs)
    assert run.info.artifact_uri.startswith(ours.artifact_location)
    assert len(client.search_runs([client.get_experiment_by_name("one").experiment_id])) == 1


def test_a_run_that_differs_is_a_conflict_unless_told_otherwise(source, target):
    target.mlplat("import", target.archive)
    client = MlflowClient(target.uri)
    client.log_metric(source.ids[0], "mine", 1.0)
    before = rows(target.path)
    target.mlplat("import", target.archive, code=6)
    assert rows(target.path) == before
    report = json.loads(target.mlplat("import", target.archive, "--on-conflict", "keep", "-o", "json"))
    assert report["runs"]["kept"] == 1 and rows(target.path) == before
    report = json.loads(target.mlplat("import", target.archive, "--on-conflict", "replace", "-o", "json"))
    assert report["runs"]["replaced"] == 1
    want, got = rows(source.path), rows(target.path)
    assert all(got[table] == want[table] for table in COPIED)


HEADS = ["0584bdc529eb", "bda7b8c39065", "bf29a5ff90ea", "1b5f0d9ad7c1"]  # MLflow 2.22, 3.1, 3.5, 3.10


def make_at(store, revision):
    engine = db_utils.create_sqlalchemy_engine(store.uri)
    initial_models.Base.metadata.create_all(engine)
    config = db_utils._get_alembic_config(store.uri)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.mark.parametrize("revision", HEADS)
def test_stores_of_other_heads_take_it_or_say_why_not(source, target, revision):
    make_at(target, revision)
    if revision == HEADS[0]:  # no logged models before MLflow 3
        done = subprocess.run([BUILD / "tools/mlplat", "import", target.archive], env=target.environment(),
                              capture_output=True, text=True)
        assert done.returncode == 1 and "upgrade the store" in done.stderr and "head 0584bdc529eb" in done.stderr
        with sqlite3.connect(target.path) as db:
            assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
        source.mlplat("export", target.folder / "plain", "--experiment", "gone")
        target.mlplat("import", target.folder / "plain")
        assert json.loads(target.mlplat("import", target.folder / "plain", "-o", "json"))["runs"]["same"] == 1
        return
    target.mlplat("import", target.archive)
    report = json.loads(target.mlplat("import", target.archive, "-o", "json"))
    assert report["runs"]["same"] == 3 and report["model_versions"]["same"] == 3
    target.mlplat("export", target.folder / "copied")
    assert (target.folder / "copied/data.jsonl.zst").read_bytes() == (target.archive / "data.jsonl.zst").read_bytes()


def test_an_import_that_is_killed_is_completed_by_the_next(store, tmp_path):
    """kill -9 again and again, at other moments; then once to the end."""
    script = ("import mlplat\nwith mlplat.open() as ml:\n"
              " for i in range(4):\n"
              "  with ml.run(f'r{i}', params={'i': i}) as run:\n"
              "   run.log('loss', [j * 0.5 for j in range(10000)]); run.log_text('x' * 100000, 'a.txt')\n"
              " ml.store.export_to('archive')\n")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env=store.environment(
        PYTHONPATH=os.environ.get("PYTHONPATH", "")))
    target = Store(tmp_path / "target")
    target.folder.mkdir()
    target.mlplat("store", "create")
    delay, killed = 0.03, 0
    while True:
        process = subprocess.Popen([BUILD / "tools/mlplat", "import", tmp_path / "archive"], env=target.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        out, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        delay *= 1.4
        client = MlflowClient(target.uri)
        for run in client.search_runs(["0"]):  # what is seen is whole
            assert len(client.get_metric_history(run.info.run_id, "loss")) == 10000
    assert killed >= 2
    want, got = rows(store.path), rows(target.path)
    for table in COPIED:
        assert got[table] == want[table], table
    assert files(target.folder) == files(store.folder)


def test_memory_does_not_grow_with_the_points(store):
    """Peak memory of whole processes: of a run with few points, and with very many."""
    peaks = {}
    for points in (1000, 1_000_000 if HEAVY else 200_000):
        script = ("import sys, mlplat\nwith mlplat.open() as ml, ml.run('r', experiment=sys.argv[1]) as run:\n"
                  " run.log('loss', [i / 7 for i in range(int(sys.argv[1]))])\n")
        subprocess.run([sys.executable, "-c", script, str(points)], cwd=store.folder, check=True,
                       env=store.environment(PYTHONPATH=os.environ.get("PYTHONPATH", "")))
        for words in (["export", f"a{points}", "--experiment", str(points)],
                      ["import", f"a{points}", "--tracking-uri", f"sqlite:///{points}.db"],
                      ["store", "check"]):
            process = subprocess.Popen([BUILD / "tools/mlplat", "-q", *words], env=store.environment(),
                                       cwd=store.folder)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            peaks.setdefault(words[0], []).append(usage.ru_maxrss)
    for words, (few, many) in peaks.items():
        assert many - few < 16 * 1024, (words, few, many)  # KiB


def test_a_folder_of_the_file_store_is_pointed_to_mlflows_own_migration(store):
    (store.folder / "old/0").mkdir(parents=True)
    (store.folder / "old/0/meta.yaml").write_text("name: Default\n")
    done = subprocess.run([BUILD / "tools/mlplat", "import", "old"], env=store.environment(), cwd=store.folder,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "mlflow migrate-filestore --source" in done.stderr
    for uri in ("./old", f"file://{store.folder}/old"):
        done = subprocess.run([BUILD / "tools/mlplat", "run", "list", "--tracking-uri", uri], env=store.environment(),
                              cwd=store.folder, capture_output=True, text=True)
        assert done.returncode == 1 and "mlflow migrate-filestore --source" in done.stderr
    help_text = subprocess.run([sys.executable, "-m", "mlflow", "migrate-filestore", "--help"], capture_output=True,
                               text=True, env=clean_environment()).stdout
    assert "--source" in help_text and "--target" in help_text


# ---- looking after a store while others write ---------------------------------------------------------------------

MLFLOW_WRITER = """
import select, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
print("ready", flush=True)
n = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    run = client.create_run("0", run_name=f"theirs-{n}")
    for step in range(5):
        client.log_metric(run.info.run_id, "loss", step / 3, step=step)
    client.log_param(run.info.run_id, "n", n)
    client.set_terminated(run.info.run_id)
    if n % 2:
        client.delete_run(run.info.run_id)
    n += 1
print(n, flush=True)
"""

OUR_WRITER = """
import select, sys, mlplat
with mlplat.open() as ml:
    print("ready", flush=True)
    n = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        with ml.run(f"ours-{n}", params={"n": n}) as run:
            run.log("loss", [i / 3 for i in range(500)])
            run.log_text("hello", "notes.txt")
        if n % 2:
            ml.delete_run(run.id)
        n += 1
    ml.flush()
print(n, flush=True)
"""


@pytest.fixture
def writers(store):
    """MLflow and our logger, writing to one store until the test ends; what they said at their end."""
    store.mlplat("store", "create")
    theirs = subprocess.Popen([sys.executable, "-c", MLFLOW_WRITER, store.uri], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=store.environment(), cwd=store.folder)
    assert theirs.stdout.readline() == "ready\n"
    ours = [subprocess.Popen([sys.executable, "-c", OUR_WRITER], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=store.folder,
                             env=store.environment(PYTHONPATH=os.environ.get("PYTHONPATH", ""))) for _ in range(2)]
    for process in ours:
        assert process.stdout.readline() == "ready\n"
    yield [theirs, *ours]
    for process in (theirs, *ours):
        if process.poll() is None:
            process.kill()
        process.communicate()


def stop(writers):
    """How many runs each of them made, none of them disturbed."""
    made = []
    for process in writers:
        out, err = process.communicate("stop\n", timeout=120)
        assert process.returncode == 0, err
        made.append(int(out.split()[-1]))
    return made


def test_backups_checks_archives_and_clean_ups_go_on_beside_writers(source, store, writers):
    store.mlplat("import", source.folder / "archive")
    assert json.loads(store.mlplat("import", source.folder / "archive", "-o", "json"))["runs"]["same"] == 3
    for i in range(2):
        store.mlplat("store", "backup", f"copy{i}.db", "--artifacts")
        assert json.loads(store.mlplat("store", "check", "-o", "json"))["ok"]
        store.mlplat("export", f"archive{i}", "--filter", "attributes.status = 'FINISHED'")
        report = json.loads(store.mlplat("store", "gc", "--orphans", "-o", "json"))
        assert report["kept"] == []
        with sqlite3.connect(f"file:{store.folder}/copy{i}.db?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()
        copy = Store(store.folder / f"there{i}")
        copy.folder.mkdir()
        copy.mlplat("import", store.folder / f"archive{i}")
        assert json.loads(copy.mlplat("store", "check", "-o", "json"))["ok"]
    made = stop(writers)
    assert all(n > 0 for n in made)
    store.mlplat("store", "gc")
    report = json.loads(store.mlplat("store", "check", "-o", "json"))
    assert report["ok"], report
    with sqlite3.connect(store.path) as db:
        names = [name for (name,) in db.execute("SELECT name FROM runs WHERE name LIKE 'ours-%' OR "
                                                "name LIKE 'theirs-%'")]
        lost = db.execute("SELECT count(*) FROM runs r WHERE name LIKE 'ours-%' AND (SELECT count(*) FROM metrics m "
                          "WHERE m.run_uuid = r.run_uuid) <> 500").fetchone()
    db.close()
    assert len(names) == sum((n + 1) // 2 for n in made) and lost == (0,)
    folders = {path.parent.parent.name for path in (store.folder / "mlruns").rglob("notes.txt")}
    assert len(folders) == sum((n + 1) // 2 for n in made[1:])


def test_clean_up_removes_what_mlflow_would(tmp_path, monkeypatch):
    """The same store, cleaned by MLflow and by us: the same rows are left, but for edges that MLflow leaves behind."""
    stores = []
    for name in ("theirs", "ours"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        store = Store(folder)
        store.mlplat("store", "create")
        client = MlflowClient(store.uri)
        log_everything(client, folder)
        keep = client.get_experiment_by_name("fraud/größe").experiment_id
        judge = client.search_runs([keep], "attributes.run_name = 'judge'")[0]
        client.delete_run(judge.info.run_id)
        other = client.create_logged_model(keep, "other")
        client.delete_logged_model(other.model_id)
        stores.append(store)
    done = subprocess.run([sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", stores[0].uri],
                          cwd=tmp_path / "theirs", env=stores[0].environment(), capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(stores[1].mlplat("store", "gc", "-o", "json"))
    assert len(report["runs"]) == 2 and len(report["experiments"]) == 1 and len(report["logged_models"]) == 1
    counts = []
    for store in stores:
        with sqlite3.connect(store.path) as db:
            counts.append({table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COPIED})
        db.close()
    theirs, ours = counts
    assert (theirs.pop("inputs"), ours.pop("inputs")) == (3, 2)  # the judge's edge to the model it used
    assert ours == theirs
    assert {re.sub("[0-9a-f]{32}", "<id>", name) for name in files(tmp_path / "ours")} == \
        {re.sub("[0-9a-f]{32}", "<id>", name) for name in files(tmp_path / "theirs")}


def test_the_oldest_store_is_looked_after_and_exchanges_archives_with_the_newest(store):
    store.mlplat("store", "create", "--mlflow", "2.14.0")
    run = store.mlplat("run", "start", "--experiment", "e").strip()
    store.mlplat("metric", "log", run, "loss", "1")
    store.mlplat("run", "end", run)
    store.mlplat("export", "old")
    newest = ["--tracking-uri", "sqlite:///new.db"]
    store.mlplat("import", "old", *newest)
    store.mlplat("export", "new", *newest)
    assert (store.folder / "new/data.jsonl.zst").read_bytes() == (store.folder / "old/data.jsonl.zst").read_bytes()
    assert json.loads(store.mlplat("import", "new", "-o", "json"))["runs"]["same"] == 1
    store.mlplat("store", "backup", "copy.db")
    store.mlplat("run", "delete", run)
    assert json.loads(store.mlplat("store", "gc", "-o", "json"))["runs"] == [run]
    assert json.loads(store.mlplat("store", "check", "-o", "json"))["head"] == "5b0e9adcef9c"


def test_a_backup_is_a_store_that_mlflow_opens(source, tmp_path):
    source.mlplat("store", "backup", tmp_path / "copy.db")
    client = MlflowClient(f"sqlite:///{tmp_path}/copy.db")
    assert client.get_run(source.ids[0]).data.params["depth"] == "6"
    assert rows(tmp_path / "copy.db") == rows(source.path)


def test_a_check_finds_what_is_wrong_and_repairs_what_can_be_derived(store):
    store.mlplat("run", "start", "--name", "a")
    client = MlflowClient(store.uri)
    run = client.search_runs(["0"])[0].info.run_id
    client.log_batch(run, [Metric("loss", v, v, s) for v, s in ((3, 1), (2, 5), (9, 5))])
    model = client.create_logged_model("0", "m")
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE latest_metrics SET value = 2, timestamp = 2")
        db.execute("INSERT INTO latest_metrics VALUES ('gone', 1, 1, 1, 0, ?)", [run])
        db.execute("UPDATE tags SET value = 'b' WHERE key = 'mlflow.runName'")
        db.execute("INSERT INTO params VALUES ('k', 'v', 'nobody')")
    db.close()
    report = json.loads(store.mlplat("store", "check", "-o", "json", code=7))
    found = sorted(f["check"] for f in report["findings"])
    assert found == ["artifacts", "foreign_keys", "latest_metrics", "latest_metrics", "run_names"]
    store.mlplat("store", "check", "--repair", code=7)
    report = json.loads(store.mlplat("store", "check", "-o", "json", code=7))
    assert sorted(f["check"] for f in report["findings"]) == ["artifacts", "foreign_keys"]
    again = client.get_run(run)
    assert again.data.metrics == {"loss": 9.0} and again.data.tags["mlflow.runName"] == "a"
    damage = bytearray(store.path.read_bytes())
    damage[len(damage) // 2:len(damage) // 2 + 4096] = b"x" * 4096
    store.path.write_bytes(damage)
    report = json.loads(store.mlplat("store", "check", "-o", "json", code=7))
    assert {"file", "integrity"} & {f["check"] for f in report["findings"]}

"""The main job: from a CSV file to predictions, with no server; again, twice at once, and with bad input.

Needs the Python binding and scikit-learn in this interpreter.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from programs import BUILD, ROOT, Store, server

pytest.importorskip("mlplat", reason="the Python binding is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

FOLDER = ROOT / "examples/fraud_detector"
DATA = FOLDER / "phishing.csv"
PREPROCESS = BUILD / "examples/preprocess"
STEPS = ["preprocess", "train", "evaluate", "predict"]


def start(store, *words, **environment):
    return subprocess.Popen([sys.executable, FOLDER / "pipeline.py", "--preprocess", PREPROCESS, *map(str, words)],
                            env=store.environment(**environment), cwd=store.folder, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process, code=0):
    out, problems = process.communicate(timeout=300)
    assert process.returncode == code, out + problems
    return out + problems


def preprocess(folder, **ports):
    """The C component, run by hand."""
    ports = {"source": DATA, "train": "train.csv", "test": "test.csv", "holdout": "holdout.csv", **ports}
    words = [str(word) for name, value in ports.items() for word in (f"--{name}", value)]
    return subprocess.run([PREPROCESS, *words], env=Store(folder).environment(), cwd=folder, capture_output=True,
                          text=True, timeout=60)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A store in which the pipeline ran once, in an environment where MLflow cannot be imported."""
    store = Store(tmp_path_factory.mktemp("main-job"))
    shadow = store.folder / "shadow/mlflow"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ImportError('the main job has to do without MLflow')\n")
    store.words = finish(start(store, PYTHONPATH=shadow.parent))
    return store


@pytest.fixture(scope="module")
def mlflow(ran):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    mlflow.set_tracking_uri(ran.uri)
    return mlflow


def runs(ran, mlflow):
    """The newest run of the pipeline, and its steps by name."""
    client = mlflow.MlflowClient(ran.uri)
    experiment = client.get_experiment_by_name("fraud-detector").experiment_id
    every = client.search_runs([experiment])
    parent = next(run for run in every if "mlflow.parentRunId" not in run.data.tags)
    steps = {run.info.run_name: run for run in every if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id}
    return parent, steps


def test_the_last_line_opens_it_in_mlflows_ui(ran):
    last = ran.words.rstrip().splitlines()[-1]
    assert last.strip() == f"mlflow ui --backend-store-uri {ran.uri}"
    assert "fraud-detector version 1" in ran.words and "promoted by this run" in ran.words


def test_each_step_is_a_run_below_the_pipelines_run(ran, mlflow):
    parent, steps = runs(ran, mlflow)
    assert sorted(steps) == sorted(STEPS)
    assert {run.info.status for run in [parent, *steps.values()]} == {"FINISHED"}
    counts = steps["preprocess"].data.metrics
    assert (counts["rows_read"], counts["rows_dropped"]) == (1250, 0)
    assert (counts["rows_train"], counts["rows_test"], counts["rows_holdout"]) == (875, 250, 125)
    assert steps["train"].data.params["trees"] == "100"
    assert steps["train"].data.metrics["auc"] > 0.9
    assert steps["evaluate"].data.metrics["auc"] == pytest.approx(steps["train"].data.metrics["auc"])
    assert steps["predict"].data.metrics["rows"] == 125


def test_the_learning_curve_and_the_pictures_are_there(ran, mlflow):
    _, steps = runs(ran, mlflow)
    train = steps["train"].info.run_id
    client = mlflow.MlflowClient(ran.uri)
    curve = client.get_metric_history(train, "auc_by_trees")
    assert sorted(point.step for point in curve) == list(range(100))
    names = {item.path for folder in ("", "roc", "model") for item in client.list_artifacts(train, folder)}
    assert {"roc/roc.csv", "roc/roc.svg", "importances.json", "model/MLmodel", "model/model.pkl"} <= names
    matter = mlflow.artifacts.load_dict(f"runs:/{train}/importances.json")
    assert sum(matter.values()) == pytest.approx(1, abs=1e-4)
    assert list(matter.values()) == sorted(matter.values(), reverse=True)


def test_mlflow_loads_the_champion_and_predicts_what_we_predicted(ran, mlflow):
    _, steps = runs(ran, mlflow)
    import pandas
    scored = pandas.read_csv(steps["predict"].info.artifact_uri + "/predictions.csv")
    features = scored.drop(columns=["chance", "is_fraud"]).astype(float)
    generic = mlflow.pyfunc.load_model("models:/fraud-detector@champion")
    native = mlflow.sklearn.load_model("models:/fraud-detector/1")
    assert list(generic.predict(features)) == list(scored["is_fraud"])
    assert native.predict_proba(features)[:, 1] == pytest.approx(scored["chance"], abs=1e-6)
    assert generic.metadata.signature.inputs.input_names() == list(features.columns)
    assert generic.metadata.run_id == steps["train"].info.run_id


def test_mlflow_serves_the_champion(ran, mlflow):
    words = ["models", "serve", "--model-uri", "models:/fraud-detector@champion", "--env-manager", "local"]
    with server(ran, *words, health="/ping", log="serve.log") as service:
        table = {"columns": rows(DATA)[0][:-1], "data": [[0.0] * 9, [1.0] * 9]}
        request = urllib.request.Request(service.url + "/invocations", headers={"Content-Type": "application/json"},
                                         data=json.dumps({"dataframe_split": table}).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert set(json.loads(answer.read())["predictions"]) <= {0, 1}


def test_kfp_takes_the_compiled_pipeline(ran):
    components = pytest.importorskip("kfp.components", reason="kfp is not installed")
    loaded = components.load_component_from_text((ran.folder / "pipeline.yaml").read_text())
    assert loaded.name == "fraud-detector"
    assert set(loaded.component_spec.inputs) == {"source", "trees", "seed", "min_auc"}


def test_again_makes_a_second_version_and_twice_at_once_two_more(ran):
    assert "fraud-detector version 2" in finish(start(ran))
    both = [start(ran, "--seed", seed) for seed in (8, 9)]
    words = [finish(process) for process in both]
    told = [line for word in words for line in word.splitlines() if "  model " in line]
    made = {line.split("version ")[1].split(",")[0] for line in told}
    assert made == {"3", "4"}
    listed = ran.mlplat("version", "list", "fraud-detector", "-o", "json")
    versions = [json.loads(line) for line in listed.splitlines()]
    assert [version["version"] for version in versions] == ["4", "3", "2", "1"]
    assert sum("champion" in version["aliases"] for version in versions) == 1
    assert not (ran.folder / "mlflow.db.spool").exists()


def test_a_version_below_the_gate_does_not_become_champion(store):
    words = finish(start(store, "--min-auc", 0.9999), code=1)
    assert "below min_auc 0.9999" in words
    version = json.loads(store.mlplat("version", "get", "fraud-detector", "1", "-o", "json"))
    assert version["aliases"] == [] and {"key": "gate", "value": "failed"} in version["tags"]
    assert "SKIPPED" in words or "CANCELED" in words  # nothing is predicted without a champion


def test_rows_with_missing_cells_are_dropped(tmp_path):
    done = preprocess(tmp_path, source=FOLDER / "phishing_holes.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["rows_kept=14", "rows_dropped=6"]
    parts = [rows(tmp_path / f"{name}.csv") for name in ("train", "test", "holdout")]
    assert [len(part) - 1 for part in parts] == [10, 3, 1]
    whole = rows(DATA)
    kept = [tuple(row) for part in parts for row in part[1:]]
    assert all(part[0] == whole[0] for part in parts)
    assert set(kept) <= {tuple(row) for row in whole[1:21]}


def test_the_split_loses_no_row_and_repeats_with_its_seed(tmp_path):
    def split(name, seed):
        folder = tmp_path / name
        folder.mkdir()
        assert preprocess(folder, seed=seed).returncode == 0
        return [rows(folder / f"{part}.csv")[1:] for part in ("train", "test", "holdout")]

    first, same, other = split("a", 7), split("b", 7), split("c", 8)
    assert first == same and first != other
    assert sorted(row for part in first for row in part) == sorted(rows(DATA)[1:])


@pytest.mark.parametrize("text, words", [
    ("a,b\n1,2\n", "at least 10"),
    ("a,b\n" + "1,2\n" * 20 + "1,x\n", 'line 22, column 2: "x" is not a number'),
    ("a,b\n" + "1,2\n" * 20 + "1,2,3\n", "line 22 has 3 cells and the header 2"),
    ("", "at least 10"),
])
def test_a_file_that_is_no_table_is_said_with_its_place(tmp_path, text, words):
    (tmp_path / "bad.csv").write_text(text)
    done = preprocess(tmp_path, source="bad.csv")
    assert done.returncode == 1
    assert "bad.csv" in done.stderr and words in done.stderr


@pytest.mark.parametrize("ports, words", [
    ({"source": "nowhere.csv"}, "nowhere.csv"),
    ({"test_share": 0.6, "holdout_share": 0.4}, "below 1"),
    ({"test_share": 0}, "above 0"),
])
def test_bad_ports_are_named(tmp_path, ports, words):
    done = preprocess(tmp_path, **ports)
    assert done.returncode == 1 and words in done.stderr
    assert not (tmp_path / "train.csv").exists()


def test_a_source_that_is_not_there_fails_the_pipeline_and_names_it(store):
    words = finish(start(store, "--data", "nowhere.csv"), code=1)
    assert "preprocess" in words and "nowhere.csv" in words


def test_setup_says_what_it_can_do():
    done = subprocess.run([ROOT / "setup.sh", "tset"], capture_output=True, text=True, cwd=os.sep, timeout=60)
    assert done.returncode != 0 and "./setup.sh test" in done.stderr
    assert pathlib.Path(ROOT, "build").is_dir()

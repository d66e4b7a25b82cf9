"""A store to search in: filled by MLflow's own client, with everything that makes a difference. Both sides read it."""

import contextlib
import sqlite3

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

NAN, INF = float("nan"), float("inf")
NAMES = ["first", "second", "Zweiter", "zweiter", "ünï", "日本", "with 'single'", 'with "double"', "100%", "a_b"]
# A row each: key of the metric -> values of runs 0, 1, 2, ...; None: has none.
METRICS = {
    "loss": [0.5, 0.25, NAN, INF, -INF, 0.5, None, -1.5, 0.0, 1e-300, 1e308, 3, NAN, 0.5],
    "acc": [0.9, 0.8, 0.7, 0.9, 0.9, 0.1, 0.2, 0.3, None, 0.95, 0.5, 0.5, 0.5, 1],
    "val loss": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "a/b-c": [0.1, 0.2],
    "ü.日": [1, 1, 2],
    "1st": [5],
    "k" * 250: [7, 8],
}
PARAMS = {
    "depth": ["6", "10", "6", "", "six", "06", "6 ", None, "It's", 'say "x"', "100%", "under_score", "ÄÖ", "äö"],
    "lr": ["0.1", "0.01", "1e-3"],
    "git branch": ["main", "dev/x"],
    "empty": ["", ""],
    "case": ["x"],
}
TAGS = {
    "team": ["risk", "Risk", "RISK", "r_sk", "r%sk", None, "日本", "back\\slash", "new\nline", "tab\there", "risk"],
    "mlflow.note.content": ["a note", "b"],
    "Key With Spaces": ["v"],
    "order": ["1", "2"],
}
STARTS = [1000, 2000, 2000, 2000, 500, 9_000_000_000_000, 0, 2000, 3000, 3000, 1, 2, 3, 4]


def fill_runs(client, experiment, other):
    runs = []
    for i, start in enumerate(STARTS):
        run = client.create_run(experiment if i < 11 else other, start_time=start, run_name=NAMES[i % len(NAMES)])
        runs.append(run.info.run_id)
        at = {name: values[i] for table in (METRICS, PARAMS, TAGS) for name, values in table.items()
              if i < len(values) and values[i] is not None}
        client.log_batch(run.info.run_id,
                         [Metric(key, at[key], 10 + i, i - 5) for key in METRICS if key in at],
                         [Param(key, at[key]) for key in PARAMS if key in at],
                         [RunTag(key, at[key]) for key in TAGS if key in at])
    client.log_metric(runs[0], "loss", 99.0, step=-100)  # not the latest
    client.set_tag(runs[1], "mlflow.parentRunId", runs[0])
    for i, status in enumerate(["FINISHED", "FAILED", "KILLED", "FINISHED", "RUNNING"]):
        client.set_terminated(runs[i], status, end_time=5000 + i // 2)
    for i in (4, 9):
        client.delete_run(runs[i])
    return runs


def fill_datasets(client, runs):
    def dataset(name, digest, *contexts):
        return DatasetInput(Dataset(name, digest, "local", "{}"),
                            [InputTag(MLFLOW_DATASET_CONTEXT, context) for context in contexts])
    client.log_inputs(runs[0], [dataset("iris", "d1", "train"), dataset("iris", "d2", "eval")])
    client.log_inputs(runs[1], [dataset("iris", "d1", "eval")])
    client.log_inputs(runs[2], [dataset("wine", "d3", "Train")])
    client.log_inputs(runs[3], [dataset("it's", "d4")])


def fill_models(client, experiment, other, runs):
    models = []
    for i in range(9):
        model = client.create_logged_model(
            experiment if i < 7 else other, name=f"model-{i % 4}", source_run_id=runs[i % 3] if i % 2 else None,
            params={"depth": str(i % 3), "odd key": "x"} if i % 4 else None,
            tags={"stage": "a" if i % 2 else "B"} if i < 6 else None, model_type="Agent" if i < 3 else None)
        models.append(model.model_id)
    for i, model in enumerate(models[:6]):
        for step, name, digest in ((0, "train", "1"), (1, "test", "2"), (2, "train", "3")):
            client.log_metric(runs[i % 3], "auc", [0.5, 0.9, 0.7, 0.2, 0.9, NAN][i] + step / 100, timestamp=100 + step,
                              step=step, model_id=model, dataset_name=name, dataset_digest=digest)
    client.log_metric(runs[0], "f1", 0.5, timestamp=1, step=0, model_id=models[6])
    client.log_metric(runs[0], "f1", 0.4, timestamp=1, step=1, model_id=models[6])
    for model in models[:2]:
        client.finalize_logged_model(model, "READY")
    client.finalize_logged_model(models[2], "FAILED")
    client.delete_logged_model(models[3])
    return models


def fill_registry(client, runs):
    for name, tags in (("fraud", {"team": "risk"}), ("Fraud", {"team": "Risk", "more": "x"}), ("spam", {}),
                       ("it's", {"team": "risk", "more": "y"}), ("日本 model", {"key with space": "v"}),
                       ("empty", {})):
        client.create_registered_model(name, tags)
    for i in range(12):
        name = ["fraud", "Fraud", "spam", "it's"][i % 4]
        client.create_model_version(name, f"s3://bucket/{name[0]}/{i}", run_id=runs[i % 5] if i % 3 else None,
                                    tags={"checked": "yes" if i % 2 else "no", "n": str(i)} if i % 4 < 3 else None)
    client.delete_model_version("fraud", "2")
    client.transition_model_version_stage("fraud", "1", "Production")
    client.set_registered_model_tag("empty", "mlflow.prompt.is_prompt", "false")
    client.set_registered_model_alias("fraud", "champion", "3")
    client.register_prompt("greet", "Hello {{name}}", tags={"team": "risk"})
    client.register_prompt("greet", "Hi {{name}}")
    client.register_prompt("ask", "What is {{thing}}?")


def set_times(path):
    """Times that are equal, or apart, as the clock would not have them."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table, column, key in (("experiments", "creation_time", "experiment_id"),
                                   ("experiments", "last_update_time", "experiment_id"),
                                   ("logged_models", "creation_timestamp_ms", "rowid"),
                                   ("logged_models", "last_updated_timestamp_ms", "rowid"),
                                   ("model_versions", "creation_time", "rowid"),
                                   ("model_versions", "last_updated_time", "rowid"),
                                   ("registered_models", "last_updated_time", "rowid")):
            db.execute(f"UPDATE {table} SET {column} = 1000 + ({key} * 7 + length('{column}')) % 5")
        db.execute("UPDATE experiments SET creation_time = NULL WHERE name = 'untimed'")
        db.execute("UPDATE runs SET name = NULL WHERE start_time = 3")


def fill(path):
    """{"experiments", "runs", "models"}: ids, in the order in which they were made."""
    uri = f"sqlite:///{path}"
    client = MlflowClient(uri, uri)
    experiments = [client.create_experiment(name, tags=tags) for name, tags in (
        ("main", {"team": "risk", "with space": "x"}), ("Main", {"team": "Risk"}), ("it's", {}), ("日本", {"ü": "ö"}),
        ("untimed", {"team": "risk"}), ("gone", {"team": "risk"}), ("m_in", {"kind": "A"}), ("100%", {}))]
    runs = fill_runs(client, experiments[0], experiments[1])
    fill_datasets(client, runs)
    models = fill_models(client, experiments[0], experiments[1], runs)
    fill_registry(client, runs)
    client.delete_experiment(experiments[5])
    set_times(path)
    return {"experiments": experiments, "runs": runs, "models": models}

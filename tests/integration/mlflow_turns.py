"""Run by the Python of an MLflow of any release: takes turns on a store, one line of JSON in, one out.

{"uri": ..., "write": "name"} logs a run of that name and registers a version of the model "shared";
{"uri": ..., "read": true} tells runs and versions.
"""

import json
import sys
import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag


def write(client, name):
    run = client.create_run("0", run_name=name).info.run_id
    now = int(time.time() * 1000)
    client.log_batch(run, [Metric("loss", value, now, step) for step, value in enumerate((0.5, 0.25, float("nan")))],
                     [Param("depth", "6")], [RunTag("by", "mlflow")])
    client.log_metric(run, "accuracy", 0.75, step=3)
    client.set_terminated(run)
    if not client.search_registered_models("name = 'shared'"):
        client.create_registered_model("shared", tags={"a": "b"}, description="of both")
    version = client.create_model_version("shared", f"/somewhere/{name}", run, tags={"by": name}).version
    client.set_registered_model_alias("shared", name, version)
    return run


def read(client):
    runs = {}
    for run in client.search_runs(["0"]):
        history = sorted((point.step, str(point.value)) for point in client.get_metric_history(run.info.run_id, "loss"))
        runs[run.info.run_name] = [run.info.status, run.data.params, run.data.metrics.get("accuracy"), history,
                                   run.data.tags["by"]]
    versions = {}
    for name in runs:
        version = client.get_model_version_by_alias("shared", name)
        versions[name] = [int(version.version), version.source, version.tags]
    model = client.get_registered_model("shared")
    return {"runs": runs, "versions": versions, "model": [model.description, model.tags]}


print(json.dumps(mlflow.__version__), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    mine = MlflowClient(asked["uri"])
    print(json.dumps(write(mine, asked["write"]) if "write" in asked else read(mine)), flush=True)

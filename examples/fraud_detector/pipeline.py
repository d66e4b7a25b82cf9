"""The main job: the fraud detector's pipeline, compiled to Kubeflow Pipelines' format and run on this host.

    python pipeline.py --preprocess build/release/examples/preprocess

The store is the one in MLFLOW_TRACKING_URI, else mlflow.db in the current folder; no server is needed.
"""

import argparse
import os
import pathlib
import shlex
import sys
import tempfile

import mlplat

from common import MODEL

HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preprocess", default=HERE.parents[1] / "build/release/examples/preprocess",
                        help="the compiled first component")
    parser.add_argument("--data", default=HERE / "phishing.csv", help="a CSV file; the last column is the target")
    parser.add_argument("--yaml", default="pipeline.yaml", help="where to write the compiled pipeline")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--min-auc", type=float, default=0.9, help="a version below this does not pass the gate")
    return parser.parse_args()


def step(name):
    """A Python step as a component: the script tells its own inputs and outputs."""
    return mlplat.Component.program(sys.executable, HERE / f"{name}.py")


def build(preprocess):
    """The pipeline: preprocess, then train, then evaluate, then predict."""
    p = mlplat.Pipeline("fraud-detector", "Trains, gates and uses a detector of phishing pages.")
    source = p.input("source", str)
    trees = p.input("trees", int, default=100)
    seed = p.input("seed", int, default=7)
    min_auc = p.input("min_auc", float, default=0.9)

    prepared = p.task(mlplat.Component.program(preprocess), source=source, seed=seed)
    trained = p.task(step("train"), train=prepared["train"], test=prepared["test"], trees=trees, seed=seed)
    verdict = p.task(step("evaluate"), version=trained["version"], test=prepared["test"], min_auc=min_auc)
    p.task(step("predict"), holdout=prepared["holdout"], after=[verdict])
    return p


def write_whole(path, text):
    """Writes a file so that whoever reads it meanwhile sees the old one or the new one."""
    path = pathlib.Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
    return path


def tell_failure(result):
    print(f"the pipeline {result['state'].lower()}:", file=sys.stderr)
    for task in result["tasks"]:
        print(f"  {task['name']:<12} {task['state']:<10} {task.get('error', '')}", file=sys.stderr)
        if task["state"] == "FAILED":
            print(f"  {'':<12} its log: {task['log']}", file=sys.stderr)


def tell_success(ml, result, yaml):
    tasks = {task["name"]: task for task in result["tasks"]}
    trained, verdict = tasks["train"]["outputs"]["parameters"], tasks["evaluate"]["outputs"]["parameters"]
    read = ml.get_run(tasks["preprocess"]["run_id"]).metrics
    scored = ml.get_run(tasks["predict"]["run_id"])
    store = os.path.abspath(ml.store.create()["path"])
    print(f"""
The fraud detector ran, with no server:
  rows      {read['rows_read']:.0f} read, {read['rows_dropped']:.0f} dropped; {read['rows_train']:.0f} to train, \
{read['rows_test']:.0f} to test, {read['rows_holdout']:.0f} held back
  model     {MODEL} version {trained['version']:.0f}, AUC {trained['auc']:.4f}
  champion  version {verdict['champion']:.0f}{', promoted by this run' if verdict['promoted'] else ', which stays'}
  scored    {scored.metrics['rows']:.0f} rows by version {scored.params['model_version']}, \
accuracy {scored.metrics['accuracy']:.4f}: {tasks['predict']['outputs']['artifacts']['predictions']['uri']}
  pipeline  {yaml}
  run       {result['run_id']}
  store     {store}

Open it in MLflow's UI (pip install mlflow):
  mlflow ui --backend-store-uri {shlex.quote('sqlite:///' + store)}""")


def main():
    options = arguments()
    pipeline = build(os.path.abspath(options.preprocess))
    yaml = write_whole(options.yaml, pipeline.yaml())
    params = {"source": os.path.abspath(options.data), "trees": options.trees, "seed": options.seed,
              "min_auc": options.min_auc}
    with mlplat.open() as ml:
        try:
            result = ml.run_pipeline(pipeline, params)
        except mlplat.State as problem:
            if not problem.document:
                raise
            tell_failure(mlplat.doc.parse(problem.document))
            return 1
        tell_success(ml, result, yaml)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs to another store, side by side: `mlplat export` and `mlplat import`, and a loop over MLflow's client.

    python bench/store.py [--build build/release] [--runs 20] [--keys 10] [--points 1000] [--rounds 3]

What people do today is the loop: read each run with its metric histories, and log it again, 1,000 points a call. It
makes new run ids and times; ours keeps them, copies artifacts and compares with what is there. MLflow's rows need
`mlflow` in this interpreter. Each row is a process of its own, in turns; medians.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]

FILL = """
import sys
import mlplat
runs, keys, points = map(int, sys.argv[1:])
with mlplat.open("sqlite:///source.db") as ml:
    for i in range(runs):
        with ml.run(f"r{i}", experiment="e", params={"n": i}) as run:
            for k in range(keys):
                run.log(f"metric_{k}", [(i + j) / 7 for j in range(points)])
"""
LOOP = """
import time
from mlflow import MlflowClient
from mlflow.entities import Param, RunTag
source, target = MlflowClient("sqlite:///source.db"), MlflowClient("sqlite:///loop.db")
experiment = target.create_experiment("e")
begin = time.process_time(), time.perf_counter()
for run in source.search_runs([source.get_experiment_by_name("e").experiment_id], max_results=50000):
    new = target.create_run(experiment, start_time=run.info.start_time, run_name=run.info.run_name).info.run_id
    target.log_batch(new, params=[Param(k, v) for k, v in run.data.params.items()],
                     tags=[RunTag(k, v) for k, v in run.data.tags.items()])
    for key in run.data.metrics:
        points = source.get_metric_history(run.info.run_id, key)
        for i in range(0, len(points), 1000):
            target.log_batch(new, metrics=points[i:i + 1000])
    target.set_terminated(new, run.info.status, run.info.end_time)
print(time.process_time() - begin[0], time.perf_counter() - begin[1])
"""


def measured(words, folder, environment):
    """(CPU s, wall s, peak MiB) of a process."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{words[0]} failed")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, usage.ru_maxrss / 1024


def loop(folder, environment):
    done = subprocess.run([sys.executable, "-c", LOOP], cwd=folder, env=environment, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split()[-2:])) if done.returncode == 0 else None


def clean(folder, *names):
    for name in names:
        subprocess.run(["rm", "-rf", *(str(path) for path in pathlib.Path(folder).glob(name))], check=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default=str(ROOT / "build" / "release"))
    for name, default in (("runs", 20), ("keys", 10), ("points", 1000), ("rounds", 3)):
        options.add_argument(f"--{name}", type=int, default=default)
    o = options.parse_args()
    build = pathlib.Path(o.build).resolve()
    program = build / "tools" / "mlplat"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLPLAT_", "MLFLOW_"))}
    environment.update(PYTHONPATH=str(build / "python"), MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    total = o.runs * o.keys * o.points
    rows = {"export": [], "import": [], "again": [], "loop": []}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", FILL, *map(str, (o.runs, o.keys, o.points))], cwd=folder,
                       env=environment, check=True)
        for _ in range(o.rounds):
            clean(folder, "archive", "target.db*", "loop.db*")
            to = ["--tracking-uri", "sqlite:///target.db"]
            rows["export"].append(measured([program, "export", "archive", "--tracking-uri", "sqlite:///source.db"],
                                           folder, environment))
            rows["import"].append(measured([program, "import", "archive", *to], folder, environment))
            rows["again"].append(measured([program, "import", "archive", *to], folder, environment))
            rows["loop"].append(loop(folder, environment))
        size = sum(path.stat().st_size for path in (pathlib.Path(folder) / "archive").rglob("*") if path.is_file())
        source = (pathlib.Path(folder) / "source.db").stat().st_size
    medians = {name: [statistics.median(column) for column in zip(*found)] for name, found in rows.items()
               if all(found)}
    for name, (cpu, wall, *peak) in medians.items():
        print(f"{name:8} {total} points: {cpu:8.2f} s CPU {wall:8.2f} s wall {cpu / total * 1e6:8.2f} us CPU/point"
              + (f"   peak {peak[0]:.1f} MiB" if peak else ""))
    print(f"archive  {size / total:.1f} bytes a point; the store {source / total:.0f}")
    if "loop" in medians:
        ours = medians["export"][0] + medians["import"][0]
        print(f"ratio    MLflow's loop / export and import: {medians['loop'][0] / ours:.1f} of CPU, "
              f"{medians['loop'][1] / (medians['export'][1] + medians['import'][1]):.1f} of time")


if __name__ == "__main__":
    main()

"""A plot of a metric, from the store to SVG, side by side: libmlplat, and MLflow's history with matplotlib; ratio.

    python bench/plot.py [--points 1000000] [--rounds 5] [--mlflow-rounds 2]

The store is made once by libmlplat and read by both. Each round is a process of its own that has imported what it needs and has
the store open; the figures are of the call. MLflow's rows need mlflow and matplotlib in this interpreter.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

MAKE = """
import math, sys, mlplat
folder, points = sys.argv[1], int(sys.argv[2])
seed, values = 1, []
for i in range(points):
    seed = (seed * 1664525 + 1013904223) % 2**32
    values.append(math.exp(-5 * i / points) + seed / 2**33)
values[points // 3] = 9.0
with mlplat.open(f"sqlite:///{folder}/mlflow.db") as ml, ml.run() as run:
    now = 1795824000000
    for start in range(0, points, 10000):
        part = values[start:start + 10000]
        run.log("loss", part, timestamp_ms=[now + (start + i) // 3 for i in range(len(part))])
    print(run.id)
"""
OURS = """
import json, sys, time, mlplat
folder, run = sys.argv[1], sys.argv[2]
ml = mlplat.open(f"sqlite:///{folder}/mlflow.db")
ml.get_run(run)
wall, cpu = time.perf_counter(), time.process_time()
svg = ml.plot(run, "loss").svg
print(json.dumps({"ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3,
                  "bytes": len(svg)}))
"""
DRAW = """
import json, sys, time, mlplat, numpy
folder, points = sys.argv[1], int(sys.argv[2])
values = numpy.random.default_rng(1).random(points)
mlplat.plot([1.0, 2.0])
wall, cpu = time.perf_counter(), time.process_time()
svg = mlplat.plot({"loss": values}).svg
print(json.dumps({"ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3,
                  "bytes": len(svg)}))
"""
MATPLOTLIB = """
import json, sys, time, numpy, matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
folder, points = sys.argv[1], int(sys.argv[2])
values = numpy.random.default_rng(1).random(points)
wall, cpu = time.perf_counter(), time.process_time()
figure, axes = plt.subplots(figsize=(7.6, 3))
axes.plot(values)
figure.savefig(folder + "/draw.svg")
import os
print(json.dumps({"ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3,
                  "bytes": os.path.getsize(folder + "/draw.svg")}))
"""
MLFLOW = """
import json, os, sys, time, matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
from mlflow.tracking import MlflowClient
folder, run = sys.argv[1], sys.argv[2]
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
client.get_run(run)
wall, cpu = time.perf_counter(), time.process_time()
history = client.get_metric_history(run, "loss")
read = time.perf_counter()
figure, axes = plt.subplots(figsize=(7.6, 3))
axes.plot([m.step for m in history], [m.value for m in history])
figure.savefig(folder + "/plot.svg")
print(json.dumps({"ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3,
                  "read_ms": (read - wall) * 1e3, "bytes": os.path.getsize(folder + "/plot.svg")}))
"""


def run(script, *words):
    done = subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True,
                          env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().splitlines()[-1]


def median(results, key):
    return statistics.median(result[key] for result in results)


def row(name, results, base=None):
    ms, cpu, size = (median(results, key) for key in ("ms", "cpu_ms", "bytes"))
    ratio = f"{ms / median(base, 'ms'):9,.0f}" if base else f"{1:9}"
    print(f"{name:<44} {ms:10,.1f} {cpu:10,.1f} {size / 1000:10,.0f} {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mlflow-rounds", type=int, default=2)
    options = parser.parse_args()
    theirs = all(importlib.util.find_spec(name) for name in ("mlflow", "matplotlib"))
    results = {"ours": [], "mlflow": [], "draw": [], "matplotlib": []}
    with tempfile.TemporaryDirectory() as folder:
        run_id = run(MAKE, folder, options.points)
        for i in range(options.rounds):
            results["ours"].append(json.loads(run(OURS, folder, run_id)))
            results["draw"].append(json.loads(run(DRAW, folder, options.points)))
            if theirs and i < options.mlflow_rounds:
                results["mlflow"].append(json.loads(run(MLFLOW, folder, run_id)))
                results["matplotlib"].append(json.loads(run(MATPLOTLIB, folder, options.points)))
    print(f"{options.points:,} points, medians{'':<21} {'ms':>10} {'CPU ms':>10} {'KB of SVG':>10} {'ratio':>9}")
    row("from the store: libmlplat, ml.plot()", results["ours"])
    if theirs:
        row("from the store: MLflow and matplotlib", results["mlflow"], results["ours"])
    row("from an array: libmlplat, mlplat.plot()", results["draw"])
    if theirs:
        row("from an array: matplotlib", results["matplotlib"], results["draw"])
        print(f"of MLflow's row, reading the history takes {median(results['mlflow'], 'read_ms'):,.0f} ms")


if __name__ == "__main__":
    main()

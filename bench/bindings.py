"""One logged value from every language: C, Go, Python and MLflow's client, in turns in one run; medians.

    python bench/bindings.py [--rounds 5] [--points 200000] [--build build/release]

Each call is timed alone, as its caller sees it, at level process; two readings of the clock are in every figure and are
told. Go's row needs `go`; Python's needs the binding in the build folder; MLflow's needs `mlflow` in this interpreter.
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
sys.path.insert(0, str(ROOT / "tests/structure"))
import abi
import go_tool

FIGURES = ("p50_ns", "p99_ns", "p99_9_ns", "clock_ns")

TIMED = """
import json, sys, time
folder, points = sys.argv[1], int(sys.argv[2])
def timed(log):
    clock, took = time.perf_counter_ns, []
    for i in range(points):
        begun = clock()
        log("loss", i * 0.5, i)
        took.append(clock() - begun)
    took.sort()
    print(json.dumps({"p50_ns": took[points // 2], "p99_ns": took[points * 99 // 100],
                      "p99_9_ns": took[points * 999 // 1000],
                      "clock_ns": min(-(clock() - clock()) for _ in range(1000))}))
"""
OURS = TIMED + """
import mlplat
with mlplat.open(f"sqlite:///{folder}/mlflow.db", durability="process") as ml, ml.run() as run:
    run.log("warm", 0.0, 0)
    timed(run.log)
"""
MLFLOW = TIMED + """
from mlflow.tracking import MlflowClient
client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
run = client.create_run("0").info.run_id
client.log_metric(run, "warm", 0.0)
timed(lambda key, value, step: client.log_metric(run, key, value, step=step))
"""


def build_go(build, folder):
    """The Go bench, with the library of this build in it."""
    program = pathlib.Path(folder) / "bench"
    go_tool.run("go", "build", "-tags", "mlplat_static", "-o", str(program), ".", folder=ROOT / "bench/go")
    return program


def rows(options, folder):
    """Name to (words before the folder, points)."""
    bench = options.build / "bench/bench_tracking"
    found = {"C": ([bench, "call"], options.points)}
    if not go_tool.missing():
        found["Go"] = ([build_go(options.build, folder)], options.points)
    if (options.build / "python/mlplat").exists():
        found["Python"] = ([sys.executable, "-c", OURS], options.points)
    if importlib.util.find_spec("mlflow"):
        found["MLflow's client"] = ([sys.executable, "-c", MLFLOW], min(options.points, 300))
    return found


def measure(words, points, build):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([build / "bench/bench_tracking", "create", folder], check=True, capture_output=True)
        done = subprocess.run([str(word) for word in [*words, folder, points]], check=True, stdout=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": str(build / "python")})
        return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, default=200000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options = parser.parse_args()
    options.build = abi.BUILD = options.build.resolve()
    with tempfile.TemporaryDirectory() as folder:
        table = rows(options, folder)
        results = {name: [] for name in table}
        for _ in range(options.rounds):
            for name, (words, points) in table.items():
                results[name].append(measure(words, points, options.build))
    title = f"log one value, ns, median of {options.rounds}"
    print(f"{title:<36}" + "".join(f"{name[:-3]:>12}" for name in FIGURES))
    for name, each in results.items():
        print(f"{name:<36}" + "".join(f"{statistics.median(r[key] for r in each):>12,.0f}" for key in FIGURES))


if __name__ == "__main__":
    main()

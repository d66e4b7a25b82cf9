"""Metrics side by side: libmlplat, SQLite alone, and MLflow's client, in turns in one run; medians and ratios.

    python bench/tracking.py [--rounds 5] [--points 200000] [--build build/release]

Points per second are of the wall clock and depend on who else uses the machine; CPU per point hardly does. MLflow's
rows need `mlflow` in this interpreter, the row of the import needs `mlplat`.
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
MLFLOW = ROOT / "bench/mlflow_client.py"


def measure(*words):
    """What one process printed, from a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if words[0] == sys.executable:
            subprocess.run([BENCH, "create", folder], check=True, capture_output=True)
        words = [str(word).replace("FOLDER", folder) for word in words]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def cpu_ms(words, env=None):
    """CPU of one process, in ms."""
    pid = os.posix_spawnp(words[0], [str(word) for word in words], {**os.environ, **(env or {})},
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, use = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{words} ended with {os.waitstatus_to_exitcode(status)}")
    return (use.ru_utime + use.ru_stime) * 1000


def median(results, key):
    return statistics.median(result[key] for result in results)


def throughput(options):
    """One table: everybody's points per second and CPU per point."""
    rows = {"libmlplat, level process": (BENCH, "ours", "FOLDER", options.points, "process", 1),
            "libmlplat, process, spans of 1,000": (BENCH, "ours", "FOLDER", options.points, "process", 1000),
            "libmlplat, level disk": (BENCH, "ours", "FOLDER", options.points // 100, "disk", 1),
            "libmlplat, disk, spans of 1,000": (BENCH, "ours", "FOLDER", options.points, "disk", 1000),
            "SQLite alone, 1,000 a transaction": (BENCH, "floor", "FOLDER", options.points)}
    if importlib.util.find_spec("mlflow"):
        rows["MLflow, log_metric"] = (sys.executable, MLFLOW, "FOLDER/mlflow.db", 200, 1)
        rows["MLflow, log_batch of 1,000"] = (sys.executable, MLFLOW, "FOLDER/mlflow.db", 10000, 1000)
    results = {name: [] for name in rows}
    for _ in range(options.rounds):
        for name, words in rows.items():
            results[name].append(measure(*words))
    floor = results["SQLite alone, 1,000 a transaction"]
    floor_cpu = median(floor, "cpu_seconds") / floor[0]["points"]
    title = f"until stored, median of {options.rounds}"
    print(f"{title:<36} {'points/s':>12} {'CPU us/point':>14} {'CPU to the floor':>18}")
    for name, all_of_it in results.items():
        points = all_of_it[0]["points"]
        cpu = median(all_of_it, "cpu_seconds") / points
        speed = points / median(all_of_it, "seconds")
        print(f"{name:<36} {speed:>12,.0f} {cpu * 1e6:>14.2f} {cpu / floor_cpu:>17.2f}x")


def calls(options):
    results = [measure(BENCH, "call", "FOLDER", options.points) for _ in range(options.rounds)]
    print("\none log_metric call, level process: " + ", ".join(
        f"{name} {median(results, key):,.0f} ns" for name, key in
        (("p50", "p50_ns"), ("p99", "p99_ns"), ("p99.9", "p99_9_ns"), ("longest", "max_ns"),
         ("of it the clock", "clock_ns"))))


def starts(options):
    """Stores, the CLI and the import."""
    create, open_again, lists, imports = [], [], [], []
    has_binding = importlib.util.find_spec("mlplat")
    for _ in range(max(options.rounds, 9)):
        with tempfile.TemporaryDirectory() as folder:
            for kind, times in (("create", create), ("open", open_again)):
                words = [BENCH, kind, folder]
                told = subprocess.run(words, check=True, capture_output=True).stdout
                times.append(json.loads(told)["cpu_seconds"] * 1e3)
            uri = f"sqlite:///{folder}/mlflow.db"
            lists.append(cpu_ms([BUILD / "tools/mlplat", "run", "list"], {"MLFLOW_TRACKING_URI": uri}))
        if has_binding:
            imports.append(cpu_ms([sys.executable, "-c", "import mlplat"]) - cpu_ms([sys.executable, "-c", "pass"]))
    print(f"create a store {statistics.median(create):.1f} ms CPU, open one {statistics.median(open_again):.1f} ms; "
          f"`mlplat run list`, whole process, {statistics.median(lists):.1f} ms CPU"
          + (f"; import mlplat {statistics.median(imports):.1f} ms CPU over a bare interpreter" if imports else ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, default=200000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    BUILD = chosen.build.resolve()
    BENCH = BUILD / "bench/bench_tracking"
    throughput(chosen)
    calls(chosen)
    starts(chosen)

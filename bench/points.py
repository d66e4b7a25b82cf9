"""Points into the embedded store beside SQLite alone and MLflow's client, in turns in one run: CPU by shape, calls,
syncs, memory, starts.

    python bench/points.py [--rounds 3] [--points 1000000] [--large FILE] [--only shapes] [--build build/release]

--large names a file of 10^8 points to append to; it is made (25 GB, some ten minutes) if it is not there, and kept.
--only takes some of: shapes, large, calls, disk, starts, stages. MLflow's rows need `mlflow` in this interpreter.
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
SHAPES = {"one key": (1, 1), "16 runs x 64 keys": (16, 64)}
FLOORS = {"SQLite, 1,000 a transaction": "1000", "SQLite, batch, cache and checkpoints as ours": "4096tuned"}
MLFLOW = {"MLflow, log_batch of 1,000": (32000, 1000), "MLflow, log_metric": (1024, 1)}
STARTS = 20


def run(*words):
    return json.loads(subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout)


def in_folder(program, kind, *words):
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return run(BUILD / "bench" / program, kind, folder, *words)


def store(file, kind, *words):
    """A process that brings points into `file`, or into a new one."""
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        if kind == "mlflow" and not file:
            run(BUILD / "bench/bench_tracking", "create", folder)
        mlflow = (sys.executable, ROOT / "bench/mlflow_client.py")
        return run(*(mlflow if kind == "mlflow" else (BUILD / "bench/bench_points", kind)),
                   file or f"{folder}/mlflow.db", *words)


def median(results, key):
    return statistics.median(result[key] for result in results)


def rows_of(shape):
    rows = {"libmlplat": ("ours", chosen.points, *shape)}
    rows.update({row: ("floor", chosen.points, *shape, batch) for row, batch in FLOORS.items()})
    if importlib.util.find_spec("mlflow"):
        rows.update({row: ("mlflow", points, batch, *shape) for row, (points, batch) in MLFLOW.items()})
    return rows


def shapes(file=None):
    """CPU of a point by shape, in a new file each or appended to one; and how many times ours it is."""
    for name, shape in SHAPES.items():
        results = {row: [] for row in rows_of(shape)}
        for _ in range(chosen.rounds):
            for row, words in rows_of(shape).items():
                results[row].append(store(file, *words))
        ours = cpu_of(results["libmlplat"])
        title = f"{name}, appended to {file}" if file else name
        print(f"{title:<48} us CPU a point  ours/it  it/ours     MiB  points/s")
        for row, found in results.items():
            cpu = cpu_of(found)
            print(f"  {row:<46} {cpu:>14.2f} {ours / cpu:>8.3f} {cpu / ours:>8.2f}"
                  f" {median(found, 'max_rss_kib') / 1024:>7.1f}"
                  f" {found[0]['points'] / median(found, 'seconds'):>9,.0f}", flush=True)


def cpu_of(found):
    return median(found, "cpu_seconds") * 1e6 / found[0]["points"]


def turns(title, program, rows):
    print(title)
    results = {row: [] for row in rows}
    for _ in range(chosen.rounds):
        for row, words in rows.items():
            results[row].append(in_folder(program, *words))
    for row, all_of_it in results.items():
        print(f"  {row:<46} " + ", ".join(f"{key} {median(all_of_it, key):,.{int(key.startswith('by_'))}f}"
                                          for key in all_of_it[0]))


def starts():
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        results = {"once": [], "bare": []}
        run(BUILD / "bench/bench_calls", "once", folder)
        for _ in range(STARTS):
            for kind, found in results.items():
                found.append(run(BUILD / "bench/bench_calls", kind, folder))
    ours, bare = (median(found, "process_cpu_ms") for found in results.values())
    print(f"a process that opens a store, starts a run, logs a point and closes: {ours:.1f} ms CPU, "
          f"{median(results['once'], 'until_logged_ms'):.1f} of it until the point is accepted, "
          f"{median(results['once'], 'before_main_ms'):.1f} before main; "
          f"by SQLite alone {bare:.1f}: {ours / bare:.2f}")


def large():
    if not chosen.large.exists():
        run(BUILD / "bench/bench_points", "grow", chosen.large, 1000, 1, 100, 1000)
    shapes(chosen.large)


def calls():
    turns("each call, level process, one every 2 us", "bench_calls",
          {"libmlplat": ("process", chosen.points), "control: anonymous memory": ("control", chosen.points)})


def disk():
    rows = {"libmlplat, 8 threads": ("disk", 8000, 8), "libmlplat, 1 thread": ("disk", 1000, 1),
            "one fdatasync a point, 1 thread": ("fsync", 1000, 1),
            "one fdatasync a point, 8 threads, 8 files": ("fsync", 8000, 8)}
    turns("one durable point at a time", "bench_calls", rows)
    usual, chosen.folder = chosen.folder, "/dev/shm"
    os.environ["LD_PRELOAD"] = str(BUILD / "bench/libbench_even_disk.so")
    turns("the same in memory, where a sync takes 85 us", "bench_calls", rows)
    del os.environ["LD_PRELOAD"]
    chosen.folder = usual


def stages():
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            print(f"where a point's CPU goes, us: {name}")
            print(subprocess.run([BUILD / "bench/bench_stages", folder, "300000", *map(str, shape)], check=True,
                                 capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    parts = {"shapes": shapes, "large": large, "calls": calls, "disk": disk, "starts": starts, "stages": stages}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=1000000)
    parser.add_argument("--large", type=pathlib.Path)
    parser.add_argument("--folder", help="where stores are made")
    parser.add_argument("--only", nargs="+", choices=parts)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    BUILD = chosen.build.resolve()
    if "large" in (chosen.only or ()) and not chosen.large:
        parser.error("--only large needs --large FILE")
    for part in chosen.only or [part for part in parts if part != "large" or chosen.large]:
        parts[part]()

"""Searches over many runs side by side: libmlplat, and MLflow's own store on the same file, in turns; medians, ratios.

    python bench/search.py [--runs 100000] [--metrics 20] [--rounds 5] [--file PATH] [--no-mlflow]

The file is made once by direct inserts (and kept if --file names it). "first" is the first search of a session after
the file was written to: metrics are read into memory then. "again" is the median of the searches after it, "C" of those
by a C program that makes no Python objects. MLflow is asked once a round, and no more once that took ten seconds. Needs
`mlplat` in this interpreter, and for its column `mlflow`.
"""

import argparse
import contextlib
import importlib.util
import json
import pathlib
import random
import sqlite3
import statistics
import subprocess
import tempfile
import time
import uuid

import mlplat

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE, SLOW_MS = 100, 10_000
# name, filter, order, goal in ms; None: no goal is set.
SEARCHES = [
    ("filter on a metric (half), order by a metric", "metrics.m03 > 0.5", "metrics.m04 DESC", 60),
    ("order by start time", None, "start_time DESC", 20),
    ("1 % by a metric", "metrics.m05 > 0.99", None, 30),
    ("1 % by a param", "params.p2 = '7'", None, 30),
    ("1 % by a tag", "tags.bucket = 'b7'", None, 30),
    ("a name", "attributes.run_name = 'run-77'", None, None),
    ("a metric and a param and a tag", "metrics.m03 > 0.9 AND params.p1 LIKE '1%' AND tags.bucket != 'b7'", None, None),
    ("no filter, no order", None, None, None),
]


def fill(path, runs, metrics):
    """Runs with metrics, 5 params and 5 tags each, as MLflow's tables hold them."""
    chance = random.Random(1)
    with mlplat.open(f"sqlite:///{path}") as ml:
        experiment = int(ml.experiments.create("many runs"))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for begin in range(0, runs, 1000):
            tables = {"runs": [], "latest_metrics": [], "metrics": [], "params": [], "tags": []}
            for i in range(begin, min(begin + 1000, runs)):
                add_run(tables, i, experiment, metrics, chance)
            for table, rows in tables.items():
                db.executemany(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({', '.join('?' * len(rows[0]))})",
                               [list(row.values()) for row in rows])
            db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return str(experiment)


def add_run(tables, i, experiment, metrics, chance):
    run_id = uuid.UUID(int=chance.getrandbits(128), version=4).hex
    start = 1_700_000_000_000 + chance.randrange(10 ** 9)
    tables["runs"].append({
        "run_uuid": run_id, "name": f"run-{i}", "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "",
        "user_id": f"user{i % 7}", "status": chance.choice(["FINISHED", "FINISHED", "FAILED"]), "start_time": start,
        "end_time": start + 1000, "source_version": "", "lifecycle_stage": "active", "experiment_id": experiment,
        "artifact_uri": f"/data/mlruns/{experiment}/{run_id}/artifacts"})
    for m in range(metrics):
        point = {"key": f"m{m:02}", "value": chance.random(), "timestamp": start + m, "step": 0, "is_nan": 0,
                 "run_uuid": run_id}
        tables["latest_metrics"].append(point)
        tables["metrics"].append(point)
    tables["params"] += [{"key": f"p{p}", "value": str(chance.randrange(100)), "run_uuid": run_id} for p in range(5)]
    tags = {"mlflow.runName": f"run-{i}", "mlflow.user": f"user{i % 7}", "mlflow.source.name": "train.py",
            "mlflow.source.type": "LOCAL", "bucket": f"b{chance.randrange(100)}"}
    tables["tags"] += [{"key": key, "value": value, "run_uuid": run_id} for key, value in tags.items()]


def timed(call):
    begin = time.perf_counter()
    result = call()
    return (time.perf_counter() - begin) * 1000, result


def touch(path):
    """A change that says nothing, so that what is kept in memory is thrown away."""
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as db, db:
        db.execute("UPDATE experiments SET name = name WHERE experiment_id = 0")


def measure_ours(ml, path, experiment, filter, order, rounds):
    def search():
        return ml.search_runs(filter, order_by=order, experiment_ids=experiment, max_results=PAGE)
    touch(path)
    first, found = timed(search)
    return first, [timed(search)[0] for _ in range(rounds)], [run.id for run in found]


def measure_mlflow(store, experiment, filter, order, rounds):
    def search():
        return store.search_runs([experiment], filter, 1, PAGE, [order] if order else None)
    times = [timed(search) for _ in range(rounds)]
    return [each for each, _ in times], [run.info.run_id for run in times[-1][1]]


def in_c(path, experiment, filter, order, rounds):
    """Milliseconds a search, by a program of its own."""
    words = [BENCH, f"sqlite:///{path}", experiment, filter or "", order or "", str(PAGE), str(rounds)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["median_ms"]


def table(path, experiment, options):
    store = None
    if options.mlflow and importlib.util.find_spec("mlflow"):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
        store = SqlAlchemyStore(f"sqlite:///{path}", str(path.parent / "mlruns"))
    print(f"{'first page of 100, ms':<46} {'first':>7} {'again':>7} {'C':>7} {'goal':>6} {'MLflow':>9} {'ratio':>8}")
    for name, filter, order, goal in SEARCHES:
        first, again, in_mlflow = [], [], []
        for _ in range(options.rounds):
            with mlplat.open(f"sqlite:///{path}") as ml:
                cold, warm, ours = measure_ours(ml, path, experiment, filter, order, 3)
            first.append(cold)
            again += warm
            if store and (not in_mlflow or in_mlflow[-1] < SLOW_MS):
                slow, theirs = measure_mlflow(store, experiment, filter, order, 1)
                in_mlflow += slow
                if ours != theirs:
                    raise SystemExit(f"{name}: the answers differ")
        ours = statistics.median(again)
        in_program = in_c(path, experiment, filter, order, options.rounds * 3)
        line = f"{name:<46} {statistics.median(first):>7.0f} {ours:>7.1f} {in_program:>7.1f} {goal or '':>6}"
        if store:
            slow = statistics.median(in_mlflow)
            line += f" {slow:>9,.0f} {slow / ours:>7,.0f}x"
        print(line, flush=True)


def main(options):
    with tempfile.TemporaryDirectory() as folder:
        path = (options.file or pathlib.Path(folder) / "mlflow.db").resolve()
        if path.exists():
            with mlplat.open(f"sqlite:///{path}") as ml:
                experiment = ml.experiments.by_name("many runs")["experiment_id"]
        else:
            experiment = fill(path, options.runs, options.metrics)
        print(f"{options.runs:,} runs with {options.metrics} metrics each, {path.stat().st_size / 1e6:,.0f} MB")
        table(path, experiment, options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=100000)
    parser.add_argument("--metrics", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=pathlib.Path, help="made if it is not there, and kept")
    parser.add_argument("--no-mlflow", dest="mlflow", action="store_false")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    BENCH = chosen.build.resolve() / "bench/bench_search"
    main(chosen)

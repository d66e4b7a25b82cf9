"""MLflow's client as a logger, a process of its own: python bench/mlflow_client.py FILE POINTS BATCH [RUNS KEYS].

Logs POINTS points of RUNS runs with KEYS metrics each (1 and 10) into the store FILE, which is there, and prints their
CPU and time as JSON. BATCH 1 is `log_metric` a point, one step after the other; else `log_batch` of so many of a run,
as a program does that gathers them: run by run, which is kindest to MLflow.
"""

import json
import pathlib
import sys
import time

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient


def log_each(client, runs, keys, points):
    for i in range(points):
        client.log_metric(runs[i // keys % len(runs)], f"metric_{i % keys}", i * 0.5, step=i // (keys * len(runs)))


def log_batches(client, runs, keys, points, batch):
    for start in range(0, points, batch):
        now, turn = int(time.time() * 1000), start // batch
        before = turn // len(runs) * batch  # points that the run has
        client.log_batch(runs[turn % len(runs)], [Metric(f"metric_{i % keys}", i * 0.5, now, i // keys)
                                                  for i in range(before, before + min(batch, points - start))])


def main(file, points, batch, n_runs=1, keys=10):
    client = MlflowClient(f"sqlite:///{file}")
    runs = [client.create_run("0").info.run_id for _ in range(n_runs)]
    client.log_metric(runs[0], "warm", 0.0)
    wall, cpu = time.perf_counter(), time.process_time()
    if batch == 1:
        log_each(client, runs, keys, points)
    else:
        log_batches(client, runs, keys, points, batch)
    return {"points": points, "seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu,
            "max_rss_kib": peak_kib()}


def peak_kib():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    print(json.dumps(main(pathlib.Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))))

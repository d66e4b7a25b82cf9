"""Points into MLflow's PostgreSQL schema, side by side: libmlplat straight, a bare COPY into the same table with its
indexes, and an MLflow server on the same database that is sent log-batch of 1,000 ready-made by a bare client. In turns in
one run; medians and ratios.

    python bench/postgres.py [--rounds 3] [--points 100000] [--keys 10]

Needs PostgreSQL, and `mlflow`, `mlplat` and `psycopg2` in this interpreter. The server of the database keeps its durable
settings.
"""

import argparse
import io
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/integration"))
from postgres_server import PostgresServer, psycopg2  # noqa: E402
from programs import clean_environment, free_port  # noqa: E402


def new_run(server):
    run = uuid.uuid4().hex
    server.rows("insert into runs (run_uuid, name, source_type, user_id, status, start_time, lifecycle_stage, experiment_id) "
                f"values ('{run}', 'bench', 'UNKNOWN', 'bench', 'RUNNING', 0, 'active', 0)", "bench")
    return run


def points_of(options):
    return [(f"m{i % options.keys}", random.random(), 1700000000000 + i, i // options.keys) for i in range(options.points)]


def ours(server, options):
    """Until all of them are in the database."""
    program = """
import json, sys, time, mlplat
keys, n = int(sys.argv[1]), int(sys.argv[2])
values = [i / 7 for i in range(n // keys)]
with mlplat.open() as session, session.run("bench") as run:
    began = time.monotonic()
    for key in range(keys):
        run.log(f"m{key}", values)
    session.flush()
    print(time.monotonic() - began)
"""
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment(MLFLOW_TRACKING_URI=server.uri("bench"), HOME=home, XDG_STATE_HOME=home)
        words = [sys.executable, "-c", program, str(options.keys), str(options.points)]
        return options.points / float(subprocess.run(words, env=environment, check=True, text=True, cwd=home,
                                                     capture_output=True).stdout)


def copy(server, options):
    """One COPY of all of them, one COMMIT."""
    run = new_run(server)
    text = io.StringIO("".join(f"{key}\t{value!r}\t{at}\t{step}\tf\t{run}\n" for key, value, at, step in points_of(options)))
    connection = psycopg2.connect(host="127.0.0.1", port=server.port, user="mlflow", dbname="bench")
    began = time.monotonic()
    with connection, connection.cursor() as cursor:
        cursor.copy_expert("copy metrics (key, value, timestamp, step, is_nan, run_uuid) from stdin", text)
    took = time.monotonic() - began
    connection.close()
    return options.points / took


class MlflowServer:
    def __init__(self, server):
        self.port = free_port()
        words = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", server.uri("bench"), "--host", "127.0.0.1",
                 "--port", str(self.port), "--default-artifact-root", "/nowhere", "--workers", "1"]
        self.process = subprocess.Popen(words, env=clean_environment(), start_new_session=True, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.until_up()

    def until_up(self):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
            except OSError:
                time.sleep(0.2)
        raise SystemExit("mlflow server does not come up")

    def send(self, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/2.0/mlflow/runs/log-batch", body,
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=120).close()

    def rate(self, server, options):
        run, points = new_run(server), points_of(options)[: min(options.points, 20000)]
        bodies = [json.dumps({"run_id": run, "metrics": [dict(zip(("key", "value", "timestamp", "step"), point))
                                                         for point in points[at:at + 1000]]}).encode()
                  for at in range(0, len(points), 1000)]
        began = time.monotonic()
        for body in bodies:
            self.send(body)
        return len(points) / (time.monotonic() - began)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=100000)
    parser.add_argument("--keys", type=int, default=10)
    options = parser.parse_args()
    server = PostgresServer()
    mlflow_server = None
    try:
        server.make("bench", "/nowhere")
        mlflow_server = MlflowServer(server)
        rates = {"libmlplat": [], "bare COPY": [], "MLflow server, log-batch of 1,000": []}
        for _ in range(options.rounds):
            rates["libmlplat"].append(ours(server, options))
            rates["bare COPY"].append(copy(server, options))
            rates["MLflow server, log-batch of 1,000"].append(mlflow_server.rate(server, options))
    finally:
        if mlflow_server:
            mlflow_server.stop()
        server.remove()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{'points/s until stored, median of ' + str(options.rounds):<40} {'points/s':>10} {'ours to it':>11}")
    for name, rate in middle.items():
        print(f"{name:<40} {rate:>10,.0f} {middle['libmlplat'] / rate:>10.2f}x")


if __name__ == "__main__":
    main()

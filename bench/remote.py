"""libmlplat and MLflow's client in front of a real MLflow server, in turns in one run, each table by its own word.

    .venv/bin/python bench/remote.py delivery | calls | append | replay | faults [--rounds 3]

delivery  points a second until the server has them: a bare client with ready-made bodies beside us and MLflow's client
calls     one call at level process while the server is up, dead, slow or refusing, and the close; beside a control
append    what the calls take alone, a server being dead
replay    a million points after an outage, by `mlplat spool sync`: time beside the bare client, and memory
faults    what an outage, a bad line and a kill cost a training, in time and in points
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/integration"), str(ROOT / "tests/faults")]

from fault_proxy import Exchange, Proxy  # noqa: E402
from mlflow_server import MlflowServer  # noqa: E402
from programs import clean_environment, free_port  # noqa: E402

MLFLOW = """
import sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
uri, kind, points = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = MlflowClient(uri)
run = client.create_run("0").info.run_id
client.log_metric(run, "first", 0)
batch = [Metric("loss", i * 0.5, int(time.time() * 1000), i) for i in range(points)]
begin = time.monotonic()
if kind == "batch":
    for i in range(0, points, 1000):
        client.log_batch(run, batch[i:i + 1000])
else:
    waits = [client.log_metric(run, "loss", i * 0.5, step=i, synchronous=kind == "single") for i in range(points)]
    for wait in waits if kind == "async" else []:
        wait.wait()
print(time.monotonic() - begin)
"""

TRAIN = """
import sys, time
from mlflow import MlflowClient
uri, points, pause, synchronous = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1e6, sys.argv[4] == "sync"
client = MlflowClient(uri)
run = client.create_run("0").info.run_id
client.log_metric(run, "first", 0)
print("run", run)
lost = longest = 0
for i in range(points):
    begin = time.monotonic()
    client.log_metric(run, "loss", i * 0.5, step=i, synchronous=synchronous)
    took = time.monotonic() - begin
    lost, longest = lost + took, max(longest, took)
    print("point", i, flush=True)
    time.sleep(pause)
print("done", lost, longest, 0, flush=True)
"""


def run(*words, **settings):
    done = subprocess.run([str(word) for word in words], env=clean_environment(**settings), text=True,
                          capture_output=True)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr}")
    return done.stdout


def ours(kind, uri, *words):
    """bench_remote with a spool of its own."""
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return json.loads(run(BUILD / "bench/bench_remote", kind, uri, *words, HOME=folder, XDG_STATE_HOME=folder))


def median(results, key):
    return statistics.median(result[key] for result in results)


@contextlib.contextmanager
def serving():
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = pathlib.Path(folder)
        run(BUILD / "tools/mlplat", "store", "create", "--tracking-uri", f"sqlite:///{path}/server.db")
        server = MlflowServer(path).start()
        try:
            yield server
        finally:
            server.kill()


# ---- delivery ------------------------------------------------------------------------------------------------------

def ready_made(run_id, points):
    """Bodies of 1,000 points each."""
    now = int(time.time() * 1000)
    return [json.dumps({"run_id": run_id, "metrics": [
        {"key": "loss", "value": i * 0.5, "timestamp": now + i // 1000, "step": i}
        for i in range(first, first + 1000)]}).encode() for first in range(0, points, 1000)]


def bare(server, points, stop=None):
    """Seconds until the server has them, from a client that does nothing else."""
    line = http.client.HTTPConnection("127.0.0.1", server.port)

    def call(path, body):
        line.request("POST", f"/api/2.0/mlflow/{path}", body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)
    bodies = ready_made(call("runs/create", json.dumps({"experiment_id": "0"}))["run"]["info"]["run_id"], points)
    begin = time.monotonic()
    for body in bodies:
        if stop and stop.is_set():
            break
        call("runs/log-batch", body)
    return time.monotonic() - begin


def delivery():
    points, rows = chosen.points, {}
    with serving() as server:
        def mlflow(kind, n):
            return n / float(run(sys.executable, "-c", MLFLOW, server.url, kind, n))
        kinds = {"bare client, 1,000 ready-made a request": lambda: points / bare(server, points),
                 "libmlplat, the single call": lambda: points / ours("deliver", server.url, points, 1)["seconds"],
                 "libmlplat, spans of 1,000": lambda: points / ours("deliver", server.url, points, 1000)["seconds"],
                 "MLflow, log_batch of 1,000": lambda: mlflow("batch", points),
                 "MLflow, log_metric": lambda: mlflow("single", points // 100),
                 "MLflow, log_metric, asynchronous": lambda: mlflow("async", points // 20)}
        for _ in range(chosen.rounds):
            for name, kind in kinds.items():
                rows.setdefault(name, []).append(kind())
    floor, *_ = rows.values()
    print(f"| {points} points until the server has them, medians of {chosen.rounds} | points/s | to the bare client |")
    print("|---|---|---|")
    for name, speeds in rows.items():
        ratio = statistics.median(speed / base for speed, base in zip(speeds, floor))
        print(f"| {name} | {statistics.median(speeds):,.0f} | {ratio:.3f} |")
    single, ready = (statistics.median(rows[name]) for name in ("MLflow, log_metric", "libmlplat, the single call"))
    print(f"libmlplat to MLflow's log_metric: {ready / single:.0f}")


# ---- calls ---------------------------------------------------------------------------------------------------------

def drips(exchange):
    answer = exchange.send()
    for i in range(len(answer)):
        exchange.give(answer[i:i + 1])
        exchange.rest(0.05)


def stalls(exchange):
    exchange.hold(60)


def refuses(exchange):
    exchange.say("503 TEMPORARILY_UNAVAILABLE", "busy")


@contextlib.contextmanager
def loaded(server):
    """The server has the same to do, from elsewhere."""
    stop = threading.Event()
    thread = threading.Thread(target=bare, args=(server, 100_000, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def call_times(kind, place):
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return json.loads(run(BUILD / "bench/bench_calls", kind, place or folder, chosen.points, chosen.pace,
                              HOME=folder, XDG_STATE_HOME=folder))


def calls():
    results = {}
    with serving() as server, contextlib.ExitStack() as stack:
        def line(fault):
            return stack.enter_context(Proxy(server.port, fault, share=1, calls_once=False)).url
        dead = f"http://127.0.0.1:{free_port()}"
        kinds = {"control: memory alone": ("still", None), "dead": ("remote", dead),
                 "refusing (503)": ("remote", line(refuses)), "silent (no answer)": ("remote", line(stalls)),
                 "slow (20 bytes/s)": ("remote", line(drips)), "up": ("remote", server.url)}
        for _ in range(chosen.rounds):
            for name, (kind, place) in kinds.items():
                results.setdefault(name, []).append(call_times(kind, place))
            with loaded(server):
                results.setdefault("control: memory, a server at work", []).append(call_times("still", None))
    print(f"| {chosen.points} calls, one every {chosen.pace} ns, medians of {chosen.rounds}; ns | p50 | p99.9 | p99.99 |"
          " longest | over 5 ms | start ms | close ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        keys = ("p50_ns", "p99_9_ns", "p99_99_ns", "max_ns", "over_5_ms", "start_ms", "close_ms")
        print(f"| {name} | " + " | ".join(f"{median(found, key):,.0f}" for key in keys) + " |")


# ---- append, replay ------------------------------------------------------------------------------------------------

def append():
    dead = f"http://127.0.0.1:{free_port()}"
    rows = {"the single call": 1, "spans of 1,000": 1000}
    results = {name: [] for name in rows}
    for _ in range(chosen.rounds):
        for name, span in rows.items():
            results[name].append(ours("append", dead, chosen.points, span))
    print(f"| {chosen.points} points into the spool, a dead server, medians of {chosen.rounds} | million points/s |"
          " per second of its thread's CPU | close s |")
    print("|---|---|---|---|")
    for name, found in results.items():
        speed, core = (chosen.points / median(found, key) / 1e6 for key in ("append_seconds", "append_cpu"))
        print(f"| {name} | {speed:.2f} | {core:.2f} | {median(found, 'close_seconds'):.2f} |")


def replay():
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, serving() as server:
        settings = {"HOME": folder, "XDG_STATE_HOME": folder, "MLFLOW_TRACKING_URI": server.url}
        server.kill()
        told = json.loads(run(BUILD / "bench/bench_remote", "append", server.url, chosen.points, 1, **settings))
        server.start()
        begin = time.monotonic()
        base = 200_000 / bare(server, 200_000)
        pid = os.posix_spawn(BUILD / "tools/mlplat", ["mlplat", "spool", "sync"], clean_environment(**settings),
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        begin = time.monotonic()
        _, status, use = os.wait4(pid, 0)
        seconds = time.monotonic() - begin
        stored, = server.rows("SELECT count(*) FROM metrics WHERE key = 'loss' AND run_uuid IN (SELECT run_uuid FROM"
                              " tags WHERE key = 'mlplat.local_id')")[0]
    if status or stored != chosen.points:
        raise SystemExit(f"replay ended with {status}, {stored} stored")
    speed = chosen.points / seconds
    print(f"{chosen.points} points of an outage, logged with {told['max_rss_kib'] / 1024:.1f} MiB at most: delivered in "
          f"{seconds:.0f} s, {speed:,.0f} points/s, {speed / base:.3f} of the bare client ({base:,.0f}); "
          f"{use.ru_utime + use.ru_stime:.1f} s CPU, {use.ru_maxrss / 1024:.1f} MiB at most")


# ---- faults --------------------------------------------------------------------------------------------------------

POINTS, PAUSE_US = 300, 10_000


def resets(exchange):
    exchange.reset()


def stalls_for_3_s(exchange):
    exchange.rest(3)
    exchange.whole()


class Fault:
    def __init__(self, name, fault=Exchange.whole, share=0.0, outage=None, kill=None, limit=60):
        self.name, self.fault, self.share = name, fault, share
        self.outage, self.kill, self.limit = outage, kill, limit


FAULTS = [Fault("none"), Fault("no server for 8 s", outage=8), Fault("10 % resets", resets, 0.1),
          Fault("10 % answers of 503", refuses, 0.1), Fault("2 % stalls of 3 s", stalls_for_3_s, 0.02),
          Fault("the program is killed (-9)", kill=150), Fault("no server for good, looked at after 25 s", outage=1e9,
                                                               limit=25)]
CLIENTS = ["MLflow, sync", "MLflow, async", "libmlplat"]


class Training:
    """A program that logs, and what it told."""

    def __init__(self, client, url, folder):
        if client == "libmlplat":
            words = [BUILD / "bench/bench_remote", "train", url, POINTS, PAUSE_US]
        else:
            words = [sys.executable, "-c", TRAIN, url, POINTS, PAUSE_US, client.split()[-1]]
        self.settings = {"HOME": folder, "XDG_STATE_HOME": folder, "MLFLOW_TRACKING_URI": url}
        self.process = subprocess.Popen([str(word) for word in words], env=clean_environment(**self.settings), text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self.run, self.points, self.done, self.moved = None, 0, None, threading.Condition()
        self.begin = self.last = time.monotonic()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for words in map(str.split, self.process.stdout):
            with self.moved:
                self.last = time.monotonic()
                if words[0] == "run":
                    self.run, self.begin = words[1], self.last
                elif words[0] == "point":
                    self.points += 1
                else:
                    self.done = [float(word) for word in words[1:]]
                self.moved.notify_all()

    def wait_for(self, points):
        with self.moved:
            self.moved.wait_for(lambda: self.points >= points or self.done or self.process.poll() is not None, 60)

    def end(self, limit):
        """Seconds of training lost, and seconds from its end to the program's; None: it had not ended by then."""
        ended = True
        try:
            self.process.wait(max(0.1, self.begin + limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            ended = False
        end = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        if not self.done:  # it stands still, or was killed
            return end - self.begin - self.points * PAUSE_US / 1e6, None
        return self.done[0], end - self.last + self.done[2] if ended else None


def under(fault, client, server):
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, \
            Proxy(server.port, fault.fault, fault.share, calls_once=False, first=False) as proxy:
        training = Training(client, proxy.url, folder)
        training.wait_for(fault.kill or 50)
        if fault.kill:
            training.process.kill()
        back = None
        if fault.outage:
            proxy.close_door()
            if fault.outage < 1e6:
                back = threading.Timer(fault.outage, proxy.open_door)
                back.start()
        lost, exit_seconds = training.end(fault.limit)
        if back:
            back.join()
        elif fault.outage:
            proxy.open_door()
        proxy.fault = Exchange.whole
        if client == "libmlplat":
            run(BUILD / "tools/mlplat", "spool", "sync", **training.settings)
        made, = [run for run, in server.rows("SELECT run_uuid FROM tags WHERE key = 'mlplat.local_id' AND value = "
                                             f"'{training.run}'")] or [training.run]  # where it was made offline
        stored, distinct = server.rows("SELECT count(*), count(DISTINCT step) FROM metrics WHERE key = 'loss' AND "
                                       f"run_uuid = '{made}'")[0]
        longest = training.done[1] if training.done else None
        return {"accepted": training.points, "lost_points": max(0, training.points - distinct),
                "twice": stored - distinct, "blocked": lost if not fault.kill else None, "longest": longest,
                "exit": exit_seconds}


def shown(value, form="{:.2f}", none="-"):
    return none if value is None else form.format(value)


def faults():
    print(f"| {POINTS} points, {PAUSE_US / 1000:.0f} ms of training between them | client | accepted | lost | twice |"
          " training stopped, s | longest call, s | exit after it, s |")
    print("|---|---|---|---|---|---|---|---|")
    with serving() as server:
        for fault in FAULTS:
            for client in CLIENTS:
                found = under(fault, client, server)
                print(f"| {fault.name} | {client} | {found['accepted']} | {found['lost_points']} | {found['twice']} | "
                      f"{shown(found['blocked'])} | {shown(found['longest'])} | "
                      f"{shown(found['exit'], none='-' if fault.kill else 'not by then')} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {"delivery": (delivery, 3, 20_000), "calls": (calls, 3, 300_000), "append": (append, 3, 2_000_000),
              "replay": (replay, 1, 1_000_000), "faults": (faults, 1, POINTS)}
    parser.add_argument("table", choices=tables)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--points", type=int)
    parser.add_argument("--pace", type=int, default=10_000, help="ns between two calls")
    parser.add_argument("--folder", help="where stores and spools are made")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    table, rounds, points = tables[chosen.table]
    chosen.rounds, chosen.points = chosen.rounds or rounds, chosen.points or points
    BUILD = chosen.build.resolve()
    table()

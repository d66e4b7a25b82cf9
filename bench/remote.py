"""libmlplat and MLflow's client in front of a real MLflow server, in turns in one run, each table by its own word.

    .venv/bin/python bench/remote.py delivery | calls | append | replay | faults [--rounds 3] [--points N]

delivery  points a second until the server has them: a bare client with ready-made requests beside us and MLflow's client
calls     one call at level process while the server is up, dead, slow or refusing, and the close; beside controls
append    what the calls take alone, a server being dead
replay    points that a dead process left, by `mlplat spool sync`: time beside the bare client, and memory
faults    what the same faults cost a training that logs by us and by MLflow's client, sync and async (7 minutes);
          --only WORDS: one of them
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
API = "/api/2.0/mlflow"
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
    """Whole requests of 1,000 points each."""
    now = int(time.time() * 1000)
    for first in range(0, points, 1000):
        body = json.dumps({"run_id": run_id, "metrics": [
            {"key": "loss", "value": i * 0.5, "timestamp": now + i // 1000, "step": i}
            for i in range(first, min(points, first + 1000))]}).encode()
        yield (f"POST {API}/runs/log-batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def exchange(line, request):
    """All that a client must do: one write, and reading to the answer's end."""
    line.sendall(request)
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += line.recv(65536) or exit("the server hung up")
    length = int(re.search(rb"content-length: *(\d+)", answer[:end], re.I)[1])
    while len(answer) < end + 4 + length:
        answer += line.recv(65536) or exit("the server hung up")
    assert answer.split()[1] == b"200", answer


def bare(server, points, stop=None):
    """Seconds until the server has them, from a client that does nothing else: a kept connection and a raw socket."""
    body = json.dumps({"experiment_id": "0"}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}{API}/runs/create", body,
                                                       {"Content-Type": "application/json"})) as answer:
        requests = list(ready_made(json.load(answer)["run"]["info"]["run_id"], points))
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.monotonic()
        for request in requests:
            if stop and stop.is_set():
                break
            exchange(line, request)
        return time.monotonic() - begin


def delivery():
    """A server of its own for each round, as one that has more answers later; each client comes first in its turn."""
    points, rows = chosen.points, {}

    def mlflow(kind, n):
        return n / float(run(sys.executable, "-c", MLFLOW, server.url, kind, n))
    kinds = {"bare client, 1,000 ready-made a request": lambda: points / bare(server, points),
             "libmlplat, the single call": lambda: points / ours("deliver", server.url, points, 1)["seconds"],
             "libmlplat, spans of 1,000": lambda: points / ours("deliver", server.url, points, 1000)["seconds"],
             "MLflow, log_batch of 1,000": lambda: mlflow("batch", points),
             "MLflow, log_metric": lambda: mlflow("single", points // 100),
             "MLflow, log_metric, asynchronous": lambda: mlflow("async", points // 40)}
    for turn in range(chosen.rounds):
        with serving() as server:
            bare(server, 5000)  # the first requests of a server's life take longer
            for name in [*kinds][turn % len(kinds):] + [*kinds][:turn % len(kinds)]:
                rows.setdefault(name, []).append(kinds[name]())
    floor = rows[next(iter(kinds))]
    print(f"| {points} points until the server has them, medians of {chosen.rounds} | points/s | to the bare client |")
    print("|---|---|---|")
    for name in kinds:
        ratio = statistics.median(speed / base for speed, base in zip(rows[name], floor))
        print(f"| {name} | {statistics.median(rows[name]):,.0f} | {ratio:.2f} |")
    times = statistics.median(mine / its for mine, its in zip(rows["libmlplat, the single call"],
                                                              rows["MLflow, log_metric"]))
    print(f"libmlplat, the single call, to MLflow's log_metric: {times:.0f}")


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
        return json.loads(run(BUILD / "bench/bench_calls", kind, place.format(folder), chosen.points, chosen.pace,
                              HOME=folder, XDG_STATE_HOME=folder))


def calls():
    results = {}
    with serving() as server, contextlib.ExitStack() as stack:
        def line(fault):
            return stack.enter_context(Proxy(server.port, fault, share=1, calls_once=False)).url
        dead = f"http://127.0.0.1:{free_port()}"
        kinds = {"control: stores into memory": ("still", "{}"),
                 "control: the embedded store, no server": ("remote", "sqlite:///{}/store.db"), "dead": ("remote", dead),
                 "refusing (503)": ("remote", line(refuses)), "silent (no answer)": ("remote", line(stalls)),
                 "slow (20 bytes/s)": ("remote", line(drips)), "up": ("remote", server.url)}
        for _ in range(chosen.rounds):
            for name, (kind, place) in kinds.items():
                results.setdefault(name, []).append(call_times(kind, place))
            with loaded(server):
                results.setdefault("control: memory, a server at work", []).append(call_times("still", "{}"))
    print(f"| {chosen.points} calls, one every {chosen.pace} ns, medians of {chosen.rounds}; ns | p50 | p99.9 | p99.99 |"
          " longest | over 5 ms | by chance | they waited | start ms | close ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        keys = ("p50_ns", "p99_9_ns", "p99_99_ns", "max_ns", "over_5_ms", "by_chance_5_ms", "waited_5_ms", "start_ms",
                "close_ms")
        print(f"| {name} | " + " | ".join(f"{median(found, key):,.{int(key == 'by_chance_5_ms')}f}" for key in keys)
              + " |")


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


def peak_kib(pid):
    """Of the memory it has now: its ru_maxrss counts that of this interpreter, from before its exec, as well."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) if found else 0
    return 0


def replay():
    """The bare client before it and behind it: a server that has more answers later."""
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, serving() as server:
        settings = {"HOME": folder, "XDG_STATE_HOME": folder, "MLFLOW_TRACKING_URI": server.url}
        bare(server, 5000)
        server.kill()
        told = json.loads(run(BUILD / "bench/bench_remote", "append", server.url, chosen.points, 1, **settings))
        server.start()
        base = [20_000 / bare(server, 20_000)]
        pid = os.posix_spawn(BUILD / "tools/mlplat", ["mlplat", "spool", "sync"], clean_environment(**settings),
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        begin, peak = time.monotonic(), 0
        while (ended := os.wait4(pid, os.WNOHANG))[0] == 0:
            peak = max(peak, peak_kib(pid))
            time.sleep(0.02)
        seconds, status, use = time.monotonic() - begin, ended[1], ended[2]
        base += [20_000 / bare(server, 20_000)]
        stored, distinct = server.rows("SELECT count(*), count(DISTINCT step) FROM metrics WHERE key = 'loss' AND run_uuid "
                                       "IN (SELECT run_uuid FROM tags WHERE key = 'mlplat.local_id')")[0]
    if status or stored != chosen.points or distinct != stored:
        raise SystemExit(f"replay ended with {status}, {stored} stored, {distinct} of them different")
    speed, floor = chosen.points / seconds, statistics.mean(base)
    print(f"{chosen.points} points of an outage, logged with {told['max_rss_kib'] / 1024:.1f} MiB at most: delivered in "
          f"{seconds:.0f} s, {speed:,.0f} points/s, {speed / floor:.2f} of the bare client ({floor:,.0f}); "
          f"{use.ru_utime + use.ru_stime:.1f} s CPU, {peak / 1024:.1f} MiB at most")


# ---- faults --------------------------------------------------------------------------------------------------------

PAUSE_US = 3_000  # of training between two points


def loses_the_answer(exchange):
    exchange.send()
    exchange.reset()


def is_late(exchange):
    exchange.rest(0.1)
    exchange.whole()


class Fault:
    """share: of the requests, and first: the first of each path; outage: seconds; kill: of the client, at this point;
    limit: seconds from the first point until it is looked at."""

    def __init__(self, name, fault=Exchange.whole, share=0.0, first=False, outage=None, kill=None, limit=120):
        self.name, self.fault, self.share, self.first = name, fault, share, first
        self.outage, self.kill, self.limit = outage, kill, limit


FAULTS = [Fault("none"), Fault("server away for 20 s", outage=20), Fault("each answer 0.1 s late", is_late, 1),
          Fault("the first answers and 3 % of the others lost", loses_the_answer, 0.03, first=True),
          Fault("3 % answers of 503", refuses, 0.03), Fault("the program killed (-9)", kill=0.5),
          Fault("server away for good, the program ended after 30 s", outage=1e9, limit=30)]
CLIENTS = ["MLflow, sync", "MLflow, async", "libmlplat"]


class Training:
    """A program that logs, and what it told."""

    def __init__(self, client, url, folder):
        if client == "libmlplat":
            words = [BUILD / "bench/bench_remote", "train", url, chosen.points, PAUSE_US]
        else:
            words = [sys.executable, "-c", TRAIN, url, chosen.points, PAUSE_US, client.split()[-1]]
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
        """Its longest call, and seconds from its last point to its end; None: that has not come by then."""
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
        longest, close = self.done[1:] if self.done else (end - self.last, 0)
        return longest, end - self.last + close if ended else None


def made_by(server, training):
    """The server's id of its run."""
    rows = server.rows(f"SELECT run_uuid FROM tags WHERE key = 'mlplat.local_id' AND value = '{training.run}'")
    return rows[0][0] if rows else training.run


def under(fault, client, server):
    count, = server.rows("SELECT count(*) FROM runs")[0]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, \
            Proxy(server.port, fault.fault, fault.share, calls_once=False, first=fault.first) as proxy:
        training, back = Training(client, proxy.url, folder), None
        training.wait_for(chosen.points * (fault.kill or 0.2))
        if fault.kill:
            training.process.kill()
        if fault.outage:
            proxy.close_door()
            back = threading.Timer(min(fault.outage, fault.limit + 1), proxy.open_door)
            back.start()
        longest, exits = training.end(fault.limit)
        if back:
            back.join()
        proxy.fault = Exchange.whole
        if client == "libmlplat":
            run(BUILD / "tools/mlplat", "spool", "sync", **training.settings)
        stored, distinct = server.rows("SELECT count(*), count(DISTINCT step) FROM metrics WHERE key = 'loss' AND "
                                       f"run_uuid = '{made_by(server, training)}'")[0]
        runs = server.rows("SELECT count(*) FROM runs")[0][0] - count
    words = [f"{max(0, training.points - distinct)} of {training.points} lost", f"{stored - distinct} twice"]
    if not fault.kill:
        words.insert(0, f"longest call {shown(longest)}")
        words.append(f"exit {shown(exits)}" if exits is not None else "no exit by then")
    return "; ".join(words + [f"**{runs} runs**"] * (runs != 1))


def shown(seconds):
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def faults():
    print(f"| {chosen.points} points, {PAUSE_US // 1000} ms apart | {' | '.join(CLIENTS)} |")
    print("|---|---|---|---|")
    with serving() as server:
        bare(server, 5000)
        for fault in [fault for fault in FAULTS if chosen.only in fault.name]:
            print(f"| {fault.name} |", end="", flush=True)
            for client in CLIENTS:
                print(f" {under(fault, client, server)} |", end="", flush=True)
            print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {"delivery": (delivery, 3, 20_000), "calls": (calls, 3, 300_000), "append": (append, 3, 2_000_000),
              "replay": (replay, 1, 200_000), "faults": (faults, 1, 300)}
    parser.add_argument("table", choices=tables)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="", help="faults: those that have this in their names")
    parser.add_argument("--points", type=int)
    parser.add_argument("--pace", type=int, default=10_000, help="ns between two calls")
    parser.add_argument("--folder", help="where stores and spools are made")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    table, rounds, points = tables[chosen.table]
    chosen.rounds, chosen.points = chosen.rounds or rounds, chosen.points or points
    BUILD = chosen.build.resolve()
    table()

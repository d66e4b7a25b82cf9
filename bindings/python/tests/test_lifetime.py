"""Closing, dropping, forking, interrupting, exiting: nothing crashes, leaks, hangs or is left RUNNING."""

import gc
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import mlplat
import pytest


def rss_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def grows(work, n, rounds=4):
    """By how much n rounds of work grow this process at the least, in KiB, after a first one that warms up."""
    for _ in range(n):
        work()
    least = None
    for _ in range(rounds):
        before = rss_kib()
        for _ in range(n):
            work()
        gc.collect()
        least = min(rss_kib() - before, least if least is not None else 1 << 30)
    return least


# ---- dropping without closing ---------------------------------------------------------------------------------------

def test_dropped_sessions_and_failed_calls_leak_nothing(folder, plain):
    def work():
        mlplat.open()
        with pytest.raises(mlplat.Invalid):
            mlplat.open(durability="steel")
    assert grows(work, 500) <= 64


def test_callables_are_let_go(folder):
    def hook(*_):
        pass
    before = sys.getrefcount(hook)
    for how in (lambda ml: ml.close(), lambda ml: None):
        how(mlplat.open(progress=hook, log=hook))
        with pytest.raises(mlplat.Error):
            mlplat.open("gopher://x", progress=hook, log=hook)
    assert sys.getrefcount(hook) == before


def test_dropped_runs_results_and_errors_leak_nothing(ml, run, plain):
    def work():
        again = ml.attach_run(run.id)
        # The same points each time: new ones make the store grow, and what of it is kept in memory.
        for value, step, time_ms in ((1.0, 0, 7), ([1.0, 2.0], [0, 1], [7, 7]), (range(3), range(3), [7, 7, 7])):
            again.log("m", value, step, time_ms)
        again.data()
        with pytest.raises(mlplat.Invalid):
            again.log("../x", 1)
        with pytest.raises(TypeError):
            again.log("m", ["x"])
    work()
    assert grows(lambda: [work() for _ in range(5)], 20) <= 128


def test_dropped_pipelines_leak_nothing(plain):
    def work():
        p = mlplat.Pipeline("p")
        c = mlplat.Component.container("c", "i", ["true"], inputs={"x": int})
        p.task(c, x=1)
        p.yaml()
        with pytest.raises(mlplat.NotFound):
            p.task(c, y=1)
    assert grows(work, 200) <= 64


def test_spans_of_arrow_and_numpy_leak_nothing(run, plain):
    numpy, arrow = pytest.importorskip("numpy"), pytest.importorskip("pyarrow")
    floats, strided = numpy.zeros(4096)[:0], numpy.zeros(8192)[::4096]
    almost = [1.0] * 4096 + ["x"]
    chunks = arrow.chunked_array([[1.0], [2.0]])
    bad = arrow.array([1.0, None] * 4096)

    def work():
        for value, n in ((floats, 0), (strided, 2), (chunks, 2), (arrow.array([1.0]), 1)):
            run.log("m", value, range(n), [7] * n)  # the same points, as above
        with pytest.raises(mlplat.Invalid):
            run.log("m", bad)
        with pytest.raises(TypeError):
            run.log("m", almost)
    counts = sys.getrefcount(floats), sys.getrefcount(chunks)
    assert grows(work, 200) <= 128
    assert (sys.getrefcount(floats), sys.getrefcount(chunks)) == counts


def test_a_dropped_session_is_closed_and_its_records_are_stored(folder):
    run = mlplat.open().run("x")
    run.log("m", 1)
    run.end()
    id = run.id
    del run
    gc.collect()
    with sqlite3.connect(folder / "mlflow.db") as db:
        assert db.execute("SELECT value FROM metrics WHERE run_uuid = ?", (id,)).fetchall() == [(1.0,)]
    assert not list(folder.glob("mlflow.db.spool/*")), "the journal is gone after a clean close"


def test_dropping_a_session_does_not_take_its_open_runs_along(folder):
    run = mlplat.open().run("x")
    gc.collect()
    run.log("m", 1)
    assert run.data().status == "RUNNING"
    run.end()


# ---- the end of the interpreter -------------------------------------------------------------------------------------

OPEN = "import mlplat, sys, os\nml = mlplat.open()\nrun = ml.run('left')\nrun.log('m', 1)\n"


@pytest.mark.parametrize("rest, code, status", [
    ("", 0, "FINISHED"),
    ("sys.exit(0)", 0, "FINISHED"),
    ("raise RuntimeError('oops')", 1, "FAILED"),
    ("raise KeyboardInterrupt", None, "KILLED"),
    ("del run, ml", 0, "FINISHED"),
    ("run = ml = None; mlplat.open().run('other')", 0, "FINISHED"),
    ("run.end('KILLED')", 0, "KILLED"),
    ("ml.close()", 0, "FINISHED"),
    ("cycle = [ml, run]; cycle.append(cycle)", 0, "FINISHED"),
    ("import threading; t = threading.Thread(target=lambda: run.log('m', 2)); t.start()", 0, "FINISHED"),
    ("import threading, time\nbusy = lambda: [run.log('m', 2) or time.sleep(0) for _ in iter(int, 1)]\n"
     "threading.Thread(target=busy, daemon=True).start()\ntime.sleep(0.05)", 0, "FINISHED"),
    ("sys.ps1 = '>>> '; sys.last_type = RuntimeError", 0, "FINISHED"),
])
def test_nothing_is_left_running_by_an_exit(finish, statuses, rest, code, status):
    exit_code, out, err = finish(OPEN + rest)
    assert code is None or exit_code == code, err
    assert set(statuses().values()) == {status}
    assert "at exit" not in err


def test_with_statement_knows_better_than_the_exit(finish, statuses):
    finish("import mlplat\nwith mlplat.open() as ml:\n    run = ml.run('x')\n    raise RuntimeError")
    assert statuses() == {"x": "FAILED"}


def test_attached_run_is_left_as_it_is(finish, ml, run):
    code, out, err = finish(f"import mlplat\nml = mlplat.open()\nrun = ml.attach_run('{run.id}')\nrun.log('m', 1)")
    assert code == 0, err
    assert run.data().status == "RUNNING" and run.data().metrics == {"m": 1}


def test_a_notebook_kernel_ends_its_runs(folder, statuses):
    """A kernel that is told to shut down leaves by sys.exit, with an exception of a cell behind it."""
    pytest.importorskip("ipykernel")
    manager = pytest.importorskip("jupyter_client.manager")
    kernel, client = manager.start_new_kernel(cwd=str(folder))
    client.execute_interactive(OPEN, timeout=60, output_hook=lambda message: None)
    client.execute_interactive("1/0", timeout=60, output_hook=lambda message: None)
    client.stop_channels()
    kernel.shutdown_kernel()
    assert statuses() == {"left": "FINISHED"}


# ---- signals --------------------------------------------------------------------------------------------------------

def test_ctrl_c_reaches_a_call_that_waits(python, folder):
    """A store that somebody holds locked makes flush wait; SIGINT ends the wait."""
    process = python(OPEN + """
import sqlite3, time
ml.flush()
other = sqlite3.connect("mlflow.db", isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
run.log("m", 2)
print("waiting", flush=True)
try:
    ml.flush()
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
other.execute("ROLLBACK")
""")
    assert process.stdout.readline() == "waiting\n"
    delays = []
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)  # it waits
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    word, when = process.stdout.readline().split()
    delays.append(float(when) - sent)
    assert word == "interrupted" and delays[0] < 3  # 0.1 where nothing else runs; without it there is no end
    assert process.wait(60) == 0, process.stderr.read()


def test_ctrl_c_reaches_a_call_that_waits_for_a_server(python):
    """One that takes the connection and says nothing would be waited for for two minutes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = python(f"""
import mlplat
with mlplat.open(tracking_uri="http://127.0.0.1:{server.getsockname()[1]}") as ml:
    try:
        ml.search_runs("metrics.loss < 1")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
""")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4)  # it has asked, and waits
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert out == "interrupted\n" and process.returncode == 0, err


def test_ctrl_c_in_a_loop_of_logging_kills_the_run(python, statuses):
    process = python(OPEN + "print('on', flush=True)\nwhile True:\n    run.log('m', 1)")
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert statuses() == {"left": "KILLED"}


# ---- fork -----------------------------------------------------------------------------------------------------------

def in_child(work):
    """Runs work in a forked child; what it printed by os.write to the pipe."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, work().encode())
        except BaseException as problem:
            os.write(write, f"{type(problem).__name__}: {problem}".encode())
        finally:
            os._exit(0)
    os.close(write)
    signal.alarm(60)
    with os.fdopen(read) as file:
        said = file.read()
    os.waitpid(child, 0)
    signal.alarm(0)
    return said


def test_forked_child_is_told_and_opens_its_own(ml, run):
    run.log("m", 1)
    assert in_child(lambda: run.log("m", 2)).startswith("State")
    assert in_child(lambda: ml.search_runs()).startswith("State")

    def own():
        with mlplat.open() as mine, mine.attach_run(run.id) as again:
            again.log("child", 5)
        return "done"
    assert in_child(own) == "done"
    run.log("m", 3)
    assert run.data().metrics == {"m": 3, "child": 5}


def test_forked_child_may_drop_and_close_what_it_inherited(ml, run):
    def tidy():
        nonlocal run
        session = run._session
        run = None
        session.close()
        gc.collect()
        return "done"
    run.log("m", 1)
    assert in_child(tidy) == "done"
    run.log("m", 2)
    assert run.data().status == "RUNNING" and run.data().metrics == {"m": 2}


def test_forked_child_that_exits_normally_ends_no_run_of_its_parent(finish, statuses):
    code, out, err = finish(OPEN + """
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
print(run.data().status)
run.log("m", 2)
""")
    assert code == 0, err
    assert out == "RUNNING\n"
    assert statuses() == {"left": "FINISHED"}


def test_multiprocessing_pool_logs_to_one_run(ml, run):
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.starmap(log_in_worker, [(run.id, i) for i in range(4)])
    assert sorted(p["value"] for p in ml.metric_history(run, "worker")) == [0, 1, 2, 3]


def test_forks_in_the_middle_of_logging_threads(plain, ml, run):
    """Whatever the threads and the delivery are at: each child logs, and none of the parent's points is lost."""
    import multiprocessing
    stop, logged = threading.Event(), [0, 0, 0]

    def log(i):
        while not stop.is_set():
            run.log(f"thread.{i}", 1.0)
            logged[i] += 1
            if logged[i] % 50 == 0:
                run.log_params({f"p.{i}": "same"})  # waits for the store
    threads = [threading.Thread(target=log, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(10):
            child = multiprocessing.get_context("fork").Process(target=log_in_worker, args=(run.id, i))
            child.start()
            assert in_child(lambda: ml.search_runs()).startswith("State")
            child.join(60)
            assert child.exitcode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert sorted(p["value"] for p in ml.metric_history(run, "worker")) == list(range(10))
    assert [len(ml.metric_history(run, f"thread.{i}")) for i in range(3)] == logged


def log_in_worker(id, i):
    with mlplat.open() as ml, ml.attach_run(id) as run:
        run.log("worker", i, step=i)


# ---- threads --------------------------------------------------------------------------------------------------------

def together(n, work):
    """Runs work(i) in n threads that start at once, and raises what the first of them raised."""
    barrier, problems = threading.Barrier(n), []

    def body(i):
        try:
            barrier.wait(60)
            work(i)
        except BaseException as problem:
            problems.append(problem)
    threads = [threading.Thread(target=body, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if problems:
        raise problems[0]


def test_four_threads_log_to_one_run(ml, run):
    def work(i):
        for k in range(2500):
            run.log(f"t{i}", k)
            run.log("all", k, step=i * 2500 + k)
    together(4, work)
    assert len(ml.metric_history(run, "all")) == 10000
    for i in range(4):
        assert [p["value"] for p in ml.metric_history(run, f"t{i}")] == list(range(2500))


@pytest.mark.parametrize("durability", ["memory", "process", "disk", "remote"])
def test_threads_log_at_every_durability(folder, durability):
    with mlplat.open(durability=durability, log=lambda *_: None) as ml, ml.run("x") as run:
        together(4, lambda i: [run.log("m", k, step=i * 10 + k) for k in range(10)])
        assert len(ml.metric_history(run, "m")) == 40


def test_threads_open_log_drop_and_fail(folder):
    def work(i):
        for k in range(10):
            ml = mlplat.open()
            with ml.run(f"r{i}-{k}", experiment="e") as run:
                run.log("m", k)
            with pytest.raises(mlplat.NotFound):
                ml.get_run("0" * 32)
            if k % 2:
                ml.close()
    together(4, work)
    with mlplat.open() as ml:
        assert len(ml.search_runs()) == 40


def test_closing_while_others_log_is_an_error_never_a_crash(folder):
    for _ in range(20):
        ml = mlplat.open()
        run = ml.run("x")
        done = threading.Event()

        def close():
            while not done.is_set():
                try:
                    ml.close()
                    done.set()
                except mlplat.State:
                    pass

        def work(i):
            if i == 0:
                close()
                return
            while True:
                try:
                    run.log("m", [1.0, 2.0])
                    ml.flush()
                except (ValueError, mlplat.State):
                    return
        together(4, work)
    with mlplat.open() as ml:
        assert {run.status for run in ml.search_runs()} == {"FINISHED"}


def test_the_lock_is_free_while_a_call_waits(ml, folder):
    """Another thread ticks on while a large file is copied."""
    (folder / "big").write_bytes(bytes(32 << 20))
    ticks, over = [], threading.Event()

    def tick():
        while not over.is_set():
            ticks.append(time.monotonic())
            over.wait(0.001)
    thread = threading.Thread(target=tick)
    thread.start()
    before = time.monotonic()
    ml.artifacts.put(folder / "big", folder / "copy")
    after = time.monotonic()
    over.set()
    thread.join()
    assert sum(before < t < after for t in ticks) > 2


def test_a_hot_call_is_cheap(run, capsys, plain):
    def cost(n=20000):
        before = time.thread_time_ns()
        log = run.log
        for _ in range(n):
            log("loss", 0.5)
        return (time.thread_time_ns() - before) / n
    least = min(cost() for _ in range(5))
    with capsys.disabled():
        print(f" [run.log('loss', 0.5): {least:.0f} ns CPU] ", end="")
    assert least < 20000

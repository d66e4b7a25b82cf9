"""What waits in the spool: looked at while its program lives and when it is gone, by people and by Prometheus."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

RUN = "0" * 32


class Program:
    """The logging example: it goes on until it is ended. `held` keeps it from storing anything."""

    def __init__(self, cli):
        logger = cli.program.parent.parent / "examples" / "logger"
        if not logger.exists():
            pytest.skip("examples/logger is not built")
        self.cli, self.accepted, self.run = cli, 0, None
        cli("store", "create")
        env = {**cli.environment, "MLFLOW_TRACKING_URI": f"sqlite:///{cli.folder}/mlflow.db", "MLPLAT_N": "100000000",
               "MLPLAT_KEY": "loss", "MLPLAT_EXPERIMENT": "e", "MLPLAT_DURABILITY": "process"}
        self.process = subprocess.Popen([logger], env=env, cwd=cli.folder, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.wait_for(100)

    def wait_for(self, more):
        until = self.accepted + more
        for line in self.process.stdout:
            word, value = line.split()[:2]
            self.run = value.decode() if word == b"RUN" else self.run
            self.accepted += word == b"ACC"
            if self.accepted >= until:
                return

    def kill(self):
        self.process.kill()
        self.process.stdout.read()
        self.process.wait()


@contextlib.contextmanager
def held(cli):
    """The store takes nothing meanwhile."""
    with contextlib.closing(sqlite3.connect(cli.folder / "mlflow.db", timeout=60, isolation_level=None)) as db:
        db.execute("begin immediate")
        yield
        db.execute("rollback")


@pytest.fixture
def program(cli):
    started = Program(cli)
    yield started
    started.kill()


@pytest.fixture
def left(cli, program):
    """What a killed program left: at least 5,000 records, none of them in the store."""
    with held(cli):
        program.wait_for(20000)  # of these some were read late: a pipe holds thousands
        program.kill()
    return program


def stored(cli):
    with contextlib.closing(sqlite3.connect(cli.folder / "mlflow.db")) as db:
        return db.execute("select count(*) from metrics").fetchone()[0]


def dead_letters(cli, *keys):
    """Metrics of a run that was deleted before they came."""
    folder = cli.folder / "mlflow.db.spool" / "dead"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    journal = "a" * 32
    lines = [json.dumps({"journal": journal, "seq": i + 1, "kind": "tag", "run_id": RUN, "key": key, "value": value,
                         "status": "NOT_FOUND", "reason": "the run is deleted"}) for i, (key, value) in enumerate(keys)]
    (folder / f"{journal}-{1:020}.jsonl").write_text("\n".join(lines) + "\n")


def test_a_look_stores_nothing_and_changes_nothing(cli, left):
    before, files = stored(cli), sorted(cli.folder.rglob("*"))
    status = cli.json("spool", "status")
    assert status["waiting"] >= 5000 and status["bytes"] > 0 and status["oldest_ms"] >= 0
    assert status["waiting_runs"] == [{"run_id": left.run, "waiting": status["waiting"]}]
    assert [j["state"] for j in status["journals"]] == ["orphan"]
    waiting = cli.lines("spool", "inspect", "--max", "1000000")
    assert len(waiting) == status["waiting"] and not cli.err
    assert {r["run_id"] for r in waiting} == {left.run} and {r["state"] for r in waiting} == {"waiting"}
    steps = [r["step"] for r in waiting]
    assert steps == list(range(steps[0], steps[0] + len(steps)))
    cli("spool", "status", "--prometheus")
    assert stored(cli) == before and sorted(cli.folder.rglob("*")) == files
    assert cli.json("spool", "sync")["replayed"] == status["waiting"]
    assert cli.json("spool", "status")["waiting"] == 0 and stored(cli) == before + status["waiting"]
    assert cli.lines("spool", "inspect") == []


def test_it_is_told_while_the_program_lives(cli, program):
    with held(cli):
        program.wait_for(20000)  # of these some were read late: a pipe holds thousands
        status = cli.json("spool", "status")
        assert [(j["pid"], j["state"]) for j in status["journals"]] == [(program.process.pid, "busy")]
        assert status["waiting"] >= 5000
        assert len(cli.lines("spool", "inspect", "waiting", "--run", program.run, "--max", "7")) == 7
        assert "there are more" in cli.err
    program.wait_for(1000)
    assert program.process.poll() is None


def test_prometheus_reads_the_text(cli, left):
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
    dead_letters(cli, ("a", "b"))
    status = cli.json("spool", "status")
    families = {f.name: f for f in parser.text_string_to_metric_families(cli("spool", "status", "--prometheus"))}
    store = {"store": str(cli.folder / "mlflow.db")}

    def value(name):
        sample, = [s for s in families[name].samples if s.labels == store]
        return sample.value

    assert value("mlplat_spool_waiting_records") == status["waiting"] >= 5000
    assert value("mlplat_spool_waiting_bytes") == status["bytes"]
    assert 0 <= value("mlplat_spool_oldest_seconds") < 600
    assert value("mlplat_spool_dead_records") == 1
    assert value("mlplat_spool_quota_bytes") == 2 ** 30
    assert value("mlplat_spool_delivered") == value("mlplat_spool_accepted") == 0  # of this program
    journals = {s.labels["state"]: s.value for s in families["mlplat_spool_journals"].samples}
    assert journals == {"open": 0, "busy": 0, "orphan": 1, "damaged": 0}
    assert {f.type for f in families.values()} == {"gauge", "counter"} and all(f.documentation for f in families.values())


@pytest.mark.parametrize("name", ['a"b.db', "a\\b.db", "a{b}=,.db", "\u202eab.db"])
def test_prometheus_reads_any_name_of_a_store(cli, name):
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
    text = cli("spool", "status", "--prometheus", "--tracking-uri", f"sqlite:///{name}")
    samples = [s for f in parser.text_string_to_metric_families(text) for s in f.samples]
    assert {s.labels["store"] for s in samples} == {str(cli.folder / name)}


def test_inspect_shows_dead_letters_with_their_reason_and_no_secret(cli):
    cli("store", "create")
    dead_letters(cli, ("team\x1b[31m\n", "risk"), ("db_password", "hunter2"), ("source", "https://me:hunter2@host/x"))
    letters = cli.lines("spool", "inspect", "dead", "--run", RUN)
    assert [r["value"] for r in letters] == ["risk", "***", "https://***@host/x"]
    assert {r["reason"] for r in letters} == {"the run is deleted"}
    table = cli("spool", "inspect")
    assert "\x1b" not in table and "hunter2" not in table and len(table.splitlines()) == 4
    assert "the run is deleted" in table
    assert cli.lines("spool", "inspect", "waiting") == []
    assert len(cli.lines("spool", "inspect", "--max", "2")) == 2 and "there are more" in cli.err


def test_inspect_refuses_what_it_does_not_know(cli):
    cli("spool", "inspect", "all", code=2)
    assert "dead or waiting" in cli.err
    cli("spool", "inspect", "--max", "-1", code=2)


def test_what_ended_programs_left_is_dropped(cli, left):
    before, waiting = stored(cli), cli.json("spool", "status")["waiting"]
    told = cli.json("spool", "drop", "waiting", "--run", left.run, "--dry-run")
    assert told["records"] == waiting and told["runs"] == [{"run_id": left.run, "records": waiting}]
    cli("spool", "drop", "waiting", "--run", RUN, code=3)
    assert f"run {RUN} has no waiting record" in cli.err
    assert cli.json("spool", "status")["waiting"] == waiting
    told = cli.json("spool", "drop", "waiting")
    assert (told["records"], told["journals"], told["busy"]) == (waiting, 1, 0)
    assert cli.json("spool", "sync")["replayed"] == 0 and stored(cli) == before
    assert not (cli.folder / "mlflow.db.spool").exists()


def test_what_a_living_program_has_is_not_dropped(cli, program):
    with held(cli):
        program.wait_for(20000)
        told = cli.json("spool", "drop", "waiting")
        assert (told["records"], told["journals"], told["busy"]) == (0, 0, 1)
    program.kill()
    cli("spool", "sync")
    assert stored(cli) >= program.accepted


def test_dead_letters_are_dropped_and_told(cli):
    cli("store", "create")
    dead_letters(cli, ("a", "1"), ("b", "2"))
    assert "RECORDS   2" in cli("spool", "drop", "dead", "--dry-run")
    assert len(cli.lines("spool", "inspect", "dead")) == 2
    assert cli.json("spool", "drop", "dead", "--run", RUN)["runs"] == [{"run_id": RUN, "records": 2}]
    assert cli.lines("spool", "inspect", "dead") == []
    cli("spool", "drop", "dead", "--run", RUN, code=3)
    assert f"run {RUN} has no dead record" in cli.err


def test_drop_says_what_can_be_dropped(cli):
    cli("spool", "drop", code=2)
    cli("spool", "drop", "all", code=2)
    assert "dead, waiting or damaged" in cli.err
    cli("spool", "drop", "damaged", "--run", RUN, code=2)
    assert "of no run" in cli.err
    for no_id in ("no run", "", "../" + RUN):
        cli("spool", "drop", "dead", "--run", no_id, code=2)
        assert "usually 32 hexadecimal digits" in cli.err


@contextlib.contextmanager
def stopped_with_the_journal(cli):
    """A sync that has taken over what was left, and stands still before it could store it."""
    process = None
    try:
        with held(cli):
            process = cli.start("spool", "sync", "-o", "json", text=True)
            folder, deadline = cli.folder / "mlflow.db.spool", time.monotonic() + 60
            while not any(name.startswith(f"{process.pid}-") for name in os.listdir(folder)):
                assert process.poll() is None and time.monotonic() < deadline
            process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        if process:
            process.kill()
            process.communicate()


def test_a_second_sync_comes_back_when_all_is_there_not_before(cli, left):
    waiting, before = cli.json("spool", "status")["waiting"], stored(cli)
    with stopped_with_the_journal(cli) as first:
        second = cli.start("spool", "sync", "-o", "json", text=True)
        with pytest.raises(subprocess.TimeoutExpired):  # it would come back in some milliseconds
            second.wait(2)
        first.send_signal(signal.SIGCONT)
        told, said = second.communicate(timeout=60)
        there = stored(cli)
        assert second.returncode == 0, said
        told_first, said = first.communicate(timeout=60)
        assert first.returncode in (0, 5), said  # it may have been away for too long, and leaves it to the second
    assert there == before + waiting and doubles(cli) == 0
    assert sum(json.loads(one)["replayed"] for one in (told, told_first) if one) == waiting


# ---- beside a job ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def follower(cli, *words):
    process = cli.start("spool", "sync", "--follow", *words, "-o", "json", text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ends(process, signal_number=None):
    """Its exit code, and what it says to people."""
    if signal_number:
        process.send_signal(signal_number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def doubles(cli):
    with contextlib.closing(sqlite3.connect(cli.folder / "mlflow.db")) as db:
        return db.execute("select count(*) from (select 1 from metrics group by run_uuid, key, step having count(*) > 1)"
                          ).fetchone()[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_follow_takes_over_what_is_left_and_nothing_else(cli, program, number):
    left = Program(cli)
    with follower(cli) as process:
        with held(cli):
            left.wait_for(20000)
            left.kill()
        told = json.loads(process.stdout.readline())
        assert told["journals"] == 1 and told["replayed"] > 0 and told["dead"] == 0
        journals = cli.json("spool", "status")["journals"]
        assert [(j["pid"], j["state"]) for j in journals] == [(program.process.pid, "busy")]
        program.wait_for(20000)
        program.kill()
        assert json.loads(process.stdout.readline())["journals"] == 1
        assert ends(process, number) == (0, "")
    assert stored(cli) >= left.accepted + program.accepted and doubles(cli) == 0


def test_follow_ends_with_the_job(cli, program):
    with follower(cli, "--pid", str(program.process.pid)) as process:
        with held(cli):
            program.wait_for(20000)
            program.process.kill()  # nobody waits for it yet: a process that is gone all the same
        assert ends(process)[0] == 0
    program.kill()
    assert stored(cli) >= program.accepted and doubles(cli) == 0


def test_follow_of_a_job_that_is_gone_ends_at_once(cli, left):
    assert cli.json("spool", "sync", "--follow", "--pid", str(left.process.pid))["journals"] == 1
    assert cli("spool", "sync", "--follow", "--pid", str(left.process.pid)) == ""


def test_follow_says_what_it_leaves(cli):
    with socket.socket() as nobody:  # bound, and listened to by nobody: a server that is away
        nobody.bind(("127.0.0.1", 0))
        cli.environment |= {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{nobody.getsockname()[1]}",
                            "XDG_STATE_HOME": str(cli.folder / "state"), "MLPLAT_CLOSE_TIMEOUT_MS": "100"}
        run = cli("run", "start").strip()
        assert [r["kind"] for r in cli.lines("spool", "inspect", "--run", run)] == ["create"]
        with follower(cli) as process:
            while "nothing listens there" not in process.stderr.readline():
                assert process.poll() is None
            code, said = ends(process, signal.SIGTERM)
        assert code == 5 and "mlplat: 1 record(s) of ended programs still wait: `mlplat spool sync`" in said
        assert cli.json("spool", "drop", "waiting")["runs"] == [{"run_id": run, "records": 1}]
        assert cli.json("spool", "status")["waiting"] == 0


def test_follow_leaves_the_living_their_own(cli, left):
    with follower(cli) as process:
        assert json.loads(process.stdout.readline())["journals"] == 1
        program = Program(cli)
        with held(cli):
            program.wait_for(20000)
            assert ends(process, signal.SIGTERM) == (0, "")
    program.wait_for(1000)
    program.kill()


def test_follow_prints_a_table_and_refuses_what_is_no_process(cli, left):
    table = cli("spool", "sync", "--follow", "--pid", str(left.process.pid))
    assert [line.split() for line in table.splitlines()][0] == ["REPLAYED", "DEAD", "JOURNALS"]
    assert [line.split()[1:] for line in table.splitlines()][1:] == [["0", "1"]]
    cli("spool", "sync", "--follow", "--pid", "0", code=2)
    cli("spool", "sync", "--follow", "--pid", "me", code=2)
    cli("spool", "sync", "--pid", "1", code=2)

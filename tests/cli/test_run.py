"""run tail and run diff: what one program logs and another shows, live."""

import json
import os
import select
import signal
import subprocess
import time

import pytest

from test_cli import new_file, new_run


class Tail:
    """mlplat run tail -o json in a process of its own."""

    def __init__(self, cli, run, *more):
        self.process = cli.start("run", "tail", run, "-o", "json", *more)
        self.text = b""

    def event(self):
        """The next line; waits for it."""
        limit = time.monotonic() + 60
        while b"\n" not in self.text:
            assert select.select([self.process.stdout], [], [], max(0, limit - time.monotonic()))[0], self.text
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, (self.text, self.process.stderr.read())
            self.text += data
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)

    def rest(self, code=0):
        """All lines until it ends."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == code, (out, err)
        return [json.loads(line) for line in (self.text + out).splitlines()]


@pytest.fixture
def tail(cli):
    made = []

    def start(*words):
        made.append(Tail(cli, *words))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


def short(event):
    return tuple(event[key] for key in ("kind", "key", "value", "step") if key in event)


def test_tail_shows_what_comes_as_it_comes_and_ends_with_the_run(cli, tail):
    run = new_run(cli)
    cli("param", "log", run, "depth", "6")
    for value in ("1", "0.5"):
        cli("metric", "log", run, "loss", value)
    shown = tail(run)
    assert [short(shown.event()) for _ in range(3)] == [
        ("status", "RUNNING"), ("param", "depth", "6"), ("metric", "loss", 0.5, 1)]
    cli("metric", "log", run, "loss", "nan", "--timestamp", "4102444800000")
    event = shown.event()
    assert short(event) == ("metric", "loss", "NaN", 2) and event["timestamp"] == 4102444800000
    cli("metric", "log", run, "new one", "-7", "--step", "-3")
    assert short(shown.event()) == ("metric", "new one", -7, -3)
    cli("param", "log", run, "text", "a\tb\nc")
    assert short(shown.event()) == ("param", "text", "a\tb\nc")
    cli("metric", "log", run, "loss", "9", "--step", "-1")  # leaves the latest value as it is
    assert short(shown.event()) == ("metric", "loss", 9, -1)
    for value in ("first", "second"):
        cli("tag", "set", run, "team", value)
        assert short(shown.event()) == ("tag", "team", value)
    cli("metric", "log", run, "loss", "0.25")
    cli("run", "end", run, "--status", "FAILED")
    assert [short(event) for event in shown.rest()] == [("metric", "loss", 0.25, 3), ("status", "FAILED")]


def test_tail_misses_no_point_and_shows_none_twice(cli, tail):
    logger = cli.program.parent.parent / "examples" / "logger"
    if not logger.exists():
        pytest.skip("examples/logger is not built")
    env = {**cli.environment, "MLFLOW_TRACKING_URI": f"sqlite:///{cli.folder}/mlflow.db", "MLPLAT_N": "30000",
           "MLPLAT_KEY": "k", "MLPLAT_EXPERIMENT": "e"}
    process = subprocess.Popen([logger], env=env, cwd=cli.folder, stdout=subprocess.PIPE, text=True)
    run = next(line.split()[1] for line in process.stdout if line.startswith("RUN"))
    shown = tail(run, "--all", "--key", "k")
    process.stdout.read()
    assert process.wait() == 0
    points = [event["step"] for event in shown.rest() if event["kind"] == "metric"]
    assert sorted(points) == list(range(30000))


def test_tail_of_a_run_that_has_ended_tells_it_all_and_ends(cli):
    run = new_run(cli)
    for value in ("1", "0.5", "0.25"):
        cli("metric", "log", run, "loss", value)
    cli("metric", "log", run, "auc", "0.9")
    cli("tag", "set", run, "team", "risk")
    cli("run", "end", run)
    assert [short(e) for e in cli.lines("run", "tail", run)] == [
        ("tag", "team", "risk"), ("metric", "loss", 0.25, 2), ("metric", "auc", 0.9, 0), ("status", "FINISHED")]
    whole = [short(e) for e in cli.lines("run", "tail", run, "--all")]
    assert [e for e in whole if e[1] == "loss"] == [("metric", "loss", v, i) for i, v in enumerate((1, 0.5, 0.25))]
    assert [short(e) for e in cli.lines("run", "tail", run, "--key", "auc", "--key", "mlflow.source.type")] == [
        ("tag", "mlflow.source.type", "LOCAL"), ("metric", "auc", 0.9, 0), ("status", "FINISHED")]
    assert cli("run", "tail", run, "-q") == ""
    header, *rows = cli("run", "tail", run, "-o", "tsv").splitlines()
    assert header.split("\t") == ["KIND", "KEY", "VALUE", "STEP", "TIMESTAMP"]
    assert all(row.count("\t") == 4 for row in rows) and rows[0].split("\t")[:3] == ["tag", "team", "risk"]
    assert "metric  loss  0.25  step 2" in cli("run", "tail", run)
    assert cli("run", "tail", run, "-o", "yaml").count("---\n") == 4


def test_tail_of_no_run_is_3_and_of_a_deleted_one_1(cli):
    cli("run", "tail", "0" * 32, code=3)
    run = new_run(cli)
    cli("run", "delete", run)
    cli("run", "tail", run, code=1)
    assert "deleted" in cli.err


def test_ctrl_c_ends_tail_with_130(cli, tail):
    shown = tail(new_run(cli))
    assert shown.event()["kind"] == "status"
    shown.process.send_signal(signal.SIGINT)
    assert shown.rest(130) == []


def test_tail_ends_when_nobody_reads(cli, tail):
    shown = tail(new_run(cli))
    assert shown.event()["kind"] == "status"
    shown.process.stdout.close()
    assert shown.process.wait(timeout=60) == 0
    assert shown.process.stderr.read() == b""


def test_diff_shows_what_differs(cli):
    one, two, three = (new_run(cli, "--name", "same") for _ in range(3))
    for run, depth, loss in ((one, "6", "0.5"), (two, "7", "nan"), (three, "6", "0.5")):
        batch = {"params": {"depth": depth, "seed": 1}, "metrics": {"loss": float(loss), "auc": 1},
                 "tags": {"t": "x"}}
        cli("run", "log-batch", run, "-", stdin=json.dumps(batch).replace("NaN", '"NaN"').encode())
    cli("param", "log", two, "only", "here")
    cli("tag", "set", one, "a.b/c d", "odd key")
    found = cli.lines("run", "diff", one, two, three)
    assert {(d["kind"], d["key"]): list(d["values"].values()) for d in found} == {
        ("param", "depth"): ["6", "7", "6"], ("param", "only"): [None, "here", None],
        ("metric", "loss"): [0.5, "NaN", 0.5], ("tag", "a.b/c d"): ["odd key", None, None]}
    assert all(list(d["values"]) == [one, two, three] for d in found)
    keys = {d["key"] for d in cli.lines("run", "diff", one, two, "--all")}
    assert {"seed", "auc", "t", "depth", "mlflow.runName"} <= keys
    header, *rows = cli("run", "diff", one, two).splitlines()
    assert header.split() == ["KIND", "KEY", one[:8], two[:8]]
    assert ["param", "depth", "6", "7"] in [row.split() for row in rows]
    assert cli("run", "diff", one, two, "-o", "tsv").splitlines()[0].split("\t")[2:] == [one, two]


def test_diff_of_equal_runs_is_empty_and_wrong_calls_are_told(cli):
    one, two = new_run(cli, "--name", "same"), new_run(cli, "--name", "same")
    assert cli("run", "diff", one, two, "-o", "json") == ""
    cli("run", "diff", one, code=2)
    cli("run", "diff", one, one, code=2)
    assert "named twice" in cli.err
    cli("run", "diff", one, "f" * 32, code=3)


def test_a_batch_is_taken_whole_or_not_at_all(cli):
    run = new_run(cli)
    good = {"metrics": [{"key": "loss", "value": 0.5, "step": 3, "timestamp": 7}, {"key": "nan", "value": "NaN"}],
            "params": {"depth": 6}, "tags": {"team": "risk"}}
    cli("run", "log-batch", run, new_file(cli, "batch.json", json.dumps(good)))
    assert cli.json("metric", "get", run, "loss") == {"key": "loss", "value": 0.5, "step": 3, "timestamp": 7}
    assert (cli("param", "get", run, "depth"), cli("tag", "get", run, "team")) == ("6\n", "risk\n")
    for text, code in (("{", 2), ('{"metrics": {"ok": 1, "../bad": 1}}', 2),
                       ('{"params": {"depth": 7}, "tags": {"x": "y"}}', 6)):
        cli("run", "log-batch", run, "-", stdin=text.encode(), code=code)
    cli("run", "log-batch", run, "none.json", code=3)
    assert "none.json" in cli.err
    data = cli.json("run", "get", run)["data"]
    assert {m["key"] for m in data["metrics"]} == {"loss", "nan"} and "x" not in {t["key"] for t in data["tags"]}


@pytest.mark.parametrize("kind", ["metric", "param", "tag"])
def test_a_value_that_is_not_there_is_3_and_says_what_is(cli, kind):
    run = new_run(cli)
    cli(kind, "get", run, "none", code=3)
    assert f"mlplat {kind} list {run}" in cli.err
    cli(kind, "list", "0" * 32, code=3)


def test_history_since_a_time(cli):
    run = new_run(cli)
    for i in range(4):
        cli("metric", "log", run, "loss", str(i), "--timestamp", str(1000 * i))
    assert [p["value"] for p in cli.lines("metric", "history", run, "loss", "--since", "2000")] == [2, 3]
    cli("metric", "history", run, "loss", "--since", "-1", code=2)


def test_standard_input_becomes_an_artifact(cli):
    run, data = new_run(cli), bytes(range(256)) * 5000
    cli("artifact", "put", "-", f"runs:/{run}/a/b.bin", stdin=data)
    assert cli("artifact", "cat", f"runs:/{run}/a/b.bin", text=False) == data
    cli("artifact", "put", "-", f"runs:/{run}/../b.bin", stdin=data, code=2)

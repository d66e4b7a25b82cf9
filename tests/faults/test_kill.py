"""kill -9 in a loop: what a call returned for is in the store after it was opened again, each point exactly once.

MLPLAT_HEAVY=1: 1,000 rounds of each level.
"""

import collections
import contextlib
import json
import random
import sqlite3
import subprocess

import pytest

import victims
from programs import BUILD, HEAVY

ROUNDS = 1000 if HEAVY else 10
ENDLESS = 100_000_000


def accepted(process, points):
    """The steps whose calls returned, read until there are so many."""
    steps = []
    while len(steps) < points:
        word, step = process.stdout.readline().split()
        steps += [int(step)] if word == "ACC" else []
    return steps


def kill(process, steps):
    """kill -9; the steps of the lines that were still on their way come on top."""
    process.kill()
    lines = process.stdout.read().split("\n")[:-1]  # a line that the kill cut is none
    problems = process.stderr.read()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert problems == ""
    return steps + [int(line.split()[1]) for line in lines if line.startswith("ACC ")]


def killed(store, points, **settings):
    """A logger that is killed when it has accepted some points: its run, and the steps its calls returned for."""
    process = store.logger(MLPLAT_N=ENDLESS, **settings)
    run = process.stdout.readline().split()[1]
    return run, kill(process, accepted(process, points))


def killed_while_the_store_is_held(store, points, **settings):
    """The same, while another program holds the store: nothing of it can be delivered before the kill."""
    process = store.logger(MLPLAT_N=ENDLESS, **settings)
    run = process.stdout.readline().split()[1]
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        steps = kill(process, accepted(process, points))
        other.execute("ROLLBACK")
    return run, steps


def stored(store, run, key="loss"):
    """How often the store has each step, and whether its value is right."""
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        rows = db.execute("SELECT step, value FROM metrics WHERE run_uuid = ? AND key = ?", (run, key)).fetchall()
    assert all(value == step * 0.5 for step, value in rows)
    return collections.Counter(step for step, _ in rows)


def assert_exactly_once(store, run, steps):
    """Everything that was accepted, once; and nothing more than the one point whose call the kill cut off."""
    counts = stored(store, run)
    assert [step for step in steps if counts[step] != 1] == []
    assert set(counts) - set(steps) <= {len(steps)}


@pytest.mark.parametrize("durability", ["process", "disk", "remote"])
def test_nothing_accepted_is_lost_and_nothing_is_doubled(store, durability):
    chance = random.Random(durability)
    victims.audited(store)
    rounds = []
    for i in range(ROUNDS):
        most = {"process": 5000, "disk": 300, "remote": 30}[durability]
        run, steps = killed(store, chance.randint(1, most), MLPLAT_DURABILITY=durability)
        if i % 2:  # every second time the next logger itself is the one who opens the store again
            store.mlplat("spool", "sync")
            assert_exactly_once(store, run, steps)
        rounds.append((run, steps))
    store.mlplat("spool", "sync")
    client = store.client()
    for run, steps in rounds:
        assert_exactly_once(store, run, steps)
    for run, steps in rounds[-3:]:  # MLflow itself reads the same
        points = client.get_metric_history(run, "loss")
        assert {point.step for point in points} >= set(steps)
        assert client.get_run(run).data.metrics["loss"] == max(point.step for point in points) * 0.5
    status = store.mlplat("spool", "status", "-o", "json")
    assert '"waiting":0' in status.replace(" ", "") and '"dead":0' in status.replace(" ", "")


@pytest.mark.parametrize("durability", ["process", "disk"])
def test_a_store_that_another_program_holds_loses_nothing(store, durability):
    """Nothing can be delivered, so the whole of it is in the journal when the writer dies."""
    victims.audited(store)
    for _ in range(2 if not HEAVY else 50):
        run, steps = killed_while_the_store_is_held(store, 500, MLPLAT_DURABILITY=durability)
        before = stored(store, run).total()
        told = json.loads(store.mlplat("spool", "sync", "-o", "json"))
        assert_exactly_once(store, run, steps)
        assert told["replayed"] >= stored(store, run).total() - before > 0
        assert told["journals"] == 1 and told["dead"] == 0


def test_a_replay_that_is_killed_itself_doubles_nothing(store):
    victims.audited(store)
    chance = random.Random(7)
    run, steps = killed_while_the_store_is_held(store, 20_000, MLPLAT_DURABILITY="process")
    for _ in range(ROUNDS):
        replay = subprocess.Popen([BUILD / "tools/mlplat", "spool", "sync"], env=store.environment(), cwd=store.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            replay.wait(chance.uniform(0.005, 0.05))
        replay.kill()
        replay.wait()
    store.mlplat("spool", "sync")
    assert_exactly_once(store, run, steps)


def test_the_run_of_a_killed_process_goes_on_where_it_was(store):
    victims.audited(store)
    run, steps = killed(store, 100, MLPLAT_DURABILITY="process")
    client = store.client()
    assert client.get_run(run).info.status == "RUNNING"  # nobody said how it ended
    store.mlplat("spool", "sync")
    assert_exactly_once(store, run, steps)

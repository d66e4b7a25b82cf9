"""kill -9 at random moments, of a process and of whole groups with forked children: what was accepted is there once.

MLPLAT_KILLS: how many kills (10; 10,000 with MLPLAT_HEAVY=1). The moments fall into the start, the first record, the
rotation of segments, delivery, the end of a run, the close, and `mlplat spool sync` itself.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

import victims
from programs import BUILD, HEAVY, Store

KILLS = int(os.environ.get("MLPLAT_KILLS", 10_000 if HEAVY else 10))
SEED = int(os.environ.get("MLPLAT_SEED", 5))
ROUNDS_PER_STORE = 50

# (weight, level, points after which a session is closed and another one opened, forked children, ms until the kill)
KINDS = [
    (4, "process", 0, 0, 60),
    (4, "process", 40, 0, 120),
    (2, "disk", 0, 0, 120),
    (2, "disk", 20, 0, 120),
    (1, "remote", 30, 0, 120),
    (3, "process", 100, 3, 80),
    (2, "disk", 30, 3, 120),
]


def kill(process, whole_group):
    """kill -9 of the process, or of all of its group at once."""
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def wait_for(process, seconds):
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def killed(store, told, chance):
    """One program, killed. Returns its group, and the children that still live and hold what they inherited."""
    _, level, runs, children, most = chance.choices(KINDS, [kind[0] for kind in KINDS])[0]
    process = victims.start(store, told, runs, children, MLPLAT_DURABILITY=level)
    wait_for(process, chance.uniform(0, most) / 1000)
    group = children > 0 and chance.random() < 0.5
    kill(process, group)
    process.wait()
    living = [] if group else victims.children_of(told)
    if len(living) < children:  # all killed, or the parent in the middle of forking
        end_group(process.pid)
        living = []
    # The child that logs is another process with a journal of its own: it goes on while its parent's is replayed.
    if children == 0:
        said = process.stderr.read().decode().splitlines()
        assert [line for line in said if " in a container: " not in line] == []
    process.stderr.close()
    return process.pid, living


def sync(store, chance):
    """`mlplat spool sync`, killed a few times first."""
    kills = 0
    while chance.random() < 0.3:
        replay = subprocess.Popen([BUILD / "tools/mlplat", "spool", "sync"], env=store.environment(), cwd=store.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(replay, chance.uniform(0, 0.03))
        replay.kill()
        replay.wait()
        kills += 1
    store.mlplat("spool", "sync")
    return kills


def round_of(store, told, chance):
    """One kill, and what follows. Returns (kills, points)."""
    group, living = killed(store, told, chance)
    parent = list(victims.read(told))[:1]
    kills = 1 + sync(store, chance)
    if living:  # with them alive: their parent's journal was an orphan all the same
        verify_soon(store, parent)
        end_group(group)
        kills += 1 + sync(store, chance)
    end_group(group)
    return kills, victims.verify(store, list(victims.read(told)))


def verify_soon(store, told):
    """The child that logs may be the one who replays its parent's journal: then `spool sync` leaves it to that one."""
    deadline = time.monotonic() + 30
    while victims.problems_of(store, told, told) and time.monotonic() < deadline:
        store.mlplat("spool", "sync")
    victims.verify(store, told)


def end_group(group):
    """kill -9 of what is left of it, also of what nobody told of yet; until it holds no lock any more."""
    deadline = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
        while any(in_group(stat, group) for stat in pathlib.Path("/proc").glob("[0-9]*/stat")):
            assert time.monotonic() < deadline, f"group {group} does not end"
            os.sched_yield()


def in_group(stat, group):
    """A process whose first thread is gone is one still: another thread may hold what they shared, its locks too."""
    try:
        state, _, of = stat.read_text().rsplit(") ", 1)[1].split()[:3]
        return int(of) == group and (state not in "ZX" or len(os.listdir(stat.parent / "task")) > 1)
    except OSError:
        return False


def test_kill_9_loses_nothing_and_doubles_nothing(tmp_path, capsys):
    chance = random.Random(SEED)
    kills = points = rounds = 0
    while kills < KILLS:
        if rounds % ROUNDS_PER_STORE == 0:
            folder = tmp_path / str(rounds)
            folder.mkdir()
            store = Store(folder)
            victims.audited(store)
        more, accepted = round_of(store, tmp_path / "told", chance)
        rounds += 1
        kills += more
        points += accepted
        if rounds % ROUNDS_PER_STORE == 0 or kills >= KILLS:
            victims.settled(store)
            shutil.rmtree(folder)
        if kills // 500 != (kills - more) // 500:
            with capsys.disabled():
                print(f"\n{kills} kills in {rounds} rounds: {points} points accepted, 0 lost, 0 twice", flush=True)
    assert points > 0
    print(f"{kills} kills in {rounds} rounds: {points} points accepted, 0 lost, 0 twice")

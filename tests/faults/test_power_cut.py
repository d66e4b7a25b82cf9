"""Power cuts on a real file system: what was accepted at level disk or remote is there afterwards, once.

MLPLAT_CUTS: how many cuts (5; 1,000 with MLPLAT_HEAVY=1). Where no image can be mounted this is skipped;
tests/faults/test_power_pages.c has the same promise without one.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess

import pytest

import victims
from disk_image import disk
from programs import HEAVY, Store

CUTS = int(os.environ.get("MLPLAT_CUTS", 1000 if HEAVY else 5))
SEED = int(os.environ.get("MLPLAT_SEED", 7))
CUTS_PER_STORE = 20

# (weight, level, points after which a session is closed, ms until the cut)
KINDS = [(4, "disk", 0, 150), (3, "disk", 25, 250), (2, "remote", 0, 150), (2, "remote", 10, 250)]


def cut_while_logging(drive, store, told, level, points, seconds, at_work):
    """The victim tells in a file on another disk what it was promised. Returns what that was when the power went: the
    machine runs on behind this cut, and a sync that it meets on its way may return without an error."""
    process = victims.start(store, told, points, MLPLAT_DURABILITY=level)
    try:
        if at_work:
            victims.wait_for_points(process, told, 1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        promised = list(victims.read(told))
        drive.cut()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    drive.restart()
    return promised


def test_a_power_cut_loses_nothing_that_was_accepted(tmp_path, capsys):
    chance = random.Random(SEED)
    cuts = points = 0
    with disk(tmp_path, 48) as drive:
        while cuts < CUTS:
            folder = drive.place / "store"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            store = Store(folder)
            victims.audited(store)
            os.sync()
            for _ in range(min(CUTS_PER_STORE, CUTS - cuts)):
                _, level, runs, most = chance.choices(KINDS, [kind[0] for kind in KINDS])[0]
                promised = cut_while_logging(drive, store, tmp_path / "told", level, runs,
                                             chance.uniform(0, most) / 1000, chance.random() < 0.8)
                print(f"cut {cuts}: level {level}, {runs} points a run")
                store.mlplat("spool", "sync")
                points += victims.verify(store, promised, list(victims.read(tmp_path / "told")))
                cuts += 1
            victims.settled(store)
            if cuts % 100 < CUTS_PER_STORE:
                with capsys.disabled():
                    print(f"\n{cuts} cuts: {points} points accepted, 0 lost, 0 twice", flush=True)
    assert points > 0
    print(f"{cuts} cuts: {points} points accepted, 0 lost, 0 twice")


def test_the_cut_is_real(tmp_path):
    """The control: level process is not meant to survive a cut, and SQLite that does not sync does not either."""
    with disk(tmp_path, 48) as drive:
        store = Store(drive.place)
        store.mlplat("store", "create")
        with contextlib.closing(sqlite3.connect(drive.place / "careless.db", isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE t (n)")
            os.sync()
            db.execute("PRAGMA synchronous=OFF")
            for n in range(100):
                db.execute("INSERT INTO t VALUES (?)", (n,))
            drive.cut()
        drive.restart()
        with contextlib.closing(sqlite3.connect(drive.place / "careless.db")) as db:
            assert db.execute("SELECT count(*) FROM t").fetchone()[0] < 100
        lost = sum(lost_at_level_process(drive, store, tmp_path / "told") for _ in range(3))
        assert lost > 0


def lost_at_level_process(drive, store, told):
    """How many points a cut takes from a journal that is not brought to the disk."""
    promised = cut_while_logging(drive, store, told, "process", 0, 0.01, True)
    store.mlplat("spool", "sync")
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        return sum(max(0, one.points - len(victims.steps_of(db, victims.METRICS, one.run, "loss")))
                   for one in promised)

"""What tests/faults/helpers/fault_victim.c and fault_remote.c tell, and whether a store holds what it was told."""

import collections
import contextlib
import sqlite3
import struct
import subprocess
import time

from programs import BUILD

SLOTS, SPAN, SLOT = 64, 5, struct.Struct("=32s5q")
NOTHING = bytes(4096 + SLOTS * SLOT.size)
Told = collections.namedtuple("Told", "run points spans tags ended params")

# MLflow's key makes a point that comes twice one row, and triggers do not run in a store: so the table has no key here.
AUDIT = """
CREATE TABLE keyless AS SELECT * FROM metrics;
DROP TABLE metrics;
ALTER TABLE keyless RENAME TO metrics;
CREATE INDEX of_run ON metrics (run_uuid, key, step);
"""
METRICS = "SELECT step FROM metrics WHERE run_uuid = ? AND key = ?"


def audited(store):
    store.mlplat("store", "create")
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        db.executescript(AUDIT)


def start(store, told, runs=0, children=0, **settings):
    told.write_bytes(NOTHING)
    return subprocess.Popen([BUILD / "tests/fault_victim", told, str(runs), str(children)], cwd=store.folder,
                            env=store.environment(**settings), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            start_new_session=True)


def read(told):
    """What each run was promised."""
    data = told.read_bytes()
    for i in range(SLOTS):
        run, *counts = SLOT.unpack_from(data, 4096 + i * SLOT.size)
        if run.strip(b"\0"):
            yield Told(run.decode(), *counts)


def children_of(told):
    data = told.read_bytes()
    return [pid for pid in struct.unpack_from("=16i", data, 8) if pid]


def wait_for_points(process, told, n, patience=60):
    """Until so many points were accepted in all. The process's end is an end of the waiting too."""
    deadline = time.monotonic() + patience
    while sum(one.points for one in read(told)) < n:
        assert process.poll() is None and time.monotonic() < deadline, "the victim does not log"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.002)


def steps_of(db, sql, run, key):
    return [row[0] for row in db.execute(sql, (run, key))]


def wrong_with(db, told, after):
    """Sentences about what is missing, doubled or invented of one run; none is right. After: what it was told last."""
    # The call that was cut may be there: one point, or one span, whole.
    for key, sure, most, call in (("loss", told.points, after.points + 1, 1),
                                  ("span", told.spans * SPAN, (after.spans + 1) * SPAN, SPAN)):
        there = collections.Counter(steps_of(db, METRICS, told.run, key))
        missing = [step for step in range(sure) if not there[step]]
        if missing:
            yield f"{told.run} {key}: {len(missing)} of {sure} not there, the first is {missing[0]}"
        if set(there) != set(range(len(there))) or len(there) > most or len(there) % call:
            yield f"{told.run} {key}: {len(there)} there, {sure} accepted"
        twice = [step for step, times in there.items() if times != 1]
        if twice:
            yield f"{told.run} {key}: {len(twice)} there twice, the first is {twice[0]}"
    wrong = db.execute("SELECT count(*) FROM metrics WHERE run_uuid = ? AND value != step * "
                       "(CASE key WHEN 'loss' THEN 0.5 ELSE 0.25 END)", (told.run,)).fetchone()[0]
    if wrong:
        yield f"{told.run}: {wrong} wrong values"
    tag = db.execute("SELECT value FROM tags WHERE run_uuid = ? AND key = 'at'", (told.run,)).fetchone()
    if told.tags and (tag is None or not told.tags <= int(tag[0]) <= after.tags + 1):
        yield f"{told.run}: tag {tag}, {told.tags} was accepted"
    status = db.execute("SELECT status FROM runs WHERE run_uuid = ?", (told.run,)).fetchone()
    if status is None or (told.ended and status[0] != "FINISHED"):
        yield f"{told.run}: status {status}, ended {told.ended}"


def problems_of(store, tolds, after):
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        last = {told.run: told for told in after}
        return [sentence for told in tolds for sentence in wrong_with(db, told, last[told.run])]


def verify(store, tolds, after=None):
    """All that was promised is there, once, and not more than was told after. Returns how many points that were."""
    problems = problems_of(store, tolds, after or tolds)
    assert problems == [], "\n".join(problems)
    return sum(told.points + told.spans * SPAN for told in tolds)


def settled(store):
    """Nothing waits, nothing was refused, nothing is damaged."""
    status = store.mlplat("spool", "status", "-o", "json").replace(" ", "").replace("\n", "")
    assert '"waiting":0' in status and '"dead":0' in status and '"journals":[]' in status, status

"""A disk that is full, a small tmpfs: the call that finds no room says NO_SPACE, what was accepted before is not lost, and
all goes on when there is room again. Without a mount: tests/spool/test_spool_faults.c fails the calls.
"""

import contextlib
import os
import pathlib
import sqlite3
import subprocess

import pytest

from programs import BUILD, Store


@contextlib.contextmanager
def tmpfs(tmp_path, options):
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("to mount a small tmpfs needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield Store(place)
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture
def small(tmp_path):
    """A store on 4 MiB."""
    with tmpfs(tmp_path, "size=4m") as store:
        yield store


@pytest.fixture
def crowded(tmp_path):
    """A store on a file system of 40 files."""
    with tmpfs(tmp_path, "size=32m,nr_inodes=40") as store:
        yield store


def fill_with_files(store):
    made = []
    with contextlib.suppress(OSError):
        while True:
            made.append(store.folder / f"ballast{len(made)}")
            made[-1].touch()
    return made[:-1]


def fill(store, leave):
    """Takes all the room but so many bytes."""
    free = os.statvfs(store.folder).f_bavail * os.statvfs(store.folder).f_frsize
    ballast = store.folder / "ballast"
    ballast.write_bytes(bytes(max(0, free - leave)))
    return ballast


def logged(store, points, **settings):
    """A logger's run, the steps it was told accepted, and what it said of the others."""
    process = store.logger(MLPLAT_N=points, **settings)
    out, said = process.communicate(timeout=120)
    lines = out.split("\n")
    run = next((line.split()[1] for line in lines if line.startswith("RUN ")), None)
    return run, [int(line.split()[1]) for line in lines if line.startswith("ACC ")], process.returncode, said


def steps(store, run):
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        return sorted(row[0] for row in db.execute("SELECT step FROM metrics WHERE run_uuid = ?", (run,)))


def told_what_is_missing(store, run, accepted):
    """`mlplat spool sync` says that all went well only if it did: also when it has no room itself."""
    done = subprocess.run([BUILD / "tools/mlplat", "spool", "sync"], env=store.environment(), capture_output=True,
                          text=True, cwd=store.folder, timeout=120)
    if done.returncode == 0:
        assert not run or set(accepted) <= set(steps(store, run))
    else:
        assert "NO_SPACE" in done.stderr or "full" in done.stderr or "space" in done.stderr, done.stderr


@pytest.mark.parametrize("level", ["process", "disk"])
@pytest.mark.parametrize("leave", [100_000, 400_000, 800_000, 1_600_000])
def test_a_full_disk_is_an_error_and_loses_nothing_accepted(small, level, leave):
    small.mlplat("store", "create")
    ballast = fill(small, leave)
    points = 12_000 if level == "process" else 4_000
    run, accepted, code, said = logged(small, points, MLPLAT_DURABILITY=level)
    if code:
        assert "NO_SPACE" in said, said
    ballast.unlink()
    told_what_is_missing(small, run, accepted)
    subprocess.run(["mount", "-o", "remount,size=32m", small.folder], check=True)
    small.mlplat("spool", "sync")
    if run:
        assert set(accepted) <= set(steps(small, run))
        assert len(steps(small, run)) == len(set(steps(small, run)))
    else:
        assert code != 0
    run, accepted, code, said = logged(small, 200, MLPLAT_DURABILITY=level)
    assert (code, len(accepted)) == (0, 200), said
    assert steps(small, run) == list(range(200))
    assert not pathlib.Path(f"{small.path}.spool").exists()


def test_no_room_at_all_is_told_at_the_start(small):
    small.mlplat("store", "create")
    ballast = fill(small, 0)
    run, accepted, code, said = logged(small, 10)
    assert code != 0 and "NO_SPACE" in said and not accepted, said
    ballast.unlink()
    run, accepted, code, said = logged(small, 10)
    assert code == 0 and steps(small, run) == list(range(10)), said


def mlplat(store, *words):
    return subprocess.run([BUILD / "tools/mlplat", *words], env=store.environment(), capture_output=True, text=True,
                          cwd=store.folder, timeout=120)


@pytest.mark.parametrize("free", range(5))
def test_a_disk_on_which_no_file_can_be_made_is_told_as_full(crowded, free):
    """SQLite says "unable to open database file" where its log, or the index of that, finds no room for a name."""
    crowded.mlplat("store", "create")
    run, accepted, code, said = logged(crowded, 10)
    assert code == 0, said
    ballast = fill_with_files(crowded)
    for file in ballast[:free]:
        file.unlink()
    for words in [("run", "list"), ("experiment", "create", "second"), ("spool", "sync")]:
        done = mlplat(crowded, *words)
        assert done.returncode == 0 or "space" in done.stderr, done.stderr
        assert done.returncode == 0 or free < 4
    more, told, code, said = logged(crowded, 10)
    assert code == 0 or "NO_SPACE" in said, said
    for file in ballast[free:]:
        file.unlink()
    crowded.mlplat("spool", "sync")
    assert steps(crowded, run) == list(range(10))
    assert not more or set(told) <= set(steps(crowded, more))
    run, accepted, code, said = logged(crowded, 10)
    assert (code, steps(crowded, run)) == (0, list(range(10))), said

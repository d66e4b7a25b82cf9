"""The files of a store cut, closed, or replaced by something else: an error that names them or the right answer, never a
hang or a crash, and the other journals are stored all the same.

As another user than root where modes count, since root is not kept out by them.
"""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

import pytest

import victims
from programs import BUILD, Store

NOBODY = 65534
SECONDS = 60


@pytest.fixture
def open_store():
    """A store that another user can own: in a folder that everybody can reach. Not in pytest's own: another pytest
    that starts meanwhile closes that again."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Store(pathlib.Path(folder))


def ended(store, words, user=None):
    """A program of ours on the store; it must come to an end by itself, and with an exit code of its own."""
    if user is not None:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    done = subprocess.run([str(word) for word in words], cwd=store.folder, env=store.environment(HOME="/nonexistent"),
                          capture_output=True, text=True, timeout=SECONDS)
    assert 0 <= done.returncode <= 30, f"{words}: {done.returncode}: {done.stderr}"
    if done.returncode and not (words[-1] == "check" and done.stdout):  # findings are its answer
        assert done.stderr.startswith(("mlplat: ", "logger: ")) and len(done.stderr.splitlines()[-1]) > 30, done.stderr
    return done


def sync(store, user=None):
    return ended(store, [BUILD / "tools/mlplat", "spool", "sync"], user)


def killed(store, told, level="process"):
    """A program that is killed with records in its journal that the store does not have: another holds the store."""
    process = victims.start(store, told, MLPLAT_DURABILITY=level)
    victims.wait_for_points(process, told, 1)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        before = sum(one.points for one in victims.read(told))
        if before < 1900:  # behind that it waits for the store
            victims.wait_for_points(process, told, before + 20)
        process.kill()
        process.wait()
        process.stderr.close()
        other.execute("ROLLBACK")
    return list(victims.read(told))


def journals(store):
    return sorted(path for path in pathlib.Path(f"{store.path}.spool").iterdir() if path.name[0].isdigit())


def two_journals(store, tmp_path):
    victims.audited(store)
    one = killed(store, tmp_path / "one")
    # The second one's start would replay the first: it is put away for the moment.
    (first,) = journals(store)
    away = first.rename(tmp_path / first.name)
    two = killed(store, tmp_path / "two", "disk")
    shutil.move(away, first)
    assert len(journals(store)) == 2
    return first, one, two


def segment_of(journal):
    """The first with records in it."""
    return next(path for path in sorted(journal.glob("*.mls")) if path.read_bytes()[:4] == b"MLPS")


def to_folder(path):
    path.unlink()
    path.mkdir()


def to_link(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def to_pipe(path):
    path.unlink()
    os.mkfifo(path)


def cut(size):
    def at(path):
        os.truncate(path, min(size, path.stat().st_size))
    at.__name__ = f"cut_to_{size}"
    return at


def gone(path):
    path.unlink()


CHANGES = [cut(0), cut(1), cut(100), cut(128), cut(1000), cut(5000), to_folder, to_link, to_pipe, gone]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", ["lock", "segment"])
def test_a_journal_file_that_is_not_ours_costs_no_other_journal(store, tmp_path, name, change):
    first, one, two = two_journals(store, tmp_path)
    change(first / name if name == "lock" else segment_of(first))
    done = sync(store)
    victims.verify(store, two)
    if name == "lock":  # it says nothing about the records: they are all stored
        assert done.returncode == 0, done.stderr
        victims.verify(store, one)
    elif change not in (CHANGES[0], CHANGES[1], gone):  # an empty file was just being made; one that is gone is gone
        assert done.returncode != 0 and "damaged" in done.stderr
        assert list(pathlib.Path(f"{store.path}.spool").glob("*.bad"))
    assert sync(store).returncode == 0 and victims.problems_of(store, two, two) == []
    logs_again(store)


def logs_again(store):
    assert ended(store, [BUILD / "examples/logger"]).returncode == 0


@pytest.mark.parametrize("change", [cut(0), cut(1), cut(100), cut(1000), cut(5000), to_folder, to_link, to_pipe, gone],
                         ids=lambda change: change.__name__)
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-ticket"])
def test_a_file_of_the_store_that_is_not_ours_is_an_error_or_does_not_matter(store, tmp_path, suffix, change):
    victims.audited(store)
    killed(store, tmp_path / "told")
    path = pathlib.Path(f"{store.path}{suffix}")
    if not path.exists():
        path.touch()
    change(path)
    sync(store)
    for words in (["run", "list"], ["store", "check"], ["spool", "status"]):
        ended(store, [BUILD / "tools/mlplat", *words])
    ended(store, [BUILD / "examples/logger"])
    if change is to_link:  # what a link leads to is not ours to write
        assert pathlib.Path("/etc/passwd").read_bytes().startswith(b"root:")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="to be another user needs root and setpriv")
@pytest.mark.parametrize("mode", [0o400, 0o000], ids=oct)
@pytest.mark.parametrize("what", ["store", "-wal", "-shm", "-ticket", "lock", "segment", "journal", "spool"])
def test_a_file_that_may_not_be_used_is_told_and_works_again_when_it_may(open_store, tmp_path, what, mode):
    store = open_store
    first, one, two = two_journals(store, tmp_path)
    for path in [store.folder, *store.folder.rglob("*")]:
        os.lchown(path, NOBODY, NOBODY)
    for suffix in ("-wal", "-shm"):
        path = pathlib.Path(f"{store.path}{suffix}")
        if not path.exists():
            path.touch()
            os.chown(path, NOBODY, NOBODY)
    places = {"store": store.path, "lock": first / "lock", "segment": segment_of(first), "journal": first,
              "spool": pathlib.Path(f"{store.path}.spool")}
    path = places.get(what) or pathlib.Path(f"{store.path}{what}")
    before = path.stat().st_mode & 0o7777
    path.chmod(mode)
    done = sync(store, NOBODY)
    if what in ("segment", "journal") and not (what == "segment" and mode == 0o400):
        assert done.returncode != 0 and first.name.split("-")[0] in done.stderr, done.stderr
        victims.verify(store, two)
    for at in [path, *pathlib.Path(f"{store.path}.spool").rglob(path.name)]:
        if at.exists():
            at.chmod(before)
    for left in pathlib.Path(f"{store.path}.spool").glob("left-*"):
        left.chmod(0o700)
    deadline = time.monotonic() + SECONDS
    while victims.problems_of(store, one + two, one + two) and time.monotonic() < deadline:
        assert sync(store, NOBODY).returncode == 0
    victims.verify(store, one + two)

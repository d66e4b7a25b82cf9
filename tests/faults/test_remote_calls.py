"""System calls that fail under a program that logs to a real MLflow server, libcurl's and ours, by strace: it says what
failed or goes on, and what it was promised is at the server once."""

import concurrent.futures
import shutil
import subprocess

import pytest

import remote_scene
import victims
from programs import BUILD

RUNS, POINTS, LIMIT = 2, 60, 200
FIRST = 33  # of a thread's calls that the loader makes too, so many are its own
FAULTS = [
    ("sendto", "ECONNRESET", 1, 5), ("sendto", "EPIPE", 1, 7), ("recvfrom", "ECONNRESET", 2, 5),
    ("recvfrom", "ENOMEM", 1, 11), ("poll", "EINTR", 1, 7), ("poll", "ENOMEM", 2, 9), ("connect", "ENETUNREACH", 1, 2),
    ("socket", "EMFILE", 1, 2), ("socket", "ENOBUFS", 2, 3), ("openat", "EMFILE", FIRST, 9),
    ("openat", "ENOSPC", FIRST, 7), ("pwrite64", "EIO", 2, 5), ("pwrite64", "ENOSPC", 1, 3), ("fdatasync", "EIO", 1, 4),
    ("unlinkat", "EIO", 1, 2), ("mkdirat", "EIO", 2, 2), ("renameat", "EIO", 1, 2), ("mmap", "ENOMEM", FIRST + 47, 5),
]


def refused():
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "/bin/true"], capture_output=True, text=True)
    return f"strace may not trace here: {done.stderr.strip()[:200]}" if done.returncode else ""


WHY_NOT = refused()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "none")


def log(remote, level, call, error, first, step):
    """A program whose calls fail, the first one and each so many after it; how often that was, and what it said."""
    told, record = remote.folder / "told", remote.folder / "record"
    told.write_bytes(victims.NOTHING)
    words = ["strace", "-f", "--seccomp-bpf", "-o", record, "-e", f"trace={call}", "-e",
             f"inject={call}:error={error}:when={first}+{step}", BUILD / "tests/fault_remote", told, POINTS, RUNS, 2]
    done = subprocess.run([str(word) for word in words], cwd=remote.folder, capture_output=True, text=True, timeout=LIMIT,
                          env=remote.environment(MLPLAT_DURABILITY=level, MLPLAT_CLOSE_TIMEOUT_MS="1000"))
    return record.read_text().count("(INJECTED)"), done, list(victims.read(told))


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """All of them, some at the same time, and what each left behind is delivered."""
    server = remote_scene.DiaryServer(tmp_path_factory.mktemp("server")).start()
    folder = tmp_path_factory.mktemp("calls")

    def one(i):
        level = "disk" if i % 2 else "process"
        remote = remote_scene.Remote(folder / f"{FAULTS[i][0]}-{FAULTS[i][1]}", server)
        hits, done, tolds = log(remote, level, *FAULTS[i])
        remote.sync()
        return remote, hits, done, tolds

    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            yield list(pool.map(one, range(len(FAULTS))))
    finally:
        server.kill()


@pytest.mark.parametrize("i", range(len(FAULTS)), ids=lambda i: "-".join(FAULTS[i][:2]))
def test_what_was_promised_is_there_once(tried, i):
    remote, hits, done, tolds = tried[i]
    assert done.returncode == 0 or (done.returncode == 1 and "victim: " in done.stderr), done.stderr
    gave_up = done.returncode != 0 or not tolds
    remote_scene.verify(remote, tolds, killed=2 * gave_up)
    assert gave_up or (len(tolds) == RUNS and {told.points for told in tolds} == {POINTS})
    assert hits > 0, f"no call failed: {done.stderr}"

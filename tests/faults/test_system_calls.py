"""System calls that SQLite, libc and the library make fail once, from outside of the program, by strace.

Every call of these names that a scenario makes, by each error that it can have. MLPLAT_HEAVY=1 tries all of them,
otherwise a share, evenly spread; the counts are printed. After each: the program did not crash or hang, told the truth,
and what the next one finds in the store is what is there without a fault. Locks (fcntl) are left out: strace cannot
tell the taking of one from the giving back, which no system fails and SQLite does not expect to; test_table_calls fails
ours.
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

BINARY = pathlib.Path(os.environ["MLPLAT_BINARY_DIR"])
SCENE = BINARY / "tests/fault_scene"
HEAVY = os.environ.get("MLPLAT_HEAVY") == "1"
POINTS = 20  # of a scenario, when not all are tried
STUCK = 43  # exit code of a scene whose store could be opened for reading alone
LIMIT = 60  # seconds of one scene
STORES = ["open_store", "create_store", "start_runs", "log_memory", "log_process", "log_disk", "log_remote",
          "log_batches", "change_things", "replay", "replay_and_log", "retry_dead_letters", "search",
          "register_versions", "prompts", "artifacts", "log_files", "log_model", "logged_models", "check", "backup",
          "gc", "export", "import", "upgrade", "component_step"]
WRITES = ["pwrite64", "write", "ftruncate", "fallocate"]
ERRORS = {
    "EIO": ["pread64", "read", "fsync", "fdatasync", "openat", "openat2", "mmap", "rename", "renameat", "unlink",
            "unlinkat", "mkdirat", "linkat", "getdents64", *WRITES],
    "ENOSPC": ["openat", "openat2", "rename", "renameat", "linkat", "mkdirat", *WRITES],
    "EINTR": ["pread64", "read", "fsync", "fdatasync", "openat", *WRITES],
    "EMFILE": ["openat", "openat2"],
}


def strace(*options, **more):
    return subprocess.run(["strace", "-f", "--seccomp-bpf", *map(str, options)], capture_output=True, text=True, **more)


def refused():
    if not shutil.which("strace"):
        return "strace is not installed"
    result = strace("-o", "/dev/null", "-e", "trace=openat", "/bin/true")
    return "" if result.returncode == 0 else f"strace may not trace here: {result.stderr.strip()[:200]}"


WHY_NOT = refused()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "none")


@pytest.fixture
def folder():
    """In memory if that is possible: thousands of syncs."""
    memory = pathlib.Path("/dev/shm")
    path = pathlib.Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    yield path
    shutil.rmtree(path)


class Scenario:
    """A scenario in folders of its own: what it finds, what it leaves, and which calls it makes."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.scene, self.saved = folder / "scene", folder / "saved"
        self.scene.mkdir()
        self.act("prepare")
        shutil.copytree(self.scene, self.saved)
        record = folder / "record"
        calls = sorted({call for names in ERRORS.values() for call in names} | {"access", "faccessat", "faccessat2"})
        result = strace("-o", record, "-e", "trace=" + ",".join("?" + call for call in calls), SCENE, "run", name,
                        self.scene, "-", "-")
        assert result.returncode == 0, result.stderr
        self.calls = self.count(record.read_text())
        self.digest = self.act("digest")

    def act(self, what):
        result = subprocess.run([SCENE, what, self.name, self.scene], capture_output=True, text=True, timeout=LIMIT)
        assert result.returncode == 0, f"{what}: exit code {result.returncode}: {result.stderr}"
        return result.stdout

    @staticmethod
    def count(record):
        """{call: the numbers that it has, in its thread, once faults may come}. strace counts by thread too."""
        seen, begun, numbers = collections.defaultdict(int), False, collections.defaultdict(set)
        for line in record.splitlines():
            begun = begun or "/scene-begins" in line
            match = re.match(r"(\d+) +(\w+)\(", line)
            if "/scene-ends" in line:
                break
            if match:
                seen[match.groups()] += 1
                if begun:
                    numbers[match[2]].add(seen[match.groups()])
        first = {}
        main = record.split(None, 1)[0]
        before = collections.defaultdict(int)
        for line in record.splitlines():
            if "/scene-begins" in line:
                break
            match = re.match(rf"{main} +(\w+)\(", line)
            if match:
                before[match[1]] += 1
        for call, all_of_it in numbers.items():
            first[call] = sorted(n for n in all_of_it if n > before[call])
        return first

    def points(self):
        every = [(error, call, n) for error, calls in ERRORS.items() for call in calls
                 for n in self.calls.get(call, [])]
        return every if HEAVY else every[:: max(1, len(every) // POINTS)]

    def complaint(self, error, call, n):
        """What goes wrong when the call fails; None: nothing."""
        shutil.rmtree(self.scene)
        shutil.copytree(self.saved, self.scene)
        words = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                 f"inject={call}:error={error}:when={n}", SCENE, "run", self.name, self.scene, error, call]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              start_new_session=True) as process:
            try:
                _, said = process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return "it hangs"
        if process.returncode not in (0, STUCK):
            return f"exit code {process.returncode}: {said.strip()}"
        result = subprocess.run([SCENE, "digest", self.name, self.scene], capture_output=True, text=True, timeout=LIMIT)
        if result.returncode != 0:
            return f"the next one: exit code {result.returncode}: {result.stderr}"
        if "ok" not in result.stdout.splitlines()[:1] and self.digest:
            return f"the file is damaged: {result.stdout[:300]}"
        if process.returncode == 0 and result.stdout != self.digest:
            differ = [pair for pair in zip(self.digest.splitlines(), result.stdout.splitlines()) if pair[0] != pair[1]]
            return f"it ends otherwise: {differ[:1]}"
        return None


def share(scenario, points):
    return [f"{error} of {call} {n}: {why}" for error, call, n in points
            if (why := scenario.complaint(error, call, n)) is not None]


@pytest.mark.parametrize("name", STORES)
def test_a_failed_system_call_is_told_and_loses_nothing(name, folder, record_property, capsys):
    workers = os.cpu_count() or 1
    scenarios = []
    for i in range(workers):
        (folder / str(i)).mkdir()
        scenarios.append(Scenario(name, folder / str(i)))
    points = scenarios[0].points()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        shares = [pool.submit(share, scenario, points[i::workers]) for i, scenario in enumerate(scenarios)]
        wrong = [line for one in shares for line in one.result()]
    record_property("points", len(points))
    with capsys.disabled():
        print(f" {name}: {len(points)} failed calls", flush=True)
    assert points
    assert wrong == [], f"{len(wrong)} of {len(points)}"

"""What every test starts from: an empty folder, an environment without settings, and a session on a new store."""

import os
import pathlib
import subprocess
import sys

# `python -m pytest` puts the current folder first, where the package lies without its native module.
SOURCES = pathlib.Path(__file__).resolve().parent.parent
sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry or ".").resolve() != SOURCES]

import mlplat  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture
def plain():
    """For figures of time and memory, which mean nothing under a sanitizer."""
    if "libasan" in pathlib.Path("/proc/self/maps").read_text():
        pytest.skip("AddressSanitizer is loaded")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MLPLAT_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ml(folder):
    with mlplat.open() as session:
        yield session


@pytest.fixture
def run(ml):
    with ml.run("test") as open_run:
        yield open_run


@pytest.fixture
def python(folder):
    """Runs a script in an interpreter of its own, in the test's folder."""
    def start(script, *args, **options):
        path = folder / "script.py"
        path.write_text(script)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.Popen([sys.executable, str(path), *args], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    return start


@pytest.fixture
def finish(python):
    """Runs a script to its end: (exit code, stdout, stderr)."""
    def start(script, *args, **options):
        process = python(script, *args, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err
    return start


@pytest.fixture
def statuses():
    """The status of every run in the store of the test's folder, by name, as a process that comes later sees it."""
    def read():
        with mlplat.open() as ml:
            return {run.name: run.status for run in ml.search_runs()}
    return read

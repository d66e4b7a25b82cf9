"""What is in the wheel, that it works in every CPython at hand, and that one process has one SQLite."""

import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import built, clean, pythons

WORKS = """
import array, mlplat, pathlib
with mlplat.open() as ml, ml.run("first", params={"depth": 6}) as run:
    run.log("loss", array.array("d", [0.9, 0.5, 0.25]))
    run.log("accuracy", 0.97)
    run.log_dict({"a": [1, 2.5, None]}, "notes.yaml")
    uri = run.log_model(loader_module="mlflow.sklearn")
    try:
        ml.get_run("0" * 32)
    except mlplat.NotFound:
        pass
with mlplat.open() as ml:
    found = ml.search_runs("metrics.loss < 0.5")[0]
    assert (found.name, found.status, found.params) == ("first", "FINISHED", {"depth": "6"})
    assert [p["value"] for p in ml.metric_history(found.id, "loss")] == [0.9, 0.5, 0.25]
    assert b"2.5" in ml.artifacts.read(f"runs:/{found.id}/notes.yaml")
    ml.registry.register("fraud", uri)
    ml.store.export_to("archive")
    assert ml.store.check()["ok"]
print(mlplat.__version__, pathlib.Path(mlplat.__file__).parent.parent)
"""
# Holds a store open, uses it by Python's own module too, and asks another process for the lock in between.
TOGETHER = """
import sqlite3, subprocess, sys, tempfile
import mlplat
LOOK = '''
import fcntl, struct, sys
ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 128, 1, 0)
kind = struct.unpack("hhqqi4x", fcntl.fcntl(open(sys.argv[1] + "-shm", "r+b"), fcntl.F_GETLK, ask))[0]
print({fcntl.F_UNLCK: "free", fcntl.F_RDLCK: "held"}[kind])
'''
def lock():
    return subprocess.run([sys.executable, "-c", LOOK, "mlflow.db"], capture_output=True, text=True).stdout.strip()
with mlplat.open() as ml, ml.run() as run:
    run.log("loss", 0.5)
    ml.flush()
    before = lock()
    other = sqlite3.connect("mlflow.db")
    assert other.execute("SELECT count(*) FROM metrics").fetchone() == (1,)
    other.close()
    after = lock()
    copies = {line.split()[-1] for line in open("/proc/self/maps") if "libsqlite3" in line}
    print(before, after, len(copies))
"""
each_python = pytest.mark.parametrize("version", sorted(pythons()))


def test_the_wheel_is_for_every_cpython_from_3_11_on_and_small(wheel):
    assert re.fullmatch(r"mlplat-[\d.]+-cp311-abi3-manylinux_2_\d+_\w+\.whl", wheel.name)
    assert wheel.stat().st_size < 6_000_000


def test_it_holds_the_package_with_its_types_and_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"mlplat/py.typed", "mlplat/_c.pyi", "mlplat/_c.abi3.so", "mlplat/__init__.py"} <= set(names)
    assert any(name.endswith("/LICENSE") for name in names)
    assert [name for name in names if "test" in name or name.endswith((".c", ".h", ".i"))] == []


def test_sqlite_is_the_one_library_outside_that_is_not_the_systems_c(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    out = subprocess.run(["readelf", "-d", tmp_path / "mlplat/_c.abi3.so"], capture_output=True, text=True, check=True)
    needed = {name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", out.stdout)
              if not re.search(r"-[0-9a-f]{8}\.so", name)}
    assert needed - {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2"} == {"libsqlite3.so.0"}


@each_python
def test_it_works_in_a_bare_environment(version, installed, run):
    python = installed(version)
    told, place = run(python, WORKS).split()
    assert (told, pathlib.Path(place).parents[2]) == ("0.1.0", python.parent.parent)


@each_python
def test_the_process_has_one_sqlite_and_keeps_its_locks(version, installed, run):
    assert run(installed(version), TOGETHER) == "held held 1"


@each_python
def test_an_interpreter_that_brings_its_own_sqlite_is_followed(version, installed, run, tmp_path):
    """As conda's does: its module finds its library by a path in it, and ours comes after it."""
    python = installed(version)
    module = pathlib.Path(run(python, "import _sqlite3; print(_sqlite3.__file__)"))
    library = run(python, "import _sqlite3\nprint(*{line.split()[-1] for line in open('/proc/self/maps') "
                          "if 'libsqlite3' in line})")
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(module, own)
    shutil.copy(library, own / "libsqlite3.so.0")
    subprocess.run(["patchelf", "--set-rpath", own, own / module.name], check=True)
    used = run(python, "import mlplat, sqlite3\nprint(*{line.split()[-1] for line in open('/proc/self/maps') "
                       "if 'libsqlite3' in line})", PYTHONPATH=str(own))
    assert used == str(own / "libsqlite3.so.0")


def test_with_a_sqlite_of_its_own_inside_the_locks_would_go(run, tmp_path):
    """Why it is outside: closing a file in one copy takes the locks of the other's."""
    subprocess.run(["auditwheel", "repair", "--wheel-dir", tmp_path, built()], check=True, capture_output=True)
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(tmp_path)
    held, *lost, copies = run(sys.executable, TOGETHER).split()
    assert (held, copies) == ("held", "2") and lost in (["free"], [])


def test_a_sqlite_that_is_too_old_is_named(installed, run, tmp_path):
    source = "int sqlite3_libversion_number(void) { return 3034001; }\n"
    source += 'const char *sqlite3_libversion(void) { return "3.34.1"; }\n'
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", tmp_path / "old.so"], input=source, text=True,
                   check=True)
    told = run(installed("{}.{}".format(*sys.version_info)), "import mlplat\ntry: mlplat.open().run()\n"
               "except mlplat.Unsupported as e: print(e)", LD_PRELOAD=str(tmp_path / "old.so"))
    assert "3.34.1" in told and "3.35" in told


def test_a_machine_without_sqlite_is_told_what_to_install(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    subprocess.run(["patchelf", "--replace-needed", "libsqlite3.so.0", "libsqlite3-gone.so.0",
                    tmp_path / "mlplat/_c.abi3.so"], check=True)
    done = subprocess.run([sys.executable, "-c", "import mlplat"], cwd=tmp_path, env=clean(), capture_output=True,
                          text=True)
    assert "ImportError" in done.stderr and "apt install libsqlite3-0" in done.stderr

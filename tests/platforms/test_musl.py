"""musl: the library, the command as one static file, and the C tests, built by Debian's musl-gcc and run here."""

import os
import re
import shutil
import subprocess

import pytest

from builds import RELEASE, ROOT, build, c_tests, needed, run
from hardening import weaknesses

DEPENDENCIES = ROOT / "build/musl-deps"
# Minutes of one and the same, whatever the libc: run with MLPLAT_HEAVY=1.
LONG = {"test_allocations", "test_hostile_values", "test_mutated_files", "test_power_pages", "test_registry_faults",
        "test_schema_upgrade", "test_table_calls", "test_tracking_faults"}
LEFT_OUT = {
    "test_flow_fail": "libcurl is not built for musl here, so http:// is UNSUPPORTED",
    "test_spool_scarce": "it puts functions of its own before zstd's, which is linked statically here",
}
HEAVY = os.environ.get("MLPLAT_HEAVY") == "1"


def programs():
    names = {path.stem for path in (ROOT / "tests").glob("*/test_*.c")} - LEFT_OUT.keys()
    return sorted(names if HEAVY else names - LONG)


@pytest.fixture(scope="module")
def dependencies():
    for tool in ("musl-gcc", "apt-get", "dpkg-source", "tclsh"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    if not (DEPENDENCIES / "made").exists():
        done = subprocess.run([ROOT / "tests/platforms/debian.sh", DEPENDENCIES / "source", "source", "libyaml"],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Debian's sources cannot be had: {done.stderr.strip()[-200:]}")
        run(ROOT / "tests/platforms/musl.sh", DEPENDENCIES)
        (DEPENDENCIES / "made").touch()
    return DEPENDENCIES / "usr"


@pytest.fixture(scope="module")
def built(dependencies):
    helpers = ["pipeline_step", "pipeline_probe", "pipeline_tool"]
    return build("musl", "--toolchain", ROOT / "cmake/musl.cmake", f"-DMLPLAT_SYSROOT={dependencies}",
                 "-DMLPLAT_STATIC_COMMAND=ON",
                 targets=("mlplat_shared", "mlplat", "example_logger", *helpers, *programs()))


def test_the_installed_library_is_hardened(built, tmp_path):
    run("cmake", "--install", built, "--prefix", tmp_path, "--component", "mlplat")
    library = next(tmp_path.rglob("libmlplat.so")).resolve()
    assert weaknesses(library) == ["not fortified"]  # musl has no checked calls


def test_the_library_needs_musl_and_sqlite_alone(built):
    assert needed(built / "libmlplat.so") == {"libc.so", "libsqlite3.so.0"}


def test_the_c_tests_pass(built):
    told = c_tests("musl", built, "-R", f"^({'|'.join(programs())})$")
    assert int(re.search(r"tests passed, 0 tests failed out of (\d+)", told).group(1)) == len(programs()), told


@pytest.mark.parametrize("program", LEFT_OUT)
def test_c_tests_that_are_left_out(program):
    """For the summary, which counts what is left out."""
    pytest.skip(f"left out on musl: {LEFT_OUT[program]}")


@pytest.mark.skipif(HEAVY, reason="all of them were run")
def test_c_tests_that_take_minutes():
    """For the summary, which counts what is left out."""
    pytest.skip(f"run with MLPLAT_HEAVY=1: {', '.join(sorted(LONG))}")


def test_the_shared_library_logs(built, tmp_path):
    run(built / "examples/logger", cwd=tmp_path)
    assert "libmlplat.so.0" in needed(built / "examples/logger")
    assert (tmp_path / "mlflow.db").stat().st_size > 0


def test_the_command_is_one_file_and_reads_what_the_other_libc_wrote(built, tmp_path):
    command = shutil.copy(built / "tools/mlplat", tmp_path / "alone")
    assert "no dynamic section" in run("readelf", "-d", command)
    assert "INTERP" not in run("readelf", "-l", command)
    uri = ("--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db")
    run(RELEASE / "tools/mlplat", "experiment", "create", "theirs", *uri)
    assert "theirs" in run(command, "experiment", "list", *uri)
    run(command, "experiment", "create", "ours", *uri)
    assert "ours" in run(RELEASE / "tools/mlplat", "experiment", "list", *uri)


@pytest.mark.skipif(not HEAVY, reason="run with MLPLAT_HEAVY=1")
def test_the_minimal_profile(dependencies):
    folder = build("musl-minimal", "--toolchain", ROOT / "cmake/musl.cmake", f"-DMLPLAT_SYSROOT={dependencies}",
                   "-DMLPLAT_PROFILE=minimal")
    assert int(re.search(r"tests passed, 0 tests failed out of (\d+)", c_tests("musl-minimal", folder)).group(1)) >= 20

"""The minimal profile: tracking alone, small, and with few libraries below it."""

import re
import subprocess

import pytest

from builds import ROOT, build, c_tests, exported, largest, needed, run, stripped_size

LIMIT = 300_000
MISSING = "int main(void) { return mlplat_registered_model_delete(NULL, \"m\", NULL); }"


@pytest.fixture(scope="module")
def built():
    return build("minimal", "-DMLPLAT_PROFILE=minimal")


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("minimal")
    run("cmake", "--install", built, "--prefix", prefix)
    return prefix


def words(installed, *what):
    folder = next(installed.rglob("pkgconfig"))
    return run("pkg-config", *what, "mlplat", PKG_CONFIG_PATH=str(folder)).split()


def test_it_is_under_300_kilobytes(built, tmp_path):
    library = built / "libmlplat.so"
    size = stripped_size(library, tmp_path)
    print(f"libmlplat.so of the minimal profile, stripped: {size} bytes of {LIMIT}")
    assert size < LIMIT, f"{size} bytes; the largest:\n{largest(library)}"


def test_it_needs_libc_sqlite_and_jansson_alone(built):
    assert {name.split(".so")[0] for name in needed(built / "libmlplat.so")} <= {"libc", "libsqlite3", "libjansson",
                                                                                 "libm", "ld-linux-x86-64"}


def test_the_c_tests_of_what_it_has_pass(built):
    told = c_tests("minimal", built)
    count = int(re.search(r"tests passed, 0 tests failed out of (\d+)", told).group(1))
    assert count >= 20, told


def test_its_functions_are_those_of_its_headers(built, installed):
    text = run("cc", "-E", "-P", "-I", installed / "include", *words(installed, "--cflags"), "-x", "c",
               installed / "include/mlplat.h")
    declared = set(re.findall(r"\b(mlplat_\w+)\(", re.sub(r"\bdefault\b", "", text)))
    assert exported(built / "libmlplat.so") == declared
    assert {"mlplat_run_log_metric", "mlplat_run_search", "mlplat_artifact_put", "mlplat_spool_sync"} <= declared
    assert not [name for name in declared if re.search("registered|model|pipeline|component|export|html", name)]


def test_what_is_missing_is_said_by_the_compiler(installed, tmp_path):
    (tmp_path / "missing.c").write_text("#include <mlplat.h>\n" + MISSING + "\n")
    done = subprocess.run(["cc", "-Werror", "-fsyntax-only", *words(installed, "--cflags"), "missing.c"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode != 0 and "mlplat_registered_model_delete" in done.stderr
    assert not (installed / "include/mlplat/registry.h").exists()


def test_the_logger_example_links_and_runs(installed, tmp_path):
    run("cc", ROOT / "examples/logger.c", "-o", "logger", *words(installed, "--cflags", "--libs"), "-lm", cwd=tmp_path)
    library = next(installed.rglob("libmlplat.so")).parent
    run(tmp_path / "logger", cwd=tmp_path, LD_LIBRARY_PATH=str(library))
    assert (tmp_path / "mlflow.db").exists()

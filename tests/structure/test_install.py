"""make install, and programs that find the library there: by pkg-config and by CMake, shared and static."""

import os
import re
import shutil
import subprocess

import pytest

import abi

PROGRAM = """
#include <mlplat.h>
#include <stdio.h>
int main(void)
{
    mlplat *ml = NULL;
    mlplat_run *run = NULL;
    mlplat_error err = { 0 };
    mlplat_status s = mlplat_open(NULL, &ml, &err);
    if (s == MLPLAT_OK)
        s = mlplat_run_start(ml, NULL, &run, &err);
    if (s == MLPLAT_OK)
        s = mlplat_run_log_metric(run, "loss", 0.5, MLPLAT_STEP_AUTO, &err);
    if (s == MLPLAT_OK)
        s = mlplat_run_end(run, NULL, &err);
    mlplat_run_free(run);
    mlplat_close(ml);
    printf("%s %s\\n", mlplat_version(), s == MLPLAT_OK ? "works" : err.message);
    return s != MLPLAT_OK;
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(mlplat 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared mlplat::mlplat)
add_executable(static main.c)
target_link_libraries(static mlplat::static)
"""


def run(words, folder, **more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLPLAT_", "MLFLOW_"))}
    done = subprocess.run([str(word) for word in words], cwd=folder, env={**environment, **more}, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run(["cmake", "--install", abi.BUILD, "--prefix", prefix, "--component", "mlplat"], prefix)
    return prefix


@pytest.fixture(scope="module")
def library(installed):
    return next(installed.rglob("libmlplat.so")).parent


@pytest.fixture
def consumer(tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    return tmp_path


def needed(program):
    out = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def pkg_config(library, *words):
    found = run(["pkg-config", *words, "mlplat"], library, PKG_CONFIG_PATH=str(library / "pkgconfig"))
    return found.split()


def test_everything_is_where_it_belongs(installed, library):
    there = {path.name for path in (installed / "include/mlplat").iterdir()}
    assert there == {path.name for path in abi.headers()[:-1]}
    assert (installed / "include/mlplat.h").exists()
    assert (installed / "bin/mlplat").exists()
    for place in ("bash-completion/completions/mlplat", "zsh/site-functions/_mlplat",
                  "fish/vendor_completions.d/mlplat.fish", "man/man1/mlplat.1", "man/man1/mlplat-run.1"):
        assert (installed / "share" / place).stat().st_size > 100
    assert (library / "libmlplat.a").exists()
    assert os.readlink(library / "libmlplat.so") == "libmlplat.so.0"
    out = subprocess.run(["readelf", "-d", library / "libmlplat.so"], capture_output=True, text=True, check=True).stdout
    assert "[libmlplat.so.0]" in out


def test_the_installed_command_line_finds_its_library(installed, library, tmp_path):
    assert run([installed / "bin/mlplat", "--version"], tmp_path, LD_LIBRARY_PATH="") == "mlplat 0.1.0\n"
    moved = tmp_path / "elsewhere"
    shutil.copytree(installed, moved, symlinks=True)
    assert run([moved / "bin/mlplat", "--version"], tmp_path, LD_LIBRARY_PATH="") == "mlplat 0.1.0\n"


def test_pkg_config_shared(library, consumer):
    run(["cc", "main.c", "-o", "program", *pkg_config(library, "--cflags", "--libs")], consumer)
    assert "libmlplat.so.0" in needed(consumer / "program")
    assert run([consumer / "program"], consumer, LD_LIBRARY_PATH=str(library)) == "0.1.0 works\n"


def test_pkg_config_static(library, consumer):
    words = ["-l:libmlplat.a" if word == "-lmlplat" else word for word in
             pkg_config(library, "--cflags", "--static", "--libs")]
    run(["cc", "main.c", "-o", "program", *words], consumer)
    assert "libmlplat.so.0" not in needed(consumer / "program")
    assert run([consumer / "program"], consumer) == "0.1.0 works\n"


def test_find_package_shared_and_static(installed, consumer):
    run(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}"], consumer)
    run(["cmake", "--build", "build"], consumer)
    assert run(["build/shared"], consumer) == run(["build/static"], consumer) == "0.1.0 works\n"
    assert "libmlplat.so.0" in needed(consumer / "build/shared")
    assert "libmlplat.so.0" not in needed(consumer / "build/static")

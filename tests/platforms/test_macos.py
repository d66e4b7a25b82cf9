"""macOS on arm64: every file compiles for it, with the headers that the compiler Zig brings. None of it is run."""

import pathlib
import shutil
import subprocess

import pytest

from builds import ROOT

# clang 14 takes an environment that it does not know for the one that it compiles for.
OLD_CLANG = ["-D__is_target_environment(x)=0", "-Wno-builtin-macro-redefined"]
# Of the libraries below ours; everything else comes from the headers of macOS.
HEADERS = ["jansson.h", "jansson_config.h", "sqlite3.h", "yaml.h", "zstd.h", "zstd_errors.h", "curl"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wstrict-prototypes",
            "-Wmissing-prototypes", "-Werror"]


def sources():
    return sorted(path for folder in ("libmlplat/*", "tools", "examples") for path in ROOT.glob(f"{folder}/*.c")
                  if path.name != "os_linux.c")


@pytest.fixture(scope="module")
def compiler(tmp_path_factory):
    zig = pytest.importorskip("ziglang", reason="there is no ziglang, whose headers of macOS are used")
    theirs = pathlib.Path(zig.__file__).parent / "lib/libc/include/any-darwin-any"
    if not shutil.which("clang"):
        pytest.skip("there is no clang")
    folder = tmp_path_factory.mktemp("headers")
    for name in HEADERS:
        found = next((path for path in (pathlib.Path("/usr/include", part, name) for part in (".", machine()))
                      if path.exists()), None)
        if found:
            (shutil.copytree if found.is_dir() else shutil.copy)(found, folder / name)
    return ["clang", "-target", "arm64-apple-macos11", "-std=c11", "-fsyntax-only", "-nostdlibinc", *OLD_CLANG,
            "-D_GNU_SOURCE", "-DMLPLAT_VERSION_TEXT=\"0\"", "-I", "include", "-I", "libmlplat", "-I", "tools",
            "-isystem", folder, "-isystem", theirs, *WARNINGS]


def machine():
    return subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()


def compile(compiler, paths):
    return subprocess.run([*compiler, *paths], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_every_file_compiles(compiler):
    assert len(sources()) > 150
    done = compile(compiler, sources())
    assert done.returncode == 0, done.stderr[-6000:]


def test_the_minimal_profile_compiles(compiler):
    done = compile([*compiler, "-DMLPLAT_MINIMAL"], [ROOT / "examples/logger.c", ROOT / "libmlplat/base/yaml_none.c"])
    assert done.returncode == 0, done.stderr[-6000:]


def test_what_linux_alone_has_is_told(compiler):
    done = compile(compiler, [ROOT / "libmlplat/base/os_linux.c"])
    assert done.returncode != 0 and "malloc.h" in done.stderr


@pytest.mark.parametrize("call", ["pipe2(ends, 0)", "memrchr(\"a\", 'a', 1) != 0", "fdatasync(ends[0])"])
def test_a_call_that_macos_has_not_is_told(compiler, tmp_path, call):
    (tmp_path / "call.c").write_text("#include <fcntl.h>\n#include <string.h>\n#include <unistd.h>\n"
                                     f"int main(void) {{ int ends[2] = {{0}}; return {call}; }}\n")
    done = compile(compiler, [tmp_path / "call.c"])
    assert done.returncode != 0 and call.split("(")[0] in done.stderr

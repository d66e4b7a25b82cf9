"""arm64: built by the cross compiler with every warning an error, tested under qemu-user."""

import os
import re
import shutil
import subprocess

import pytest

from builds import ROOT, build, c_tests, run
from hardening import weaknesses

PACKAGES = ["libsqlite3-dev", "libsqlite3-0", "libjansson-dev", "libjansson4", "libyaml-dev", "libyaml-0-2", "libzstd-dev",
            "libzstd1", "libcmocka-dev", "libcmocka0"]
SYSROOT = ROOT / "build/sysroot-arm64"

# Folders of C tests, and what of them is left out, and why.
FOLDERS = ["base", "stats", "db", "spool", "session", "artifacts", "tracking"]
LEFT_OUT = {
    "test_os": "qemu 7.2 takes MADV_WIPEONFORK and MADV_DONTFORK and does neither, and dies itself in a "
    "child of a process with threads",
    "test_spool|test_spool_drop|test_spool_inspect|test_session|test_tracking_process|test_mirror":
    "the same: they fork with threads",
    "test_schema_upgrade|test_schema_open|.*_fuzz|.*_faults|test_text|test_search_plan|test_spool_packed":
    "take minutes under qemu",
}


def programs():
    names = sorted(path.stem for folder in FOLDERS for path in (ROOT / "tests" / folder).glob("test_*.c"))
    return [name for name in names if not re.fullmatch("|".join(LEFT_OUT), name)]


@pytest.fixture(scope="module")
def sysroot():
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64", "apt-get"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    if not (SYSROOT / "made").exists():
        done = subprocess.run([ROOT / "tests/platforms/debian.sh", SYSROOT, "arm64", *PACKAGES],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Debian's arm64 packages cannot be had: {done.stderr.strip()[-200:]}")
        (SYSROOT / "made").touch()
    return SYSROOT


@pytest.fixture(scope="module")
def built(sysroot):
    return build("aarch64", "--toolchain", ROOT / "cmake/aarch64-linux-gnu.cmake", f"-DMLPLAT_SYSROOT={sysroot}",
                 "-DMLPLAT_TOOLS=OFF", "-DCMAKE_SKIP_RPATH=ON", targets=("mlplat_shared", *programs()))


def test_the_library_is_hardened(built):
    library = (built / "libmlplat.so").resolve()
    assert "AArch64" in run("readelf", "-h", library)
    assert weaknesses(library) == []


@pytest.mark.parametrize("programs", LEFT_OUT)
def test_c_tests_that_qemu_cannot_run(programs):
    """For the summary, which counts what is left out."""
    pytest.skip(f"left out under qemu-user: {LEFT_OUT[programs]}")


def test_the_c_tests_pass_under_qemu(built):
    told = c_tests("aarch64", built, "-R", f"^({'|'.join(programs())})$")
    count = int(re.search(r"tests passed, 0 tests failed out of (\d+)", told).group(1))
    assert count == len(programs()), told


def test_pages_of_64_kibibytes(built):
    """Kernels for arm64 may have them: a process that was told so maps and journals all the same."""
    emulator = ["qemu-aarch64", "-p", "65536", "-L", "/usr/aarch64-linux-gnu", "-E",
                f"LD_LIBRARY_PATH={SYSROOT}/usr/lib/aarch64-linux-gnu"]
    for name in ("test_frame", "test_spool_sink", "test_tracking_sink"):
        assert "       OK ] " in run(*emulator, built / "tests" / name)

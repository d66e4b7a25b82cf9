"""arm64: built by the cross compiler with every warning an error, tested under qemu-user."""

import re
import shutil
import subprocess

import pytest

from builds import ROOT, build, c_tests, run
from hardening import weaknesses

PACKAGES = ["libsqlite3-dev", "libsqlite3-0", "libjansson-dev", "libjansson4", "libyaml-dev", "libyaml-0-2", "libzstd-dev",
            "libzstd1", "libcmocka-dev", "libcmocka0"]
SYSROOT = ROOT / "build/sysroot-arm64"

# What is left out, and why. The rest runs.
LEFT_OUT = {
    "^example_|test_component|test_pipeline_faults|test_runner|test_runner_track": "start programs, which qemu-user does "
    "not run for them",
    "test_os|test_fork": "qemu 7.2 takes MADV_WIPEONFORK and MADV_DONTFORK and does neither, and dies itself in a child "
    "of a process with threads",
    "test_schema_upgrade|test_schema_open|test_tables|_fuzz|_faults": "minutes under qemu: MLPLAT_HEAVY=1 runs them",
}


@pytest.fixture(scope="module")
def sysroot():
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64", "apt-get"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    if not (SYSROOT / "made").exists():
        done = subprocess.run([ROOT / "tests/platforms/debian.sh", "sysroot", SYSROOT, "arm64", *PACKAGES],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"Debian's arm64 packages cannot be had: {done.stderr.strip()[-200:]}")
        (SYSROOT / "made").touch()
    return SYSROOT


@pytest.fixture(scope="module")
def built(sysroot):
    return build("aarch64", "--toolchain", ROOT / "cmake/aarch64-linux-gnu.cmake", f"-DMLPLAT_SYSROOT={sysroot}",
                 "-DMLPLAT_TOOLS=OFF")


def test_the_library_is_hardened(built):
    library = (built / "libmlplat.so").resolve()
    assert "AArch64" in run("readelf", "-h", library)
    assert weaknesses(library) == []


def test_the_c_tests_pass_under_qemu(built, monkeypatch):
    import os
    heavy = os.environ.get("MLPLAT_HEAVY") == "1"
    out = [names for names, why in LEFT_OUT.items() if not (heavy and "HEAVY" in why)]
    for names in out:
        print(f"left out: {names}: {LEFT_OUT[names]}")
    told = c_tests("aarch64", built, "-E", "|".join(out))
    count = int(re.search(r"tests passed, 0 tests failed out of (\d+)", told).group(1))
    assert count >= 25, told


def test_pages_of_64_kibibytes(built):
    """Kernels for arm64 may have them: a process that was told so maps and journals all the same."""
    emulator = ["qemu-aarch64", "-p", "65536", "-L", "/usr/aarch64-linux-gnu", "-E",
                f"LD_LIBRARY_PATH={SYSROOT}/usr/lib/aarch64-linux-gnu"]
    for name in ("test_frame", "test_spool", "test_spool_sink"):
        assert "[  PASSED  ]" in run(*emulator, built / "tests" / name)

"""The checks that run the C tests: with clang's sanitizers, with threads watched, under valgrind, with lines counted."""

import os
import pathlib
import re
import shutil

import builds
import coverage

HEAVY = os.environ.get("MLPLAT_HEAVY") == "1"

# clang's own groups on top of what gcc has: numbers that do not fit where they go without a word. Unsigned sums may
# wrap: hashes do, and loops that count down.
CLANG_SANITIZERS = "address,undefined,local-bounds,nullability,implicit-conversion"
# One build runs nearly all tests under ASan and UBSan already (gcc, build/asan): here it is the integers' turn, so the
# tests that take long without new code are left to MLPLAT_HEAVY=1.
CLANG_SLOW = r"test_(tables|registry_faults|schema_.*|runner|pipeline_faults|.*_faults|archive|spool_replay)"
# clang's sanitizers bring an allocator that no preloaded one comes before: gcc's build sweeps the allocations.
CLANG_CANNOT = "test_allocations"
# What has threads, forks or locks; the others have one thread.
TSAN_WANTED = r"test_(os|log|db|http|http_faults|credentials|alloc|session|artifacts|artifact_.*|registry|run_.*|runner|runner_track|spool.*|" \
              r"tracking_.*|store_care|.*thread.*|.*process.*)|example_.*"
# These fail calls of threads that run: what they plan is read while it is written.
TSAN_CANNOT = r"test_(run_map|run_spooled|tracking_http_calls)"
# Fast even when fifty times slower. Between them they reach every layer.
VALGRIND_FAST = r"test_(alloc|config|digest|doc|err|file|file_beneath|json|os|take|uri|yaml|artifacts|artifact_store|" \
                r"model_dir|component|ir_check|pipeline_build|placeholder|registry|search|frame|session|validate|" \
                r"run_context|tracking_store|http|redirect|retry|credentials|flow_fail)"


def wanted(pattern, matching):
    return lambda name: HEAVY or bool(re.fullmatch(pattern, name)) == matching


def clang():
    folder = builds.make("clang", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_BUILD_TYPE=Debug",
                         f"-DMLPLAT_SANITIZE={CLANG_SANITIZERS}",
                         "-DCMAKE_C_FLAGS=-D__SANITIZE_ADDRESS__=1")  # gcc's word, which limits of memory look at
    return [("build", None)] + builds.run_tests(
        folder, lambda name: name != CLANG_CANNOT and wanted(CLANG_SLOW, False)(name))


def tsan():
    folder = builds.make("tsan", "-DCMAKE_BUILD_TYPE=Debug", "-DMLPLAT_SANITIZE=thread")
    threads = wanted(TSAN_WANTED, True)
    return builds.run_tests(folder, lambda name: threads(name) and not re.fullmatch(TSAN_CANNOT, name),
                            {"TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1"})


def valgrind():
    """Reports go to files: an exit code would be taken for the test's own where it looks at that of a child."""
    folder = builds.make("debug", "-DCMAKE_BUILD_TYPE=Debug")
    reports = folder / "valgrind"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()

    def wrap(name, command):
        return ["valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite", "--child-silent-after-fork=yes",
                "--num-callers=20", f"--log-file={reports}/{name}.%p", *command]

    def judge(name, _):
        words = "".join(path.read_text(errors="replace") for path in sorted(reports.glob(f"{name}.*")))
        found = re.sub(r"^--\d+-- .*\n", "", words, flags=re.M)  # it says so of system calls that it does not know
        return found[:6000] or None

    return builds.run_tests(folder, wanted(VALGRIND_FAST, True), wrap=wrap, judge=judge)


def coverage_of_tests():
    before = pathlib.Path(__file__).parent / "gcov_exit.h"
    folder = builds.make("coverage", "-DCMAKE_BUILD_TYPE=Debug",
                         f"-DCMAKE_C_FLAGS=--coverage -fprofile-update=atomic -include {before}")
    for old in folder.rglob("*.gcda"):
        old.unlink()
    ran = builds.run_tests(folder, lambda name: True)
    return ran + list(coverage.report(coverage.lines(folder), coverage.floors()))

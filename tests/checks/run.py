"""Checks of the whole tree, each by its name: run.py [--results FOLDER] NAME...

| name | what it does |
|---|---|
| clang | builds everything with clang, warnings as errors, and runs the C tests with its sanitizers, integers included |
| tsan | runs the C tests that use threads or processes with ThreadSanitizer |
| valgrind | runs the fast C tests under memcheck: no error, nothing definitely lost |
| coverage | the lines of the library that its tests run, by layer, against floors.txt |
| analyzer | gcc -fanalyzer over the library, the tools and the C side of Python; what is no mistake is in accepted.txt |
| tidy | clang-tidy over the same, with the checks of .clang-tidy |
| cppcheck | cppcheck over the same |

MLPLAT_HEAVY=1 takes every test. Each check writes check-NAME.xml into the folder of results and says
what it found; the exit code is 1 if there was anything. Where a tool is missing the check is skipped.
"""

import argparse
import pathlib
import shutil
import sys
import time

import builds
import dynamic
import results
import static

CHECKS = {
    "clang": (dynamic.clang, ["clang"]),
    "tsan": (dynamic.tsan, []),
    "valgrind": (dynamic.valgrind, ["valgrind"]),
    "coverage": (dynamic.coverage_of_tests, ["gcov"]),
    **static.CHECKS,
}


def skip(name, path, reason):
    results.write(path, name, [], reason)
    print(f"check {name}: skipped: {reason}", flush=True)
    return True


def check(name, folder):
    """Runs one check: true if it found nothing."""
    function, tools = CHECKS[name]
    path = folder / f"check-{name}.xml"
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        return skip(name, path, f"{missing[0]} is not installed")
    started = time.monotonic()
    try:
        cases = [(f"{name}: {case}", complaint) for case, complaint in function()]
    except results.Skipped as why:
        return skip(name, path, str(why))
    except builds.Failed as failure:
        cases = [(name, str(failure))]
    bad = [case for case in cases if case[1] is not None]
    results.write(path, name, cases)
    for case, complaint in bad:
        print(f"{case}: {complaint}", file=sys.stderr)
    print(f"check {name}: {len(cases)} looked at, {len(bad)} bad, {time.monotonic() - started:.0f} s", flush=True)
    return bool(cases) and not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=builds.ROOT / "build" / "results")
    parser.add_argument("names", nargs="+", choices=sorted(CHECKS), metavar="NAME")
    given = parser.parse_args()
    return 0 if all([check(name, given.results) for name in given.names]) else 1


if __name__ == "__main__":
    sys.exit(main())

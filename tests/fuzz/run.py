"""Runs the fuzz targets: python3 tests/fuzz/run.py [--junit FILE] [--plain] [--minimise] [TARGET...]

Builds them with clang, AddressSanitizer and UndefinedBehaviorSanitizer into build/fuzz-asan (--plain: without, and
without a look at what is compared, which is three to eight times as fast, into build/fuzz), replays the corpus of each
and goes on from there for a while:

MLPLAT_FUZZ_SECONDS  so long for each target: 3, or 600 with MLPLAT_HEAVY=1
MLPLAT_FUZZ_RUNS     so many executions for each target instead
MLPLAT_FUZZ_JOBS     so many targets at a time: as many as there are processors
MLPLAT_SEED          begins the chances: 1 in the short round, which is thus the same each time; the long one has others

What is found lies in build/fuzz-found; new inputs in build/fuzz-corpus, from where --minimise brings what reaches new
code to tests/fuzz/corpus. Without clang everything is skipped; ctest replays the corpus then.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOUND, NEW = ROOT / "build/fuzz-found", ROOT / "build/fuzz-corpus"
LONGEST = {"ir": 2000, "step": 400, "mlmodel": 400, "placeholder": 400, "config": 400, "archive": 2000, "manifest": 2000}
KEPT = 40  # inputs of a target that --minimise keeps, the smallest first


def targets():
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))


def build(plain, logs):
    """The folder of the programs."""
    folder = ROOT / ("build/fuzz" if plain else "build/fuzz-asan")
    unwatched = "-fno-sanitize-coverage=trace-cmp,trace-div,trace-gep,indirect-calls,stack-depth"
    flags = f"-O2 -g {unwatched}" if plain else "-O1 -gline-tables-only"
    command = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_BUILD_TYPE=None",
               f"-DCMAKE_C_FLAGS={flags}", "-DMLPLAT_FUZZ=ON", "-DMLPLAT_WERROR=ON",
               "-DMLPLAT_SANITIZE=" + ("" if plain else "address,undefined")]
    with open(logs / "fuzz-build.log", "w") as log:
        for step in (command, ["cmake", "--build", folder]):
            subprocess.run(step, stdout=log, stderr=log, check=True)
    return folder / "tests/fuzz"


def limits():
    runs, heavy = os.environ.get("MLPLAT_FUZZ_RUNS"), os.environ.get("MLPLAT_HEAVY") == "1"
    seed = "-seed=" + os.environ.get("MLPLAT_SEED", "0" if heavy or runs else "1")
    if runs:
        return [seed, f"-runs={runs}"]
    return [seed, "-max_total_time=" + os.environ.get("MLPLAT_FUZZ_SECONDS", "600" if heavy else "3")]


def fuzz(programs, target):
    """(executions, seconds, output of a failure or None)"""
    new = NEW / target
    new.mkdir(parents=True, exist_ok=True)
    words = HERE / "dictionaries" / f"{target}.dict"
    command = [programs / f"fuzz_{target}", *limits(), f"-max_len={LONGEST.get(target, 200)}", "-timeout=30",
               "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0", f"-artifact_prefix={FOUND}/{target}-", new,
               HERE / "corpus" / target, *([f"-dict={words}"] if words.exists() else [])]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    executed = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    count = int(executed.group(1)) if executed else 0
    wrong = done.stderr[-6000:] if done.returncode or not count else None
    return count, time.monotonic() - begin, wrong


def minimise(programs, target):
    """The corpus of a target anew: named inputs stay, of the others what reaches most with least."""
    folder, merged = HERE / "corpus" / target, NEW / f"{target}-merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir(parents=True)
    longest = f"-max_len={LONGEST.get(target, 200)}"
    subprocess.run([programs / f"fuzz_{target}", "-merge=1", longest, merged, folder, NEW / target],
                   capture_output=True, check=True)
    for path in folder.glob("found-*"):
        path.unlink()
    known = {path.read_bytes() for path in folder.iterdir()}
    fresh = sorted((path for path in merged.iterdir() if path.read_bytes() not in known), key=lambda p: p.stat().st_size)
    step = max(1, len(fresh) // KEPT)  # of all sizes
    for number, path in enumerate(fresh[::step][:KEPT]):
        shutil.copyfile(path, folder / f"found-{number:02}")


def report(path, results, skipped=None):
    suite = ElementTree.Element("testsuite", name="fuzz")
    for target, (count, seconds, wrong) in results.items():
        case = ElementTree.SubElement(suite, "testcase", classname="fuzz", name=target, time=f"{seconds:.1f}")
        if skipped:
            ElementTree.SubElement(case, "skipped", message=skipped)
        elif wrong:
            ElementTree.SubElement(case, "failure", message=f"a finding, in {FOUND.name}: see the text").text = wrong
        else:
            ElementTree.SubElement(case, "system-out").text = f"{count} executions"
    if path:
        ElementTree.ElementTree(suite).write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--junit")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--minimise", action="store_true")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    chosen = options.targets or targets()
    if not shutil.which("clang"):
        print("no fuzzing: clang is not installed")
        report(options.junit, {target: (0, 0, None) for target in chosen}, "clang is not installed")
        return 0
    logs = ROOT / "build/logs"
    for folder in (logs, FOUND, NEW):
        folder.mkdir(parents=True, exist_ok=True)
    programs = build(options.plain, logs)
    if options.minimise:
        for target in chosen:
            minimise(programs, target)
        return 0
    jobs = int(os.environ.get("MLPLAT_FUZZ_JOBS", os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = dict(zip(chosen, pool.map(lambda target: fuzz(programs, target), chosen)))
    for target, (count, seconds, wrong) in results.items():
        print(f"{target}: {count} executions in {seconds:.0f} s" + (f": A FINDING\n{wrong}" if wrong else ""))
    report(options.junit, results)
    return 1 if any(wrong for _, _, wrong in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Points into the embedded store beside SQLite alone, in turns in one run: CPU by shape, calls, syncs, memory, starts.

    python bench/points.py [--rounds 3] [--points 1000000] [--large FILE] [--build build/release]

--large names a file of 10^8 points to append to; it is made (25 GB, some ten minutes) if it is not there, and kept.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHAPES = {"one key": (1, 1), "16 runs x 64 keys": (16, 64)}
FLOORS = {"1,000 a transaction": "1000", "batch, cache and checkpoints as ours": "4096tuned"}


def run(*words):
    return json.loads(subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout)


def in_folder(program, kind, *words):
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return run(BUILD / "bench" / program, kind, folder, *words)


def store(kind, points, shape, *words, file=None):
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        return run(BUILD / "bench/bench_points", kind, file or f"{folder}/mlflow.db", points, *shape, *words)


def median(results, key):
    return statistics.median(result[key] for result in results)


def shapes(file=None):
    """CPU of a point by shape, in a new file each or appended to one."""
    for name, shape in SHAPES.items():
        rows = {"libmlplat": ("ours",), **{f"SQLite, {floor}": ("floor", batch) for floor, batch in FLOORS.items()}}
        results = {row: [] for row in rows}
        for _ in range(chosen.rounds):
            for row, (kind, *words) in rows.items():
                results[row].append(store(kind, chosen.points, shape, *words, file=file))
        ours = median(results["libmlplat"], "cpu_seconds")
        print(f"{name}{', appended to ' + str(file) if file else ''}")
        for row, all_of_it in results.items():
            cpu = median(all_of_it, "cpu_seconds")
            print(f"  {row:<46} {cpu * 1e6 / chosen.points:>7.2f} us CPU a point {ours / cpu:>6.2f}"
                  f" {median(all_of_it, 'max_rss_kib') / 1024:>6.1f} MiB"
                  f" {chosen.points / median(all_of_it, 'seconds'):>10,.0f} points/s")


def turns(title, program, rows):
    print(title)
    results = {row: [] for row in rows}
    for _ in range(chosen.rounds):
        for row, words in rows.items():
            results[row].append(in_folder(program, *words))
    for row, all_of_it in results.items():
        print(f"  {row:<46} " + ", ".join(f"{key} {median(all_of_it, key):,.0f}" for key in all_of_it[0]))


def starts():
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        results = {"once": [], "bare": []}
        run(BUILD / "bench/bench_calls", "once", folder)
        for _ in range(20):
            for kind, found in results.items():
                found.append(run(BUILD / "bench/bench_calls", kind, folder))
    ours, bare = (median(found, "process_cpu_ms") for found in results.values())
    print(f"a process that opens a store, starts a run, logs a point and closes: {ours:.1f} ms CPU, "
          f"{median(results['once'], 'before_main_ms'):.1f} of it before main; by SQLite alone {bare:.1f}: {ours / bare:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=1000000)
    parser.add_argument("--large", type=pathlib.Path)
    parser.add_argument("--folder", help="where stores are made")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    chosen = parser.parse_args()
    BUILD = chosen.build.resolve()
    shapes()
    if chosen.large:
        if not chosen.large.exists():
            run(BUILD / "bench/bench_points", "grow", chosen.large, 1000, 1, 100, 1000)
        shapes(chosen.large)
    calls = chosen.points
    turns("each call, level process, one every 2 us", "bench_calls",
          {"libmlplat": ("process", calls), "control: anonymous memory": ("control", calls)})
    turns("one durable point at a time", "bench_calls",
          {"libmlplat, 8 threads": ("disk", 8000, 8), "libmlplat, 1 thread": ("disk", 1000, 1),
           "one fdatasync a point, 1 thread": ("fsync", 1000, 1),
           "one fdatasync a point, 8 threads, 8 files": ("fsync", 8000, 8)})
    starts()
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            print(f"where a point's CPU goes, us: {name}")
            print(subprocess.run([BUILD / "bench/bench_stages", folder, "300000", *map(str, shape)], check=True,
                                 capture_output=True, text=True).stdout, end="")

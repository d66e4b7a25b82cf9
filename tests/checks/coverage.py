"""Which lines of the library its tests run: lines(build) asks gcov, report(found, floors) compares with the floors kept.

`floors.txt` holds one line for a layer, a file of a layer or `total`: its name and the least percentage of lines. A
figure below its floor is a failure; raise the floors as the figures rise, never the other way.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent


def gcov(notes):
    """The lines of one compiled file, as {(path, line): times}."""
    text = subprocess.run(["gcov", "--json-format", "--stdout", notes], cwd=notes.parent, check=True,
                          capture_output=True, text=True).stdout
    found = {}
    for part in (json.loads(line) for line in text.splitlines() if line.startswith("{")):
        for file in part["files"]:
            path = pathlib.Path(part["current_working_directory"], file["file"]).resolve()
            if path.is_relative_to(ROOT / "libmlplat") and path.exists():  # notes outlive a file that was removed
                name = str(path.relative_to(ROOT / "libmlplat"))
                for line in file["lines"]:
                    key = name, line["line_number"]
                    found[key] = found.get(key, 0) + line["count"]
    return found


def lines(build):
    """Every line of the library's code with how often it ran. A build folder reached through links is resolved."""
    total = collections.Counter()
    notes = sorted(pathlib.Path(build).glob("CMakeFiles/mlplat_*.dir/libmlplat/**/*.gcno"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(gcov, [path.resolve() for path in notes]):
            for key, count in found.items():
                total[key] += count
    return total


def figures(found):
    """{layer, file or "total": (lines, lines that ran)}."""
    table = collections.defaultdict(lambda: [0, 0])
    for (name, _), count in found.items():
        for word in ("total", name.split("/")[0], name):
            table[word][0] += 1
            table[word][1] += count > 0
    return table


def missed(found, name):
    return sorted(line for (path, line), count in found.items() if path == name and count == 0)


def spans(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    out = []
    for number in numbers:
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def floors():
    rows = (line.split() for line in (HERE / "floors.txt").read_text().splitlines() if line and line[0] != "#")
    return {name: float(least) for name, least in rows}


def report(found, least):
    """Prints the table by layer, and gives (name, complaint or None) for every floor."""
    table = figures(found)
    for name in sorted((name for name in table if "/" not in name), key=lambda name: (name == "total", name)):
        print(f"coverage: {name:10} {100 * table[name][1] / table[name][0]:6.2f} %  of {table[name][0]:6} lines")
    for name, floor in least.items():
        if name not in table:
            yield name, "there is no such file or layer, or none of its tests ran"
            continue
        percent = 100 * table[name][1] / table[name][0]
        where = f"; not run: {spans(missed(found, name))}" if "/" in name else ""
        yield name, None if percent >= floor else f"{percent:.2f} % of its lines ran; the floor is {floor} %{where}"

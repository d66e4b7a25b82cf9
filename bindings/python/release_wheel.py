"""From the wheel of a build to the one that is given away: shared libraries that not every machine has go into it.

    python release_wheel.py build/wheel/mlplat-0.1.0-cp311-abi3-linux_x86_64.whl build/wheelhouse

SQLite stays outside, by intent: Python's own sqlite3 module, and so MLflow, uses libsqlite3.so.0, and two copies of
SQLite in one process on one file lose each other's locks. What is inside and outside is checked against the lists
below, and so are CPython's stable ABI and the size. Needs auditwheel, patchelf and abi3audit.
"""

import pathlib
import re
import subprocess
import sys
import sysconfig
import zipfile

INSIDE = {"libjansson", "libyaml-0", "libzstd"}
OUTSIDE = {"libsqlite3.so.0"}
MOST_BYTES = 6_000_000


def run(*words):
    """A tool of this interpreter's environment; what it said."""
    tool = pathlib.Path(sysconfig.get_path("scripts")) / words[0]
    done = subprocess.run([tool, *map(str, words[1:])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}:\n{done.stdout}")
    return done.stdout


def policy(wheel):
    """The oldest manylinux whose C library is enough, given that the other libraries are there."""
    said = " ".join(run("auditwheel", "show", wheel).split())
    found = re.search(r'constrains the platform tag to "(manylinux\w+)"', said)
    if not found:
        raise SystemExit(f"auditwheel knows no policy for {wheel.name}: {said}")
    return found.group(1)


def check(wheel):
    """What is in it is what is promised."""
    names = zipfile.ZipFile(wheel).namelist()
    inside = {re.sub(r"-[0-9a-f]{8}\.so.*$", "", name.split("/")[1]) for name in names
              if re.match(r"mlplat\.libs/.", name)}
    if inside != INSIDE:
        raise SystemExit(f"{wheel.name} holds the libraries {sorted(inside)}, and {sorted(INSIDE)} are promised")
    if wheel.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{wheel.name} has {wheel.stat().st_size:,} bytes, and {MOST_BYTES:,} are promised")
    run("abi3audit", "--strict", wheel)


def release(wheel, folder):
    tag = policy(wheel)
    run("auditwheel", "repair", "--plat", tag, *(word for name in OUTSIDE for word in ("--exclude", name)),
        "--wheel-dir", folder, wheel)
    made = next(folder.glob(f"{wheel.name.rsplit('-', 1)[0]}-*{tag}.whl"))
    check(made)
    return made, tag


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    made, tag = release(pathlib.Path(sys.argv[1]), folder)
    print(f"{made}: {made.stat().st_size / 1e6:.2f} MB for {tag}; inside {', '.join(sorted(INSIDE))}; "
          f"outside {', '.join(sorted(OUTSIDE))}")


if __name__ == "__main__":
    main()

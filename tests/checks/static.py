"""The checks that read the source: gcc's analyzer, clang-tidy and cppcheck over the library, the tools and the C side
of the Python binding.

Any finding is a failure unless accepted.txt names it with its reason; a line there that no finding needs is a failure,
too. What another version of a tool finds is shown, but judged by nobody yet: the check then counts as skipped, and so
a newer Debian is no red build. The versions judged are those of Debian 12, which builds every change.
"""

import collections
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import builds
import results

HERE = pathlib.Path(__file__).parent
ROOT = builds.ROOT
FOLDERS = ("libmlplat", "tools", "include", "bindings")
VERSIONS = {"analyzer": "12.", "tidy": "14.", "cppcheck": "2.10"}
Finding = collections.namedtuple("Finding", "id file line text")


def program(name, version):
    """Debian keeps a version beside its default one as NAME-VERSION."""
    return shutil.which(f"{name}-{version.split('.')[0]}") or shutil.which(name)


# ---- what is looked at ----------------------------------------------------------------------------------------------

def commands():
    """How each of our C files is compiled, with assertions, as {file: (words, folder)}. Nothing has to be built for it.
    The Python side is there if SWIG is."""
    beside = pathlib.Path(sys.executable).parent / "swig"
    swig = beside if beside.exists() else shutil.which("swig")
    python = ["-DMLPLAT_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}", f"-DMLPLAT_SWIG={swig}"] if swig else []
    folder = ROOT / "build" / "static"
    builds.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DMLPLAT_TESTS=OFF",
                *python])
    found = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        name = ours(entry["file"])
        if name:
            found.setdefault(name, (shlex.split(entry["command"]), entry["directory"]))
    return found


def ours(path):
    """The name in the tree of a file that is written by hand, or None: headers are seen through links of the layers."""
    real = pathlib.Path(path).resolve()
    name = real.relative_to(ROOT) if real.is_relative_to(ROOT) else None
    return str(name) if name and name.parts[0] in FOLDERS else None


def each(work, items):
    with concurrent.futures.ThreadPoolExecutor(builds.JOBS) as pool:
        return list(pool.map(work, items))


def words_of(command, where, wanted_exit=(0,)):
    done = subprocess.run([str(word) for word in command], cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, "LC_ALL": "C"})
    if done.returncode not in wanted_exit:
        raise builds.Failed(f"{command[0]} failed ({done.returncode}):\n{done.stdout[-6000:]}")
    return done.stdout


# ---- the tools ------------------------------------------------------------------------------------------------------

DIAGNOSTIC = re.compile(r"^([^\s:][^:\n]*):(\d+):\d+: (?:warning|error): (.*?)(?: \[CWE-\d+\])? \[-?W?([\w.,-]+)\]$",
                        re.M)


def diagnostics(text, where):
    """The lines of gcc and clang as findings."""
    for path, line, message, name in DIAGNOSTIC.findall(text):
        file = ours(pathlib.Path(where, path))
        if file:
            yield Finding(name.split(",")[0], file, int(line), message)


def analyzer(gcc, listed):
    """Every file by itself, without optimizing, as the analyzer comes before that; ccache keeps what it said."""
    cache = [shutil.which("ccache")] if shutil.which("ccache") else []
    objects = ROOT / "build" / "static" / "analyzed"
    objects.mkdir(exist_ok=True)

    def one(item):
        name, (words, where) = item
        first = next(i for i, word in enumerate(words) if word.startswith("-"))
        told = [*cache, gcc, *words[first:], "-fanalyzer", "-fdiagnostics-plain-output"]
        told[told.index("-o") + 1] = str(objects / (name.replace("/", "_") + ".o"))
        return list(diagnostics(words_of(told, where), where))

    return each(one, listed.items())


def tidy(clang_tidy, listed):
    """clang-tidy with .clang-tidy; the flags of gcc that clang does not know are left out."""
    folder = ROOT / "build" / "static"
    headers = r"/(layers|tools|include/mlplat|bindings)/"

    def one(name):
        text = words_of([clang_tidy, "--quiet", "-p", folder, f"--header-filter={headers}",
                         "--extra-arg=-Wno-unknown-warning-option", ROOT / name], ROOT, (0, 1))
        return list(diagnostics(text, ROOT))

    return each(one, listed)


def cppcheck(tool, listed):
    """All files at once; what it knows of each is kept for the next time."""
    folder = ROOT / "build" / "static"
    database = folder / "cppcheck.json"
    kept = folder / "cppcheck"
    kept.mkdir(exist_ok=True)
    database.write_text(json.dumps([{"file": str(ROOT / name), "directory": where, "command": shlex.join(words)}
                                    for name, (words, where) in listed.items()]))
    text = words_of([tool, "-j", builds.JOBS, f"--project={database}", f"--cppcheck-build-dir={kept}", "--quiet",
                     "--enable=warning,style,performance,portability", "--std=c11",
                     "--library=posix", "--library=python", f"--library={HERE / 'jansson.cfg'}",
                     "--template={file}\t{line}\t{id}\t{message}"], ROOT)
    rows = (line.split("\t") for line in text.splitlines() if line.count("\t") == 3)
    return [[Finding(name, ours(path), int(line), message) for path, line, name, message in rows if ours(path)]]


# ---- what is accepted -----------------------------------------------------------------------------------------------

Accepted = collections.namedtuple("Accepted", "tool id file code reason row")


def accepted():
    for row, line in enumerate((HERE / "accepted.txt").read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            parts = re.split(r"\s*\|\s*", line.strip(), maxsplit=4)
            if len(parts) != 5 or not parts[4]:
                raise builds.Failed(f"accepted.txt:{row}: tool | id | file | part of the line | reason")
            yield Accepted(*parts, row)


def code_of(finding):
    lines = (ROOT / finding.file).read_text().splitlines()
    return lines[finding.line - 1].strip() if 0 < finding.line <= len(lines) else ""


def matches(rule, finding):
    return (fnmatch.fnmatchcase(finding.id, rule.id) and fnmatch.fnmatchcase(finding.file, rule.file)
            and rule.code in code_of(finding))


def judge(name, found):
    """A case for each folder, and one for accepted.txt."""
    rules = [rule for rule in accepted() if rule.tool == name]
    used = {rule.row for rule in rules if any(matches(rule, finding) for finding in found)}
    left = [finding for finding in found if not any(matches(rule, finding) for rule in rules)]
    stale = [f"accepted.txt:{rule.row}: nothing is found of it: {rule.id} in {rule.file}" for rule in rules
             if rule.row not in used]
    return left, "\n".join(stale) or None


def shown(findings):
    return "\n".join(f"{f.file}:{f.line}: {f.text} [{f.id}]\n    {code_of(f)}" for f in findings)


def check(name, command, run):
    tool = program(command, VERSIONS[name])
    version = re.search(r"\d+\.\d+[.\d]*", words_of([tool, "--version"], ROOT))[0]
    listed = commands()
    found = sorted({finding for part in run(tool, listed) for finding in part}, key=lambda f: (f.file, f.line, f.id))
    left, stale = judge(name, found)
    if not version.startswith(VERSIONS[name]):
        print(shown(left))
        raise results.Skipped(f"{command} {version} is here, and findings are judged for {VERSIONS[name]}: "
                              f"{len(left)} shown above")
    folders = sorted({str(pathlib.Path(file).parent) for file in listed})
    by_folder = {folder: [f for f in left if str(pathlib.Path(f.file).parent) == folder] for folder in folders}
    others = [f for f in left if str(pathlib.Path(f.file).parent) not in by_folder]
    return [(folder, shown(of) or None) for folder, of in by_folder.items()] + \
        [("headers elsewhere", shown(others) or None), ("accepted.txt", stale)]


CHECKS = {
    "analyzer": (lambda: check("analyzer", "gcc", analyzer), ["gcc"]),
    "tidy": (lambda: check("tidy", "clang-tidy", tidy), ["clang-tidy"]),
    "cppcheck": (lambda: check("cppcheck", "cppcheck", cppcheck), ["cppcheck"]),
}

"""The shape of the tree: layers, names, headers, symbols, words that do not belong here."""

import collections
import pathlib
import platform
import re
import subprocess
import sys

import pytest

import abi

ROOT = abi.ROOT
LIBRARY = ROOT / "libmlplat"
PUBLIC_ONLY = ["tools", "examples", "bindings/swig", "bench"]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
NOT_MODULES = {"arrow", "doc", "error", "session", "version", "component"}  # headers without a door of their own


def layers():
    """The lines of LAYERS, in order: {layer: [layers it may include]}."""
    table = {}
    for line in (LIBRARY / "LAYERS").read_text().splitlines():
        match = re.match(r"([a-z]+):\s*(.*)$", line)
        if match:
            table[match.group(1)] = match.group(2).split("#")[0].split()
    return table


def modules():
    return sorted({path.stem for path in (ROOT / "include/mlplat").glob("*.h")} - NOT_MODULES)


def tracked():
    """Text files of the project."""
    if (ROOT / ".git").exists():
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in names.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not {"build", ".venv", ".git"} & set(path.relative_to(ROOT).parts)]
    for path in paths:
        if path.is_file() and not path.is_symlink() and b"\0" not in path.read_bytes()[:4096]:
            yield path


def includes(folder):
    for path in sorted(folder.rglob("*.[ch]")):
        for bracket, name in INCLUDE.findall(path.read_text()):
            yield path, bracket, name


def test_a_layer_names_only_layers_above_it():
    seen = []
    for layer, below in layers().items():
        assert set(below) <= set(seen), f"LAYERS: {layer} names a layer that comes later"
        seen.append(layer)


def test_every_folder_of_the_library_has_a_line_in_layers():
    assert {path.name for path in LIBRARY.iterdir() if path.is_dir()} <= set(layers())


@pytest.mark.parametrize("layer", [name for name in layers() if (LIBRARY / name).is_dir()])
def test_includes_keep_to_the_layers(layer):
    allowed = {layer, *layers()[layer]}
    # A library of others is known to one layer, zstd to the two that pack files.
    owners = {"sqlite3.h": "db", "yaml.h": "base", "zstd.h": layer if layer == "spool" else "store", "curl/curl.h": "transport"}
    wrong = []
    for path, bracket, name in includes(LIBRARY / layer):
        if bracket == '"' and name.split("/")[0] not in allowed or bracket == '"' and "/" not in name:
            wrong.append(f'{path.relative_to(ROOT)}: "{name}"')
        if owners.get(name, layer) != layer:
            wrong.append(f"{path.relative_to(ROOT)}: <{name}> belongs to {owners[name]}")
    assert wrong == []


@pytest.mark.parametrize("folder", PUBLIC_ONLY)
def test_what_stands_on_top_sees_public_headers_only(folder):
    internal = [f"{path.relative_to(ROOT)}: {name}" for path, bracket, name in includes(ROOT / folder)
                if "libmlplat" in name or bracket == '"' and (LIBRARY / name).exists()]
    assert internal == []


@pytest.mark.parametrize("module", modules())
def test_one_word_in_nine_places(module):
    places = [f"libmlplat/{module}", f"include/mlplat/{module}.h", f"bindings/swig/{module}.i",
              f"bindings/python/mlplat/{module}.py", f"bindings/python/tests/test_{module}.py", f"tools/cmd_{module}.c",
              f"bindings/go/{module}.go", f"bindings/go/{module}_test.go",
              f"tests/{module}", f"examples/{module}.c", f"docs/{module}.md"]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_modules_are_the_ones_that_have_a_folder():
    assert modules() == ["artifacts", "display", "pipelines", "registry", "store", "tracking"]
    assert set(modules()) <= set(layers())


def test_file_names_are_unique():
    names = collections.defaultdict(list)
    for folder in ("libmlplat", "tools", "tests"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            names[path.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in names.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("header", [path.relative_to(ROOT / "include") for path in abi.headers()], ids=str)
@pytest.mark.parametrize("compiler, standard", [("gcc", "c99"), ("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_each_public_header_stands_alone(header, compiler, standard):
    language = "c++" if "++" in standard else "c"
    result = subprocess.run([compiler, f"-std={standard}", "-x", language, "-pedantic", "-Wall", "-Wextra", "-Werror",
                             "-fsyntax-only", "-I", ROOT / "include", "-"], input=f"#include <{header}>\n",
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_public_headers_show_no_foreign_type():
    foreign = re.compile(r"#include <(?!mlplat|stddef\.h|stdint\.h|limits\.h)")
    assert [path.name for path in abi.headers() if foreign.search(path.read_text())] == []


def test_every_public_function_has_its_words():
    bare = []
    for path in abi.headers():
        before = ""
        for line in path.read_text().splitlines():
            if line.startswith("MLPLAT_API") and not before.rstrip().endswith("*/"):
                bare.append(f"{path.name}: {line}")
            before = line if line.strip() else before
    assert bare == []


def test_exactly_the_public_functions_are_exported():
    assert abi.exported() == abi.declared()
    assert [name for name in abi.exported() if not name.startswith("mlplat_")] == []


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64") or sys.maxsize < 2**32,
                    reason="abi.txt is of 64-bit machines")
def test_names_and_layouts_are_those_recorded():
    recorded = abi.RECORD.read_text().splitlines()
    now = abi.record().splitlines()
    assert now == recorded, "if the change is meant: python3 tests/structure/abi.py --write, and a line in CHANGELOG.md"


def test_the_library_calls_nothing_that_ends_or_prints_for_its_host():
    forbidden = {"exit", "abort", "printf", "vprintf", "puts", "putchar", "strcpy", "strcat", "sprintf", "vsprintf",
                 "gets", "system", "popen", "tmpnam", "mktemp", "setenv", "putenv", "unsetenv", "signal", "sigaction"}
    forbidden |= {f"__{name}_chk" for name in forbidden}
    out = subprocess.run(["nm", "-A", "-u", abi.BUILD / "libmlplat.a"], capture_output=True, text=True, check=True)
    undefined = [(line.split(":")[1], line.split()[-1].split("@")[0]) for line in out.stdout.splitlines()
                 if " U " in line]
    assert len(undefined) > 100
    # The keeper is forked and never returns; a step has its signals set back between vfork and exec.
    own_process = {("keeper.c.o", "signal"), ("process.c.o", "sigaction")}
    assert [entry for entry in undefined if entry[1] in forbidden and entry not in own_process] == []


def test_no_place_of_one_machine_and_no_registry_in_the_text():
    words = ["/" + "work/", "/" + "root/", "/" + "home/", "/" + "tmp/mlf", "pypi." + "org", "python" + "hosted",
             "proxy." + "golang", "deb.debian" + ".org", "npm" + "js"]
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + ")")
    found = [f"{path.relative_to(ROOT)}: {word}" for path in tracked()
             for word in pattern.findall(path.read_text(errors="replace"))]
    assert found == []


def test_no_file_is_left_for_later():
    words = re.compile(r"\b(TO" + "DO|FIX" + "ME|X" + r"XX)\b")
    suffixes = (".c", ".h", ".py", ".i", ".go", ".sh", ".md")
    found = [str(path.relative_to(ROOT)) for path in tracked() if path.suffix in suffixes
             and words.search(path.read_text(errors="replace"))]
    assert found == []


def test_the_top_of_the_tree_holds_what_a_newcomer_looks_for():
    """What a compiler or an editor leaves there would be added with everything else."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git here says what belongs to the tree")
    wanted = {"README.md", "CHANGELOG.md", "LICENSE", "CMakeLists.txt", "CMakePresets.json", "setup.sh", ".ci",
              ".clang-format", ".clang-tidy", ".gitignore", "bench", "bindings", "cmake", "docs", "examples", "include",
              "libmlplat", "pkgconfig", "tests", "tools"}
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} == wanted


def test_lines_fit_and_files_stay_readable():
    wrong = []
    made_by_swig = {ROOT / "bindings/go/internal/raw" / name for name in ("mlplat.go", "mlplat_wrap.c")}
    for folder in ("libmlplat", "include", "tools", "examples", "bindings/swig", "bindings/go", "tests", "bench"):
        for path in {*(ROOT / folder).rglob("*.[chi]"), *(ROOT / folder).rglob("*.go")} - made_by_swig:
            lines = path.read_text().splitlines()
            wrong += [f"{path.relative_to(ROOT)}: {len(lines)} lines"] if len(lines) > 700 else []
            wrong += [f"{path.relative_to(ROOT)}:{i}: {len(line)} columns" for i, line in enumerate(lines, 1)
                      if len(line) > 120]
    assert wrong == []


def test_errors_are_listed_for_every_status():
    table = (ROOT / "docs/errors.md").read_text()
    names = re.findall(r"MLPLAT_([A-Z_]+) = \d+", (ROOT / "include/mlplat/error.h").read_text())
    assert len(names) == 15
    assert [name for name in names if name != "OK" and name not in table] == []

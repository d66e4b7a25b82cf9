"""The type hints are whole, and say what a program may do: by mypy and by pyright, both at their strictest."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings/python"
HERE = pathlib.Path(__file__).parent


def mypy(*words):
    """Findings as (file, line, text)."""
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", PACKAGE / "pyproject.toml", "--cache-dir",
                           os.devnull, *map(str, words)], capture_output=True, text=True, cwd=HERE,
                          env={**os.environ, "MYPYPATH": str(PACKAGE)})
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [(file, int(line), text) for file, line, text in
            re.findall(r"^(\S+?):(\d+): error: (.*)$", done.stdout, re.M)]


def pyright(folder, *words):
    """Its report, of the files in a folder or of what the words ask for."""
    if not shutil.which("pyright"):
        pytest.skip("there is no pyright command")
    done = subprocess.run(["pyright", "--outputjson", *words], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "PYTHONPATH": str(folder)})
    if not done.stdout.startswith("{"):  # it fetches itself at its first start
        pytest.skip(f"pyright does not start: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return json.loads(done.stdout)


def strictly(folder, name):
    """What pyright finds in one file, as (file, line, text)."""
    shutil.copy(HERE / name, folder)
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(PACKAGE)], "typeCheckingMode": "strict",
                                                           "pythonVersion": "3.11"}))
    report = pyright(folder)
    assert report["summary"]["filesAnalyzed"] == 1
    return [(name, found["range"]["start"]["line"] + 1, found["message"]) for found in report["generalDiagnostics"]
            if found["severity"] == "error"]


def mistakes():
    lines = (HERE / "wrong.py").read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if "# wrong:" in line]


def test_mypy_finds_nothing_in_the_package_nor_in_a_typed_program():
    assert mypy("-p", "mlplat") == []
    assert mypy("program.py") == []


def test_pyright_finds_nothing_in_a_typed_program(tmp_path):
    assert strictly(tmp_path, "program.py") == []


def test_pyright_knows_the_type_of_all_that_is_public(tmp_path):
    (tmp_path / "mlplat").symlink_to(PACKAGE / "mlplat")
    symbols = pyright(tmp_path, "--verifytypes", "mlplat", "--ignoreexternal")["typeCompleteness"]["symbols"]
    assert [symbol["name"] for symbol in symbols if symbol["isExported"] and not symbol["isTypeKnown"]] == []
    assert sum(symbol["isExported"] for symbol in symbols) > 200


def test_both_find_each_mistake(tmp_path):
    assert len(mistakes()) == 6
    assert sorted({line for _, line, _ in mypy("wrong.py")}) == mistakes()
    assert sorted({line for _, line, _ in strictly(tmp_path, "wrong.py")}) == mistakes()

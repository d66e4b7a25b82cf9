"""The library, the command and the Python module are built with what makes a bug in them hard to use."""

import subprocess
import zipfile

import pytest

from builds import RELEASE, ROOT, exported
from hardening import weaknesses


def python_module(folder):
    wheels = sorted((ROOT / "build/wheel").glob("mlplat-*.whl"))
    if not wheels:
        pytest.skip("build/wheel has no wheel: ./setup.sh makes it")
    with zipfile.ZipFile(wheels[-1]) as wheel:
        name = next(name for name in wheel.namelist() if name.startswith("mlplat/_c."))
        return folder.joinpath(wheel.extract(name, folder))


def test_the_library():
    library = (RELEASE / "libmlplat.so").resolve()
    assert weaknesses(library) == []
    assert {name for name in exported(library) if not name.startswith("mlplat_")} == set()


def test_the_command():
    assert weaknesses(RELEASE / "tools/mlplat", program=True) == []


def test_the_module_in_the_wheel(tmp_path):
    module = python_module(tmp_path)
    assert weaknesses(module) == []
    assert exported(module) == {"PyInit__c"}


WEAK = ["-O0", "-U_FORTIFY_SOURCE", "-fno-stack-protector", "-fcf-protection=none", "-fno-pic", "-no-pie",
        "-Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/opt/lib"]


def test_a_weak_program_is_told_as_weak(tmp_path):
    (tmp_path / "weak.c").write_text("#include <stdio.h>\nint main(void) { return puts(\"weak\"); }\n")
    subprocess.run(["cc", *WEAK, "weak.c", "-o", "weak"], cwd=tmp_path, check=True)
    assert set(weaknesses(tmp_path / "weak", program=True)) == {
        "no RELRO", "lazy binding", "executable stack", "no stack protector", "not fortified", "no branch protection",
        "absolute run path", "not position independent", "no PIE"}

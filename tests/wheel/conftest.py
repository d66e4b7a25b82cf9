"""The wheel as it is given away, installed into bare environments of every CPython at hand, without a network."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASK = ("import sys, sysconfig\n"
       "print(*sys.version_info[:2], sys.implementation.name, sysconfig.get_config_var('Py_GIL_DISABLED') or 0)")


def pythons():
    """CPythons of 3.11 and newer on this machine, one a version: the one that runs this, those in PATH, pyenv's."""
    found = {}
    places = [sys.executable, *filter(None, map(shutil.which, [f"python3.{minor}" for minor in range(11, 20)])),
              *sorted((pathlib.Path.home() / ".pyenv/versions").glob("*/bin/python"))]
    for place in places:
        told = subprocess.run([place, "-c", ASK], capture_output=True, text=True)
        words = told.stdout.split()
        if words[2:] == ["cpython", "0"] and (3, 11) <= tuple(map(int, words[:2])):
            found.setdefault(f"{words[0]}.{words[1]}", str(place))
    return found


def built():
    """The wheel of this machine."""
    found = sorted((ROOT / "build/wheel").glob("mlplat-*-linux_*.whl"))
    assert found, "build/wheel has no wheel: ./setup.sh makes it"
    return found[-1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The released wheel, made of the one that setup.sh built."""
    house = tmp_path_factory.mktemp("wheelhouse")
    done = subprocess.run([sys.executable, ROOT / "bindings/python/release_wheel.py", built(), house],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return next(house.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """Gives, for a version, the interpreter of a bare environment with the wheel alone."""
    made = {}

    def install(version):
        if version not in made:
            place = tmp_path_factory.mktemp(f"py{version}")
            subprocess.run([pythons()[version], "-m", "venv", place], check=True, capture_output=True)
            python = place / "bin/python"
            done = subprocess.run([python, "-m", "pip", "install", "--no-index", "--no-deps", wheel], text=True,
                                  capture_output=True, env={**clean(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
            assert done.returncode == 0, done.stdout + done.stderr
            made[version] = python
        return made[version]

    return install


def clean():
    """Nothing of the project's build is found by chance."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("MLPLAT_", "MLFLOW_", "PYTHON", "LD_"))} | {"XDG_CONFIG_HOME": "/nonexistent"}


@pytest.fixture
def run(tmp_path):
    """Runs code with an interpreter in an empty folder; what it printed."""

    def code(python, text, *words, **more):
        done = subprocess.run([python, "-c", text, *map(str, words)], cwd=tmp_path, capture_output=True, text=True,
                              env={**clean(), **more}, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return code

"""The built program, in a folder and an environment of its own.

MLPLAT_BINARY_DIR names the build folder; default: build/release.
"""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def build_dir():
    return pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", ROOT / "build/release")).resolve()


@pytest.fixture(scope="session")
def mlplat_bin(build_dir):
    program = build_dir / "tools" / "mlplat"
    if not program.exists():
        pytest.skip(f"{program} is not built; set MLPLAT_BINARY_DIR")
    return program


class Cli:
    """Runs the program in a folder, as a shell would."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLPLAT_", "MLFLOW_"))}
        self.environment["XDG_CONFIG_HOME"] = str(folder / "config")

    def start(self, *words, **options):
        return subprocess.Popen([self.program, *words], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def __call__(self, *words, code=0, text=True, env=None, stdin=None):
        """What it prints, after a check of its exit code and of the manners of its words."""
        done = subprocess.run([self.program, *words], cwd=self.folder, env={**self.environment, **(env or {})},
                              capture_output=True, timeout=120, input=stdin)
        out, self.err = done.stdout, done.stderr.decode("utf-8", "replace")
        assert done.returncode == code, (words, done.returncode, out, self.err)
        for line in self.err.splitlines():
            assert line.startswith("mlplat: "), self.err
        if code not in (0, 7):
            assert self.err, words
        return out.decode() if text else out

    def json(self, *words, **options):
        return json.loads(self(*words, "-o", "json", **options))

    def lines(self, *words, **options):
        """The objects of a list, one a line."""
        return [json.loads(line) for line in self(*words, "-o", "json", **options).splitlines()]


@pytest.fixture
def cli(mlplat_bin, tmp_path):
    return Cli(mlplat_bin, tmp_path)

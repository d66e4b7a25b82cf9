"""The built program as the tests of the command line have it, and a second user to attack as."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

_spec = importlib.util.spec_from_file_location("cli_conftest", pathlib.Path(__file__).parents[1] / "cli/conftest.py")
_cli = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cli)
build_dir, mlplat_bin, cli = _cli.build_dir, _cli.mlplat_bin, _cli.cli

NOBODY = 65534


@pytest.fixture
def nobody():
    """Runs a command as another user of this machine."""
    if os.geteuid() != 0:
        pytest.skip("a second user can be played by root alone")
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")

    def run(*words, check=True, **options):
        return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words],
                              check=check, capture_output=True, text=True, timeout=60, **options)

    return run


@pytest.fixture
def sticky():
    """A folder like /tmp: everybody may write, and remove his own alone. Outside of pytest's private ones."""
    with tempfile.TemporaryDirectory(prefix="mlplat-sticky-") as name:
        os.chmod(name, 0o1777)
        yield pathlib.Path(name)

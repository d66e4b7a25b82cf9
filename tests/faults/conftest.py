"""The store of a test and the programs of the build are those of tests/integration."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from programs import Store  # noqa: E402


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)

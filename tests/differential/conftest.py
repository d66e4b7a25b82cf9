"""Both stores, made once; none of the tester's settings."""

import os

import pytest

pytest.importorskip("mlflow", reason="mlflow is not installed")

from harness import Sides  # noqa: E402
from searching import searched  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def own_settings():
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "MLPLAT_"))]:
        del os.environ[name]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"
    os.environ["XDG_CONFIG_HOME"] = "/nonexistent"


@pytest.fixture(scope="session")
def sides(tmp_path_factory):
    return Sides(tmp_path_factory.mktemp("differential"))


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A filled store to search in; see search_store.py."""
    with searched(tmp_path_factory.mktemp("searched")) as store:
        yield store

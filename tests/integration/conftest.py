"""A store for each test that asks for one, and none of the tester's settings."""

import os
import subprocess
import sys

import pytest

from programs import BUILD, Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def mlplat(environment, tmp_path):
    """The tool, in the environment that the module tells: what it says."""
    def run(*words, code=0):
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip() if code == 0 else done.stderr
    return run


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_tester():
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"


@pytest.fixture(scope="module", autouse=True)
def mlflow_forgets():
    """The stores that a module told MLflow of are not those of the next: MLflow keeps them, also in the environment,
    where we would find them as well."""
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
        sys.modules["mlflow"].set_registry_uri(None)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        os.environ.pop(name, None)

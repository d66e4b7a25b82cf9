"""The registry on a real MLflow server."""

import subprocess

import pytest

from mlflow_server import MlflowServer
from programs import BUILD, clean_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("server")).start()
    yield server
    server.kill()


def test_a_server_does_what_every_registry_does(server, tmp_path):
    """The suites of tests/contract/, which empty the server between their tests."""
    environment = clean_environment(HOME=tmp_path, XDG_STATE_HOME=tmp_path)
    done = subprocess.run([BUILD / "tests/registry_on_server", server.url, server.database, server.folder / "artifacts"],
                          cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr

"""The program that makes a request and tells what came of it, and certificates."""

import json
import shutil
import subprocess
import types

import pytest

from servers import BUILD, Certificates, clean_environment


@pytest.fixture
def probe(tmp_path):
    """probe(url, method="GET", path="/", body=None, times=1, **environment): what http_probe tells."""
    def run(url, method="GET", path="/", body=None, times=1, **environment):
        words = [BUILD / "tests/http_probe", str(times), method, url, path, *([body] if body else [])]
        done = subprocess.run(words, env={**clean_environment(), "HOME": str(tmp_path), **environment}, text=True,
                              capture_output=True, timeout=60, check=True)
        told = types.SimpleNamespace(**json.loads(done.stdout), stderr=done.stderr)
        if told.status == "UNSUPPORTED":
            pytest.skip(told.message)
        return told
    return run


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: no certificates can be made")
    return Certificates(tmp_path_factory.mktemp("certificates"))

"""What HTTP needs is in a process that uses HTTP, and in no other."""

import subprocess

from servers import BUILD, clean_environment, running


def opened(words, folder):
    """The libraries that the process had open, as the loader tells them."""
    done = subprocess.run(words, cwd=folder, env={**clean_environment(), "LD_DEBUG": "files", "HOME": str(folder)},
                          capture_output=True, text=True, timeout=60, check=True)
    return {line.split("file=")[1].split()[0] for line in done.stderr.splitlines() if "generating link map" in line}


def test_nothing_of_http_is_loaded_by_an_embedded_program(tmp_path, probe):
    embedded = opened([BUILD / "examples/logger"], tmp_path)
    assert (tmp_path / "mlflow.db").exists()
    with running() as server:
        url = f"http://127.0.0.1:{server.port}"
        probe(url)
        remote = opened([BUILD / "tests/http_probe", "1", "GET", url, "/"], tmp_path)
    network = {name for name in remote if any(word in name for word in ("libcurl", "libssl", "libnghttp2"))}
    assert len(network) == 3
    assert not {name for name in embedded if any(word in name for word in ("curl", "ssl", "crypto", "nghttp2"))}

"""A program with the library inside: what `pkg-config --static` says is enough."""

import pytest

from builds import RELEASE, ROOT, needed, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", RELEASE, "--prefix", prefix, "--component", "mlplat")
    return prefix


@pytest.mark.parametrize("name, words, wanted", [
    ("mlplat", ["-static"], set()),
    ("mlplat-static", [], {"libsqlite3.so.0", "libjansson.so.4"}),
])
def test_the_logger_is_linked_statically(installed, tmp_path, name, words, wanted):
    said = run("pkg-config", "--static", "--cflags", "--libs", name,
               PKG_CONFIG_PATH=str(next(installed.rglob("pkgconfig")))).split()
    run("cc", *words, ROOT / "examples/logger.c", "-o", "logger", *said, cwd=tmp_path)
    found = needed(tmp_path / "logger")
    assert found >= wanted and not any("mlplat" in library for library in found)
    assert wanted or not found
    run(tmp_path / "logger", cwd=tmp_path)
    assert (tmp_path / "mlflow.db").stat().st_size > 0

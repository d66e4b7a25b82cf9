"""The same source gives the same bytes, in whatever folder and at whatever time it is built."""

import hashlib
import shutil

import pytest

from builds import RELEASE, ROOT, build, run

SOURCES = ["CMakeLists.txt", "LICENSE", "cmake", "include", "libmlplat", "pkgconfig", "tools", "docs"]
MADE = ["libmlplat.so.0.1.0", "libmlplat.a", "tools/mlplat", "mlplat.spdx.json"]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    source = tmp_path_factory.mktemp("another place") / "with a longer path" / "mlplat"
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        source.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, source / name)
    return build("", "-DMLPLAT_TESTS=OFF", source=source, folder=source.parent / "made", CCACHE_DISABLE="1")


@pytest.mark.parametrize("name", MADE)
def test_two_builds_are_the_same_bytes(other, name):
    assert hashlib.sha256((other / name).read_bytes()).digest() == hashlib.sha256((RELEASE / name).read_bytes()).digest()


def test_no_place_of_the_machine_is_inside(other):
    for name in MADE:
        assert str(other.parent.parent).encode() not in (other / name).read_bytes(), name
        assert str(ROOT).encode() not in (RELEASE / name).read_bytes(), name


def test_the_installed_command_is_the_same_too(other, tmp_path):
    for name, folder in (("one", RELEASE), ("two", other)):
        run("cmake", "--install", folder, "--prefix", tmp_path / name, "--component", "mlplat")
    one, two = ((tmp_path / name / "bin/mlplat").read_bytes() for name in ("one", "two"))
    assert one == two

"""The bill of materials says what the library is made of, in SPDX 2.3's words."""

import json

import pytest

from builds import RELEASE, needed, run


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", RELEASE, "--prefix", prefix, "--component", "mlplat")
    return prefix / "share/mlplat/mlplat.spdx.json"


def test_it_names_every_library_that_is_linked(path):
    packages = {package["name"]: package for package in json.loads(path.read_text())["packages"]}
    names = {"libjansson": "jansson", "libsqlite3": "sqlite3", "libyaml-0": "yaml-0.1", "libzstd": "libzstd"}
    linked = {name.split(".so")[0] for name in needed(RELEASE / "libmlplat.so")} - {"libc", "libm", "ld-linux-x86-64"}
    assert {names[name] for name in linked} == set(packages) - {"mlplat"}
    for name in names.values():
        assert packages[name]["versionInfo"] == run("pkg-config", "--modversion", name).strip()
        assert packages[name]["licenseDeclared"]


def test_it_is_valid_spdx(path):
    parser = pytest.importorskip("spdx_tools.spdx.parser.parse_anything")
    validator = pytest.importorskip("spdx_tools.spdx.validation.document_validator")
    document = parser.parse_file(str(path))
    assert [message.validation_message for message in validator.validate_full_spdx_document(document)] == []
    document.relationships.clear() # it describes nothing now
    assert validator.validate_full_spdx_document(document)

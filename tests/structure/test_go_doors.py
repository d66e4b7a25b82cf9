"""Go follows the headers: its raw layer, what the package reaches, and where it says so."""

import re
import subprocess

import pytest

import abi
import go_tool

RAW = go_tool.MODULE / "internal/raw"
GENERATED = ["mlplat.go", "mlplat_wrap.c"]
# Functions of the headers that Go has no use for.
NOT_FROM_GO = {
    "mlplat_set_allocator": "C's memory is C's: a Go function cannot give it",
    "mlplat_run_log_metric": "mlplat_run_log_metric_at does the same with a time",
    **{f"mlplat_doc_{name}": "documents cross as JSON text, for encoding/json"
       for name in ("at", "bool", "double", "int", "key", "size", "string", "type_at")},
}


def sources():
    return "\n".join(path.read_text() for path in sorted(go_tool.MODULE.glob("*.go"))
                     if not path.name.endswith("_test.go"))


def test_the_raw_layer_is_what_swig_makes(tmp_path):
    try:
        found = subprocess.run(["swig", "-version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        pytest.skip("there is no swig command")
    here = re.search(r"SWIG Version (\S+)", found).group(1)
    made_by = re.search(r"Version (\S+)", (RAW / GENERATED[0]).read_text()).group(1)
    if here != made_by:
        pytest.skip(f"it was made by SWIG {made_by}, and this is {here}")
    subprocess.run([go_tool.MODULE / "generate.sh", tmp_path], check=True)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (RAW / name).read_bytes(), f"run bindings/go/generate.sh: {name}"


def reached():
    """Functions of the headers that the package calls: by SWIG's name, through a shim of the interface files, by hand."""
    used = {name[0].lower() + name[1:] for name in re.findall(r"\braw\.([A-Z]\w*)", sources())}
    shims = "\n".join(path.read_text() for path in (abi.ROOT / "bindings/swig").glob("*.i"))
    inside = {name: body for name, body in re.findall(r"^static \w+ \*?(\w+)\((.*?)^\}", shims, re.M | re.S)}
    by_hand = "\n".join(path.read_text() for path in RAW.iterdir() if path.name not in GENERATED)
    found = {f"mlplat_{name}" for name in used}
    found |= set(re.findall(r"\bmlplat_\w+(?=\()", by_hand + "\n".join(inside.get(name, "") for name in used)))
    return found | ({"mlplat_free"} if re.search(r"\bFree\(", by_hand) else set())


def test_every_function_of_the_headers_is_reached_from_go():
    assert sorted(set(abi.declared()) - reached() - set(NOT_FROM_GO)) == []
    assert sorted(set(NOT_FROM_GO) - set(abi.declared())) == []


def test_what_go_reaches_is_named_where_it_is_described():
    package = sources()
    comments = "\n".join(re.findall(r"^\s*//.*$", package, re.M))
    silent = {"mlplat_close", "mlplat_free", "mlplat_doc_free", "mlplat_doc_text", "mlplat_run_free",
              "mlplat_component_free", "mlplat_pipeline_free", "mlplat_status_name"}
    missing = [name for name in abi.declared() if name not in NOT_FROM_GO and name not in silent
               and not re.search(rf"\b{name}\b", comments)]
    assert missing == []

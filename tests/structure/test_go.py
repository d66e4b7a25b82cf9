"""The Go module as a whole: its raw layer, what it reaches, how it is built."""

import pathlib
import re
import subprocess

import pytest

import abi
import go_tool

RAW = go_tool.MODULE / "internal/raw"
GENERATED = ["mlplat.go", "mlplat_wrap.c"]
FOLDERS = [go_tool.MODULE, abi.ROOT / "examples/go_service", abi.ROOT / "bench/go"]
PROGRAM = """package main

import (
\t"context"
\t"fmt"
\t"os"

\tmlplat "mlplat.example/bindings/go"
)

func main() {
\tctx := context.Background()
\tclient, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: "sqlite:///" + os.Args[1] + "/mlflow.db"})
\tif err == nil {
\t\tdefer client.Close()
\t\terr = client.WithRun(ctx, mlplat.RunOptions{}, func(ctx context.Context, run *mlplat.Run) error {
\t\t\treturn run.Log(ctx, "loss", 0.5)
\t\t})
\t}
\tfmt.Println(mlplat.Version(), err)
}
"""

needs_go = pytest.mark.skipif(bool(go_tool.missing()), reason=go_tool.missing() or "there is one")


def sources(folder, tests=False):
    return [path for path in sorted(folder.glob("*.go")) if tests or not path.name.endswith("_test.go")]


def test_the_module_says_which_go_it_needs():
    for folder in FOLDERS:
        assert re.search(r"^go 1\.24$", (folder / "go.mod").read_text(), re.M), folder


@needs_go
def test_go_is_formatted():
    files = [path for folder in [*FOLDERS, RAW] for path in sources(folder, True) if path.name not in GENERATED]
    assert len(files) > 20
    gofmt = pathlib.Path(go_tool.run("go", "env", "GOROOT").strip()) / "bin/gofmt"
    assert go_tool.run(str(gofmt), "-l", *map(str, files)) == ""


@needs_go
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(abi.ROOT)))
def test_go_vet(folder):
    go_tool.run("go", "vet", ".", folder=folder)
    if folder == go_tool.MODULE:
        go_tool.run("go", "vet", "-unsafeptr=false", "./internal/raw", folder=folder)


@needs_go
def test_without_cgo_the_build_says_what_to_do():
    done = subprocess.run(["go", "build", "."], cwd=go_tool.MODULE, env={**go_tool.environment(), "CGO_ENABLED": "0"},
                          capture_output=True, text=True)
    assert done.returncode != 0
    assert "mlplat_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler_and_libmlplat" in done.stderr


@needs_go
@pytest.mark.parametrize("tags, shared", [("", True), ("mlplat_static", False)], ids=["shared", "static"])
def test_a_program_has_the_library_beside_it_or_in_it(tags, shared, tmp_path):
    go_tool.main_module(tmp_path)
    (tmp_path / "main.go").write_text(PROGRAM)
    go_tool.run("go", "build", "-tags", tags, "-o", "program", ".", folder=tmp_path)
    out = subprocess.run(["readelf", "-d", tmp_path / "program"], capture_output=True, text=True, check=True).stdout
    assert ("libmlplat.so" in out) is shared
    library = go_tool.environment()["LD_LIBRARY_PATH"] if shared else ""
    assert go_tool.run(str(tmp_path / "program"), str(tmp_path), folder=tmp_path,
                       LD_LIBRARY_PATH=library) == "0.1.0 <nil>\n"

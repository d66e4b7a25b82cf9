"""Every example in README.md and docs/ works: Python and shell blocks are run, C blocks compiled, whole programs run.

The blocks of one page run in order in one empty folder. A C block without main is the inside of a function; what it
may use is declared below. Blocks of other languages are not run.
"""

import os
import re
import subprocess
import sys

import pytest

import abi

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
PAGES = [abi.ROOT / "README.md", abi.ROOT / "bindings/python/README.md", *sorted((abi.ROOT / "docs").glob("*.md"))]
SOURCES = "#include <mlplat.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
FUNCTION = SOURCES + """
mlplat_status example(mlplat *ml, mlplat_run *run, mlplat_step *step, mlplat_pipeline *pipeline, double loss,
                      int64_t epoch);
mlplat_status example(mlplat *ml, mlplat_run *run, mlplat_step *step, mlplat_pipeline *pipeline, double loss,
                      int64_t epoch)
{
    mlplat_error err = { 0 };
    mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
    mlplat_status s = MLPLAT_OK;
    mlplat_model model = MLPLAT_MODEL_INIT;
    mlplat_doc *doc = NULL, *files = NULL, *ir = NULL, *result = NULL;
    char *uri = NULL;
    int64_t version = 0;
    (void)ml, (void)run, (void)step, (void)pipeline, (void)loss, (void)epoch, (void)options, (void)err, (void)model;
    (void)doc, (void)files, (void)ir, (void)result, (void)uri, (void)version;
%s
    return s;
}
"""


def blocks(path):
    return BLOCK.findall(path.read_text())


def environment():
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("MLPLAT_", "MLFLOW_"))}
    places = [str(abi.BUILD / "tools"), str(abi.BUILD / "examples"), os.path.dirname(sys.executable), keep["PATH"]]
    return {**keep, "PATH": os.pathsep.join(places), "XDG_CONFIG_HOME": "/nonexistent",
            "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def run(words, folder, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, cwd=folder, env=environment(), timeout=300)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def compile_c(text, folder):
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-I", abi.ROOT / "include"]
    if "int main(" not in text:
        return run(["gcc", *flags, "-Wno-unused", "-x", "c", "-fsyntax-only", "-"], folder, FUNCTION % text)
    includes = "" if "#include" in text else SOURCES
    run(["gcc", *flags, "-x", "c", "-", "-o", "program", "-L", abi.BUILD, f"-Wl,-rpath,{abi.BUILD}", "-lmlplat"],
        folder, includes + text)
    return run([folder / "program"], folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(abi.ROOT)))
def test_the_examples_of_a_page_work(page, tmp_path):
    for language, text in blocks(page):
        if language == "c":
            compile_c(text, tmp_path)
        elif language in ("python", "py"):
            run([sys.executable, "-"], tmp_path, "losses = [0.9, 0.5, 0.3]\n" + text)
        elif language in ("sh", "bash", "console"):
            run(["bash", "-euo", "pipefail"], tmp_path, text)


def test_every_block_says_its_language():
    known = {"c", "python", "py", "sh", "bash", "console", "text", "json", "yaml", "go", "cmake", "sql"}
    assert [(page.name, language) for page in PAGES for language, _ in blocks(page) if language not in known] == []


def test_links_between_pages_lead_somewhere():
    dead = []
    for page in [*PAGES, abi.ROOT / "CHANGELOG.md", abi.ROOT / "examples/fraud_detector/README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text()):
            dead += [] if (page.parent / target).exists() else [f"{page.name}: {target}"]
    assert dead == []

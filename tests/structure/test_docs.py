"""Every example in README.md, docs/ and the READMEs of the bindings works.

The blocks of one page run in order in one empty folder, against the library installed to a folder of its own:

- c, cpp: a whole program is compiled and run. A C block without main is the inside of a function; what it may use is
  declared below.
- python: all blocks of a page run in one Python, as the cells of a notebook.
- go: a whole program is run; other text is the inside of a function, in a program that opens a client and starts a run.
- sh: run with bash -euo pipefail. console: lines with "$ " are run, what stands below them is compared with what they
  print: ids, names that are made up, times and folders may be others, "..." stands for anything.
- json, yaml: parsed. sql: a filter of runs, which is asked.
- A block that begins with a comment of nothing but a file's name is put into that file, and not run by itself.
"""

import json
import os
import re
import subprocess
import sys

import pytest

import abi
import go_tool

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"(?:/\*|//|#)\s*([\w.-]+\.\w+)\s*(?:\*/)?\n")
PAGES = [abi.ROOT / "README.md", *sorted((abi.ROOT / "bindings").glob("*/README.md")),
         *sorted((abi.ROOT / "docs").glob("*.md")), *sorted((abi.ROOT / "examples").glob("*/README.md"))]
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
GO = """
func main() {
	ctx := context.Background()
	client, err := mlplat.Open(ctx, nil)
	if err == nil {
		defer client.Close()
		err = client.WithRun(ctx, mlplat.RunOptions{}, func(ctx context.Context, run *mlplat.Run) error {
			return example(ctx, client, run)
		})
	}
	if err != nil {
		log.Fatal(err)
	}
}

func example(ctx context.Context, client *mlplat.Client, run *mlplat.Run) error {
%s
	return nil
}
"""
GO_PACKAGES = ["context", "errors", "fmt", "log", "os", "strings", "time"]
# Runs the blocks that come in, a JSON string a line, in one namespace; answers with a line per block.
CELLS = """
import json, sys, traceback
names = {"__name__": "__main__", "losses": [0.9, 0.5, 0.3]}
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "<block>", "exec"), names)
        said = ""
    except BaseException:
        said = traceback.format_exc()
    sys.stdout.flush()
    print(json.dumps({"block": said}), flush=True)
"""


def blocks(path):
    return BLOCK.findall(path.read_text())


@pytest.fixture(scope="session")
def environment():
    """Of a user: the library is installed, and found by pkg-config and by the loader."""
    prefix = go_tool.prefix()
    library = next(prefix.rglob("libmlplat.so")).parent
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("MLPLAT_", "MLFLOW_"))}
    places = [str(prefix / "bin"), str(abi.BUILD / "examples"), os.path.dirname(sys.executable), keep["PATH"]]
    return {**keep, "PATH": os.pathsep.join(places), "XDG_CONFIG_HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
            "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "LD_LIBRARY_PATH": str(library),
            "PKG_CONFIG_PATH": str(library / "pkgconfig"), "CMAKE_PREFIX_PATH": str(prefix),
            **{name: value for name, value in go_tool.environment().items() if name.startswith(("GO", "CGO"))}}


class Page:
    """One page's folder, and what runs in it."""

    def __init__(self, folder, environment):
        self.folder, self.environment, self.python = folder, environment, None

    def run(self, words, text=None):
        done = subprocess.run(words, input=text, capture_output=True, text=True, cwd=self.folder, env=self.environment,
                              timeout=300)
        assert done.returncode == 0, f"{text or words}\n{done.stdout}{done.stderr}"
        return done.stdout

    def c(self, text):
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-I", abi.ROOT / "include"]
        if "int main(" not in text:
            return self.run(["gcc", *flags, "-Wno-unused", "-x", "c", "-fsyntax-only", "-"], FUNCTION % text)
        return self.program("gcc", "c", flags, ("" if "#include" in text else SOURCES) + text)

    def cpp(self, text):
        return self.program("g++", "c++", ["-std=c++17", "-Wall", "-Wextra", "-Werror"], text)

    def program(self, compiler, language, flags, text):
        found = self.run(["pkg-config", "--cflags", "--libs", "mlplat"]).split()
        self.run([compiler, *flags, "-x", language, "-", "-o", "program", "-x", "none", *found], text)
        return self.run([self.folder / "program"])

    def cell(self, text):
        if not self.python:
            self.python = subprocess.Popen([sys.executable, "-c", CELLS], cwd=self.folder, env=self.environment, text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.python.stdin.write(json.dumps(text) + "\n")
        self.python.stdin.flush()
        line = ""
        while not line.startswith('{"block": '):
            line = self.python.stdout.readline()
            assert line, f"Python ended in\n{text}"
        said = json.loads(line)["block"]
        assert not said, f"{text}\n{said}"

    def go(self, text):
        if go_tool.missing():
            return
        if "package main" not in text:
            body = GO % text
            used = [f'import "{name}"\n' for name in GO_PACKAGES if f"{name}." in body]
            text = "package main\n\n" + "".join(used) + 'import mlplat "mlplat.example/bindings/go"\n' + body
        (self.folder / "main.go").write_text(text)
        self.go_module()
        self.run(["go", "run", "main.go"])

    def go_module(self):
        """A module that finds the binding in the tree; a page speaks of it by its public name."""
        if not (self.folder / "go.mod").exists():
            go_tool.main_module(self.folder)

    def file(self, name, text):
        (self.folder / name).write_text(text)
        if name.endswith(".go"):
            self.go_module()

    def console(self, text):
        for command, want in calls(text):
            done = subprocess.run(["bash", "-uo", "pipefail", "-c", command], capture_output=True, text=True,
                                  cwd=self.folder, env=self.environment, timeout=300)
            got = done.stdout + done.stderr
            assert re.fullmatch(shape(want), plain(got)), f"$ {command}\n{got}\ninstead of\n{want}"

    def block(self, language, text):
        file = FILE.match(text)
        if file:
            self.file(file.group(1), text)
        elif language == "json":
            json.loads(text)
        elif language == "yaml":
            import yaml

            yaml.safe_load(text)
        elif language == "sql":
            self.run(["mlplat", "run", "list", "--filter", text.strip()])
        elif language == "sh":
            self.run(["bash", "-euo", "pipefail"], text)
        elif language == "python":
            self.cell(text)
        elif language in ("c", "cpp", "go", "console"):
            getattr(self, language)(text)

    def close(self):
        if self.python:
            self.python.communicate()


def calls(text):
    """The commands of a transcript, with what each is said to print; a command goes on behind a backslash."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1][0] += "\n" + line
        else:
            found[-1][1] += line + "\n"
    return found


SAME = [  # what is other each time; the order counts
    (r"m-[0-9a-f]{32}", "m-ID"), (r"\b[0-9a-f]{32}\b", "ID"), (r"\b[0-9a-f]{40}\b", "COMMIT"), (r"\b[0-9a-f]{8}\b", "ID8"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "TIME"), (r"\b\d\d:\d\d:\d\d\b", "CLOCK"), (r"\b1[6-9]\d{11}\b", "MS"),
    (r"\b[a-z]+-[a-z]+-\d{1,3}\b", "NAME"), (r"(?<![\w:/.])/[\w./+-]+", "PATH"), (r"[ \t]+", " "), (r" $", ""),
]


def plain(text):
    for pattern, word in SAME:
        text = re.sub(pattern, word, text, flags=re.M)
    return text.rstrip("\n")


def shape(text):
    """A pattern for what plain() makes of the real output."""
    lines = plain(text).split("\n")
    return "\n".join("(?s:.*)" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") for line in lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(abi.ROOT)))
def test_the_examples_of_a_page_work(page, tmp_path, environment):
    runner = Page(tmp_path, environment)
    try:
        for language, text in blocks(page):
            runner.block(language, text)
    finally:
        runner.close()


def test_output_is_compared_by_its_shape():
    want = "RUN_ID  NAME\n0123456789abcdef0123456789abcdef  first\n...\ncount ... of 3\n"
    assert re.fullmatch(shape(want), plain("RUN_ID     NAME\n" + "f" * 32 + "   first \nmore\nlines\ncount 2 of 3\n"))
    for bad in ("RUN_ID  NAM\n" + "f" * 32 + "  first\nx\ncount 2 of 3\n", "RUN_ID  NAME\nzz first\nx\ncount 2 of 3\n",
                "RUN_ID  NAME\n" + "f" * 32 + "  first\nx\ncount 2 of 4\n"):
        assert not re.fullmatch(shape(want), plain(bad))
    assert plain("at 2026-01-02 03:04:05 in /some/where/a.db, keen-lynx-77") == "at TIME in PATH, NAME"
    assert calls("$ a \\\n  b\nx\ny\n$ c\n") == [["a \\\n  b", "x\ny\n"], ["c", ""]]


def test_the_reference_is_what_the_headers_and_docstrings_say():
    sys.path.insert(0, str(abi.ROOT / "docs"))
    import api

    assert api.stale() == [], "python3 docs/api.py writes them"
    text = "".join(path.read_text() for path in (abi.ROOT / "docs/api").glob("*.md"))
    assert [name for name in abi.declared() if f"\n### {name}\n" not in text] == []


def test_every_block_says_its_language():
    known = {"c", "cpp", "python", "sh", "console", "text", "json", "yaml", "go", "cmake", "sql", "ini"}
    assert [(page.name, language) for page in PAGES for language, _ in blocks(page) if language not in known] == []


def test_links_between_pages_lead_somewhere():
    dead = []
    for page in [*PAGES, abi.ROOT / "CHANGELOG.md", *sorted((abi.ROOT / "docs/api").glob("*.md"))]:
        text = BLOCK.sub("", page.read_text())
        for target in re.findall(r"(?<!`)\]\((?!https?:)([^)]+)\)", text):
            file, _, place = target.partition("#")
            there = page.parent / file if file else page
            dead += [] if there.exists() and (not place or place in anchors(there)) else [f"{page.name}: {target}"]
    assert dead == []


def anchors(page):
    """The places in a page that a link may name, as code hosts make them of headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


NAMED_TEST = re.compile(r"`((?:tests|bindings)/[\w/.-]+)::(\w+)`")


def missing_tests(text):
    """Of the tests that a page names as `file::name`, those that are not there."""
    defined = r"^(?:def|static void|func) {}\("
    files = {file: abi.ROOT / file for file, _ in NAMED_TEST.findall(text)}
    sources = {file: path.read_text() if path.exists() else "" for file, path in files.items()}
    return [f"{file}::{name}" for file, name in NAMED_TEST.findall(text)
            if not re.search(defined.format(name), sources[file], re.M)]


def test_a_test_that_a_page_names_is_there():
    pages = {page: page.read_text() for page in PAGES}
    assert any(NAMED_TEST.search(text) for text in pages.values())
    assert [name for text in pages.values() for name in missing_tests(text)] == []


def test_a_test_that_is_not_there_is_missed():
    assert missing_tests("see `tests/structure/test_docs.py::test_nobody_wrote`") == [
        "tests/structure/test_docs.py::test_nobody_wrote"]


NAMED_BENCH = re.compile(r"`(?:\S*python )?(bench/\w+\.py|bench_\w+)\b[^`]*`")


def missing_benches(text):
    """Of the programs of bench/ that a page names, those that are not there; and rows of figures that name none."""
    built = re.findall(r"add_executable\((\w+)", (abi.ROOT / "bench/CMakeLists.txt").read_text())
    named = [name for name in NAMED_BENCH.findall(text)
             if not (name in built or (name.endswith(".py") and (abi.ROOT / name).is_file()))]
    rows = [row for row in re.findall(r"^\|.*\|$", text, re.M) if not row.startswith(("|---", "| sentence"))]
    shown_by = {row: row.rsplit("|", 2)[1] for row in rows}
    return named + [row for row, by in shown_by.items() if not (NAMED_BENCH.search(by) or NAMED_TEST.search(by))]


def test_each_figure_of_performance_names_a_bench_that_is_there():
    text = (abi.ROOT / "docs/performance.md").read_text()
    assert len(NAMED_BENCH.findall(text)) > 15
    assert missing_benches(text) == []


def test_a_bench_that_is_not_there_is_missed():
    row = "| fast | 1 ms | 2 ms | "
    assert missing_benches(f"{row}`bench/nobody_wrote.py` |\n{row}`bench_nobody x` |\n{row}by heart |\n") == [
        "bench/nobody_wrote.py", "bench_nobody", f"{row}by heart |"]

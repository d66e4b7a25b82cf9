"""Runs the tests of the Go module and of the Go example, with the race detector, and writes a JUnit file for summary.py.

    MLPLAT_BINARY_DIR=build/release python tests/go.py RESULTS.xml
"""

import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent / "structure"))
import abi
import go_tool

FOLDERS = [go_tool.MODULE, abi.ROOT / "examples/go_service"]


def case(suite, package, name, seconds=0.0):
    return ElementTree.SubElement(suite, "testcase", classname=package, name=name, time=str(seconds))


def add(suite, folder):
    """All tests of one module; what does not build, or ends in the middle, is a failure of its own."""
    words = ["go", "test", "-race", "-count=1", "-timeout", "300s", "-json", "./..."]
    done = subprocess.run(words, cwd=folder, env=go_tool.environment(), capture_output=True, text=True)
    said, broken = {}, []
    for event in (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")):
        name = (event.get("Package") or event.get("ImportPath", ""), event.get("Test", ""))
        if event["Action"] in ("output", "build-output"):
            said[name] = said.get(name, "") + event["Output"]
        elif event["Action"] in ("pass", "fail", "skip") and event.get("Test"):
            node = case(suite, *name, event.get("Elapsed", 0.0))
            if event["Action"] != "pass":
                broken += [name] if event["Action"] == "fail" else []
                kind = "failure" if event["Action"] == "fail" else "skipped"
                ElementTree.SubElement(node, kind, message=said.get(name, "").strip()[-2000:])
    if done.returncode and not broken:
        broken.append(("", folder.name))
        said[broken[0]] = "\n".join(said.values())[-4000:] + done.stderr
        ElementTree.SubElement(case(suite, folder.name, "go test"), "failure", message=said[broken[0]].strip())
    for name in broken:
        print(said.get(name, ""), file=sys.stderr)
    return len(broken)


def main(file):
    suite = ElementTree.Element("testsuite", name="go")
    if go_tool.missing():
        ElementTree.SubElement(case(suite, "go", "all"), "skipped", message=go_tool.missing())
    failed = 0 if go_tool.missing() else sum(add(suite, folder) for folder in FOLDERS)
    ElementTree.ElementTree(suite).write(file)
    cases = suite.findall("testcase")
    print(f"go: {len(cases)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

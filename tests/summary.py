"""The last lines of `./setup.sh test`: how many tests passed, failed and were skipped, and why each skip.

Reads the JUnit files of ctest and pytest in the folder given. A ctest case that is a cmocka program counts as the tests
that it ran. The exit code is 1 if any test failed, or if there was none.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CMOCKA = re.compile(r"^\[\s+(OK|FAILED|SKIPPED)\s+\] (\w+)$", re.M)

CMOCKA_WORDS = {"OK": ("passed", ""), "FAILED": ("failed", "see its log"), "SKIPPED": ("skipped", "says its program")}


def first_line(text):
    return (text or "").strip().splitlines()[0] if (text or "").strip() else "no reason given"


def outcome(case):
    """What became of one test case: a word, and the reason if it did not pass."""
    for kind, word in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        node = case.find(kind)
        if node is not None:
            return word, first_line(node.get("message") or node.text)
    if case.get("status") in ("fail", "disabled", "notrun"):
        return ("failed" if case.get("status") == "fail" else "skipped"), case.get("status")
    return "passed", ""


def tests_of(path):
    """Every test of one file as (name, word, reason)."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{path.stem}: {case.get('classname', '')}.{case.get('name')}"
        word, reason = outcome(case)
        inner = {test: result for result, test in CMOCKA.findall(case.findtext("system-out") or "")}
        for test, result in inner.items():
            yield (f"{path.stem}: {case.get('name')}.{test}",) + CMOCKA_WORDS[result]
        crashed = word == "failed" and "FAILED" not in inner.values()
        if not inner or crashed:
            yield name, word, reason


def main(folder):
    tests = [test for path in sorted(pathlib.Path(folder).glob("*.xml")) for test in tests_of(path)]
    count = {word: sum(test[1] == word for test in tests) for word in ("passed", "failed", "skipped")}
    for word in ("skipped", "failed"):
        for name, _, reason in (test for test in tests if test[1] == word):
            print(f"{word}: {name}: {reason}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""The JUnit file of one check, which tests/summary.py counts."""

import xml.etree.ElementTree as ElementTree


class Skipped(Exception):
    """A check that cannot be judged here: why."""


def write(path, check, cases, skipped=None):
    """Cases are (name, complaint or None); skipped is the reason why the check cannot run here."""
    suite = ElementTree.Element("testsuite", name=check)
    for name, complaint in cases:
        case = ElementTree.SubElement(suite, "testcase", classname="checks", name=name)
        if complaint is not None:
            ElementTree.SubElement(case, "failure", message=complaint.strip().split("\n")[0]).text = complaint
    if skipped:
        case = ElementTree.SubElement(suite, "testcase", classname="checks", name=check)
        ElementTree.SubElement(case, "skipped", message=skipped)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)

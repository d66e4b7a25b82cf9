"""The table of docs/mlflow.md and the rows of these tests name the same differences."""

import importlib
import pathlib

import pytest

from harness import Case, Operation, listed_differences

FOLDER = pathlib.Path(__file__).parent


def shown():
    """The differences that rows name; a row's own test sees to it that each is still there."""
    modules = [importlib.import_module(path.stem) for path in sorted(FOLDER.glob("test_*.py"))]
    tables = [getattr(module, "DIFFERENCES", ()) for module in modules]
    return {name for case in Case.all for name in case.differences()}.union(*tables)


def test_every_difference_is_listed_and_every_listed_one_is_shown():
    listed = listed_differences()
    assert len(listed) == len(set(listed))
    assert set(listed) == shown()


def test_a_difference_that_is_not_announced_is_found(sides):
    answer = Operation("answer", lambda side: {"answer": 42}, lambda side: {"answer": 41})
    with pytest.raises(AssertionError, match="MLflow: .*42"):
        sides.check(unlisted(answer()))


def test_an_announced_difference_that_is_gone_is_found(sides):
    answer = Operation("answer", lambda side: 42, lambda side: 42)
    with pytest.raises(AssertionError, match="no difference any more"):
        sides.check(unlisted(answer().differs("anything")))


def test_a_row_that_only_one_side_writes_is_found(sides):
    create = Operation("create", lambda side: None, lambda side: side.ml.registry.create("only here"))
    with pytest.raises(AssertionError, match="(?s)registered_models.*mlplat: .*only here"):
        sides.check(unlisted(create()))


def unlisted(*steps):
    case = Case("", *steps)
    Case.all.remove(case)
    return case

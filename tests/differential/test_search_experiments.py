"""Searches over experiments."""

import pytest
from mlflow.entities import ViewType
from searching import compare, ours, theirs, walk

GOOD = [
    None, "", "name = 'main'", "name != 'main'", "name LIKE 'm%'", "name LIKE 'M%'", "name ILIKE 'M%'",
        "name LIKE 'm_in'",
    "name LIKE '100\\%'", "name = \"it's\"", "name = '日本'", "attribute.name = 'main'", "`name` = 'main'",
    "\"name\" = 'main'",
    "name LIKE '%i%' AND name != 'main'", "experiment_id = '1'", "experiment_id != '1'", "experiment_id IN ('1', '3')",
    "experiment_id NOT IN ('1')", "experiment_id not in ('1', '2')", "attribute.experiment_id IN ('1')",
    "experiment_id = '01'",
    "experiment_id IN ('99')", "experiment_id = \"1\"",
    *(f"{name} {how} {value}" for name in ("creation_time", "last_update_time", "attribute.creation_time")
      for how in ("=", "!=", "<", "<=", ">", ">=") for value in (1001, 1002, 0, -5)),
    "tags.team = 'risk'", "tags.team != 'risk'", "tag.team ILIKE 'RISK'", "tags.team LIKE 'R%'",
    "tags.`with space` = 'x'",
    "tags.ü = 'ö'", "tags.team IS NULL", "tags.team IS NOT NULL", "tags.team is null", "tags.none = 'x'",
    "tags.team = 'risk' AND name LIKE '%n%' AND creation_time > 0", "tags.kind = 'A' AND tags.team IS NULL", "AND",
]
BAD = [
    "name like 'm%'", "name ilike 'm%'", "name IN ('main')", "name NOT IN ('main')", "name > 'a'", "name = main",
    "name = 1",
    "name IS NULL", "name = ", "name", "Name = 'main'", "attributes.name = 'main'", "experiment.name = 'main'",
    "experiment_id = 1", "experiment_id = 'x'", "experiment_id > '1'", "experiment_id LIKE '1'",
    "experiment_id in ('1')",
    "experiment_id IN ('x')", "experiment_id IN (1)", "experiment_id IN ()", "creation_time = '1001'",
    "creation_time > 1.5",
    "creation_time LIKE 1", "creation_time IN (1)", "creation_time IS NULL", "tags.team > 'a'", "tags.team IN ('a')",
    "tags.team like 'a'", "tags.case = 'A'", "tags.team = risk", "tags.team IS", "metrics.a > 1", "params.a = 'x'",
    "`tags`.team = 'risk'",
    "lifecycle_stage = 'active'", "artifact_location LIKE '%'", "name = 'a' OR name = 'b'", "name = 'a", "   ",
    "name = 'a';",
]
ORDERS = [
    *([key + way] for key in ("name", "experiment_id", "creation_time", "last_update_time", "attribute.name", "`name`")
      for way in ("", " ASC", " DESC")),
    ["last_update_time", "name DESC"], ["creation_time DESC", "creation_time"], ["creation_time", "experiment_id ASC"],
    [],
]
BAD_ORDERS = [["tags.team"], ["attributes.name"], ["nothing"], ["name UP"], ["metrics.a"], ["lifecycle_stage"],
    ["Name"]]
VIEWS = {"all": ViewType.ALL, "active": ViewType.ACTIVE_ONLY, "deleted": ViewType.DELETED_ONLY}


def answers(store, filter, order=None, view="all"):
    return (theirs(lambda: (store.tracking.search_experiments(VIEWS[view], 1000, filter, order),
                            lambda experiment: experiment.experiment_id)),
            ours(lambda: (store.ml.experiments.search(filter, order_by=order, view=view),
                          lambda experiment: experiment["experiment_id"])))


@pytest.mark.parametrize("question", GOOD)
def test_a_filter_finds_the_same_experiments(store, question):
    left, right = answers(store, question)
    assert left[0] == "ok", left
    compare(left, right, None, question)


@pytest.mark.parametrize("question", BAD)
def test_a_filter_that_mlflow_refuses_is_refused(store, question):
    left, right = answers(store, question)
    assert left[0] == "error", left
    compare(left, right, None, question)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_an_order_puts_experiments_the_same_way(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "ok", left
    compare(left, right, None, order)


@pytest.mark.parametrize("order", BAD_ORDERS, ids=str)
def test_an_order_that_mlflow_refuses_is_refused(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "error", left
    compare(left, right, None, order)


@pytest.mark.parametrize("view", VIEWS)
def test_views_show_the_same(store, view):
    compare(*answers(store, "tags.team = 'risk'", ["name"], view), None, view)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 9, 10])
@pytest.mark.parametrize("order", [None, ["name DESC"], ["last_update_time"]], ids=str)
def test_a_walk_through_pages_meets_the_same_experiments(store, size, order):
    def mlflow(token):
        page = store.tracking.search_experiments(ViewType.ALL, size, None, order, token)
        return page, lambda experiment: experiment.experiment_id, page.token

    def mlplat(token):
        page = store.ml.experiments.search(order_by=order, view="all", max_results=size, page_token=token)
        return page, lambda experiment: experiment["experiment_id"], page.next_page_token
    assert walk(mlflow) == walk(mlplat)

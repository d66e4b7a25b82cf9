"""Searches over registered models and their versions."""

import pytest
from searching import compare, ours, theirs, walk

MODELS_GOOD = [
    None, "", "name = 'fraud'", "name != 'fraud'", "name LIKE 'f%'", "name ILIKE 'F%'", "name ilike 'F%'",
        "name LIKE '%model'",
    "name IN ('fraud', 'spam')", "name NOT IN ('fraud')", "name in ('it\\'s')", "name = \"it's\"",
    "attribute.name = 'fraud'",
    "name = '日本 model'", "tags.team = 'risk'", "tags.team != 'risk'", "tag.team ILIKE 'RISK'", "tags.team LIKE '%'",
    "tags.`key with space` = 'v'", "tags.team = 'risk' AND tags.more = 'y'",
    "tags.team LIKE 'r%' AND tags.team != 'risk'",
    "tags.team = 'risk' AND name != 'fraud'", "tags.none = 'x'", "tags.`mlflow.prompt.is_prompt` = 'true'",
    "tags.`mlflow.prompt.is_prompt` = 'True'", "tags.`mlflow.prompt.is_prompt` != 'false'",
    "tags.`mlflow.prompt.is_prompt` = 'false'",
    "tags.`mlflow.prompt.is_prompt` != 'true'", "tags.`mlflow.prompt.is_prompt` LIKE 'true'",
    "tags.mlflow.prompt.is_prompt = 'true'",
    "tags.`mlflow.prompt.is_prompt` = 'true' AND tags.team = 'risk'",
    "tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'ask'",
    "tags.`mlflow.prompt.is_prompt` = 'false' AND tags.team = 'risk'", "AND", "name = 'fraud' name = 'spam'",
    "name = 'fraud' AND", "name LIKE '%' AND name LIKE 'f%'", "name = 'greet'",
]
MODELS_BAD = [
    "name > 'a'", "name = fraud", "name = 1", "`name` = 'fraud'", "\"name\" = 'fraud'", "attributes.name = 'fraud'",
    "Name = 'a'",
    "name IN ()", "name IN (1)", "name = 'a' OR name = 'b'", "name", "name =", "tags.team > 'a'", "tags.team IN ('a')",
    "tags.team = risk", "metrics.a > 1", "params.a = 'x'", "run_id = 'x'", "creation_timestamp > 1", "aliases.x = '1'",
    "   ",
    "name = 'a';", "name REGEXP 'a'", "name NOT LIKE 'a'", "(name = 'a')",
]
MODELS_ORDERS = [[key + way] for key in ("name", "timestamp", "last_updated_timestamp") for way in ("", " ASC",
    " DESC")]
MODELS_ORDERS += [["last_updated_timestamp DESC", "name DESC"], ["timestamp", "name"], []]
MODELS_BAD_ORDERS = [["creation_timestamp"], ["attribute.name"], ["tags.team"], ["name UP"], ["nothing"],
    ["version_number"]]

VERSIONS_GOOD = [
    None, "", "name = 'fraud'", "name != 'fraud'", "name LIKE 'F%'", "name ILIKE 'F%'", "name IN ('fraud', \"it's\")",
    "name NOT IN ('fraud')", "attribute.name = 'spam'", "run_id = '<run>'", "run_id != '<run>'",
    "run_id IN ('<run>', 'x')",
    "run_id LIKE '%a%'", "run_id NOT IN ('<run>')", "source_path = 's3://bucket/f/0'",
    "source_path LIKE 's3://bucket/f/%'",
    "source_path ILIKE 'S3%'", "source_path != 'x'",
    *(f"version_number {how} {value}" for how in ("=", "!=", "<", "<=", ">", ">=") for value in ("1", "2", "'2'", "0",
    "-1")),
    "tags.checked = 'yes'", "tags.checked != 'yes'", "tags.n LIKE '1%'", "tag.checked ILIKE 'YES'",
    "tags.checked = 'yes' AND tags.n = '3'",
    "tags.checked LIKE 'y%' AND tags.checked != 'yes'", "name = 'fraud' AND version_number > 1 AND tags.checked = 'no'",
    "tags.`mlflow.prompt.is_prompt` = 'true'", "tags.`mlflow.prompt.is_prompt` = 'false'",
    "tags.`mlflow.prompt.is_prompt` != 'false'",
    "tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'greet'", "name = 'greet'", "tags.none = 'x'", "AND",
    "tags.`mlflow.prompt.is_prompt` = 'true' AND version_number = 2",
]
VERSIONS_BAD = [
    "name > 'a'", "name = 1", "name = fraud", "`name` = 'fraud'", "version_number > 1.5", "version_number = 'x'",
    "version_number LIKE '1'",
    "version_number IN (1)", "version_number IN ('1')", "version = 1", "source_path IN ('x')", "source = 'x'",
    "run_id = 1", "run_id IN (1)",
    "run_id > 'a'", "tags.checked > 'a'", "tags.checked IN ('yes')", "tags.checked = yes", "attributes.name = 'a'",
    "metrics.a > 1",
    "current_stage = 'Production'", "creation_timestamp > 1", "name = 'a' OR name = 'b'", "name", "   ",
    "version_number", "aliases = 'x'",
]
VERSIONS_ORDERS = [[key + way] for key in ("name", "version_number", "creation_timestamp", "last_updated_timestamp",
                                           "attribute.version_number", "`name`") for way in ("", " ASC", " DESC")]
VERSIONS_ORDERS += [["name DESC", "version_number ASC"], ["creation_timestamp", "name DESC", "version_number"], []]
VERSIONS_BAD_ORDERS = [["run_id"], ["tags.checked"], ["nothing"], ["name UP"], ["source_path"], ["attributes.name"]]

DIFFERENT_MODELS = {"search-trips": ["tags.team IS NULL", "tags.team IS NOT NULL", "name IN (a)"]}
DIFFERENT_VERSIONS = {"search-trips": ["tags.checked IS NULL", "name IS NOT NULL", "run_id IN (a, b)"]}
DIFFERENT_MODELS_ORDERS = {"search-trips": [["name", "name DESC"], ["timestamp", "last_updated_timestamp"]]}
DIFFERENT_VERSIONS_ORDERS = {"search-trips": [["name", "name"]],
    "search-names": [["tags.name"], ["tag.version_number DESC"]]}
DIFFERENCES = {*DIFFERENT_MODELS, *DIFFERENT_VERSIONS, *DIFFERENT_MODELS_ORDERS, *DIFFERENT_VERSIONS_ORDERS}


def models(store, filter, order=None):
    return (theirs(lambda: (store.registry.search_registered_models(filter, 1000, order), lambda model: model.name)),
            ours(lambda: (store.ml.registry.models(filter, order_by=order, max_results=1000),
                lambda model: model["name"])))


def versions(store, filter, order=None):
    filter = filter and filter.replace("<run>", store.runs[1])
    return (theirs(lambda: (store.registry.search_model_versions(filter, 1000, order),
                            lambda version: (version.name, int(version.version)))),
            ours(lambda: (store.ml.registry.versions(filter=filter, order_by=order, max_results=1000),
                          lambda version: (version.name, version.version))))


def cases(ask, questions):
    return [pytest.param(ask, question, id=f"{ask.__name__} {question}") for question in questions]


@pytest.mark.parametrize("ask, question", cases(models, MODELS_GOOD) + cases(versions, VERSIONS_GOOD))
def test_a_filter_finds_the_same(store, ask, question):
    left, right = ask(store, question)
    assert left[0] == "ok", left
    compare(left, right, None, question)


@pytest.mark.parametrize("ask, question", cases(models, MODELS_BAD) + cases(versions, VERSIONS_BAD))
def test_a_filter_that_mlflow_refuses_is_refused(store, ask, question):
    left, right = ask(store, question)
    assert left[0] == "error", left
    compare(left, right, None, question)


@pytest.mark.parametrize("ask, order", cases(models, MODELS_ORDERS) + cases(versions, VERSIONS_ORDERS))
def test_an_order_puts_them_the_same_way(store, ask, order):
    left, right = ask(store, None, order)
    assert left[0] == "ok", left
    compare(left, right, None, order)


@pytest.mark.parametrize("ask, order", cases(models, MODELS_BAD_ORDERS) + cases(versions, VERSIONS_BAD_ORDERS))
def test_an_order_that_mlflow_refuses_is_refused(store, ask, order):
    left, right = ask(store, None, order)
    assert left[0] == "error", left
    compare(left, right, None, order)


@pytest.mark.parametrize("ask, name, question", [
    (ask, name, question) for ask, table in ((models, DIFFERENT_MODELS), (versions, DIFFERENT_VERSIONS))
    for name in table for question in table[name]])
def test_filters_that_differ_are_those_that_are_listed(store, ask, name, question):
    compare(*ask(store, question), name, question)


@pytest.mark.parametrize("ask, name, order", [
    (ask, name, order) for ask, table in ((models, DIFFERENT_MODELS_ORDERS), (versions, DIFFERENT_VERSIONS_ORDERS))
    for name in table for order in table[name]], ids=str)
def test_orders_that_differ_are_those_that_are_listed(store, ask, name, order):
    compare(*ask(store, None, order), name, order)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("order", [None, ["last_updated_timestamp DESC"]], ids=str)
def test_a_walk_through_pages_meets_the_same_models(store, size, order):
    def mlflow(token):
        page = store.registry.search_registered_models(None, size, order, token)
        return page, lambda model: model.name, page.token

    def mlplat(token):
        page = store.ml.registry.models(order_by=order, max_results=size, page_token=token)
        return page, lambda model: model["name"], page.next_page_token
    assert walk(mlflow) == walk(mlplat)


@pytest.mark.parametrize("size", [1, 4, 10, 11, 12])
@pytest.mark.parametrize("filter, order", [(None, None), ("name LIKE '%a%'", ["version_number"])])
def test_a_walk_through_pages_meets_the_same_versions(store, size, filter, order):
    def mlflow(token):
        page = store.registry.search_model_versions(filter, size, order, token)
        return page, lambda version: (version.name, int(version.version)), page.token

    def mlplat(token):
        page = store.ml.registry.versions(filter=filter, order_by=order, max_results=size, page_token=token)
        return page, lambda version: (version.name, version.version), page.next_page_token
    assert walk(mlflow) == walk(mlplat)


@pytest.mark.parametrize("size", [1001, 200001])
def test_a_page_size_that_mlflow_refuses_is_refused(store, size):
    compare(theirs(lambda: (store.registry.search_registered_models(None, size), None)),
            ours(lambda: (store.ml.registry.models(max_results=size), None)), None, size)
    if size > 1001:
        compare(theirs(lambda: (store.registry.search_model_versions(None, size), None)),
                ours(lambda: (store.ml.registry.versions(max_results=size), None)), None, size)

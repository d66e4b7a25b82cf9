"""Searches over logged models."""

import pytest
from searching import compare, ours, theirs, walk

GOOD = [
    None, "", "name = 'model-1'", "name != 'model-1'", "name LIKE 'model%'", "name ILIKE 'MODEL-2'",
        "name like 'model-_'",
    "name IN ('model-1', 'model-2')", "name NOT IN ('model-1')", "name in ('model-1')", "attributes.name = 'model-1'",
    "`name` = 'model-1'", "name = model", "name = \"model-1\"", "name = ''", "model_type = 'Agent'",
    "model_type != 'Agent'",
    "model_type LIKE 'A%'", "source_run_id = '<run>'", "source_run_id != '<run>'", "model_id = '<model>'",
    "model_id IN ('<model>', 'x')", "experiment_id = '1'", "experiment_id IN ('2')", "status = '2'", "status = 1",
    "status = 'READY'",
    "lifecycle_stage = 'active'", "status_message = 'x'", "artifact_location LIKE '%artifacts'",
    *(f"{name} {how} {value}" for name in ("creation_timestamp", "creation_time", "attributes.creation_timestamp_ms",
                                           "last_updated_timestamp", "last_updated_timestamp_ms")
      for how in ("=", "!=", "<", "<=", ">", ">=") for value in ("1002", "1001.5")),
    *(f"metrics.auc {how} {value}" for how in ("=", "!=", "<", "<=", ">", ">=") for value in ("0.9", "0.51", "0",
    "1e999")),
    "metrics.`auc` > 0.5", "metrics.f1 > 0.45", "metrics.f1 < 0.45", "metrics.none > 0",
    "metrics.auc > 0.5 AND metrics.auc < 0.6",
    "params.depth = '1'", "params.depth != '1'", "params.depth LIKE '%'", "params.depth IN ('1', '2')",
    "params.`odd key` = 'x'",
    "params.depth = 1", "tags.stage = 'a'", "tags.stage ILIKE 'b'", "tags.stage NOT IN ('a')", "tags.none = 'x'",
    "name LIKE 'model%' AND metrics.auc > 0.5 AND params.depth = '1' AND tags.stage = 'a'", "AND",
    "name = 'a' name = 'b'",
]
BAD = [
    "name > 'a'", "metrics.auc LIKE 'a'", "metrics.auc IN (1)", "metric.auc > 1", "param.depth = '1'",
    "tag.stage = 'a'",
    "attribute.name = 'x'", "name = 'a' OR name = 'b'", "name", "name =", "params.depth IS NULL",
    "tags.stage IS NOT NULL",
    "params.depth > '1'", "name = 'a';", "   ", "(name = 'a')", "datasets.name = 'x'", "nothing = 'a'", "metrics. > 1",
    "Metrics.auc > 1", "name BETWEEN 'a' AND 'b'",
]
ORDERS = [
    *([{"field_name": key, "ascending": up}] for key in (
        "name", "model_id", "creation_timestamp", "creation_time", "creation_timestamp_ms", "last_updated_timestamp",
        "model_type", "source_run_id", "status", "experiment_id", "metrics.auc", "metrics.f1", "metrics.none")
      for up in (True, False)),
    *([{"field_name": "metrics.auc", "ascending": up, "dataset_name": name, **more}] for up in (True, False)
      for name in ("train", "test", "none") for more in ({}, {"dataset_digest": "1"})),
    [{"field_name": "name"}, {"field_name": "metrics.auc", "ascending": False}], [{"field_name": "name"}],
    [{"field_name": "model_type"}, {"field_name": "name", "ascending": False}, {"field_name": "model_id"}],
]
BAD_ORDERS = [[{"field_name": "nothing"}], [{"field_name": "params.depth"}], [{"field_name": "tags.stage"}],
              [{"field_name": "attributes.name"}], [{"field_name": "metric.auc"}]]
DATASETS = [
    [{"dataset_name": "train"}], [{"dataset_name": "test"}], [{"dataset_name": "train", "dataset_digest": "3"}],
    [{"dataset_name": "test"}, {"dataset_name": "train", "dataset_digest": "1"}], [{"dataset_name": "none"}],
]
DIFFERENT = {
    "search-trips": ["metrics.auc > 'a'", "metrics.auc > a", "attributes.nothing = 'x'", "metrics.auc > '0.5'",
                     "attributes.creation_timestamp > 1", "name IN (a)", "metrics.auc > 'x'",
                     "creation_timestamp > 'x'"],
    "search-numbers": ["metrics.auc > inf", "metrics.auc > 1_000"],
    "search-lists": ["name IN ('model-1', 2)", "name IN ()"],
}
DIFFERENCES = set(DIFFERENT)


def answers(store, filter, order=None, datasets=None, experiments=None):
    experiments = experiments or store.experiments
    if filter:
        filter = filter.replace("<run>", store.runs[1]).replace("<model>", store.models[0])
    return (theirs(lambda: (store.tracking.search_logged_models(experiments, filter, datasets, 1000, order),
                            lambda model: model.model_id)),
            ours(lambda: (store.ml.logged_models.search(filter, order_by=order, datasets=datasets, max_results=1000,
                                                        experiment_ids=experiments), lambda model: model.id)))


@pytest.mark.parametrize("question", GOOD)
def test_a_filter_finds_the_same_models(store, question):
    left, right = answers(store, question)
    assert left[0] == "ok", left
    compare(left, right, None, question)


@pytest.mark.parametrize("question", BAD)
def test_a_filter_that_mlflow_refuses_is_refused(store, question):
    left, right = answers(store, question)
    assert left[0] == "error", left
    compare(left, right, None, question)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_an_order_puts_models_the_same_way(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "ok", left
    compare(left, right, None, order)


@pytest.mark.parametrize("order", BAD_ORDERS, ids=str)
def test_an_order_that_mlflow_refuses_is_refused(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "error", left
    compare(left, right, None, order)


@pytest.mark.parametrize("datasets", DATASETS, ids=str)
@pytest.mark.parametrize("question", [None, "metrics.auc > 0.5", "metrics.auc > 0.7 AND metrics.auc < 0.91",
                         "name LIKE '%1'"])
def test_datasets_restrict_alike(store, datasets, question):
    compare(*answers(store, question, datasets=datasets), None, datasets)


@pytest.mark.parametrize("datasets", [[{"dataset_name": ""}], [{"dataset_digest": "1"}]], ids=str)
def test_datasets_without_a_name_are_refused(store, datasets):
    left, right = answers(store, None, datasets=datasets)
    assert left[0] == "error", left
    compare(left, right, None, datasets)


@pytest.mark.parametrize("name, question", [(name, question) for name in DIFFERENT for question in DIFFERENT[name]])
def test_filters_that_differ_are_those_that_are_listed(store, name, question):
    compare(*answers(store, question), name, question)


def mlflow_walk(store, filter, size, order):
    def ask(token):
        page = store.tracking.search_logged_models(store.experiments, filter, None, size, order, token)
        return page, lambda model: model.model_id, page.token
    return walk(ask)


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9])
@pytest.mark.parametrize("filter, order", [(None, None), ("name LIKE 'model%'", [{"field_name": "metrics.auc"}])])
def test_a_walk_through_pages_meets_the_same_models(store, size, filter, order):
    def mlplat(token):
        page = store.ml.logged_models.search(filter, order_by=order, experiment_ids=store.experiments, max_results=size,
                                             page_token=token)
        return page, lambda model: model.id, page.next_page_token
    assert mlflow_walk(store, filter, size, order) == walk(mlplat)


@pytest.mark.parametrize("other", [{"filter": "name = 'x'"}, {"order": [{"field_name": "name"}]},
                         {"experiments": ["1"]}],
                         ids=str)
def test_a_page_token_of_another_search_is_refused(store, other):
    first = store.tracking.search_logged_models(store.experiments, None, None, 1, None)
    experiments, filter, order = other.get("experiments", store.experiments), other.get("filter"), other.get("order")
    left = theirs(lambda: (store.tracking.search_logged_models(experiments, filter, None, 1, order, first.token), None))
    right = ours(lambda: (store.ml.logged_models.search(filter, order_by=order, experiment_ids=experiments,
                                                        max_results=1, page_token=first.token), None))
    assert left[0] == "error"
    compare(left, right, None, other)


def test_a_page_token_of_one_is_taken_by_the_other(store):
    first = store.tracking.search_logged_models(store.experiments, None, None, 2, [{"field_name": "name"}])
    second = store.ml.logged_models.search(order_by=[{"field_name": "name"}], experiment_ids=store.experiments,
                                           max_results=2, page_token=first.token)
    third = store.tracking.search_logged_models(store.experiments, None, None, 2, [{"field_name": "name"}],
                                                second.next_page_token)
    every = mlflow_walk(store, None, 100, [{"field_name": "name"}])
    assert [model.model_id for model in first] + [model.id for model in second] + \
        [model.model_id for model in third] == every[:6]

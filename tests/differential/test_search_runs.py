"""Searches over runs: the same ids in the same order, and the same questions refused."""

import pytest
from mlflow.entities import ViewType
from searching import compare, ours, theirs, walk

# A question: a filter, or (filter, keys of the order). "<0>": the id of run 0.
GOOD = [
    None, "",
    # numbers
    *(f"metrics.loss {how} {value}" for how in ("=", "!=", "<", "<=", ">", ">=")
      for value in ("0.5", "0", "-1.5", "1e999", "-1e999")),
    "metrics.loss = 1e-300", "metrics.loss > 1.7e308", "metrics.loss >= .5", "metrics.loss >= 5.", "metrics.loss<1e-3",
    "metric.acc > 0.5", "metrics.acc>.5", "metrics.acc >-1", "metrics.acc = 1", "metrics.acc = 1.0", "metrics.acc = 01",
    "metrics.`val loss` > 3", 'metrics."val loss" > 3', "metrics.'val loss' > 3", "`metrics`.acc > 0.5",
    "metrics.`a/b-c` > 0", "metrics.ü.日 = 1", "metrics.`ü.日` = 1", "metrics.1st > 0", "metrics.none > 0",
    "metrics.loss > 0 AND metrics.loss < 1", "metrics.loss > 0 AND metrics.acc > 0.5 AND metrics.`val loss` > 1",
    f"metrics.{'k' * 250} > 0", f"metrics.`{'k' * 250}` = 8", "metrics.`` > 1", "metrics. > 1", "metrics.* > 1",
    "metrics.loss = 0.50000000000000000000000001", "metrics.loss > -0", "metrics.loss != -0.0",
    "metrics.loss > 100000000000000000000000000000000", "metrics.acc\n>\n0.5", "\tmetrics.acc > 0.5\n",
    # texts
    *(f"params.depth {how} {value}" for how in ("=", "!=", "LIKE", "ILIKE", "like", "iLike")
      for value in ("'6'", "'%'", "'_'", "''", "'%6%'", "'ÄÖ'", "'it%'")),
    "params.depth = \"It's\"", "params.depth = 'say \"x\"'", "params.depth LIKE '100\\%'",
    "params.depth LIKE 'under\\_%'",
    "params.depth LIKE 'under_score'", "params.depth ILIKE 'äö'", "params.depth ILIKE 'Äö'", "params.depth = 'it''s'",
    "param.lr = '0.1'", "parameters.lr = '0.1'", "parameter.lr LIKE '1e%'", "params.`git branch` = 'main'",
    "params.`git branch` LIKE 'dev/%'", "params.empty = ''", "params.depth IS NULL", "params.depth is not null",
    "params.depth Is Not Null", "params.none IS NULL", "params.none IS NOT NULL",
    "params.depth = 'x' AND params.lr = 'y'",
    "params.depth = '6' AND params.lr = '0.1'", "params.depth = '6' and params.lr != '0.1'",
    *(f"tags.team {how} {value}" for how in ("=", "!=", "LIKE", "ILIKE")
      for value in ("'risk'", "'R%'", "'r_sk'", "'%\\%%'", "'日本'", "'%日%'", "'back\\slash'")),
    "tags.team = 'x\\'", "tags.team LIKE 'new%line'", "tags.team LIKE 'new\nline'", "tags.team LIKE 'tab_here'",
    "tag.team = 'risk'", "tags.mlflow.note.content = 'a note'", "tags.`mlflow.note.content` = 'a note'",
    "tags.mlflow.parentRunId = '<0>'", "tags.\"mlflow.parentRunId\" = '<0>'", "tags.`Key With Spaces` = 'v'",
    "tags.order = '1'", "tags.order IS NULL", "tags.team IS NULL AND params.depth IS NOT NULL", "tags.team IS\nNULL",
    "tags.team IS NULL AND metrics.loss > 0", "tags.mlflow.runName = 'first'",
    "tags.team = 'risk' AND tags.team = 'Risk'",
    "tags.team LIKE '%'", "tags.team LIKE ''", "tags.team ILIKE '%\nL%'",
    # attributes
    *(f"{name} {how} '{value}'" for name in ("status", "attributes.status", "attr.status", "run.status",
    "attribute.status")
      for how, value in (("=", "FINISHED"), ("!=", "FINISHED"), ("LIKE", "F%"), ("ILIKE", "f%"))),
    *(f"{name} {how} {value}" for name in ("start_time", "attributes.end_time", "created", "run.Created")
      for how, value in (("=", 2000), (">", 2000), ("<=", 2000.5), ("!=", 5000), ("<", "1e4"), (">=", -1))),
    "run_name = 'first'", "attributes.run_name LIKE 'with%'", "attributes.`run name` = '日本'", "`Run name` = 'a_b'",
    "\"Run Name\" ILIKE 'ZWEITER'", "run_name != 'first'", "run_name = \"with 'single'\"", "`run_name` = 'first'",
    "user_id = ''", "user_id != 'unknown'", "artifact_uri LIKE '%/<0>/%'", "artifact_uri ILIKE '%ARTIFACTS'",
    "run_id = '<0>'", "attributes.run_id != '<0>'", "run_id LIKE '%a%'", "run_id IN ('<0>', '<1>', 'none')",
    "run_id in ('<0>')", "run_id NOT IN ('<0>', '<1>')", "attributes.run_id not in ('<0>')", "run_id IN ('<0>',)",
    "run_id IN (\"<0>\", '<1>')", "run_id IN('<0>','<1>')", "run_id IN ( '<0>' , '<1>' )",
    "run_id IN ('<0>' '')", "run_id NOT\nIN ('<0>')", "run_id IN (\n'<0>',\n'<1>'\n)", "run_id IN ('\\x61')",
    "run_id IN ('<0>') AND metrics.loss > 0", "metrics.loss > 0 AND run_id IN ('<0>')",
    "run_id IN ('<0>') AND run_id NOT IN ('<1>')",
    # datasets
    *(f"{name} {how} {value}" for name in ("datasets.name", "dataset.digest", "datasets.context", "dataset.`context`")
      for how, value in (("=", "'iris'"), ("!=", "'iris'"), ("LIKE", "'%i%'"), ("ILIKE", "'TRAIN'"), ("=", "'train'"),
                         ("IN", "('iris', 'd1', 'train')"), ("NOT IN", "('iris', 'd1', 'train')"))),
    "datasets.name = 'iris' AND datasets.context = 'eval'", "datasets.name = 'iris' AND datasets.digest = 'd3'",
    "datasets.name = \"it's\"", "datasets.name IN ('it\\'s')", "datasets.name = 'iris' AND metrics.loss > 0.3",
    # what joins them
    "AND", "and AND", "metrics.loss > 0 AND", "AND metrics.loss > 0", "metrics.loss > 0 AND AND metrics.acc > 0",
    "metrics.loss > 0 metrics.acc > 0.5", "params.depth = '6'metrics.loss > 0", "params.depth='6'AND metrics.loss>0",
]
ORDERS = [
    *([key + way] for key in ("metrics.loss", "metric.acc", "params.depth", "param.lr", "tags.team", "tag.order",
                              "attributes.start_time", "start_time", "end_time", "attributes.status", "run_name",
                              "user_id", "artifact_uri", "run_id", "created", "attribute.Created", "run.status",
                              "metrics.`val loss`", 'metrics."val loss"', "params.`git branch`",
                              "tags.`Key With Spaces`",
                              "tags.mlflow.runName", "metrics.ü.日", "metrics.none", "tags.none", "metrics.1st")
      for way in ("", " ASC", " DESC", " desc")),
    ["metrics.acc DESC", "metrics.loss"], ["params.depth", "tags.team DESC", "start_time"], ["status", "end_time DESC"],
    ["start_time ASC", "run_id DESC"], ["tags.team", "params.team", "metrics.team"], [], ["metrics.loss   DESC"],
    ["metrics.loss", "metrics.acc", "metrics.`val loss`", "metrics.`a/b-c`", "params.lr", "params.depth", "tags.team"],
]
BAD = [
    "metrics.loss", "metrics.loss >", "metrics.loss > 'a'", "metrics.loss > a", "metrics.loss = '0.5'", "> 1",
    "metrics.loss > 1 OR metrics.loss < 0", "metrics.loss LIKE '1'", "metrics.loss IN (1)", "metrics.loss == 1",
    "metrics.loss <> 1", "metrics.loss => 1", "metrics.loss =! 1", "metrics.loss > = 1", "metrics.loss > 1; ", ";",
    "metrics.loss > 1; metrics.acc > 1", "metrics.loss > -", "metrics.loss > +1", "metrics.loss > - 1",
    "metrics.loss > 1e+5", "metrics.loss > .5e3", "metrics.loss > 1_000", "metrics.loss > 0x10", "metrics.loss > 1,5",
    "metrics.loss > 1-2", "metrics.loss > 1 2", "metrics.loss > NaN", "metrics.loss > inf", "metrics.loss > NULL",
    "metrics.loss IS NULL", "metrics.loss IS NOT NULL", "metrics.val loss > 1", "metrics.val-loss > 1",
    "metrics.12 > 1", "metrics.1 > 1", "metrics.in > 1", "metrics.as > 1", "metrics.a.from > 1", "metrics.a/b > 1",
    "metric . loss > 1", "metricss.loss > 1", "Metrics.loss > 1", "METRICS.loss > 1", "\"metrics\".loss > 1",
    "`metrics.loss` > 1", "loss > 1", ".loss > 1", "1 < metrics.loss", "metrics.loss > metrics.acc",
    "metrics.loss BETWEEN 1 AND 2", "NOT metrics.loss > 1", "(metrics.loss > 1)", "metrics.loss > (1)",
    "metrics.loss > 1 AND (params.depth = '6')", "metrics.loss > 1 -- all", "-- all", "/* x */ metrics.loss > 1",
    "metrics.loss > /* x */ 1", "# all", "metrics.loss > 1,", "metrics.loss > 1, metrics.acc > 1", "metrics.`loss > 1",
    "metrics.loss RLIKE 'a'", "metrics.loss NOT LIKE 'a'", "metrics.loss > 1 &", "metrics.loss > $1",
    "metrics.loss > ?",
    "params.depth = 6", "params.depth = six", "params.depth = `6`", "params.depth > '6'", "params.depth <= '6'",
    "params.depth IN ('6')", "params.depth NOT IN ('6')", "params.depth NOT LIKE '6'", "params.depth = '6",
    "params.depth =",
    "params.depth = 6'", "params.depth = '6' OR params.lr = '1'", "params.depth = '6' '7'", "params.depth = NULL",
    "params.depth IS NOT  NULL", "params.depth IS NOT\tNULL", "params.depth IS", "params.depth IS '6'",
    "params.depth NOT NULL",
    "params.depth ISNULL", "params.depth REGEXP '6'", "'params'.depth = '6'", "params.depth = params.lr",
    "params.depth LIKE 6", "params.depth ILIKE", "params.depth '6'", "params 'depth' = '6'", "params = '6'",
    "tags.team = risk", "tags.team ~ 'a'", "tags.team = 'a' AND tags", "tags.team ! 'a'", "tags.team = \"a' ",
    "status = FINISHED", "status > 'A'", "status IN ('FINISHED')", "status IS NULL", "status = 1",
    "'status' = 'FINISHED'",
    "run_name IN ('first')", "start_time = '2000'", "start_time LIKE '2%'", "start_time > a", "start_time IN (1)",
    "start_time IS NULL", "attributes.nothing = 'a'", "attributes. = 'a'", "lifecycle_stage = 'active'",
    "experiment_id = '1'", "attributes.Status = 'FINISHED'", "attributes.`run_name`.x = 'a'",
    "run_id IN ()", "run_id IN ('a'", "run_id IN 'a'", "run_id IN ('a', 1)", "run_id IN (1)", "run_id IN",
    "run_id NOT ('a')",
    "run_id IN ('a' AND metrics.loss > 1", "run_id NOT IN", "run_id > 'a'", "run_id IN ('a') OR run_id IN ('b')",
    "run_id = ('a')", "run_id != ('a')", "run_id IN ('a',,'b')", "run_id IN (['a'])", "run_id IN (('a'), 'b', 3)",
    "datasets.size = '1'", "datasets.name = iris", "datasets.name > 'a'", "datasets.name IS NULL", "datasets = 'iris'",
    "datasets.name IN ()", "datasets.name IN ('a', 2)", "datasets.name = 1", "models.name = 'a'",
    "   ", "\n", "!", "''", "1", "AND OR", "and metrics", "SELECT 1", "metrics.loss > 1 UNION SELECT 1", "é = 'é'",
    "🙂 > 1",
]
BAD_ORDERS = [
    ["metrics.loss UP"], ["metrics.loss ASC DESC"], ["loss"], ["loss DESC"], ["datasets.name"], ["`Run Name`"],
    ["run name"],
    ["metrics.loss >"], ["metrics.val loss"], ["metrics.loss DESC NULLS LAST"], ["models.a"], ["attributes.nothing"],
    ["1"],
    ["metrics.loss; "], ["metrics.a-b"], ["DESC"], ["metrics.loss DESC,"], ["metrics.12"], ["Run Name DESC"],
    ["'status'"],
]
DIFFERENT = {
    "search-trips": ["run_id IN (a)", "run_id IN (a.b)", "start_time > 99999999999999999999999",
                     "run_id IN ('<0>', None, 1 + 1)", "run_id NOT IN (x, 'y')"],
    "search-names": ["metrics. loss > 0", "metrics.f(x) > 0", "metrics.a[0] > 0", "metrics.loss ASC > 0",
    "metrics.a::b > 0",
                     "tags.team DESC = 'risk'"],
    "search-numbers": ["metrics.loss > ٣"],
    "search-lists": ["run_id IN (('<0>', '<1>'))", "run_id IN ('''<0>''')", "run_id IN (r'<0>')",
    "run_id IN ('\\N{DIGIT ONE}')",
                     "run_id IN ('\\101')"],
}
DIFFERENT_ORDERS = {
    "search-trips": [["metrics.loss", "metrics.loss DESC"], ["created", "attributes.start_time"],
                     ["tags.team", "params.team", "tag.team"]],
    "search-order-text": [[" metrics.loss"], ["metrics.loss "], ["metrics.acc, metrics.loss"], [""]],
}
DIFFERENCES = {*DIFFERENT, *DIFFERENT_ORDERS}


def answers(store, filter, order, view="all", experiments=None):
    experiments = experiments or store.experiments
    views = {"all": ViewType.ALL, "active": ViewType.ACTIVE_ONLY, "deleted": ViewType.DELETED_ONLY}
    if filter:
        for number in (0, 1):
            filter = filter.replace(f"<{number}>", store.runs[number])
    return (theirs(lambda: (store.tracking.search_runs(experiments, filter, views[view], 1000, order),
                            lambda run: run.info.run_id)),
            ours(lambda: (store.ml.search_runs(filter, order_by=order, view=view, experiment_ids=experiments),
                          lambda run: run.id)))


@pytest.mark.parametrize("question", GOOD)
def test_a_filter_finds_the_same_runs(store, question):
    left, right = answers(store, question, None)
    assert left[0] == "ok", left
    compare(left, right, None, question)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_an_order_puts_runs_the_same_way(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "ok", left
    compare(left, right, None, order)


@pytest.mark.parametrize("question", BAD)
def test_a_filter_that_mlflow_refuses_is_refused(store, question):
    left, right = answers(store, question, None)
    assert left[0] == "error", left
    compare(left, right, None, question)


@pytest.mark.parametrize("order", BAD_ORDERS, ids=str)
def test_an_order_that_mlflow_refuses_is_refused(store, order):
    left, right = answers(store, None, order)
    assert left[0] == "error", left
    compare(left, right, None, order)


@pytest.mark.parametrize("name, question", [(name, question) for name in DIFFERENT for question in DIFFERENT[name]])
def test_filters_that_differ_are_those_that_are_listed(store, name, question):
    compare(*answers(store, question, None), name, question)


@pytest.mark.parametrize("name, order", [(name, order) for name,
                         orders in DIFFERENT_ORDERS.items() for order in orders],
                         ids=str)
def test_orders_that_differ_are_those_that_are_listed(store, name, order):
    compare(*answers(store, None, order), name, order)


@pytest.mark.parametrize("view", ["active", "deleted", "all"])
@pytest.mark.parametrize("filter, order", [(None, None), ("metrics.loss > 0", ["metrics.acc"]), ("tags.team IS NULL",
                         None)])
def test_views_show_the_same(store, view, filter, order):
    compare(*answers(store, filter, order, view), None, view)


@pytest.mark.parametrize("experiments", [["1"], ["2"], ["1", "2"], ["99"], ["x"], ["1", ""], ["0", "1"]], ids=str)
def test_experiments_restrict_alike(store, experiments):
    compare(*answers(store, "metrics.acc > 0", ["metrics.loss"], experiments=experiments), None, experiments)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 14, 15])
@pytest.mark.parametrize("filter, order", [(None, None), (None, ["metrics.loss DESC"]), ("metrics.acc > 0.1",
                         ["tags.team"]),
                                           ("params.depth IS NOT NULL", ["params.lr", "metrics.acc DESC"])])
def test_a_walk_through_pages_meets_the_same_runs(store, size, filter, order):
    def mlflow(token):
        page = store.tracking.search_runs(store.experiments, filter, ViewType.ALL, size, order, token)
        return page, lambda run: run.info.run_id, page.token

    def mlplat(token):
        page = store.ml.search_runs(filter, order_by=order, view="all", experiment_ids=store.experiments,
                                    max_results=size, page_token=token)
        return page, lambda run: run.id, page.next_page_token
    assert walk(mlflow) == walk(mlplat)


def test_a_page_token_of_one_is_taken_by_the_other(store):
    first = store.ml.search_runs(view="all", experiment_ids=store.experiments, max_results=4)
    second = store.tracking.search_runs(store.experiments, None, ViewType.ALL, 4, None, first.next_page_token)
    token = second.token.decode()
    third = store.ml.search_runs(view="all", experiment_ids=store.experiments, max_results=4, page_token=token)
    every = store.ml.search_runs(view="all", experiment_ids=store.experiments)
    assert [run.id for run in first] + [run.info.run_id for run in second] + [run.id for run in third] == \
        [run.id for run in every][:12]


@pytest.mark.parametrize("token", ["nonsense", "e30=", "eyJvZmZzZXQiOiAwfQ==", "eyJvZmZzZXQiOiAieCJ9"])
def test_a_page_token_that_mlflow_refuses_is_refused(store, token):
    left = theirs(lambda: (store.tracking.search_runs(["1"], None, ViewType.ALL, 1, None, token), None))
    right = ours(lambda: (store.ml.search_runs(experiment_ids=["1"], max_results=1, page_token=token), None))
    assert left[0] == "error"
    compare(left, right, None, token)


@pytest.mark.parametrize("size", [-1, 50001])
def test_a_page_size_that_mlflow_refuses_is_refused(store, size):
    compare(theirs(lambda: (store.tracking.search_runs(["1"], None, ViewType.ALL, size), None)),
            ours(lambda: (store.ml.search_runs(max_results=size), None)), None, size)

"""What somebody new to it gets wrong: the message names the thing, what came, and what would be right."""

import datetime
import json

import mlplat
import pytest

np = pytest.importorskip("numpy")


@pytest.mark.parametrize("call, error, words", [
    (lambda run: run.log_metrics({"auc": None}), TypeError, "metric 'auc' must be a number, not NoneType"),
    (lambda run: run.log_metrics({"auc": [1, 2]}), TypeError, "metric 'auc' must be a number, not list"),
    (lambda run: run.log_batch({"auc": "high"}), ValueError, "metric 'auc' must be a number, not 'high'"),
    (lambda run: run.log_metrics([("auc", 1)]), TypeError, "metrics must be a mapping, .*, not list"),
    (lambda run: run.log_params(["depth"]), TypeError, "params must be a mapping, .*, not list"),
    (lambda run: run.set_tags("team"), TypeError, "tags must be a mapping, .*, not str"),
    (lambda run: run.log_params({None: 1}), TypeError, "a key of params must be str, not NoneType"),
    (lambda run: run.set_tags({True: 1}), TypeError, "a key of tags must be str, not bool"),
    (lambda run: run.log_metrics({5: 1}), TypeError, "a key of metrics must be str, not int"),
    (lambda run: run.log_batch(metrics={5: 1}), TypeError, "a key of metrics must be str, not int"),
    (lambda run: run.log_dict({"loss": float("nan")}, "a.json"), ValueError, "NaN and infinities: give None or a text"),
    (lambda run: run.log_figure(1, "a.png"), TypeError, "matplotlib's or plotly's, not int"),
    (lambda run: run.log_input([1]), TypeError, "a numpy array, not list"),
])
def test_of_a_run(run, call, error, words):
    with pytest.raises(error, match=words):
        call(run)


def test_an_image_format_that_nobody_writes(run):
    pytest.importorskip("PIL")
    with pytest.raises(ValueError, match=r"ends in \.xyz: take \.png, \.jpg or \.webp"):
        run.log_image(np.zeros((3, 3)), "a.xyz")


@pytest.mark.parametrize("call, error, words", [
    (lambda ml: ml.run(params=[1]), TypeError, "must be a mapping, .*, not list"),
    (lambda ml: ml.search_runs(experiment_ids=[1]), TypeError, "experiment_ids must be text or several texts, not int"),
    (lambda ml: ml.search_runs(order_by=5), TypeError, "order_by must be text or several texts, not int"),
    (lambda ml: ml.search_runs(page_token="next!"), mlplat.Invalid, "'next!' is no token of a page: give next_page_token"),
    (lambda ml: ml.search_runs("metrics.a > 1 OR metrics.a < 0"), mlplat.Invalid,
     "character 15, at OR: comparisons are joined by AND: there is no OR"),
    (lambda ml: ml.search_runs("(metrics.a > 1)"), mlplat.Invalid, r"there is no OR, NOT or \(\.\.\.\)"),
    (lambda ml: ml.plot([], "loss"), ValueError, "no runs are given"),
    (lambda ml: ml.compare(ml.search_runs("params.none = 'x'")), ValueError, "no runs are given"),
    (lambda ml: mlplat.display.html(5), TypeError, "type int has no HTML"),
    (lambda ml: ml.registry.version("m", None), TypeError, 'a number, an alias or "latest", not NoneType'),
    (lambda ml: ml.registry.version("m", 1.0), TypeError, 'a number, an alias or "latest", not float'),
    (lambda ml: ml.artifacts.resolve("models:/m"), mlplat.NotFound, "name the version too, models:/m/1 or models:/m@"),
    (lambda ml: ml.artifacts.resolve("models:/m-1"), mlplat.NotFound, "there is no logged model 'm-1' in '[^']*'$"),
    (lambda ml: ml.prompts.register("p", 5), TypeError, "template must be text or a list of messages, .*, not int"),
])
def test_of_a_session(ml, call, error, words):
    with pytest.raises(error, match=words):
        call(ml)


def test_an_experiment_of_another_store_that_the_environment_names(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")  # mlflow.set_experiment() leaves it there
    with mlplat.open() as ml, pytest.raises(mlplat.NotFound, match="has the id 7 in .*MLFLOW_EXPERIMENT_ID"):
        ml.run()


@pytest.mark.parametrize("uri, error, words", [
    ("mlflow.db", mlplat.Invalid, "'mlflow.db' .*is a path: write sqlite:///mlflow.db"),
    ("/data/runs.sqlite", mlplat.Invalid, "is a path: write sqlite:///"),
    ("databricks", mlplat.Unsupported, "'databricks' .*is of no kind that is known here"),
    ("./mlruns", mlplat.Unsupported, "migrate-filestore"),
])
def test_a_uri_that_is_none(folder, uri, error, words):
    with pytest.raises(error, match=words):
        mlplat.open(uri)


def test_a_document_of_what_json_does_not_have_is_written_as_mlflow_does(ml, run):
    when = datetime.datetime(2026, 1, 2, 3, 4, 5)
    run.log_dict({"when": when, "rows": np.arange(2), "kinds": {1}}, "config.json")
    written = json.loads(ml.artifacts.read(f"runs:/{run.id}/config.json"))
    assert written == {"when": str(when), "rows": [0, 1], "kinds": "{1}"}


def test_logged_models_and_prompts_show_in_a_line(ml):
    model = ml.logged_models.create("forest")
    assert repr(model) == f"<mlplat.LoggedModel 'forest' {model.id} PENDING>"
    ml.prompts.register("greeting", "Hello {{ name }}")
    assert repr(ml.prompts.load("greeting")) == "<mlplat.PromptVersion 'greeting' 1>"

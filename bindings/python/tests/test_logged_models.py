import mlplat
import pytest


def test_a_logged_model_lives_with_params_tags_and_metrics(ml):
    with ml.run("train") as run:
        model = ml.logged_models.create("forest", model_type="classifier", source_run=run, params={"depth": 6},
                                        tags={"team": "risk"})
        run.log_metrics({"auc": 0.9, "nan": float("nan")}, step=2, timestamp_ms=5, model_id=model.id,
                        dataset=("test", "abc"))
    assert isinstance(model, mlplat.LoggedModel)
    assert model.status == "PENDING" and model.source_run_id == run.id and model.experiment_id == run.experiment_id
    assert model.uri == f"models:/{model.id}" and model.artifact_uri.endswith(f"/models/{model.id}/artifacts")
    assert ml.logged_models.finalize(model.id).status == "READY"
    ml.logged_models.set_tags(model.id, {"team": "fraud", "a": 1})
    ml.logged_models.delete_tag(model.id, "a")
    ml.logged_models.log_params(model.id, {"trees": 10})
    now = ml.logged_models.get(model.id)
    assert (now.name, now.tags, now.params) == ("forest", {"team": "fraud"}, {"depth": "6", "trees": "10"})
    assert now.metrics[0] == {"key": "auc", "value": 0.9, "step": 2, "timestamp": 5, "model_id": model.id,
                              "run_id": run.id, "dataset_name": "test", "dataset_digest": "abc"}
    with pytest.raises(mlplat.Exists):
        ml.logged_models.log_params(model.id, {"trees": 10})
    ml.logged_models.delete(model.id)
    with pytest.raises(mlplat.NotFound):
        ml.logged_models.get(model.id)


def test_a_model_id_that_is_not_there_is_refused_by_the_call(ml):
    with ml.run() as run, pytest.raises(mlplat.NotFound, match="m-nothing"):
        run.log_metrics({"auc": 1}, model_id="m-nothing")


def test_experiments_and_runs_are_changed(ml):
    id = ml.experiments.create("before", tags={"a": 1})
    ml.experiments.rename(id, "after")
    ml.experiments.delete_tag(id, "a")
    assert ml.experiments.get(id)["name"] == "after" and ml.experiments.get(id)["tags"] == []
    with ml.run("first") as run:
        pass
    ml.update_run(run.id, name="second", status="KILLED", end_time_ms=77)
    data = ml.get_run(run.id)
    assert (data.name, data.tags["mlflow.runName"], data.status, data["info"]["end_time"]) == (
        "second", "second", "KILLED", 77)


def test_a_sample_has_what_a_plot_shows(ml):
    with ml.run() as run:
        run.log("loss", [float(i % 10) for i in range(1000)] + [float("nan")])
    sample = ml.metric_sample(run, "loss", 10)
    assert sample["count"] == 1001 and sample["nan"] == 1 and sample["low"] == 0 and sample["high"] == 1000
    assert len(sample["buckets"]) == 10
    assert sum(bucket["count"] for bucket in sample["buckets"]) == 1001
    assert all(b["min"]["value"] == 0 and b["max"]["value"] == 9 for b in sample["buckets"])
    assert sample["buckets"][-1]["last"]["value"] != sample["buckets"][-1]["last"]["value"]
    assert ml.metric_sample(run, "loss", 5, axis="time")["axis"] == "time"


def test_logged_models_are_searched(ml):
    with ml.run() as run:
        made = [ml.logged_models.create(name, source_run=run, params={"depth": depth})
                for name, depth in (("a", 1), ("b", 2), ("c", 2))]
        run.log_batch([{"key": "auc", "value": value, "model_id": model.id, "dataset_name": name, "dataset_digest": "1"}
                       for model, train, test in zip(made, (0.9, 0.8, 0.7), (0.5, 0.6, 0.7))
                       for name, value in (("train", train), ("test", test))])
    def names(*args, **options):
        return [model.name for model in ml.logged_models.search(*args, **options)]
    assert names("params.depth = '2'", order_by="name DESC") == ["c", "b"]
    assert names("metrics.auc > 0.75", datasets=[{"dataset_name": "train"}], order_by=["name"]) == ["a", "b"]
    by_test = [{"field_name": "metrics.auc", "ascending": False, "dataset_name": "test"}]
    assert names(order_by=by_test, experiment="Default") == ["c", "b", "a"]
    first = ml.logged_models.search(order_by=by_test, max_results=2)
    assert names(order_by=by_test, max_results=2, page_token=first.next_page_token) == ["a"]
    with pytest.raises(mlplat.Invalid, match="another filter_string"):
        names("name = 'a'", order_by=by_test, page_token=first.next_page_token)


def test_one_metric_of_several_runs(ml):
    with ml.run() as one, ml.run() as two:
        for run in (one, two):
            run.log("loss", [1.0, 2.0])
    points = ml.metric_history_bulk([one, two.id], "loss")
    assert sorted((p["run_id"], p["step"], p["value"]) for p in points) == sorted(
        (run.id, step, step + 1.0) for run in (one, two) for step in (0, 1))
    assert len(ml.metric_history_bulk([one, two], "loss", max_results=3)) == 3

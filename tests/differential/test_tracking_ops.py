"""Operations of tracking, valid and invalid, beside MLflow's."""

import pytest

from harness import Case
from tracking_operations import (create_experiment, create_logged_model, create_run, delete_experiment,
                                 delete_experiment_tag, delete_logged_model, delete_logged_model_tag, delete_run,
                                 delete_tag, experiment_by_name, finalize_logged_model, get_experiment,
                                 get_logged_model, get_run, history, history_bulk, log_batch, log_inputs,
                                 log_logged_model_params, log_metric, log_outputs, log_param, rename_experiment,
                                 restore_experiment, restore_run, set_experiment_tag, set_logged_model_tags, set_tag,
                                 update_run)

RUN = create_run().keep("r")
MODEL = create_logged_model(tags={"team": "risk"}, params={"depth": "6"}).keep("m")
E = create_experiment("fraud", tags={"team": "risk", "empty": ""}).keep("e")
NOBODY = "0123456789abcdef0123456789abcdef"
INF, NAN = float("inf"), float("nan")
WORDS = ("a", "ö", "模型", "🙂", "'; DROP TABLE--", "a%b", 'a"b', "a\\b", "a b")
KEYS = ("a", "a b", "a/b", "a.b", "a-b", "a:b", "ö", "模型", "x" * 250, "A" * 249 + "ö")
BAD_KEYS = ("", " ", "/a", "a/", "a//b", "..", "../a", "a/../b", ".", "./a", "a%b", "a\tb", "a'b", "🙂", "x" * 251)


def metric(key="loss", value=1.0, timestamp=5, step=0, **more):
    return {"key": key, "value": value, "timestamp": timestamp, "step": step, **more}


def dataset(name="train", digest="abc", source_type="local", source="{}", schema=None, profile=None, **tags):
    return {"name": name, "digest": digest, "source_type": source_type, "source": source, "schema": schema,
            "profile": profile}, tags


EXPERIMENTS = [
    Case("an experiment", E, get_experiment("<e>"), experiment_by_name("fraud")),
    Case("an experiment with a place", create_experiment("e", "s3://bucket/path").keep("e"), get_experiment("<e>"),
         create_run("<e>").keep("r"), get_run("<r>"), create_logged_model(experiment="<e>")),
    Case("an experiment in a folder", create_experiment("e", "<root>/here").keep("e"), create_run("<e>").keep("r"),
         get_run("<r>")),
    Case("a taken name", E, create_experiment("fraud"), delete_experiment("<e>"), create_experiment("fraud")),
    Case("an experiment that is not there", get_experiment("77"), experiment_by_name("nothing"),
         rename_experiment("77", "x"), delete_experiment("77"), restore_experiment("77"),
         set_experiment_tag("77", "a", "b"), delete_experiment_tag("77", "a"), create_run("77"),
         create_logged_model(experiment="77")),
    Case("ids that are none", get_experiment("x"), delete_experiment("1.5"), rename_experiment("-", "a")),
    Case("an experiment is renamed", E, rename_experiment("<e>", "new"), get_experiment("<e>"),
         experiment_by_name("fraud"), create_experiment("fraud"), rename_experiment("<e>", "new")),
    Case("an experiment is renamed to a name that is taken", E, create_experiment("other"),
         rename_experiment("<e>", "other").differs("exists"), get_experiment("<e>")),
    Case("the default experiment is renamed", rename_experiment("0", "mine"), get_experiment("0")),
    Case("an experiment is deleted and restored", E, create_run("<e>").keep("r"), create_run("<e>").keep("s"),
         delete_run("<s>"), create_logged_model(experiment="<e>").keep("m"), delete_experiment("<e>"),
         get_experiment("<e>"), get_run("<r>"), get_logged_model("<m>"), experiment_by_name("fraud"),
         restore_experiment("<e>"), get_run("<s>"), get_experiment("<e>")),
    Case("a deleted experiment refuses", E, delete_experiment("<e>"),
         delete_experiment("<e>").differs("deleted"), rename_experiment("<e>", "x"),
         set_experiment_tag("<e>", "a", "b").differs("deleted"),
         delete_experiment_tag("<e>", "team").differs("deleted"), create_run("<e>").differs("deleted"),
         create_logged_model(experiment="<e>").differs("deleted")),
    Case("only a deleted experiment is restored", E, restore_experiment("<e>").differs("deleted")),
    Case("tags of an experiment", E, set_experiment_tag("<e>", "a", "1"), set_experiment_tag("<e>", "a", "2"),
         set_experiment_tag("<e>", "empty", "now"), get_experiment("<e>"), delete_experiment_tag("<e>", "a"),
         delete_experiment_tag("<e>", "a"), get_experiment("<e>")),
    Case("a long tag of an experiment", E, set_experiment_tag("<e>", "a", "x" * 20000),
         set_experiment_tag("<e>", "b", "x" * 20001), set_experiment_tag("<e>", "c", "ö" * 20000)),
    *(Case(f"an experiment named {name[:12]!r}", create_experiment(name).keep("e"), get_experiment("<e>"),
           experiment_by_name(name), rename_experiment("<e>", name + "2"))
      for name in (*WORDS, " ", "/", "x" * 499)),
    Case("experiments with bad names", E, create_experiment(""), create_experiment("x" * 501),
         rename_experiment("<e>", ""), rename_experiment("<e>", "x" * 501)),
    *(Case(f"a tag of an experiment, {key[:12]!r}", set_experiment_tag("0", key, "1"), delete_experiment_tag("0", key),
           create_experiment("e", tags={key: "1"})) for key in (*KEYS, *BAD_KEYS)),
]

RUNS = [
    Case("a run", RUN, get_run("<r>")),
    Case("a run with tags", create_run(tags={"a": "1", "mlflow.note.content": "words"}).keep("r"), get_run("<r>")),
    Case("a run with its name in a tag", create_run(name=None, tags={"mlflow.runName": "x"}).keep("r"), get_run("<r>")),
    Case("a run with two names", create_run(name="a", tags={"mlflow.runName": "b"})),
    Case("a run that is not there", get_run(NOBODY), update_run(NOBODY, "FINISHED"), delete_run(NOBODY),
         restore_run(NOBODY), set_tag(NOBODY, "a", "b"), delete_tag(NOBODY, "a"), log_param(NOBODY, "a", "b"),
         log_metric(NOBODY, "a", 1.0), log_batch(NOBODY, [metric()]), history(NOBODY, "a").differs("empty-history"),
         log_inputs(NOBODY, [dataset()]), log_outputs(NOBODY, "m-1")),
    *(Case(f"a run becomes {status}", RUN, update_run("<r>", status, 99, "later"), get_run("<r>"))
      for status in ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")),
    Case("a part of a run changes", RUN, update_run("<r>", "FAILED"), update_run("<r>", end=7),
         update_run("<r>", name="x"), update_run("<r>", name=""), update_run("<r>"), get_run("<r>")),
    Case("the tag of the name is the name", RUN, set_tag("<r>", "mlflow.runName", "tagged"), get_run("<r>"),
         delete_tag("<r>", "mlflow.runName"), get_run("<r>"), update_run("<r>", name="back"), get_run("<r>")),
    Case("a run is deleted and restored", RUN, delete_run("<r>"), get_run("<r>"), delete_run("<r>"),
         restore_run("<r>"), get_run("<r>"), restore_run("<r>")),
    Case("a deleted run refuses", RUN, set_tag("<r>", "t", "1"), delete_run("<r>"),
         *(step.differs("deleted") for step in (
             update_run("<r>", "FAILED"), set_tag("<r>", "a", "b"), delete_tag("<r>", "t"),
             log_param("<r>", "a", "b"), log_metric("<r>", "a", 1.0), log_batch("<r>", [metric()]),
             log_inputs("<r>", [dataset()]), log_outputs("<r>", "m-1"))), get_run("<r>")),
    Case("tags of a run", RUN, set_tag("<r>", "a", "1"), set_tag("<r>", "a", ""), set_tag("<r>", "b", "ö🙂"),
         get_run("<r>"), delete_tag("<r>", "a"), delete_tag("<r>", "a"), get_run("<r>")),
    Case("a long tag of a run is cut", RUN, set_tag("<r>", "a", "x" * 8000), set_tag("<r>", "b", "x" * 8001),
         set_tag("<r>", "c", "ö" * 8001)),
    Case("params", RUN, log_param("<r>", "a", "1"), log_param("<r>", "a", "1"),
         log_param("<r>", "a", "2").differs("conflict"), log_param("<r>", "e", ""), log_param("<r>", "u", "ö🙂"),
         log_param("<r>", "l", "x" * 6001), get_run("<r>")),
    *(Case(f"keys, {key[:12]!r}", RUN, log_param("<r>", key, "1"), set_tag("<r>", key, "1"),
           log_metric("<r>", key, 1.0), log_batch("<r>", [metric(key)]), log_batch("<r>", params={key: "1"}),
           log_batch("<r>", tags={key: "2"}), get_run("<r>")) for key in (*KEYS, *BAD_KEYS)),
]

METRICS = [
    Case("metrics", RUN, log_metric("<r>", "loss", 0.5, 10, 0), log_metric("<r>", "loss", 0.25, 20, 1),
         log_metric("<r>", "loss", 0.75, 5, 1), get_run("<r>"), history("<r>", "loss"), history("<r>", "none")),
    Case("one metric of several runs", RUN, log_batch("<r>", [metric(step=n, timestamp=9 - n) for n in range(5)]),
         history_bulk("<r>", key="loss"), history_bulk("<r>", key="loss", most=3), history_bulk("<r>", key="none")),
    Case("a point twice is one", RUN, *[log_metric("<r>", "loss", 0.5, 10, 0)] * 2, history("<r>", "loss"),
         log_batch("<r>", [metric(), metric(), metric()]), log_batch("<r>", [metric(), metric(step=1)])),
    *(Case(f"a value, {value}", RUN, log_metric("<r>", "a", value), log_metric("<r>", "a", value),
           log_batch("<r>", [metric("b", value), metric("b", value, step=-1)]), get_run("<r>"), history("<r>", "a"))
      for value in (0.0, -0.0, 1e308, -1e308, 5e-324, 0.1, INF, -INF, NAN, 1.7976931348623157e308)),
    Case("NaN among others", RUN, log_batch("<r>", [metric(value=v, step=0) for v in (1.0, NAN, -1.0, 0.0)]),
         get_run("<r>"), history("<r>", "loss"), log_metric("<r>", "loss", NAN, 6, 0), get_run("<r>")),
    *(Case(f"a latest of {[p[0] for p in points]}", RUN,
           *(log_metric("<r>", "a", value, time, step) for value, time, step in points), get_run("<r>"))
      for points in ([(1.0, 1, 1), (2.0, 2, 0)], [(1.0, 1, 1), (2.0, 2, 1)], [(2.0, 1, 1), (1.0, 1, 1)],
                     [(1.0, 1, 1), (2.0, 1, 1)], [(1.0, 1, -5), (2.0, 9, -6)], [(NAN, 1, 1), (-1.0, 1, 1)],
                     [(-1.0, 1, 1), (NAN, 1, 1)], [(INF, 1, 1), (NAN, 1, 1)])),
    *(Case(f"step {step}", RUN, log_metric("<r>", "a", 1.0, 1, step), history("<r>", "a"))
      for step in (0, -1, 2**31, -2**31, 2**63 - 1, -2**63 + 1)),
    *(Case(f"time {time}", RUN, log_metric("<r>", "a", 1.0, time, 0)) for time in (0, 1, -2, 2**62)),
    Case("a batch of everything", RUN,
         log_batch("<r>", [metric(), metric("auc", 0.5)], {"p": "1", "q": ""}, {"t": "1", "mlflow.runName": "named"}),
         get_run("<r>")),
    Case("an empty batch", RUN, log_batch("<r>"), get_run("<r>")),
    Case("a batch that changes a param", RUN, log_param("<r>", "a", "1"),
         log_batch("<r>", [metric()], {"a": "2", "b": "1"}, {"t": "1"}).differs("conflict"), get_run("<r>")),
    Case("a batch with a bad key leaves nothing", RUN, log_batch("<r>", [metric(), metric("..")], {"p": "1"}),
         log_batch("<r>", [metric()], {"..": "1"}), log_batch("<r>", [metric()], {"p": "1"}, {"..": "1"}),
         get_run("<r>")),
    Case("a batch larger than MLflow's", RUN,
         log_batch("<r>", [metric(step=step) for step in range(1001)]).differs("batch-limits"),
         log_batch("<r>", params={f"p{n}": "1" for n in range(101)}).differs("batch-limits"),
         log_batch("<r>", tags={f"t{n}": "1" for n in range(101)}).differs("batch-limits")).differs(
             "batch-limits", "metrics", "params", "tags", "latest_metrics"),
]

EDGES = [
    Case("a dataset", RUN, log_inputs("<r>", [dataset(schema="{}", profile='{"rows": 1}', context="training")]),
         get_run("<r>")),
    Case("a dataset twice is one", RUN, log_inputs("<r>", [dataset(a="1"), dataset(a="2"), dataset("test")]),
         log_inputs("<r>", [dataset(a="3"), dataset(digest="abd")]), get_run("<r>")),
    Case("runs share a dataset", RUN, create_run().keep("s"), log_inputs("<r>", [dataset()]),
         log_inputs("<s>", [dataset(source="other", a="1")]), get_run("<s>")),
    Case("experiments do not share datasets", RUN, E, create_run("<e>").keep("s"), log_inputs("<r>", [dataset()]),
         log_inputs("<s>", [dataset()]), get_run("<s>")),
    Case("no inputs", RUN, log_inputs("<r>"), get_run("<r>")),
    *(Case(f"a dataset's {name} of {length}", RUN, log_inputs("<r>", [dataset(**{name: "ö" * length})]))
      for name, most in (("name", 500), ("digest", 36), ("source", 65535), ("schema", 1048575))
      for length in (0, most, most + 1)),
    *(Case(f"a tag of a dataset, {len(key)} and {len(value)}", RUN, log_inputs("<r>", [dataset(**{key: value})]))
      for key, value in (("x" * 255, ""), ("x" * 256, ""), ("", "a"), ("a", "ö" * 500), ("a", "x" * 501))),
    Case("models go in", RUN, MODEL, log_inputs("<r>", models=["<m>", "m-other"]), log_inputs("<r>", models=["<m>"]),
         get_run("<r>")),
    Case("models come out", RUN, MODEL, log_outputs("<r>", "<m>", step=7), log_outputs("<r>", "m-other"),
         get_run("<r>")),
    Case("a model comes out twice", RUN, log_outputs("<r>", "m-1"), log_outputs("<r>", "m-1").differs("exists"),
         log_outputs("<r>", "m-2", "m-1").differs("exists"), get_run("<r>")),
]

MODELS = [
    Case("a logged model", MODEL, get_logged_model("<m>")),
    Case("a logged model of a run", RUN, create_logged_model("x", run="<r>", model_type="agent").keep("m"),
         get_logged_model("<m>")),
    Case("a logged model of a run that is not there", create_logged_model("x", run=NOBODY).keep("m"),
         get_logged_model("<m>")),
    *(Case(f"a logged model becomes {status}", MODEL, finalize_logged_model("<m>", status), get_logged_model("<m>"))
      for status in ("READY", "FAILED")),
    Case("a logged model is deleted", MODEL, delete_logged_model("<m>"), get_logged_model("<m>"),
         delete_logged_model("<m>"), set_logged_model_tags("<m>", {"a": "1"}), finalize_logged_model("<m>", "READY"),
         log_logged_model_params("<m>", {"a": "1"}), delete_logged_model_tag("<m>", "a")),
    Case("a logged model that is not there", get_logged_model("m-0"), finalize_logged_model("m-0", "READY"),
         set_logged_model_tags("m-0", {"a": "b"}), delete_logged_model_tag("m-0", "a"),
         log_logged_model_params("m-0", {"a": "b"}), delete_logged_model("m-0")),
    Case("tags of a logged model", MODEL, set_logged_model_tags("<m>", {"a": "1", "team": "x"}),
         set_logged_model_tags("<m>", {}), get_logged_model("<m>"), delete_logged_model_tag("<m>", "a"),
         delete_logged_model_tag("<m>", "a"), get_logged_model("<m>")),
    Case("params of a logged model", MODEL, log_logged_model_params("<m>", {"a": "1", "b": ""}),
         log_logged_model_params("<m>", {"c": "1", "a": "2"}).differs("exists"),
         log_logged_model_params("<m>", {"depth": "6"}).differs("exists"), get_logged_model("<m>")),
    *(Case(f"a logged model named {name[:12]!r}", create_logged_model(name).keep("m"), get_logged_model("<m>"),
           set_logged_model_tags("<m>", {name: name}), log_logged_model_params("<m>", {name: name}),
           get_logged_model("<m>")) for name in ("ö", "模型", "🙂", "a b", "--a", "x" * 500, " ")),
    *(Case(f"no logged model is named {name!r}", create_logged_model(name))
      for name in ("", "a/b", "a:b", "a.b", "a%b", "a'b", 'a"b')),
    Case("metrics of a logged model", RUN, MODEL,
         log_batch("<r>", [metric("auc", 0.5, 5, 0, model_id="<m>", dataset_name="train", dataset_digest="abc"),
                           metric("auc", 0.7, 6, 1, model_id="<m>"), metric("loss", 1.0)]),
         get_logged_model("<m>"), get_run("<r>")),
    Case("a metric of a logged model twice", RUN, MODEL, *[log_batch("<r>", [metric("auc", 0.5, model_id="<m>")])] * 2,
         get_logged_model("<m>")),
    *(Case(f"a metric of a logged model, {value}", RUN, MODEL, log_batch("<r>", [metric("a", value, model_id="<m>")]),
           get_logged_model("<m>"), get_run("<r>")) for value in (NAN, INF, -INF)),
    Case("a dataset without a model says nothing", RUN,
         log_batch("<r>", [metric(dataset_name="train", dataset_digest="abc")]), get_run("<r>")),
]

CASES = EXPERIMENTS + RUNS + METRICS + EDGES + MODELS


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_do_the_same(sides, case):
    sides.check(case)

"""What a typed program sees of mlplat: checked by mypy and pyright, strictly, and not run."""

from __future__ import annotations

import array
import pathlib
from typing import Any, assert_type

import mlplat
from mlplat import artifacts, pipelines, registry, tracking


def tracked(losses: list[float]) -> str:
    with mlplat.open("sqlite:///mlflow.db", durability="process") as ml:
        assert_type(ml, mlplat.Session)
        with ml.run("first", params={"depth": 6, "name": "x"}, tags={"team": "a"}) as run:
            assert_type(run, mlplat.Run)
            run.log("loss", losses)
            run.log("loss", 0.5, 3)
            run.log("loss", array.array("d", losses))
            run.log_artifact(pathlib.Path("notes.txt"))
            assert_type(run.log_model(loader_module="mlflow.sklearn", requirements=["numpy"]), str)
        data = ml.get_run(run.id)
        assert_type(data, mlplat.RunData)
        assert_type(data.metrics, dict[str, float])
        assert_type(data.params, dict[str, str])
        for found in ml.search_runs("metrics.loss < 0.5", max_results=10):
            assert_type(found, mlplat.RunData)
        return run.id


def registered(ml: mlplat.Session, uri: str) -> int:
    assert_type(ml.registry, registry.Registry)
    number = ml.registry.register("fraud", uri, tags={"a": 1})
    assert_type(number, int)
    ml.registry.set_alias("fraud", "champion", number)
    version = ml.registry.version("fraud", "champion")
    assert_type(version, mlplat.ModelVersion)
    assert_type(version.uri, str)
    return version.version


def stored(ml: mlplat.Session) -> bytes:
    assert_type(ml.artifacts, artifacts.Artifacts)
    ml.artifacts.put(pathlib.Path("a.txt"), "runs:/x/a.txt", progress=lambda done, total: done < total)
    return ml.artifacts.read("runs:/x/a.txt")


def piped(ml: mlplat.Session) -> dict[str, Any]:
    pipeline = mlplat.Pipeline("training")
    word = pipeline.input("word", str, default="hello")
    assert_type(word, pipelines.PipelineInput)
    task = pipeline.task(mlplat.Component.container("echo", "busybox", ["echo"], inputs={"word": str}), word=word)
    assert_type(task, mlplat.Task)
    return ml.run_pipeline(pipeline, {"word": "bye"}, workers=2)


def refused(ml: mlplat.Session) -> tracking.RunData | None:
    try:
        return ml.get_run("x")
    except mlplat.NotFound as problem:
        assert_type(problem.retryable, bool)
        return None
    except mlplat.Error as problem:
        raise SystemExit(problem.message) from problem

"""Files of old releases of MLflow, read and written by that MLflow and by us in turn.

./setup.sh test makes a place of its own for the oldest, build/mlflow-2.14.0, and with MLPLAT_HEAVY=1 for the others.
"""

import json
import subprocess
import sys

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")
mlplat = pytest.importorskip("mlplat", reason="the Python binding is not installed: pip install ./bindings/python")

import mlplat.store  # noqa: E402
from programs import ROOT, clean_environment  # noqa: E402

NEWEST = mlplat.store.heads()[-1]["head"]
TURNS = ROOT / "tests/integration/mlflow_turns.py"


class Theirs:
    """A process of an MLflow."""

    def __init__(self, python, version, folder):
        self.log = open(folder / "mlflow.log", "w+")
        self.process = subprocess.Popen([python, TURNS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=self.log, env=clean_environment(), cwd=folder)
        self.version = json.loads(self.process.stdout.readline() or "null")
        assert self.version == version, self.words()

    def words(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, path, **what):
        self.process.stdin.write(json.dumps({"uri": f"sqlite:///{path}", **what}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.words()
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="module", params=["2.14.0", "2.22.0", "3.1.4", mlflow.__version__])
def theirs(request, tmp_path_factory):
    python = sys.executable
    if request.param != mlflow.__version__:
        python = ROOT / f"build/mlflow-{request.param}/bin/python"
        if not python.exists():
            heavy = "" if request.param == "2.14.0" else "MLPLAT_HEAVY=1 "
            pytest.skip(f"there is no MLflow {request.param} at {python}: {heavy}./setup.sh test makes one")
    process = Theirs(python, request.param, tmp_path_factory.mktemp("theirs"))
    yield process
    process.close()


def session(path):
    return mlplat.open(f"sqlite:///{path}", artifact_root=path.parent / "artifacts")


def write(path, name):
    """What mlflow_turns.py writes, by us."""
    with session(path) as ml:
        with ml.run(name, experiment_id="0", params={"depth": "6"}, tags={"by": "mlplat"}) as run:
            run.log("loss", [0.5, 0.25, float("nan")])
            run.log("accuracy", 0.75, step=3)
        version = ml.registry.register("shared", f"/somewhere/{name}", run=run, tags={"by": name})
        ml.registry.set_alias("shared", name, version)
    return run.id


def read(path):
    """What mlflow_turns.py reads, by us."""
    with session(path) as ml:
        runs = {}
        for run in ml.search_runs(experiment_ids=["0"]):
            history = sorted((point["step"], str(point["value"])) for point in ml.metric_history(run.id, "loss"))
            runs[run.name] = [run.status, run.params, run.metrics["accuracy"], [list(point) for point in history],
                              run.tags["by"]]
        versions = {}
        for name in runs:
            version = ml.registry.version("shared", name)
            versions[name] = [version.version, version.source, version.tags]
        model = ml.registry.get("shared")
        return {"runs": runs, "versions": versions,
                "model": [model["description"], {tag["key"]: tag["value"] for tag in model["tags"]}]}


def expected(names):
    history = [[0, "0.5"], [1, "0.25"], [2, "nan"]]
    return {
        "runs": {name: ["FINISHED", {"depth": "6"}, 0.75, history, name.split("-")[0]] for name in names},
        "versions": {name: [i + 1, f"/somewhere/{name}", {"by": name}] for i, name in enumerate(names)},
        "model": ["of both", {"a": "b"}],
    }


@pytest.mark.parametrize("maker", ["mlflow", "mlplat"])
def test_both_write_and_read_in_turn(theirs, tmp_path, maker):
    path = tmp_path / "mlflow.db"
    names = []

    def turn(who, number):
        names.append(f"{who}-{number}")
        if who == "mlflow":
            theirs.ask(path, write=names[-1])
        else:
            write(path, names[-1])
        assert theirs.ask(path, read=True) == expected(names)
        assert read(path) == expected(names)

    if maker == "mlplat":
        with session(path) as ml:
            made = ml.store.create(theirs.version)
            assert made["created"]
            ml.registry.create("shared", "of both", tags={"a": "b"})
        turn("mlplat", 1)
    for number in (2, 3):
        turn("mlflow", number)
        turn("mlplat", number)

    with session(path) as ml:  # at last it moves to the newest head, where the installed MLflow takes it over
        made = ml.store.create()
        assert not made["created"]
        done = ml.store.upgrade(NEWEST)
        assert (done["from"], done["changed"]) == (made["head"], made["head"] != NEWEST)
    turn("mlflow", 4)  # a process that has it open goes on; it could not open it any more
    turn("mlplat", 4)
    client = mlflow.MlflowClient(f"sqlite:///{path}")
    assert {run.info.run_name: run.data.params for run in client.search_runs(["0"])} == {
        name: {"depth": "6"} for name in names}
    assert int(client.get_model_version_by_alias("shared", names[-1]).version) == len(names)


def test_the_head_of_a_release_is_its_mlflows(theirs, tmp_path):
    theirs.ask(tmp_path / "theirs.db", write="mlflow-1")
    made = []
    for name in ("ours", "theirs"):
        with session(tmp_path / f"{name}.db") as ml:
            made.append(ml.store.create(theirs.version))
    assert [one["created"] for one in made] == [True, False]
    assert made[0]["head"] == made[1]["head"]

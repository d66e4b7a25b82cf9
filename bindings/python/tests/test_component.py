import json
import os
import pathlib
import subprocess
import sys

import mlplat
import pytest

SCRIPT = '''
from typing import NamedTuple
import mlplat

class Result(NamedTuple):
    count: int
    share: float
    label: str
    good: bool
    items: list
    table: dict

@mlplat.component(name="all-kinds", image="example.org/steps:1")
def every_kind(rows: mlplat.Input("Dataset", "cleaned rows"), out: mlplat.Output("Model", "what was made"),
               step: mlplat.Step, i: int, d: float = 0.5, s: str = "word", b: bool = True, l: list = [1],
               o: dict = {"a": 1}) -> Result:
    """Takes one of each kind.

    More words.
    """
    assert isinstance(i, int) and isinstance(d, float) and isinstance(b, bool), (i, d, b)
    assert isinstance(s, str) and isinstance(l, list) and isinstance(o, dict)
    text = open(rows.path).read()
    with open(out.path, "w") as file:
        file.write(text.upper())
    if i == 13:
        raise ValueError("thirteen is unlucky\\nin two lines")
    if i == 14:
        raise SystemExit("not good enough")
    out.metadata["framework"] = "none"
    out.metadata.update(rows=[1, 2], nested={"x": None})
    assert out.metadata["framework"] == "none" and rows.uri and out.uri, out.metadata
    return Result(i, d, s, b, l, o)

if __name__ == "__main__":
    every_kind.main()
'''


@pytest.fixture
def step(folder):
    """Runs the script as a component: (exit code, stdout, stderr)."""
    (folder / "every.py").write_text(SCRIPT)
    (folder / "rows.txt").write_text("abc")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def start(*args):
        done = subprocess.run([sys.executable, "every.py", *args], env=environment, capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr
    return start


def executor_input(folder, **parameters):
    return {"inputs": {"parameterValues": parameters,
                       "artifacts": {"rows": {"artifacts": [{
                           "name": "rows", "type": {"schemaTitle": "system.Dataset"}, "uri": str(folder / "rows.txt"),
                           "metadata": {"from": "test"}}]}}},
            "outputs": {"artifacts": {"out": {"artifacts": [{
                            "name": "out", "type": {"schemaTitle": "system.Model"}, "uri": str(folder / "made/out"),
                            "metadata": {}}]}},
                        "parameters": {name: {"outputFile": str(folder / "made" / name)}
                                       for name in ("count", "share", "label", "good", "items", "table")},
                        "outputFile": str(folder / "made/output.json")}}


def test_specification_tells_types_defaults_and_words(step):
    code, out, err = step("--component-spec")
    assert code == 0, err
    spec = mlplat.doc.parse_yaml(out)
    [component] = spec["components"].values()
    inputs = component["inputDefinitions"]
    assert {name: port["parameterType"] for name, port in inputs["parameters"].items()} == {
        "i": "NUMBER_INTEGER", "d": "NUMBER_DOUBLE", "s": "STRING", "b": "BOOLEAN", "l": "LIST", "o": "STRUCT"}
    assert {name: port.get("defaultValue") for name, port in inputs["parameters"].items()} == {
        "i": None, "d": 0.5, "s": "word", "b": True, "l": [1], "o": {"a": 1}}
    assert inputs["artifacts"]["rows"]["artifactType"]["schemaTitle"] == "system.Dataset"
    outputs = component["outputDefinitions"]
    assert set(outputs["parameters"]) == {"count", "share", "label", "good", "items", "table"}
    assert outputs["artifacts"]["out"]["artifactType"]["schemaTitle"] == "system.Model"
    assert spec["pipelineInfo"] == {"name": "all-kinds", "description": "Takes one of each kind."}
    assert "example.org/steps:1" in out


def test_help_names_every_port(step):
    code, out, err = step("--help")
    assert code == 0 and "cleaned rows" in out and "Takes one of each kind." in out, err
    for port in ("rows", "out", "--i", "--d", "--s", "--b", "--l", "--o"):
        assert port in out


def test_runs_under_the_executor_contract(step, folder):
    given = executor_input(folder, i=6, l=[1, "x"], o={"k": [None]}, b=False)
    code, out, err = step("--executor_input", json.dumps(given))
    assert code == 0, err
    assert (folder / "made/out").read_text() == "ABC"
    result = json.loads((folder / "made/output.json").read_text())
    assert result["parameterValues"] == {"count": 6, "share": 0.5, "label": "word", "good": False, "items": [1, "x"],
                                         "table": {"k": [None]}}
    [artifact] = result["artifacts"]["out"]["artifacts"]
    assert artifact["metadata"] == {"framework": "none", "rows": [1, 2], "nested": {"x": None}}


def test_runs_by_hand(step, folder):
    code, out, err = step("--rows", "rows.txt", "--out", "out.txt", "--i", "6", "--s", "hällo", "--b", "false")
    assert code == 0, err
    assert (folder / "out.txt").read_text() == "ABC"
    assert "count=6" in out and "label=hällo" in out


@pytest.mark.parametrize("i, says", [("13", "ValueError: thirteen is unlucky"), ("14", "not good enough")])
def test_exception_is_shown_and_fails_the_step(step, i, says):
    code, out, err = step("--rows", "rows.txt", "--out", "out.txt", "--i", i)
    assert code == 1
    assert "Traceback" in err
    assert says in err.splitlines()[-1], "the last line is the reason, in one line"


@pytest.mark.parametrize("args, says", [
    (["--rows", "rows.txt", "--out", "o", "--i", "x"], "i"),
    (["--rows", "rows.txt", "--out", "o"], "i"),
    (["--rows", "none", "--out", "o", "--i", "1"], "none"),
    (["--rows", "rows.txt", "--out", "o", "--i", "1", "--nothing", "1"], "nothing"),
    (["--executor_input", "{"], "JSON"),
])
def test_wrong_call_is_exit_code_2(step, args, says):
    code, out, err = step(*args)
    assert code == 2 and says in err, err


def test_function_stays_a_function():
    @mlplat.component
    def double_it(x: int) -> int:
        """Twice."""
        return 2 * x
    assert double_it(4) == 8
    assert double_it.name == "double-it" and double_it.__doc__ == "Twice."


@pytest.mark.parametrize("kind", [set, "int | None", None, 3, mlplat.Run])
def test_annotation_that_is_no_type_is_named(kind):
    def step(x):
        pass
    step.__annotations__ = {"x": kind} if kind is not None else {}
    with pytest.raises(TypeError, match="'x' is annotated"):
        mlplat.component(step)


def test_generic_types_and_text_annotations():
    def step(l: "list[int]", o: "dict[str, float]", rows: "mlplat.Input('Dataset')") -> None:
        pass
    made = mlplat.component(step)
    assert made.run_main(["step", "--component-spec"]) == 0


def test_main_answers_in_this_process_too(folder, capfd):
    seen = []

    @mlplat.component
    def record(x: int, y: str = "a") -> str:
        seen.append((x, y))
        return y * x
    assert record.run_main(["record", "--x", "3"]) == 0
    assert seen == [(3, "a")]
    assert "Output=aaa" in capfd.readouterr().out
    with pytest.raises(SystemExit) as caught:
        record.main(["record"])
    assert caught.value.code == 2


def test_step_is_dead_after_its_call(folder):
    kept = []

    @mlplat.component
    def keep(step: mlplat.Step, x: int = 1) -> None:
        kept.extend([step, step.session, step.run])
        step.run.log("m", 1)
    assert keep.run_main(["keep"]) == 0
    step, session, run = kept
    with pytest.raises(ValueError, match="step is closed"):
        step.parameter("x", int)
    with pytest.raises(ValueError, match="session is closed"):
        session.search_runs()
    with pytest.raises(ValueError, match="closed"):
        run.log("m", 2)


def test_runs_of_the_steps_session_end_with_it(folder, statuses):
    @mlplat.component
    def lazy(step: mlplat.Step) -> None:
        step.session.run("own")
        step.run.set_tag("a", 1)
    assert lazy.run_main(["lazy"]) == 0
    found = statuses()
    assert found.pop("own") == "FINISHED" and set(found.values()) == {"FINISHED"}


def test_the_module_is_the_decorator_however_it_is_imported():
    for code in ("import mlplat.component", "from mlplat import component", "from mlplat import Step",
                 "from mlplat.component import Step", "import mlplat.pipelines"):
        subprocess.run([sys.executable, "-c", f"{code}\nimport mlplat\n@mlplat.component\ndef f(x: int): pass\n"
                        "assert f.name == 'f'; from mlplat.component import PythonComponent"],
                       env={**os.environ, "PYTHONPATH": str(pathlib.Path(mlplat.__file__).parent.parent)}, check=True)

import json
import pathlib
import signal
import sys
import time

import mlplat
import pytest

ECHO = ["sh", "-c", 'printf "%s" "$1" > "$2"', "echo", "{{$.inputs.parameters['text']}}",
        "{{$.outputs.artifacts['out'].path}}"]
JOIN = ["sh", "-c", 'cat "$1" "$2" > "$3"', "join", "{{$.inputs.artifacts['a'].path}}",
        "{{$.inputs.artifacts['b'].path}}", "{{$.outputs.artifacts['out'].path}}"]


def echo():
    return mlplat.Component.container("echo", "busybox", ECHO, inputs={"text": str}, outputs={"out": "Dataset"})


def join():
    return mlplat.Component.container("join", "busybox", JOIN, inputs={"a": "Dataset", "b": "Dataset"},
                                      outputs={"out": "Dataset"})


def shell(script, **options):
    return mlplat.Component.container("shell", "busybox", ["sh", "-c", script], **options)


def written(root, content):
    """Whether a file below root holds just this."""
    return any(path.is_file() and path.read_bytes() == content for path in root.rglob("*"))


@pytest.fixture
def diamond():
    p = mlplat.Pipeline("diamond", "two into one")
    word = p.input("word", str, default="hello")
    one = p.task(echo(), text=word)
    two = p.task(echo(), text=" world", task_name="second")
    p.task(join(), a=one["out"], b=two["out"])
    return p


def test_pipeline_runs_and_is_tracked(ml, diamond, folder):
    seen = []
    result = ml.run_pipeline(diamond, {"word": "bye"}, root=folder / "work", experiment="pipes", run_name="first",
                             progress=lambda done, total: seen.append((done, total)))
    assert result["state"] == "SUCCEEDED" and result["pipeline"] == "diamond"
    tasks = {task["name"]: task for task in result["tasks"]}
    assert set(tasks) == {"echo", "second", "join"}
    assert seen and {total for _, total in seen} == {3}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    parent = ml.get_run(result["run_id"])
    assert (parent.name, parent.status) == ("first", "FINISHED")
    for task in tasks.values():
        child = ml.get_run(task["run_id"])
        assert child.tags["mlflow.parentRunId"] == parent.id and child.status == "FINISHED"
    assert "out" in tasks["join"]["outputs"]["artifacts"]
    assert written(folder / "work", b"bye world")


def test_compiled_pipeline_is_kfps(diamond, folder):
    ir = diamond.compile()
    assert ir["pipelineInfo"]["name"] == "diamond" and ir["schemaVersion"].startswith("2.")
    assert set(ir["root"]["dag"]["tasks"]) == {"echo", "second", "join"}
    assert mlplat.doc.parse_yaml(diamond.yaml()) == ir
    for form in (diamond, ir, diamond.yaml()):
        mlplat.pipelines.validate(form)


def test_yaml_and_document_run_like_the_pipeline(ml, diamond, folder):
    for form in (diamond.compile(), diamond.yaml()):
        assert ml.run_pipeline(form, root=folder / "work")["state"] == "SUCCEEDED"


def test_numbers_lists_and_structs_go_through(ml, folder):
    c = mlplat.Component.container(
        "show", "busybox", ["sh", "-c", 'printf "%s|" "$@" > "$0"', "{{$.outputs.artifacts['out'].path}}",
                            *(f"{{{{$.inputs.parameters['{name}']}}}}" for name in "idblo")],
        inputs={"i": int, "d": float, "b": bool, "l": list, "o": dict}, outputs={"out": "Artifact"})
    p = mlplat.Pipeline("types")
    p.task(c, i=2**53 - 1, d=0.5, b=True, l=[1, "x"], o={"k": None})
    ml.run_pipeline(p, root=folder / "work")
    texts = [path.read_text() for path in (folder / "work").rglob("out") if path.is_file()]
    text = texts[0]
    i, d, b, items, struct, _ = text.split("|")
    assert (int(i), float(d), b.lower(), json.loads(items), json.loads(struct)) == \
        (2**53 - 1, 0.5, "true", [1, "x"], {"k": None})


def test_failed_task_raises_state_with_the_whole_result(ml, folder):
    p = mlplat.Pipeline("fails")
    bad = p.task(shell("echo broken >&2; exit 7"), task_name="bad")
    p.task(shell("true"), task_name="later", after=[bad])
    p.task(shell("true"), task_name="apart")
    with pytest.raises(mlplat.State, match="bad") as caught:
        ml.run_pipeline(p, root=folder / "work", keep_going=True)
    result = mlplat.doc.parse(caught.value.document)
    states = {task["name"]: task["state"] for task in result["tasks"]}
    assert states == {"bad": "FAILED", "later": "SKIPPED", "apart": "SUCCEEDED"}
    assert [t["exit_code"] for t in result["tasks"] if t["name"] == "bad"] == [7]
    assert ml.get_run(result["run_id"]).status == "FAILED"


def test_builder_refuses_at_the_call_that_is_wrong(folder):
    p = mlplat.Pipeline("wrong")
    with pytest.raises(mlplat.NotFound, match="nothing"):
        p.task(echo(), nothing=1)
    with pytest.raises(mlplat.Invalid, match="text"):
        p.task(echo(), text=5)
    one = p.task(echo(), text="x")
    with pytest.raises(mlplat.NotFound, match="none"):
        p.task(join(), a=one["none"])
    with pytest.raises(mlplat.Invalid):
        p.task(echo(), text=one["out"])
    with pytest.raises(mlplat.Invalid):
        mlplat.Pipeline("Upper Case")
    with pytest.raises(mlplat.Invalid):
        mlplat.Pipeline("a\0b")
    with pytest.raises(mlplat.Exists):
        echo().input("text", int)
    with pytest.raises(KeyError):
        echo().input("other", set)


def test_missing_input_and_cycle_are_refused():
    p = mlplat.Pipeline("missing")
    p.task(echo())
    with pytest.raises(mlplat.Invalid, match="text"):
        p.compile()
    with pytest.raises(mlplat.Invalid):
        mlplat.Pipeline("empty").compile()
    p = mlplat.Pipeline("cycle")
    one, two = p.task(shell("true")), p.task(shell("true"))
    two.after(one)
    with pytest.raises(mlplat.Invalid, match="cycle"):
        one.after(two)
    with pytest.raises(mlplat.Invalid, match="cycle"):
        one.after(one)


def test_task_of_another_pipeline_is_refused():
    one, two = mlplat.Pipeline("one"), mlplat.Pipeline("two")
    foreign = one.task(echo(), text="x")
    with pytest.raises(mlplat.Error):
        two.task(join(), a=foreign["out"])


def test_tasks_outlive_their_names(diamond):
    """A task keeps its pipeline, and a pipeline what it needs of a component."""
    def make():
        p = mlplat.Pipeline("gone")
        return p.task(echo(), text="x")
    task = make()
    assert task.name == "echo" and task.set("text", "y").name == "echo"


def test_component_from_its_specification():
    spec = echo().env("A", "1").input("more", float, default=1.5).spec()
    again = mlplat.Component.load(mlplat.doc.yaml(spec))
    assert again.spec() == spec
    with pytest.raises(mlplat.Invalid):
        mlplat.Component.load("a: [")


def test_program_that_is_none(folder):
    with pytest.raises(mlplat.NotFound, match="none"):
        mlplat.Component.program("./none")
    (folder / "text").write_text("x")
    with pytest.raises(mlplat.Denied, match="text"):
        mlplat.Component.program(folder / "text")
    with pytest.raises(mlplat.Invalid, match="true"):
        mlplat.Component.program("true")
    with pytest.raises(TypeError):
        mlplat.Component.program(3)


def test_unknown_or_missing_parameter_of_the_pipeline(ml, folder):
    p = mlplat.Pipeline("needs")
    p.task(echo(), text=p.input("word", str))
    with pytest.raises(mlplat.Invalid, match="word"):
        ml.run_pipeline(p, root=folder / "work")
    with pytest.raises(mlplat.Invalid, match="other"):
        ml.run_pipeline(p, {"word": "x", "other": 1}, root=folder / "work")


def test_progress_that_raises_stops_the_pipeline(ml, folder):
    p = mlplat.Pipeline("long")
    p.task(shell("sleep 60"))

    def fail(done, total):
        raise ZeroDivisionError("mine")
    before = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="mine"):
        ml.run_pipeline(p, root=folder / "work", progress=fail)
    assert time.monotonic() - before < 30
    assert {run.status for run in ml.search_runs()} == {"KILLED"}


def test_ctrl_c_stops_a_pipeline_at_once(python, statuses):
    process = python("""
import mlplat, time
p = mlplat.Pipeline("long")
p.task(mlplat.Component.container("sleep", "busybox", ["sleep", "60"]))
said = []
def progress(done, total):
    if not said:
        said.append(print("running", flush=True))
with mlplat.open() as ml:
    try:
        ml.run_pipeline(p, root="work", progress=progress)
    except KeyboardInterrupt:
        print("interrupted", time.monotonic(), flush=True)
""")
    assert process.stdout.readline() == "running\n"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    word, when = process.stdout.readline().split()
    assert word == "interrupted"
    assert float(when) - sent < 3  # the task itself is given time to end
    assert process.wait(60) == 0, process.stderr.read()
    assert set(statuses().values()) == {"KILLED"}


def test_another_thread_runs_while_a_pipeline_does(ml, folder):
    import threading
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.005):
            ticks.append(1)
    thread = threading.Thread(target=tick)
    p = mlplat.Pipeline("short")
    p.task(shell("sleep 0.3"))
    thread.start()
    ml.run_pipeline(p, root=folder / "work")
    stop.set()
    thread.join()
    assert len(ticks) > 5


def test_python_component_in_a_pipeline(ml, folder):
    (folder / "steps.py").write_text('''
import mlplat

@mlplat.component
def double(rows: mlplat.Input("Dataset"), out: mlplat.Output("Dataset"), step: mlplat.Step, times: int = 2) -> int:
    """Writes the rows several times."""
    text = open(rows.path).read() * times
    open(out.path, "w").write(text)
    out.metadata["rows"] = len(text)
    step.run.log("rows", len(text))
    return len(text)

if __name__ == "__main__":
    double.main()
''')
    sys.path.insert(0, str(folder))
    try:
        import steps
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("steps", None)
    p = mlplat.Pipeline("python")
    first = p.task(echo(), text="abc")
    p.task(steps.double, rows=first["out"], times=3)
    result = ml.run_pipeline(p, root=folder / "work")
    [task] = [task for task in result["tasks"] if task["name"] == "double"]
    assert task["outputs"]["parameters"] == {"Output": 9}
    run = ml.get_run(task["run_id"])
    assert run.metrics == {"rows": 9} and run.status == "FINISHED"
    assert written(folder / "work", b"abcabcabc")
    assert pathlib.Path(task["log"]).exists()

"""Our pipelines and kfp's: what each writes, the other reads, and it means the same.

MLPLAT_BINARY_DIR names the build folder (its tests/ has the programs used here); default: build.
"""

import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

kfp = pytest.importorskip("kfp", reason="kfp is not installed")
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

from google.protobuf import json_format  # noqa: E402
from kfp import compiler, components, dsl  # noqa: E402
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output  # noqa: E402
from kfp.pipeline_spec import pipeline_spec_pb2  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MLPLAT_BINARY_DIR", "build")).resolve()
PROBE = BUILD / "tests" / "pipeline_probe"
STEP = BUILD / "tests" / "pipeline_step"

pytestmark = [
    pytest.mark.skipif(not PROBE.exists(), reason=f"{PROBE} is not built; set MLPLAT_BINARY_DIR"),
    pytest.mark.filterwarnings("ignore"),
]


def probe(*words, ok=True):
    """What pipeline_probe prints; its steps find this Python and the test programs in PATH."""
    path = os.pathsep.join([os.path.dirname(sys.executable), str(STEP.parent), os.environ["PATH"]])
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("MLPLAT_", "MLFLOW_"))}
    done = subprocess.run([str(PROBE), *map(str, words)], capture_output=True, text=True, timeout=300,
                          env={**keep, "PATH": path})
    if ok:
        assert done.returncode == 0, done.stderr
    return done.stdout


def run(tmp_path, ir, params=None):
    return json.loads(probe("run", ir, json.dumps(params or {}), tmp_path))


def succeeded(result):
    """The tasks by name of a run that went well."""
    assert result["state"] == "SUCCEEDED", result
    return {task["name"]: task for task in result["tasks"]}


def compiled(tmp_path, function, name="pipeline.yaml"):
    path = tmp_path / name
    compiler.Compiler().compile(function, str(path))
    return path


def strict(text):
    """The document as kfp's own message; any field that KFP does not know is an error."""
    documents = list(yaml.safe_load_all(text))
    assert len(documents) == 1
    return json_format.Parse(json.dumps(documents[0]), pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=False)


@dsl.container_component
def prep(rows: int, name: str, ratio: float, flag: bool, cols: list, opts: dict, out: Output[Dataset],
         n: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="alpine", command=["sh", "-c"],
        args=['printf "%s|" "$@" > "$0"; printf 5 > "$7"', out.path, rows, name, ratio, flag, cols, opts, n])


@dsl.container_component
def use(data: Input[Dataset], n: int, model: Output[Model], extra: str = "x", opt: str = None):
    return dsl.ContainerSpec(
        image="alpine", command=["sh", "-c"],
        args=['printf "<%s>" "$@" > "$0"; cat "$1" >> "$0"', model.path, data.path,
              dsl.IfPresentPlaceholder(input_name="opt", then=["--opt", opt], else_=["none"]),
              dsl.ConcatPlaceholder(["a", extra, "b"]), n, "{{$.pipeline_task_name}}"])


@dsl.component(base_image="python:3.11")
def light(a: int, data: Input[Model], b: str = "q", out: Output[Metrics] = None) -> int:
    out.log_metric("length", len(open(data.path).read()))
    print("light was here", b)
    return a + 1


@dsl.component(base_image="python:3.11")
def many(n: int, metrics: Input[Metrics], ratio: float = 0.25, names: list = ["x"], more: dict = {"k": 1},
         flag: bool = True) -> dict:
    assert isinstance(n, int) and isinstance(ratio, float) and flag is True
    assert isinstance(metrics.metadata["length"], (int, float))
    return {"n": n, "ratio": ratio, "names": names, "more": more}


@dsl.pipeline(name="my-pipe", description="hello\nworld")
def my_pipe(rows: int, name: str = "bob", ratio: float = 0.5, flag: bool = True, cols: list = [1, "a"],
            opts: dict = {"k": 1.5}):
    made = prep(rows=rows, name=name, ratio=ratio, flag=flag, cols=cols, opts=opts)
    first = use(data=made.outputs["out"], n=made.outputs["n"], extra=name)
    use(data=made.outputs["out"], n=3).after(first)
    light(a=7, data=first.outputs["model"])


def test_our_document_means_what_kfps_compiler_writes(tmp_path):
    for name, component in (("prep", prep), ("use", use), ("light", light)):
        compiled(tmp_path, component, f"{name}.yaml")
    ours = strict(probe("example", tmp_path))
    theirs = strict(compiled(tmp_path, my_pipe).read_text())
    assert ours.sdk_version.startswith("mlplat-")
    ours.sdk_version = theirs.sdk_version
    assert json_format.MessageToDict(ours) == json_format.MessageToDict(theirs)


def test_kfp_loads_our_pipeline(tmp_path):
    for name, component in (("prep", prep), ("use", use), ("light", light)):
        compiled(tmp_path, component, f"{name}.yaml")
    loaded = components.load_component_from_text(probe("example", tmp_path))
    assert loaded.name == "my-pipe"
    assert sorted(loaded.component_spec.inputs) == ["cols", "flag", "name", "opts", "ratio", "rows"]
    assert loaded.component_spec.inputs["opts"].default == {"k": 1.5}


def test_a_kfp_pipeline_of_containers_runs(tmp_path):
    @dsl.pipeline(name="containers")
    def containers(rows: int, name: str = "bob"):
        made = prep(rows=rows, name=name, ratio=2.0, flag=False, cols=["x y"], opts={"k": "it's"})
        used = use(data=made.outputs["out"], n=made.outputs["n"], extra=f"pre-{name}-{made.outputs['n']}")
        use(data=made.outputs["out"], n=1, opt="given").after(used).set_caching_options(False)

    ir = compiled(tmp_path, containers)
    assert probe("validate", ir).split()[0] == "OK"
    tasks = succeeded(run(tmp_path, ir, {"rows": 12, "name": "ann; $(id)"}))
    made = pathlib.Path(tasks["prep"]["outputs"]["artifacts"]["out"]["uri"])
    values = made.read_text().split("|")
    assert values[:4] == ["12", "ann; $(id)", "2", "false"]
    assert json.loads(values[4]) == ["x y"] and json.loads(values[5]) == {"k": "it's"}
    assert tasks["prep"]["outputs"]["parameters"] == {"n": 5}
    first = pathlib.Path(tasks["use"]["outputs"]["artifacts"]["model"]["uri"]).read_text()
    assert f"<{made}><none><apre-ann; $(id)-5b><5><use>" in first
    second = pathlib.Path(tasks["use-2"]["outputs"]["artifacts"]["model"]["uri"]).read_text()
    assert f"<{made}><--opt><given><axb><1><use-2>" in second


def test_kfps_python_components_run(tmp_path):
    @dsl.pipeline(name="python")
    def python(rows: int = 3):
        made = prep(rows=rows, name="n", ratio=0.5, flag=True, cols=[], opts={})
        used = use(data=made.outputs["out"], n=made.outputs["n"])
        lit = light(a=made.outputs["n"], data=used.outputs["model"], b="it's {{$.not_ours}}")
        many(n=lit.outputs["Output"], metrics=lit.outputs["out"])

    ir = compiled(tmp_path, python)
    assert probe("validate", ir).split()[0] == "OK"
    tasks = succeeded(run(tmp_path, ir))
    assert tasks["light"]["outputs"]["parameters"] == {"Output": 6}
    assert "light was here it's {{$.not_ours}}" in pathlib.Path(tasks["light"]["log"]).read_text()
    assert tasks["light"]["outputs"]["artifacts"]["out"]["metadata"]["length"] > 0
    assert tasks["many"]["outputs"]["parameters"]["Output"] == {
        "n": 6, "ratio": 0.25, "names": ["x"], "more": {"k": 1}}


def test_a_program_of_ours_is_a_component_of_kfps(tmp_path):
    text = subprocess.run([str(STEP), "--component-spec"], capture_output=True, text=True, check=True).stdout
    strict(text)
    add = components.load_component_from_text(text)
    assert add.name == "add-numbers"
    assert add.component_spec.inputs["a"].type == "Integer" and not add.component_spec.inputs["a"].optional
    assert add.component_spec.inputs["b"].default == 1

    @dsl.pipeline(name="mixed")
    def mixed(start: int = 40):
        first = add(a=start)
        second = add(a=first.outputs["sum"], b=1, text="final")

        @dsl.container_component
        def show(note: Input[Dataset]):
            return dsl.ContainerSpec(image="alpine", command=["cat"], args=[note.path])

        show(note=second.outputs["note"])

    ir = compiled(tmp_path, mixed)
    tasks = succeeded(run(tmp_path, ir))
    assert tasks["add-numbers-2"]["outputs"]["parameters"] == {"sum": 42}
    assert pathlib.Path(tasks["show"]["log"]).read_text() == "final 42\n"


def if_pipeline():
    @dsl.pipeline(name="gate")
    def gate(n: int = 1):
        made = prep(rows=n, name="n", ratio=0.5, flag=True, cols=[], opts={})
        with dsl.If(made.outputs["n"] == 5):
            use(data=made.outputs["out"], n=1)

    return gate


def loop_pipeline():
    @dsl.pipeline(name="loop")
    def loop():
        with dsl.ParallelFor([1, 2]) as item:
            prep(rows=item, name="n", ratio=0.5, flag=True, cols=[], opts={})

    return loop


def exit_pipeline():
    @dsl.container_component
    def clean():
        return dsl.ContainerSpec(image="alpine", command=["true"])

    @dsl.pipeline(name="exit")
    def leave():
        with dsl.ExitHandler(clean()):
            prep(rows=1, name="n", ratio=0.5, flag=True, cols=[], opts={})

    return leave


def importer_pipeline():
    @dsl.pipeline(name="import")
    def bring():
        there = dsl.importer(artifact_uri="gs://a/b", artifact_class=Dataset, reimport=False)
        use(data=there.output, n=1)

    return bring


def nested_pipeline():
    @dsl.pipeline(name="inner")
    def inner(n: int = 1):
        prep(rows=n, name="n", ratio=0.5, flag=True, cols=[], opts={})

    @dsl.pipeline(name="outer")
    def outer():
        inner(n=2)

    return outer


@pytest.mark.parametrize("make", [if_pipeline, loop_pipeline, exit_pipeline, importer_pipeline, nested_pipeline])
def test_what_cannot_run_here_is_named(tmp_path, make):
    answer = probe("validate", compiled(tmp_path, make()))
    assert answer.startswith("UNSUPPORTED task '"), answer


def test_ids_are_made_as_kfp_makes_them():
    from kfp.dsl import utils

    source = random.Random(7)
    letters = "abzABZ019 -_./!é"
    names = ["".join(source.choice(letters) for _ in range(source.randint(1, 9))) + source.choice("aZ9")
             for _ in range(400)]
    want = []
    for name in names:
        want.append(utils.make_name_unique_by_adding_index(utils.maybe_rename_for_k8s(name), want, "-"))
    assert probe("ids", *names).splitlines() == want


def test_strings_stay_strings_in_either_yaml():
    texts = ["yes", "No", "on", "off", "y", "null", "~", "", " ", "1", "1.0", "1e3", "1_000", "0x1f", "0o17", "017",
             "12:30", "1:2:3", ".inf", ".nan", "2020-01-01", "- a", "a: b", "# x", "a #b", "'", '"', "\\", "\t", "a\nb",
             "a\n", "\n", "  lead", "trail  ", "{a}", "[a]", "&a", "*a", "!a", "|", ">", "%", "@", "`", "=", "<<", "é",
             "\u2028", "\x7f", "😀", "{{$.inputs.parameters['s']}}", "true", "False", "-", "?", ":", "a" * 300,
             "x\r\ny", "\u00a0", "\ufeff"]
    document = yaml.safe_load(probe("constants", *map(json.dumps, texts)))
    tasks = list(document["root"]["dag"]["tasks"].values())
    assert [t["inputs"]["parameters"]["s"]["runtimeValue"]["constant"] for t in tasks] == texts

"""Every command of the table, every form of output, every exit code, and the bad input that people give."""

import base64
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "cli.md"

SLEEPER = """
components:
  comp-wait: {executorLabel: exec-wait}
deploymentSpec:
  executors:
    exec-wait:
      container: {image: local, command: [sh, -c, 'echo started > "$0"; exec sleep 100', STARTED]}
pipelineInfo: {name: sleeper}
root:
  dag:
    tasks:
      wait: {componentRef: {name: comp-wait}, taskInfo: {name: wait}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.11.0
"""
ECHO = """
components:
  comp-echo:
    executorLabel: exec-echo
    inputDefinitions: {parameters: {text: {parameterType: STRING}, n: {parameterType: NUMBER_INTEGER}}}
deploymentSpec:
  executors:
    exec-echo:
      container: {image: local, command: [sh, -c, 'echo "$0 $1"', "{{$.inputs.parameters['text']}}",
                  "{{$.inputs.parameters['n']}}"]}
pipelineInfo: {name: echo}
root:
  inputDefinitions: {parameters: {text: {parameterType: STRING}, n: {parameterType: NUMBER_INTEGER}}}
  dag:
    tasks:
      echo:
        componentRef: {name: comp-echo}
        taskInfo: {name: echo}
        inputs: {parameters: {text: {componentInputParameter: text}, n: {componentInputParameter: n}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.11.0
"""
MODEL = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"


# ---- what each command prints as JSON: a scenario per command of the table --------------------------------------


def new_run(cli, *more):
    return cli("run", "start", *more).strip()


def run_with_all(cli, *last):
    """A run with a metric, a param and a tag; last is done to it then."""
    run = new_run(cli)
    cli("metric", "log", run, "loss", "0.5")
    cli("metric", "log", run, "other", "nan")
    cli("param", "log", run, "depth", "6")
    cli("tag", "set", run, "team", "risk")
    if last:
        cli(*last, run)
    return run


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJg"
                       "gg==")
INPUTS = json.dumps({"datasets": [{
    "dataset": {"name": "rows", "digest": "7", "source_type": "local", "source": "a.csv", "schema": "{}"},
    "tags": [{"key": "mlflow.data.context", "value": "x"}]}]})


def new_logged(cli, *more):
    return cli("logged-model", "create", *more).strip()


def logged_with_all(cli):
    run = new_run(cli)
    model = new_logged(cli, "name", "--run-id", run, "--type", "agent", "--param", "a=b", "--tag", "c=d")
    point = {"key": "auc", "value": 1, "model_id": model, "dataset_name": "rows", "dataset_digest": "7"}
    cli("run", "log-batch", run, "-", stdin=json.dumps({"metrics": [point]}).encode())
    assert cli.json("logged-model", "get", model)["data"]["metrics"][0]["key"] == "auc"
    return model


def run_with_edges(cli):
    run = run_with_all(cli)
    model = new_logged(cli)
    inputs = {**json.loads(INPUTS), "models": [{"model_id": model}]}
    cli("run", "log-inputs", run, "-", stdin=json.dumps(inputs).encode())
    cli("run", "log-outputs", run, "-", stdin=json.dumps({"models": [{"model_id": model, "step": 3}]}).encode())
    cli("run", "end", run)
    return run


def new_file(cli, name="a.txt", text="hello"):
    path = cli.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return name


def new_version(cli):
    run = new_run(cli)
    new_file(cli, "model/MLmodel", MODEL)
    cli("artifact", "log", run, "model")
    return cli.json("version", "create", "m", f"runs:/{run}/model", "--tag", "a=1", "--description", "d")


def dead_letter(cli, run="0" * 32):
    """A record of a run that the store refused."""
    cli("store", "create")
    folder = cli.folder / "mlflow.db.spool" / "dead"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    letter = {"journal": "a" * 32, "seq": 1, "kind": "metric", "run_id": run, "key": "loss", "value": 0.5,
              "step": 3, "timestamp": 1800000000000, "status": "NOT_FOUND", "reason": "no such run"}
    (folder / f"{'a' * 32}-{1:020}.jsonl").write_text(json.dumps(letter) + "\n")


def new_prompt(cli):
    return cli.json("prompt", "register", "p", new_file(cli, "p.txt", "Hello {{ name }}"), "--message", "first",
                    "--response-format", '{"type": "object"}', "--model-config", '{"temperature": 1}', "--tag", "a=b")


def history(cli):
    run = new_run(cli)
    for value in ("0.5", "-5", "nan", "inf", "-inf"):
        cli("metric", "log", run, "loss", value)
    points = cli.lines("metric", "history", run, "loss")
    assert sorted(p["step"] for p in points) == [0, 1, 2, 3, 4]
    values = {p["step"]: p["value"] for p in points}
    assert (values[0], values[1], values[2]) == (0.5, -5.0, "NaN")
    assert len(cli.lines("metric", "history", run, "loss", "--max", "2")) == 2 and "--page-token" in cli.err
    return points


def component_spec(cli):
    step = cli.program.parent.parent / "tests" / "pipeline_step"
    if not step.exists():
        pytest.skip("the test's component is not built")
    assert cli("component", "spec", step).startswith("components:")
    return cli.json("component", "spec", step, "--image", "registry/step:1")


def pipeline_file(cli, text=ECHO):
    return new_file(cli, "pipeline.yaml", text)


def pipeline_run(cli):
    result = cli.json("pipeline", "run", pipeline_file(cli), "--param", "text=7", "--param", "n=3", "--run-name", "p",
                      "--experiment", "e", "--workers", "1", "--keep-going", "--root", "work")
    assert result["state"] == "SUCCEEDED" and [t["state"] for t in result["tasks"]] == ["SUCCEEDED"]
    assert pathlib.Path(result["tasks"][0]["log"]).read_text() == "7 3\n"
    assert cli.json("run", "get", result["run_id"])["info"]["run_name"] == "p"
    return result


def after(value, *steps):
    """The value, with what led to it checked."""
    for step in steps:
        assert step
    return value


def created(cli, *words):
    cli(*words)
    return cli


SCENARIOS = {
    "experiment create": lambda cli: cli.json("experiment", "create", "e", "--tag", "a=1", "--artifact-location",
                                              str(cli.folder / "files")),
    "experiment get": lambda cli: created(cli, "experiment", "create", "e", "--tag", "a=1").json(
        "experiment", "get", "e"),
    "experiment list": lambda cli: created(cli, "experiment", "create", "e").lines(
        "experiment", "list", "--view", "all"),
    "experiment delete": lambda cli: created(cli, "experiment", "create", "e").json("experiment", "delete", "e"),
    "experiment restore": lambda cli: created(
        created(cli, "experiment", "create", "e"), "experiment", "delete", "1").json("experiment", "restore", "1"),
    "experiment tag": lambda cli: created(cli, "experiment", "create", "e").json("experiment", "tag", "e", "k", "v"),
    "run start": lambda cli: cli.json("run", "start", "--experiment", "e", "--name", "n", "--tag", "a=1",
                                      "--description", "d", "--source-name", "s"),
    "run end": lambda cli: cli.json("run", "end", new_run(cli), "--status", "FAILED"),
    "run get": lambda cli: cli.json("run", "get", run_with_edges(cli)),
    "run list": lambda cli: created(cli, "run", "start", "--experiment", "e").lines(
        "run", "list", "--experiment", "e", "--filter", "attributes.status = 'RUNNING'", "--order-by", "metrics.a DESC",
        "--max", "5", "--view", "active"),
    "run resume": lambda cli: [run := new_run(cli), cli("run", "end", run), cli.json("run", "resume", run)][-1],
    "run tail": lambda cli: cli.lines("run", "tail", run_with_all(cli, "run", "end")),
    "run diff": lambda cli: cli.lines("run", "diff", run_with_all(cli), new_run(cli), "--all"),
    "run log-batch": lambda cli: cli.json(
        "run", "log-batch", new_run(cli), new_file(cli, "batch.json", '{"metrics": {"a": 1}, "tags": {"t": "v"}}')),
    "run update": lambda cli: cli.json("run", "update", new_run(cli), "--name", "n", "--status", "FINISHED",
                                       "--end-time", "7"),
    "run log-inputs": lambda cli: cli.json("run", "log-inputs", new_run(cli), "-", stdin=INPUTS.encode()),
    "run log-outputs": lambda cli: cli.json(
        "run", "log-outputs", new_run(cli), "-",
        stdin=json.dumps({"models": [{"model_id": new_logged(cli)}]}).encode()),
    "run delete": lambda cli: cli.json("run", "delete", new_run(cli)),
    "run restore": lambda cli: [run := new_run(cli), cli("run", "delete", run), cli.json("run", "restore", run)][-1],
    "metric log": lambda cli: cli.json("metric", "log", new_run(cli), "loss", "1e-3", "--step", "-7",
                                       "--timestamp", "5"),
    "metric history": history,
    "metric sample": lambda cli: [run := run_with_all(cli), cli("metric", "log", run, "loss", "nan"),
                                  cli.lines("metric", "sample", run, "loss", "--buckets", "2", "--axis", "step")][-1],
    "experiment rename": lambda cli: created(cli, "experiment", "create", "e").json("experiment", "rename", "e", "f"),
    "experiment untag": lambda cli: created(cli, "experiment", "create", "e", "--tag", "k=v").json(
        "experiment", "untag", "e", "k"),
    "logged-model create": lambda cli: cli.json("logged-model", "create", "n", "--experiment-id", "0", "--run-id",
                                                new_run(cli), "--type", "t", "--param", "a=b", "--tag", "c=d"),
    "logged-model get": lambda cli: cli.json("logged-model", "get", logged_with_all(cli)),
    "logged-model list": lambda cli: after(cli, logged_with_all(cli)).lines(
        "logged-model", "list", "--experiment-id", "0", "--filter", "metrics.auc > 0.5 AND params.a = 'b'",
        "--order-by", "name DESC", "--max", "5", "--datasets", '[{"dataset_name": "rows"}]'),
    "run log-table": lambda cli: cli.json("run", "log-table", new_run(cli), "-", "t.json",
                                          stdin=b'{"columns": ["a"], "data": [[1]]}'),
    "run log-image": lambda cli: [(cli.folder / "a.png").write_bytes(PNG), cli.json(
        "run", "log-image", new_run(cli), "a.png", "--key", "roc", "--step", "3", "--timestamp", "5")][-1],
    "logged-model finalize": lambda cli: cli.json("logged-model", "finalize", new_logged(cli), "--status", "FAILED"),
    "logged-model tag": lambda cli: cli.json("logged-model", "tag", new_logged(cli), "k", "v"),
    "logged-model untag": lambda cli: cli.json("logged-model", "untag", new_logged(cli, "--tag", "k=v"), "k"),
    "logged-model param": lambda cli: cli.json("logged-model", "param", new_logged(cli), "k", "v"),
    "logged-model delete": lambda cli: cli.json("logged-model", "delete", new_logged(cli)),
    "metric list": lambda cli: cli.lines("metric", "list", run_with_all(cli)),
    "metric get": lambda cli: cli.json("metric", "get", run_with_all(cli), "loss"),
    "param list": lambda cli: cli.lines("param", "list", run_with_all(cli)),
    "param get": lambda cli: cli.json("param", "get", run_with_all(cli), "depth"),
    "tag list": lambda cli: cli.lines("tag", "list", run_with_all(cli)),
    "tag get": lambda cli: cli.json("tag", "get", run_with_all(cli), "mlflow.runName"),
    "experiment ensure": lambda cli: after(cli.json("experiment", "ensure", "e"), cli("experiment", "get", "e")),
    "alias list": lambda cli: after(cli, new_version(cli), cli("alias", "set", "m", "champion", "1")).lines(
        "alias", "list", "m"),
    "param log": lambda cli: cli.json("param", "log", new_run(cli), "depth", "6"),
    "tag set": lambda cli: cli.json("tag", "set", new_run(cli), "team", "größe"),
    "tag delete": lambda cli: [run := new_run(cli), cli("tag", "set", run, "a", "b"),
                               cli.json("tag", "delete", run, "a")][-1],
    "model create": lambda cli: cli.json("model", "create", "m", "--tag", "a=1", "--description", "d"),
    "model get": lambda cli: after(cli, new_version(cli)).json("model", "get", "m"),
    "model list": lambda cli: created(cli, "model", "create", "m").lines("model", "list", "--max", "3"),
    "model update": lambda cli: created(cli, "model", "create", "m").json("model", "update", "m", "text"),
    "model delete": lambda cli: created(cli, "model", "create", "m").json("model", "delete", "m"),
    "model tag": lambda cli: created(cli, "model", "create", "m").json("model", "tag", "m", "k", "v"),
    "model untag": lambda cli: created(cli, "model", "create", "m").json("model", "untag", "m", "k"),
    "model save": lambda cli: after(
        cli.json("model", "save", "saved", "--loader-module", "mlflow.sklearn", "--data", new_file(cli),
                 "--requirement", "numpy", "--requirement", "scikit-learn",
                 "--flavors", '{"sklearn": {"pickled_model": "a.txt"}}',
                 "--signature", '{"inputs": [{"name": "x", "type": "double"}]}', "--python-version", "3.11.2",
                 "--input-example", '{"columns": ["x"], "data": [[1.5]]}', "--metadata", '{"a": 1}'),
        (cli.folder / "saved/requirements.txt").read_text() == "numpy\nscikit-learn\n",
        cli.json("model", "info", str(cli.folder / "saved"))["flavors"]["python_function"]["loader_module"]),
    "model log": lambda cli: cli.json(
        "model", "log", new_run(cli), "forest", "--loader-module", "mlflow.sklearn", "--data", new_file(cli)),
    "model info": lambda cli: after(cli, new_version(cli)).json("model", "info", "models:/m/1"),
    "version create": new_version,
    "version get": lambda cli: after(cli, new_version(cli)).json("version", "get", "m", "latest"),
    "version list": lambda cli: after(cli, new_version(cli)).lines("version", "list", "m"),
    "model rename": lambda cli: after(cli, new_version(cli)).json("model", "rename", "m", "n"),
    "version latest": lambda cli: after(cli, new_version(cli)).lines("version", "latest", "m", "--stages", "none"),
    "version transition": lambda cli: after(cli, new_version(cli)).json("version", "transition", "m", "1", "staging"),
    "version copy": lambda cli: after(cli, new_version(cli)).json("version", "copy", "models:/m/1", "n"),
    "version update": lambda cli: after(cli, new_version(cli)).json("version", "update", "m", "1", "text"),
    "version delete": lambda cli: after(cli, new_version(cli)).json("version", "delete", "m", "1"),
    "version tag": lambda cli: after(cli, new_version(cli)).json("version", "tag", "m", "1", "k", "v"),
    "version untag": lambda cli: after(cli, new_version(cli)).json("version", "untag", "m", "1", "k"),
    "alias set": lambda cli: after(cli, new_version(cli)).json("alias", "set", "m", "champion", "1"),
    "alias delete": lambda cli: after(cli, new_version(cli)).json("alias", "delete", "m", "champion"),
    "prompt create": lambda cli: cli.json("prompt", "create", "p", "--description", "d", "--tag", "a=b"),
    "prompt register": new_prompt,
    "prompt get": lambda cli: after(cli, new_prompt(cli)).json("prompt", "get", "p"),
    "prompt list": lambda cli: after(cli, new_prompt(cli)).lines("prompt", "list", "--filter", "tags.a = 'b'"),
    "prompt versions": lambda cli: after(cli, new_prompt(cli)).lines("prompt", "versions", "p", "--max", "3"),
    "prompt load": lambda cli: after(cli, new_prompt(cli)).json("prompt", "load", "prompts:/p/1"),
    "prompt format": lambda cli: after(cli, new_prompt(cli)).json("prompt", "format", "p", "--set", "name=you"),
    "prompt configure": lambda cli: after(cli, new_prompt(cli)).json("prompt", "configure", "p", "1"),
    "prompt delete": lambda cli: after(cli, new_prompt(cli)).json("prompt", "delete", "p"),
    "artifact log": lambda cli: cli.json("artifact", "log", new_run(cli), new_file(cli), "--to", "folder"),
    "artifact put": lambda cli: cli.json("artifact", "put", new_file(cli), f"runs:/{new_run(cli)}/a.txt"),
    "artifact get": lambda cli: cli.json("artifact", "get", str(cli.folder / new_file(cli)), "copy.txt"),
    "artifact list": lambda cli: [new_file(cli, "d/x"), cli.lines("artifact", "list", str(cli.folder / "d"))][-1],
    "artifact resolve": lambda cli: cli.json("artifact", "resolve", f"runs:/{new_run(cli)}/x"),
    "pipeline validate": lambda cli: cli.json("pipeline", "validate", pipeline_file(cli)),
    "pipeline run": pipeline_run,
    "component spec": component_spec,
    "spool status": lambda cli: cli.json("spool", "status"),
    "spool inspect": lambda cli: [dead_letter(cli), cli.lines("spool", "inspect", "dead")][-1],
    "spool drop": lambda cli: [dead_letter(cli), cli.json("spool", "drop", "dead")][-1],
    "spool sync": lambda cli: cli.json("spool", "sync"),
    "spool retry": lambda cli: cli.json("spool", "retry"),
    "store create": lambda cli: cli.json("store", "create"),
    "store upgrade": lambda cli: [cli("store", "create", "--mlflow", "2.14.0"), cli.json("store", "upgrade")][-1],
    "store heads": lambda cli: cli.lines("store", "heads"),
    "store check": lambda cli: after(cli, new_version(cli)).json("store", "check"),
    "store backup": lambda cli: created(cli, "store", "create").json("store", "backup", "copy.db", "--artifacts"),
    "store gc": lambda cli: [run := new_run(cli), cli("run", "delete", run), cli.json("store", "gc")][-1],
    "export": lambda cli: after(cli, new_version(cli)).json("export", "archive", "--experiment", "Default", "--model",
                                                            "m"),
    "import": lambda cli: [new_version(cli), cli("export", "archive"), cli.json("import", "archive")][-1],
    "config show": lambda cli: cli.json("config", "show"),
    "help": lambda cli: cli.lines("help", "--all"),
}
NO_JSON = {"artifact cat", "completion", "metric plot", "run compare"}  # they print a file itself
# They need an MLflow server: tests/integration/test_server_registry.py runs them on one.
ON_A_SERVER = {
    "webhook create": ["w", "https://example.org/hook", "model_version.created"], "webhook list": [],
    "webhook get": ["1"], "webhook update": ["1", "--disabled"], "webhook delete": ["1"], "webhook test": ["1"],
}


def table(cli):
    return {c["command"]: c for c in cli.lines("help", "--all")}


def documented():
    """Per command of the page: the words of its heading, its text, and what it promises to print: see promised()."""
    found = {}
    for section in re.split(r"^### ", DOCS.read_text().split("\n## Objects\n")[0], flags=re.M)[1:]:
        heading, text = section.split("\n", 1)
        heading = heading.strip().strip("`")
        words = re.match(r"[a-z-]+( [a-z-]+)?", heading).group(0).strip()
        keys = re.search(r"^JSON[^:]*: (.*?)(\n\n|\Z)", text, flags=re.M | re.S)
        found[words] = (heading, text, promised(keys.group(1)) if keys else None)
    return found


def promised(text):
    """{path: type} of "`a`, `b?`" or of the object in "[run](#run)"; "?" stays with the path, a type may be None."""
    link = re.fullmatch(r"\[.*?\]\(#([a-z-]+)\)", text.strip())
    return objects()[link.group(1)] if link else {key: None for key in re.findall(r"`([A-Za-z_]+\??)`", text)}


def objects():
    """The tables below "Objects": {"model-version": {"tags[].key": "text", "run_id?": "text"}}."""
    found = {}
    for section in re.split(r"^### ", DOCS.read_text().split("\n## Objects\n")[1], flags=re.M)[1:]:
        heading, text = section.split("\n", 1)
        rows = re.findall(r"^\| (`.*?`) \| (.*?) \| .*\|$", text, flags=re.M)
        found[heading.strip().lower().replace(" ", "-")] = {
            path: kind for paths, kind in rows for path in re.findall(r"`(.*?)`", paths)}
    return found


KINDS = {"text": str, "number": (int, float), "true or false": bool, "object": dict}


def faults(value, promise, path=""):
    """What is printed and not promised, is promised and not printed, or is of another type."""
    plain = {key.replace("?", ""): kind for key, kind in promise.items()}
    if path in plain:
        kind = plain[path]
        link = re.fullmatch(r"\[.*?\]\(#([a-z-]+)\)", kind or "")
        if link:
            return [f"{path}: {fault}" for fault in faults(value, objects()[link.group(1)])]
        return [] if kind is None or any(isinstance(value, KINDS[one]) for one in kind.split(" or ") if one in KINDS) \
            or isinstance(value, KINDS.get(kind, ())) else [f"{path} is {value!r}, no {kind}"]
    if isinstance(value, list):
        return [fault for item in value for fault in faults(item, promise, f"{path}[]")]
    if not isinstance(value, dict):
        return [f"{path} is not promised"]
    below = path and f"{path}."
    found = [fault for key, item in value.items() for fault in faults(item, promise, f"{below}{key}")]
    direct = {behind(key, below) for key in promise} - {""}
    wanted = {re.split(r"[.\[]", key)[0] for key in direct if not re.match(r"\w+\?", key)}
    return found + [f"{below}{key} is missing" for key in sorted(wanted - set(value))]


def behind(key, path):
    """What of a promised key stands behind a path, whose "?" do not count; "" if it is another."""
    begin = "".join(re.escape(letter) + r"\??" for letter in path[:-1]) + re.escape(path[-1:])
    found = re.match(begin, key)
    return key[found.end():] if found else ""


@pytest.mark.parametrize("command", sorted(SCENARIOS))
def test_command_prints_the_keys_it_promises(cli, command):
    result = SCENARIOS[command](cli)
    results = result if isinstance(result, list) else [result]
    assert results
    promise = documented()[command][2]
    assert promise, f"docs/cli.md promises no keys of {command}"
    assert [fault for one in results for fault in faults(one, promise)] == []


@pytest.mark.parametrize("command", sorted(ON_A_SERVER))
def test_what_needs_a_server_says_so(cli, command):
    cli(*command.split(), *ON_A_SERVER[command], code=1)
    assert "need an MLflow server" in cli.err


def test_a_secret_is_read_from_a_file_and_not_shown(cli):
    (cli.folder / "secret").write_text("s3cr3t\n")
    cli("webhook", "create", *ON_A_SERVER["webhook create"], "--secret-file", "secret", code=1)
    assert "need an MLflow server" in cli.err and "s3cr3t" not in cli.err
    cli("webhook", "update", "1", "--secret-file", "none", code=3)
    assert "none" in cli.err
    cli("webhook", "update", "1", code=2)
    assert "nothing to change" in cli.err


def test_the_check_of_keys_finds_faults():
    promise = {"a": "text", "b?": "number", "c[].d": "text", "c[].e?": "number or text", "f[]": "[point](#point)"}
    good = {"a": "x", "c": [{"d": "y"}, {"d": "z", "e": 1}], "f": [{"key": "k", "value": 1, "timestamp": 2, "step": 3}]}
    assert faults(good, promise) == []
    assert faults({**good, "more": 1}, promise) == ["more is not promised"]
    assert faults({**good, "c": [{"e": None}]}, promise) == ["c[].e is None, no number or text", "c[].d is missing"]
    assert faults({"a": 1, "c": [], "f": [{}]}, promise)[0] == "a is 1, no text"
    assert faults({"a": {"b": 1}}, {"a?.b": "number", "a?.c": "text"}) == ["a.c is missing"]
    assert faults({}, {"a?.b": "number"}) == []
    assert "f[]: step is missing" in faults({**good, "f": [{}]}, promise)


def test_artifact_cat_prints_the_bytes(cli):
    data = bytes(range(256)) * 1000
    (cli.folder / "blob").write_bytes(data)
    run = new_run(cli)
    cli("artifact", "log", run, "blob")
    assert cli("artifact", "cat", f"runs:/{run}/blob", text=False) == data


def test_table_tests_and_page_name_the_same_commands(cli):
    commands = table(cli)
    assert set(commands) == set(SCENARIOS) | NO_JSON | set(ON_A_SERVER)
    pages = documented()
    assert set(pages) == set(commands)
    for words, command in commands.items():
        heading, text, _ = pages[words]
        assert heading == f"{words} {command['args']}".strip()
        assert command["help"] and all(line.startswith(words) for line in command["example"].splitlines())
        for option in command["options"]:
            wanted = f"`--{option['option']} {option['arg']}".rstrip() + "`"
            assert wanted in text, (words, wanted)
        for option in set(re.findall(r"`--([a-z-]+)", text)):
            assert option in {o["option"] for o in command["options"]}, (words, option)


# What no command calls, and why that is right.
WITHOUT_A_COMMAND = {
    r"step_\w+|component_main": "for the body of a component",
    r"pipeline_(new|input|task|compile|free)|task_\w+|component_(container|load|input|output|env)":
        "the builder: pipeline run takes what it writes",
    r"run_log_metrics?|run_log_text|run_log_dict": "metric log, run log-batch and artifact put do it",
    r"doc_double|doc_bool|doc_type_at|set_allocator|list_arrow|metric_arrow": "for programs",
    r"plot": "metric plot draws what is in the store",
    r"metric_history_bulk": "metric history does it, run by run",
    r"prompt_version_get": "prompt load shows it",
}


def test_every_function_of_the_library_has_its_command():
    root = DOCS.parents[1]
    headers = "\n".join(path.read_text() for path in sorted((root / "include/mlplat").glob("*.h")))
    tools = "\n".join(path.read_text() for path in sorted((root / "tools").glob("*.c")))
    functions = set(re.findall(r"^MLPLAT_API[^;(]*?\bmlplat_(\w+)\(", headers, flags=re.M))
    assert len(functions) > 100
    missing = {name for name in functions if not re.search(rf"\bmlplat_{name}\b", tools)}
    assert missing - {name for name in missing if re.fullmatch("|".join(WITHOUT_A_COMMAND), name)} == set()


# ---- help -------------------------------------------------------------------------------------------------------


def test_help_at_every_level(cli):
    for words in ([], ["help"], ["--help"], ["-h"]):
        assert "mlplat COMMAND" in cli(*words) and not cli.err
    for words in (["run", "--help"], ["help", "run"]):
        text = cli(*words)
        assert "run start" in text and "run list" in text and "model create" not in text
    for words, command in table(cli).items():
        text = cli("help", *words.split())
        assert text == cli(*words.split(), "--help") == cli(*words.split(), "any", "-h")
        assert command["help"] in text
        assert all(f"\n  mlplat {line}\n" in text for line in command["example"].splitlines())
        assert all(f"--{option['option']}" in text and option["help"] in text for option in command["options"])
    groups = {words.split()[0] for words in table(cli) if " " in words} | {"completion", "help", "export", "import"}
    assert groups == set(re.findall(r"^  ([a-z-]+) ", cli("help").split("Options")[0], flags=re.M))
    assert not (cli.folder / "mlflow.db").exists()


def test_words_of_mlflow_s_command_line_are_understood(cli):
    run = cli("runs", "create", "--experiment", "e").strip()
    assert cli("runs", "search", "-o", "json") == cli("run", "list", "-o", "json")
    assert cli("runs", "describe", run) == cli("run", "get", run)
    assert cli("experiments", "search") == cli("experiment", "list")
    cli("artifacts", "log-artifact", run, new_file(cli))
    cli("artifacts", "download", f"runs:/{run}/a.txt", "copy.txt")
    assert (cli.folder / "copy.txt").read_text() == "hello"
    assert cli("help", "runs") == cli("help", "run") and cli("help", "runs", "search") == cli("help", "run", "list")
    text = DOCS.read_text()
    source = (pathlib.Path(__file__).resolve().parents[2] / "tools/cli_parse.c").read_text()
    aliases = re.findall(r'\{"([a-z -]+)", "([a-z -]+)"\},', source)
    assert len(aliases) > 10
    for words, command in aliases:
        assert f"`{words}`" in text and command in table(cli)


@pytest.mark.parametrize("words, says", [
    (["run", "lits"], "did you mean `mlplat run list`?"),
    (["rn", "list"], "did you mean `mlplat run list`?"),
    (["run"], "one more word is needed"),
    (["help", "run", "lits"], "did you mean `mlplat run list`?"),
    (["run", "xyzxyzxyz"], "`mlplat help run` lists"),
    (["frobnicate"], "`mlplat help` lists"),
    (["run", "list", "--fliter", "x"], "did you mean --filter?"),
    (["run", "list", "--nonsense"], "unknown option --nonsense of run list"),
    (["run", "list", "-x"], "unknown option -x"),
    (["run", "list", "-o"], "-o needs a value"),
    (["run", "list", "--filter"], "--filter needs a value"),
    (["run", "list", "--quiet=yes"], "--quiet takes no value"),
    (["run", "list", "-o", "xml"], "table, json, yaml, tsv or html"),
    (["run", "list", "extra"], "run list takes no argument"),
    (["run", "get"], "run get takes RUN_ID"),
    (["run", "list", "--max", "many"], "whole number"),
    (["run", "list", "--max", "99999999999999999999"], "whole number"),
    (["run", "list", "--view", "some"], "active, deleted or all"),
    (["run", "list", "--durability", "granite"], "memory, process, disk or remote"),
    (["run", "start", "--tag", "novalue"], "KEY=VALUE"),
    (["run", "start", "--tag", "=x"], "KEY=VALUE"),
    (["metric", "log", "r", "k", "much"], "not a number"),
    (["metric", "log", "r", "k", ""], "not a number"),
    (["metric", "log", "r", "k", "1", "--step", "x"], "whole number"),
    (["pipeline", "run", "p.yaml", "--workers", "-3"], "--workers"),
    (["model", "save", "folder"], "--loader-module"),
    (["run", "log-image", "r", "a.png"], "--to or --key"),
    (["run", "log-image", "r", "a.png", "--to", "a", "--key", "b"], "--to or --key"),
    (["run", "update", "r"], "changes nothing"),
    (["metric", "sample", "r", "k", "--axis", "depth"], "step or time"),
    (["model", "log", "r", "m", "--data", "x"], "--loader-module"),
])
def test_a_wrong_call_is_told_in_one_line(cli, words, says):
    assert cli(*words, code=2) == ""
    assert says in cli.err and cli.err.count("\n") == 1
    assert not (cli.folder / "mlflow.db").exists()


@pytest.mark.parametrize("words, word", [
    (["run", "list", "--max", "-5"], "max_results is -5: 1 to 50000"),
    (["run", "list", "--max", "70000"], "max_results is 70000"),
    (["model", "list", "--max", "-7"], "max_results is -7"),
    (["logged-model", "list", "--max", "-7"], "max_results is -7"),
    (["prompt", "list", "--max", "-7"], "max_results is -7"),
    (["metric", "sample", "r", "loss", "--buckets", "-3"], "-3 buckets"),
])
def test_a_number_that_is_refused_is_told_as_it_was_given(cli, words, word):
    cli(*words, code=2)
    assert word in cli.err


def test_options_stand_anywhere(cli):
    new_run(cli, "--experiment", "e")
    want = cli("run", "list", "--max", "1", "-o", "json")
    for words in (["-o", "json", "--max", "1", "run", "list"], ["run", "--max=1", "list", "-ojson"],
                  ["--output=json", "run", "list", "--max=1"], ["--max", "1", "run", "--output", "json", "list"]):
        assert cli(*words) == want
    cli("model", "create", "--", "-dashes")
    assert [m["name"] for m in cli.lines("model", "list")] == ["-dashes"]


# ---- output -----------------------------------------------------------------------------------------------------


def test_four_forms_of_a_list(cli):
    run = new_run(cli, "--experiment", "e", "--name", "one")
    assert cli("run", "list").splitlines()[0].split() == [
        "RUN_ID", "NAME", "EXPERIMENT", "STATUS", "START", "END", "STAGE"]
    header, row = cli("run", "list", "-o", "tsv").splitlines()
    assert dict(zip(header.split("\t"), row.split("\t")))["RUN_ID"] == run
    assert json.loads(cli("run", "list", "-o", "json"))["info"]["run_id"] == run
    assert re.search(f"run_id: '?{run}", cli("run", "list", "-o", "yaml"))
    new_run(cli)
    assert len(cli("run", "list", "-o", "json").splitlines()) == 2
    assert cli("run", "list", "-o", "yaml").count("\n---\n") == 1
    assert all(line == line.rstrip() for line in cli("run", "list").splitlines())


def test_four_forms_of_one_thing(cli):
    run = new_run(cli, "--name", "one")
    cli("metric", "log", run, "loss", "0.25")
    cli("param", "log", run, "depth", "6")
    card = dict(line.split(None, 1) for line in cli("run", "get", run).splitlines() if " " in line)
    assert (card["RUN_ID"], card["metrics.loss"], card["params.depth"]) == (run, "0.25", "6")
    assert cli("run", "get", run, "-o", "tsv").splitlines()[1].split("\t")[0] == run
    assert cli.json("run", "get", run)["data"]["params"] == [{"key": "depth", "value": "6"}]
    assert "- key: depth" in cli("run", "get", run, "-o", "yaml")


def test_quiet_prints_nothing_and_words_go_to_stderr(cli):
    assert cli("run", "start", "-q") == "" and not cli.err
    assert len(cli.lines("run", "list")) == 1
    assert cli("run", "get", "0" * 32, code=3) == ""


def test_a_list_of_nothing_is_empty(cli):
    assert cli("model", "list", "-o", "json") == "" and cli("model", "list", "-o", "yaml") == ""
    assert cli("model", "list", "-o", "tsv").count("\n") == cli("model", "list").count("\n") == 1


def test_output_is_the_same_every_time_and_has_no_colour(cli):
    run = new_run(cli)
    cli("tag", "set", run, "z", "\x1b[31mred\x1b[0m\nnext")
    for form in ("table", "json", "yaml", "tsv"):
        text = cli("run", "get", run, "-o", form)
        assert text == cli("run", "get", run, "-o", form, env={"NO_COLOR": "1"}) == cli("run", "get", run, "-o", form)
        assert "\x1b" not in text
    assert len(cli("run", "get", run, "-o", "tsv").splitlines()) == 2


def test_no_text_turns_the_direction_of_what_follows_it(cli):
    turns = "".join(map(chr, [*range(0x2028, 0x202f), *range(0x2066, 0x206a)]))
    run = new_run(cli)
    cli("tag", "set", run, "z", turns)
    for form in ("table", "json", "tsv"):
        assert not set(turns) & set(cli("run", "get", run, "-o", form))
    assert {"key": "z", "value": turns} in cli.json("run", "get", run)["data"]["tags"]
    cli("tag", "set", run, "z", "\u200f\u20ac\u2070")
    assert "\u200f\u20ac\u2070" in cli("run", "get", run, "-o", "json")


def test_pages_go_on_where_the_last_one_ended(cli):
    for name in "abcde":
        cli("experiment", "create", name)
    seen, token = [], None
    while True:
        page = cli.lines("experiment", "list", "--max", "2", *(["--page-token", token] if token else []))
        seen += [e["name"] for e in page]
        found = re.search(r"--page-token (\S+)", cli.err)
        if not found:
            break
        token = found.group(1)
    assert sorted(seen) == ["Default", *"abcde"]


def test_a_full_disk_behind_the_output_is_a_failure(cli):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    cli("store", "create")
    for words in (["experiment", "list"], ["experiment", "list", "-o", "json"], ["--version"],
                  ["experiment", "get", "0"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([cli.program, *words], cwd=cli.folder, env=cli.environment, stdout=full,
                                  stderr=subprocess.PIPE)
        assert done.returncode == 1 and b"cannot write" in done.stderr


def test_a_reader_that_has_enough_is_not_told_so(cli):
    run = new_run(cli)
    cli("artifact", "put", new_file(cli, "long.txt", "line\n" * 100000), f"runs:/{run}/long.txt")
    for words in (["run", "list"], ["artifact", "cat", f"runs:/{run}/long.txt"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([cli.program, *words], cwd=cli.folder, env=cli.environment, stdout=writer,
                              stderr=subprocess.PIPE)
        os.close(writer)
        assert (done.returncode, done.stderr) == (1, b""), words


def test_a_long_file_that_cannot_be_written_names_the_cause(cli):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    run = new_run(cli)
    cli("artifact", "put", new_file(cli, "long.txt", "line\n" * 100000), f"runs:/{run}/long.txt")
    with open("/dev/full", "w") as full:
        done = subprocess.run([cli.program, "artifact", "cat", f"runs:/{run}/long.txt"], cwd=cli.folder,
                              env=cli.environment, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"cannot write the result: No space" in done.stderr


def test_a_value_alone_keeps_its_lines_and_a_row_is_one_line(cli):
    run = new_run(cli)
    cli("param", "log", run, "note", "one\n\ttwo\x1b[31m")
    assert cli("param", "get", run, "note") == "one\n\ttwo [31m\n"
    assert cli("param", "list", run, "-o", "tsv") == "KEY\tVALUE\nnote\tone  two [31m\n"
    cli("prompt", "register", "lines", new_file(cli, "p.txt", "one {{ a }}\ntwo\n"))
    assert cli("prompt", "load", "lines") == "one {{ a }}\ntwo\n"
    assert cli("prompt", "format", "lines", "--set", "a=1") == "one 1\ntwo\n"


def test_columns_stay_apart_however_long_a_value_is(cli):
    name = "n" * 100
    run = new_run(cli, "--name", name)
    assert cli("run", "list").splitlines()[1].startswith(f"{run}  {name}  0  ")


# ---- mistakes ---------------------------------------------------------------------------------------------------


def test_deleting_a_prompt_leaves_a_model_of_that_name(cli):
    cli("model", "create", "fraud")
    cli("prompt", "delete", "fraud", code=2)
    assert cli.json("model", "get", "fraud")["name"] == "fraud"
    cli("prompt", "delete", "none", code=3)


def test_messages_name_the_thing(cli):
    cli("model", "save", "m", "--loader-module", "mlflow.sklearn", "--signature", "{", code=2)
    assert "signature of the model: JSON, line 1" in cli.err
    cli("artifact", "cat", str(cli.folder / "none.txt"), code=3)
    assert f"there is no file '{cli.folder}/none.txt'" in cli.err


# ---- settings ---------------------------------------------------------------------------------------------------


def test_flag_wins_over_environment_wins_over_profile(cli):
    config = cli.folder / "config.yaml"
    config.write_text("profiles:\n  default:\n    tracking_uri: sqlite:///profile.db\n")
    settings = cli.json("config", "show", "--config", str(config))
    assert settings["tracking_uri"]["value"] == "sqlite:///profile.db"
    assert "profile default" in settings["tracking_uri"]["source"]
    env = {"MLFLOW_TRACKING_URI": "sqlite:///environment.db"}
    settings = cli.json("config", "show", "--config", str(config), env=env)
    assert settings["tracking_uri"] == {"value": "sqlite:///environment.db",
                                        "source": "environment MLFLOW_TRACKING_URI"}
    settings = cli.json("config", "show", "--tracking-uri", "sqlite:///flag.db", env=env)
    assert settings["tracking_uri"] == {"value": "sqlite:///flag.db", "source": "call"}
    assert "sqlite:///flag.db" in cli("config", "show", "--tracking-uri", "sqlite:///flag.db")


def test_global_options_reach_the_session(cli):
    run = cli.json("run", "start", "--tracking-uri", "sqlite:///other.db", "--artifact-root", str(cli.folder / "files"),
                   "--durability", "disk", "--spool", str(cli.folder / "spool"), "--experiment", "e")
    assert (cli.folder / "other.db").exists() and not (cli.folder / "mlflow.db").exists()
    assert run["artifact_uri"].startswith(str(cli.folder / "files"))
    cli("model", "create", "m", "--registry-uri", "sqlite:///other.db", "--tracking-uri", "sqlite:///other.db")
    assert not (cli.folder / "mlflow.db").exists()


# ---- exit codes and bad input -----------------------------------------------------------------------------------


def test_not_found_is_3(cli):
    nobody = "0" * 32
    for words in (["run", "get", nobody], ["run", "delete", nobody], ["metric", "log", nobody, "k", "1"],
                  ["metric", "history", nobody, "k"], ["experiment", "get", "none"], ["experiment", "delete", "77"],
                  ["model", "get", "none"], ["version", "get", "none", "1"], ["alias", "set", "none", "a", "1"],
                  ["artifact", "get", f"runs:/{nobody}/x", "y"], ["artifact", "cat", "/nonexistent/x"],
                  ["artifact", "put", "nofile", str(cli.folder / "x")], ["pipeline", "run", "none.yaml"],
                  ["component", "spec", "./none"], ["model", "info", "models:/none/1"]):
        assert cli(*words, code=3) == ""
        assert cli.err.count("\n") == 1


def test_exists_and_conflict_are_6(cli):
    cli("experiment", "create", "e")
    cli("experiment", "create", "e", code=6)
    cli("model", "create", "m")
    cli("model", "create", "m", code=6)
    run = new_run(cli)
    cli("param", "log", run, "depth", "6")
    cli("param", "log", run, "depth", "6")
    cli("param", "log", run, "depth", "7", code=6)
    assert "depth" in cli.err and "'6'" in cli.err
    assert cli.json("run", "get", run)["data"]["params"] == [{"key": "depth", "value": "6"}]


def test_an_unwritable_directory_is_4(cli):
    folder = cli.folder / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    if os.geteuid() == 0:  # to root no folder of ours is closed, but the kernel's are
        folder = pathlib.Path("/sys")
    cli("store", "create", "--tracking-uri", f"sqlite:///{folder}/mlflow.db", code=4)
    assert f"{folder}" in cli.err
    cli("artifact", "put", new_file(cli), f"{folder}/a.txt", code=4)


def test_a_foreign_file_is_refused_and_not_touched(cli):
    foreign = cli.folder / "foreign.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE customers (id INTEGER)")
    db.close()
    garbage = cli.folder / "garbage.db"
    garbage.write_bytes(b"this is no database at all\n" * 100)
    for path in (foreign, garbage):
        before = path.read_bytes()
        for words in (["store", "create"], ["run", "list"], ["run", "start"]):
            cli(*words, "--tracking-uri", f"sqlite:///{path}", code=1)
            assert path.name in cli.err
        assert path.read_bytes() == before


@pytest.mark.parametrize("key", ["k" * 251, "../up", "/root", "a/../b", "a//b", "a\x01b", "a;b", "", b"\xff\xfe"],
                         ids=repr)
def test_a_bad_key_is_2_and_nothing_is_stored(cli, key):
    run = new_run(cli)
    for words in (["metric", "log", run, key, "1"], ["param", "log", run, key, "1"], ["tag", "set", run, key, "1"]):
        assert cli(*words, code=2) == ""
    data = cli.json("run", "get", run)["data"]
    assert not data["metrics"] and not data["params"] and all(t["key"].startswith("mlflow.") for t in data["tags"])
    cli("metric", "log", run, "k" * 250, "1")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a\\b", "%2e%2e/x", b"\xff"], ids=repr)
def test_a_bad_artifact_name_is_2_and_leaves_the_folder_alone(cli, name):
    run = new_run(cli)
    new_file(cli)
    before = sorted(p.name for p in cli.folder.iterdir())
    cli("artifact", "log", run, "a.txt", "--to", name, code=2)
    uri = f"runs:/{run}/".encode() + (name if isinstance(name, bytes) else name.encode())
    cli("artifact", "put", "a.txt", uri, code=2)
    cli("artifact", "cat", uri, code=2)
    cli("artifact", "list", uri, code=2)
    assert sorted(p.name for p in cli.folder.iterdir() if "mlruns" != p.name) == [n for n in before if n != "mlruns"]


def test_text_that_is_no_utf8_is_2(cli):
    for words in (["experiment", "create", b"\xff"], ["run", "start", "--name", b"\xff"], ["model", "create", b"\xff"],
                  ["run", "start", "--tag", b"a=\xff"], ["experiment", "get", b"\xff"], ["run", "get", b"\xff"],
                  ["artifact", "list", b"/a/\xff"], ["run", "list", "--filter", b"params.a = '\xff'"]):
        assert cli(*words, code=2) == ""
        assert cli.err.count("\n") == 1


def test_a_deleted_run_takes_nothing(cli):
    run = new_run(cli)
    cli("run", "delete", run)
    for words in (["metric", "log", run, "k", "1"], ["param", "log", run, "k", "1"], ["tag", "set", run, "k", "1"],
                  ["run", "end", run], ["artifact", "log", run, new_file(cli)]):
        cli(*words, code=1)
        assert run in cli.err and "deleted" in cli.err
    cli("run", "restore", run)
    cli("metric", "log", run, "k", "1")


@pytest.mark.parametrize("text, code", [
    ("not: [a pipeline", 2),
    ("just: a map", 2),
    ("", 2),
    (ECHO.replace("componentInputParameter: n}", "componentInputParameter: missing}"), 2),
    (ECHO.replace("exec-echo:\n", "exec-other:\n"), 2),
    (ECHO.replace("taskInfo: {name: echo}", "taskInfo: {name: echo}, dependentTasks: [echo]"), 2),
])
def test_a_broken_pipeline_is_2(cli, text, code):
    cli("pipeline", "validate", pipeline_file(cli, text), code=code)
    cli("pipeline", "run", pipeline_file(cli, text), "--param", "text=a", "--param", "n=1", code=code)
    assert not (cli.folder / "mlflow.db").exists() or not cli.lines("run", "list")


def test_a_pipeline_that_fails_tells_its_tasks_and_is_1(cli):
    path = pipeline_file(cli, ECHO.replace("'echo \"$0 $1\"'", "'exit 3'"))
    result = json.loads(cli("pipeline", "run", path, "--param", "text=a", "--param", "n=1", "-o", "json", code=1))
    assert result["state"] == "FAILED" and result["tasks"][0]["exit_code"] == 3
    assert "echo" in cli.err
    table_of = cli("pipeline", "run", path, "--param", "text=a", "--param", "n=1", code=1)
    assert table_of.split()[:2] == ["TASK", "STATE"] and "FAILED" in table_of


def test_params_of_a_pipeline_are_checked(cli):
    path = pipeline_file(cli)
    for params in (["n=1"], ["text=a", "n=x"], ["text=a", "n=1", "more=1"], ["text"]):
        words = [word for param in params for word in ("--param", param)]
        cli("pipeline", "run", path, *words, code=2)


def test_validate_reads_standard_input(cli):
    assert cli("pipeline", "validate", "-", stdin=ECHO.encode()) == "echo\n"


def test_interrupt_is_130_and_the_run_is_not_left_running(cli):
    started = cli.folder / "started"
    path = pipeline_file(cli, SLEEPER.replace("STARTED", str(started)))
    os.mkfifo(started)
    process = cli.start("pipeline", "run", path)
    with open(started) as fifo:  # opens when the step does: no waiting by the clock
        assert fifo.read() == "started\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert {run["info"]["status"] for run in cli.lines("run", "list")} <= {"KILLED", "FAILED"}


def test_interrupt_ends_the_wait_for_a_server(cli):
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = cli.start("experiment", "list", "--tracking-uri", f"http://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4)  # it has asked, and waits
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)


def test_what_a_killed_program_left_is_told_and_stored(cli):
    logger = cli.program.parent.parent / "examples" / "logger"
    if not logger.exists():
        pytest.skip("examples/logger is not built")
    env = {**cli.environment, "MLFLOW_TRACKING_URI": f"sqlite:///{cli.folder}/mlflow.db", "MLPLAT_N": "100000000",
           "MLPLAT_KEY": "k", "MLPLAT_EXPERIMENT": "e", "MLPLAT_DURABILITY": "process"}
    process = subprocess.Popen([logger], env=env, cwd=cli.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    run, accepted = None, 0
    for line in process.stdout:
        word, value = line.split()[:2]
        run = value.decode() if word == b"RUN" else run
        accepted += word == b"ACC"
        if accepted == 5000:
            break
    process.kill()
    rest = process.stdout.read()
    process.wait()
    accepted += rest.count(b"ACC ") if rest.endswith(b"\n") else rest.count(b"ACC ") - 1
    cli("spool", "sync")
    steps = {p["step"] for p in cli.lines("metric", "history", run, "k")}
    assert set(range(accepted)) <= steps
    status = cli.json("spool", "status")
    assert status["waiting"] == 0 and status["dead"] == 0


def test_a_prompt_is_printed_as_it_is_and_filled(cli):
    new_prompt(cli)
    assert cli("prompt", "load", "p") == "Hello {{ name }}\n"
    assert cli("prompt", "format", "prompts:/p/1", "--set", "name=you") == "Hello you\n"
    assert cli("prompt", "format", "p", "--allow-partial") == "Hello {{ name }}\n"
    cli("prompt", "format", "p", code=2)
    assert "'name'" in cli.err
    chat = [{"role": "system", "content": "Be \"{{style}}\"."}, {"role": "user", "content": "{{ question }}"}]
    assert cli.json("prompt", "register", "chat", new_file(cli, "c.json", json.dumps(chat)), "--chat")["version"] == "1"
    filled = json.loads(cli("prompt", "format", "chat", "--set", "style=kind", "--set", "question=why \\?"))
    assert [message["content"] for message in filled] == ['Be "kind".', "why \\?"]
    assert cli.json("prompt", "load", "chat")["template"] == chat
    cli("prompt", "configure", "chat", "latest", "--model-config", '{"top_k": 3}')
    assert cli.json("prompt", "load", "chat")["model_config"] == {"top_k": 3}
    cli("prompt", "configure", "chat", "1")
    assert "model_config" not in cli.json("prompt", "load", "chat")

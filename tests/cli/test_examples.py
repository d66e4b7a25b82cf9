"""The examples of the table of commands, as a shell runs them: what --help shows is what works."""

import os
import subprocess

import pytest

import test_cli

PIPELINE = test_cli.ECHO.replace("text: {parameterType: STRING}", "text: {parameterType: STRING, defaultValue: a}")
PIPELINE = PIPELINE.replace("n: {parameterType", "depth: {parameterType").replace(" n}", " depth}")
PIPELINE = PIPELINE.replace("['n']", "['depth']").replace("n: {componentInput", "depth: {componentInput")

# What must have happened before an example works, beside what the folder holds.
FIRST = {
    "experiment restore": ["experiment delete fraud"],
    "run restore": ["run delete $run"],
    "run tail": ["run end $run"],
    "run resume": ["run end $run"],
    "version latest": ["version transition fraud-detector 2 Production"],
    "import": ["export fraud-archive"],
    "version delete": ["alias delete fraud-detector champion"],
}
WITHOUT = {  # examples that make what the folder has already
    "experiment create": ["experiment delete fraud", "!rm -r mlflow.db*"],
    "model create": ["model delete fraud-detector"],
}


@pytest.fixture
def folder(cli):
    """A folder as the examples speak of it; $run, $other and the program are known to the shell."""
    run = test_cli.new_run(cli, "--experiment", "fraud", "--name", "first")
    other = test_cli.new_run(cli, "--experiment", "fraud", "--name", "second")
    for key, value in (("loss", "0.25"), ("auc", "0.93")):
        cli("metric", "log", run, key, value)
    cli("tag", "set", run, "team", "risk")
    cli("param", "log", run, "depth", "6")
    test_cli.new_file(cli, "model/MLmodel", test_cli.MODEL)
    for name in ("model.pkl", "plots/roc.svg", "notes.txt"):
        test_cli.new_file(cli, name)
        cli("artifact", "log", run, name)
    cli("artifact", "log", run, "model")
    test_cli.new_file(cli, "pipeline.yaml", PIPELINE)
    test_cli.new_file(cli, "batch.json", '{"metrics": {"loss": 0.2}, "params": {"seed": "1"}, "tags": {"a": "b"}}')
    model = test_cli.new_logged(cli, "--run-id", run, "--tag", "stage=dev")
    (cli.folder / "roc.png").write_bytes(test_cli.PNG)
    test_cli.new_file(cli, "inputs.json", test_cli.INPUTS)
    test_cli.new_file(cli, "outputs.json", '{"models": [{"model_id": "%s"}]}' % model)
    cli("experiment", "tag", "fraud", "owner", "risk")
    for _ in range(2):
        cli("version", "create", "fraud-detector", f"runs:/{run}/model", "--tag", "checked=yes")
    cli("prompt", "register", "greeting", test_cli.new_file(cli, "greeting.txt", "Hello {{ name }}"))
    cli("alias", "set", "greeting", "live", "1")
    cli("model", "tag", "fraud-detector", "team", "risk")
    cli("alias", "set", "fraud-detector", "champion", "2")
    step = cli.program.parent.parent / "examples" / "preprocess"
    if step.exists():
        (cli.folder / "preprocess").symlink_to(step)
    path = f"{cli.program.parent}{os.pathsep}{cli.environment['PATH']}"
    job = subprocess.Popen(["sleep", "0.1"])  # one that ends while it is followed
    cli.environment.update(run=run, other=other, model=model, pid=str(job.pid), PATH=path)
    yield cli
    job.wait()


def shell(cli, line):
    line = line[1:] if line.startswith("!") else f"mlplat {line}"
    return subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=cli.folder, env=cli.environment, timeout=120,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def pytest_generate_tests(metafunc):
    if "words" in metafunc.fixturenames:
        metafunc.parametrize("words", sorted(set(test_cli.SCENARIOS) | test_cli.NO_JSON))


def test_the_examples_of_a_command_work(folder, words):
    if words == "component spec" and not (folder.folder / "preprocess").exists():
        pytest.skip("the example component is not built")
    if words == "spool drop":
        test_cli.dead_letter(folder, folder.environment["run"])
    for line in FIRST.get(words, []) + WITHOUT.get(words, []):
        assert shell(folder, line).returncode == 0, line
    for line in test_cli.table(folder)[words]["example"].splitlines():
        done = shell(folder, line)
        assert done.returncode == 0, (line, done.stdout, done.stderr)

"""The registry against the real MLflow: it reads what we wrote, we read what it wrote, and the rows are the same."""

import json
import sqlite3
import threading

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")

from mlflow.exceptions import MlflowException  # noqa: E402

PYTHON_MODEL = """flavors:
  python_function:
    loader_module: shout
    code: code
    data: data
"""


def say(store, *words):
    """What the command says, as a document."""
    return json.loads(store.mlplat(*words, "-o", "json"))


def say_list(store, *words):
    """What the command lists, one document a line."""
    return [json.loads(line) for line in store.mlplat(*words, "-o", "json").splitlines()]


def client_of(store):
    return mlflow.MlflowClient(tracking_uri=store.uri, registry_uri=store.uri)


@pytest.fixture
def fluent(store, monkeypatch):
    """mlflow's functions without a client, on this store."""
    monkeypatch.chdir(store.folder)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(store.uri)
    mlflow.set_registry_uri(store.uri)
    yield mlflow
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


@pytest.fixture
def model(store):
    """runs:/ URI of a model directory that mlflow.pyfunc loads."""
    folder = store.folder / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "MLmodel").write_text(PYTHON_MODEL)
    (folder / "data").write_text("!")
    (folder / "code" / "shout.py").write_text(
        "class Shout:\n    def __init__(self, end):\n        self.end = end\n"
        "    def predict(self, texts):\n        return [t.upper() + self.end for t in texts]\n"
        "def _load_pyfunc(path):\n    return Shout(open(path).read())\n")
    run_id = say(store, "run", "start")["run_id"]
    store.mlplat("artifact", "log", run_id, str(folder))
    store.mlplat("run", "end", run_id)
    return f"runs:/{run_id}/model"


def rows(store, table):
    """Rows of a table by column, without times."""
    with sqlite3.connect(store.path) as db:
        db.row_factory = sqlite3.Row
        found = [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]
    db.close()
    return [{k: v for k, v in row.items() if not k.endswith("_time")} for row in found]


TABLES = ["registered_models", "registered_model_tags", "registered_model_aliases", "model_versions",
          "model_version_tags"]


def test_mlflow_reads_what_we_wrote(store, model):
    store.mlplat("model", "create", "fraud", "--description", "finds it", "--tag", "team=risk")
    store.mlplat("version", "create", "fraud", model, "--tag", "auc=0.9", "--description", "first")
    store.mlplat("version", "create", "fraud", model)
    store.mlplat("alias", "set", "fraud", "champion", "1")
    store.mlplat("model", "tag", "fraud", "größe", "ß")
    client = client_of(store)
    found = client.get_registered_model("fraud")
    assert found.description == "finds it" and found.tags == {"team": "risk", "größe": "ß"}
    assert found.aliases == {"champion": "1"} or found.aliases == {"champion": 1}
    assert [int(v.version) for v in found.latest_versions] == [2]
    version = client.get_model_version_by_alias("fraud", "champion")
    assert (int(version.version), version.description, version.tags) == (1, "first", {"auc": "0.9"})
    assert (version.status, version.current_stage, version.source) == ("READY", "None", model)
    assert version.run_id == model.split("/")[1] and version.aliases == ["champion"]
    ours = say(store, "version", "get", "fraud", "1")
    assert (version.creation_timestamp, version.last_updated_timestamp) == (
        ours["creation_timestamp"], ours["last_updated_timestamp"])
    assert client.get_model_version_download_uri("fraud", "1") == store.mlplat("artifact", "resolve", model).strip()
    assert [int(v.version) for v in client.search_model_versions("name = 'fraud'")] == [2, 1]


def test_mlflow_loads_what_we_registered(store, model, fluent):
    store.mlplat("version", "create", "shout", model)
    store.mlplat("alias", "set", "shout", "champion", "latest")
    for uri in (model, "models:/shout/1", "models:/shout@champion", "models:/shout/latest"):
        assert fluent.pyfunc.load_model(uri).predict(["a"]) == ["A!"]


def test_we_read_what_mlflow_wrote(store, model):
    client = client_of(store)
    client.create_registered_model("fraud", tags={"team": "risk"}, description="theirs")
    place = store.mlplat("artifact", "resolve", model).strip()
    first = client.create_model_version("fraud", place, run_id=model.split("/")[1], tags={"auc": "0.9"},
                                        description="one")
    client.create_model_version("fraud", f"models:/fraud/{first.version}")
    client.set_registered_model_alias("fraud", "champion", "1")
    client.transition_model_version_stage("fraud", "2", "Production")
    ours = say(store, "model", "get", "fraud")
    assert ours["description"] == "theirs" and ours["tags"] == [{"key": "team", "value": "risk"}]
    assert ours["aliases"] == [{"alias": "champion", "version": "1"}]
    assert sorted(v["version"] for v in ours["latest_versions"]) == ["1", "2"]
    version = say(store, "version", "get", "fraud", "@champion")
    assert (version["version"], version["source"], version["run_id"]) == ("1", place, model.split("/")[1])
    assert version["tags"] == [{"key": "auc", "value": "0.9"}] and version["aliases"] == ["champion"]
    assert say(store, "version", "get", "fraud", "2")["current_stage"] == "Production"
    for uri in ("models:/fraud@champion", "models:/fraud/2", "models:/fraud/latest"):
        assert store.mlplat("artifact", "resolve", uri).strip() == place


def test_the_rows_are_mlflows_rows(tmp_path_factory, model, store):
    """The same calls, ours and theirs, into two files."""
    place = store.mlplat("artifact", "resolve", model).strip()
    run_id = model.split("/")[1]
    theirs = type(store)(tmp_path_factory.mktemp("theirs"))
    client = client_of(theirs)
    client.create_registered_model("m", tags={"a": "1"}, description="d")
    for number, tags in ((1, {"t": "1"}), (2, None), (3, None)):
        client.create_model_version("m", place, run_id=run_id, tags=tags, description=f"v{number}", run_link="http://x")
    client.set_registered_model_alias("m", "champion", "1")
    client.set_registered_model_alias("m", "champion", "3")
    client.set_registered_model_alias("m", "old", "2")
    client.set_model_version_tag("m", "3", "k", "v")
    client.delete_registered_model_tag("m", "a")
    client.update_registered_model("m", "better")
    client.update_model_version("m", "3", "best")
    client.delete_model_version("m", "2")
    client.create_model_version("m", "models:/m/3")

    store.mlplat("model", "create", "m", "--tag", "a=1", "--description", "d")
    for number, tags in ((1, ["--tag", "t=1"]), (2, []), (3, [])):
        store.mlplat("version", "create", "m", place, "--run-id", run_id, "--description", f"v{number}",
                     "--run-link", "http://x", *tags)
    store.mlplat("alias", "set", "m", "champion", "1")
    store.mlplat("alias", "set", "m", "champion", "3")
    store.mlplat("alias", "set", "m", "old", "2")
    store.mlplat("version", "tag", "m", "3", "k", "v")
    store.mlplat("model", "untag", "m", "a")
    store.mlplat("model", "update", "m", "better")
    store.mlplat("version", "update", "m", "3", "best")
    store.mlplat("version", "delete", "m", "2")
    store.mlplat("version", "create", "m", "models:/m/3")
    for table in TABLES:
        want, got = rows(theirs, table), rows(store, table)
        if table == "model_versions":  # the run goes along with a copied version, as with MLflow's copy_model_version
            assert got[3].pop("run_id") == run_id and want[3].pop("run_id") is None
        assert got == want, table


def test_a_logged_model_is_registered_and_told(store, fluent):
    class Same(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    with fluent.start_run() as run:
        logged = fluent.pyfunc.log_model(name="same", python_model=Same(), pip_requirements=[])
    store.mlplat("version", "create", "by-id", f"models:/{logged.model_id}")
    store.mlplat("version", "create", "by-run", f"runs:/{run.info.run_id}/same")
    store.mlplat("version", "create", "by-run", f"runs:/{run.info.run_id}/same")
    client = client_of(store)
    where = client.get_logged_model(logged.model_id)
    for name in ("by-id", "by-run"):
        version = client.get_model_version(name, "1")
        assert (version.source, version.run_id) == (f"models:/{logged.model_id}", run.info.run_id)
        assert client.get_model_version_download_uri(name, "1") == where.artifact_location
        assert fluent.pyfunc.load_model(f"models:/{name}/1").predict("x") == "x"
    assert json.loads(where.tags["mlflow.modelVersions"]) == [
        {"name": "by-id", "version": 1}, {"name": "by-run", "version": 1}, {"name": "by-run", "version": 2}]
    theirs = fluent.register_model(f"models:/{logged.model_id}", "theirs")
    assert say(store, "version", "get", "theirs", str(theirs.version))["source"] == f"models:/{logged.model_id}"
    assert json.loads(client.get_logged_model(logged.model_id).tags["mlflow.modelVersions"])[-1]["name"] == "theirs"


@pytest.mark.parametrize("name", ["a", "with space", ".h", "..", ".", "a/b", "a:b", " ", "..a", "模", "a.b@c"])
def test_names_are_judged_alike(store, name):
    try:
        client_of(store).create_registered_model(name)
        want = 0
    except MlflowException as e:
        assert e.error_code == "INVALID_PARAMETER_VALUE"
        want = 2
    other = type(store)(store.folder / "ours")
    other.folder.mkdir()
    assert (other.mlplat("model", "create", name, code=want) != "") == (want == 0)


@pytest.mark.parametrize("alias", ["champion", "v", "V1", "v1", "Latest", "a.b", "a b", "a_b-9", "1"])
def test_aliases_are_judged_alike(store, model, alias):
    store.mlplat("version", "create", "m", model)
    try:
        client_of(store).set_registered_model_alias("m", alias, "1")
        want = 0
    except MlflowException as e:
        assert e.error_code == "INVALID_PARAMETER_VALUE"
        want = 2
    store.mlplat("alias", "set", "m", alias, "1", code=want)


def test_both_register_at_once(store, model):
    store.mlplat("model", "create", "m")
    place = store.mlplat("artifact", "resolve", model).strip()
    client, failures = client_of(store), []

    def theirs():
        try:
            for _ in range(10):
                client.create_model_version("m", place)
        except Exception as e:  # noqa: BLE001
            failures.append(e)

    thread = threading.Thread(target=theirs)
    thread.start()
    for _ in range(10):
        store.mlplat("version", "create", "m", model)
    thread.join()
    assert not failures
    versions = say_list(store, "version", "list", "m")
    assert sorted(int(v["version"]) for v in versions) == list(range(1, 21))


def test_prompts_are_in_no_list(store):
    client = client_of(store)
    client.register_prompt("greeting", "Hello {{name}}")
    store.mlplat("model", "create", "real")
    assert [m["name"] for m in say_list(store, "model", "list")] == ["real"]
    assert say_list(store, "version", "list") == []
    assert say(store, "model", "get", "greeting")["name"] == "greeting"


CHAT = [{"role": "system", "content": "Be {{style}}."}, {"role": "user", "content": "{{ question }}"}]


def test_mlflow_loads_prompts_that_we_registered(store, fluent):
    (store.folder / "hello.txt").write_text("Hello {{ name }}")
    (store.folder / "chat.json").write_text(json.dumps(CHAT))
    store.mlplat("prompt", "register", "greet", "hello.txt", "--message", "first", "--tag", "by=me")
    store.mlplat("prompt", "register", "greet", "chat.json", "--chat", "--model-config", '{"temperature": 1}',
                 "--response-format", '{"type": "object"}')
    store.mlplat("alias", "set", "greet", "live", "1")
    first = fluent.genai.load_prompt("prompts:/greet@live")
    assert (first.template, first.commit_message, first.tags, first.aliases) == (
        "Hello {{ name }}", "first", {"by": "me"}, ["live"])
    assert first.format(name="you") == "Hello you"
    second = fluent.genai.load_prompt("greet")
    assert (second.version, second.template, second.variables) == (2, CHAT, {"style", "question"})
    assert second.response_format == {"type": "object"}
    assert [prompt.name for prompt in fluent.genai.search_prompts()] == ["greet"]
    assert [prompt.name for prompt in fluent.genai.search_prompts("experiment_id = '0'")] == ["greet"]
    assert [int(v.version) for v in client_of(store).search_prompt_versions("greet")] == [2, 1]
    assert client_of(store).search_registered_models() == []


def test_we_load_prompts_that_mlflow_registered(store, fluent):
    fluent.genai.register_prompt("greet", "Hello {{ name }}", commit_message="first", tags={"by": "me"})
    fluent.genai.register_prompt("greet", CHAT, response_format={"type": "object"},
                                 model_config={"temperature": 1, "model_name": "ü"})
    fluent.genai.set_prompt_alias("greet", "live", 1)
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt_to_experiment"):
            thread.join()
    first, second = say(store, "prompt", "load", "prompts:/greet@live"), say(store, "prompt", "load", "greet")
    assert (first["template"], first["commit_message"], first["variables"]) == ("Hello {{ name }}", "first", ["name"])
    assert first["tags"] == [{"key": "by", "value": "me"}] and first["aliases"] == ["live"]
    assert (second["version"], second["template"], second["variables"]) == ("2", CHAT, ["question", "style"])
    assert second["model_config"] == {"model_name": "ü", "temperature": 1.0}
    assert store.mlplat("prompt", "format", "prompts:/greet/1", "--set", "name=you") == "Hello you\n"
    assert say_list(store, "model", "list") == []


def test_stages_in_turns(store, model, fluent):
    for _ in range(3):
        store.mlplat("version", "create", "shout", model)
    client = client_of(store)
    store.mlplat("version", "transition", "shout", "1", "Production")
    client.transition_model_version_stage("shout", "2", "Production", archive_existing_versions=True)
    assert say(store, "version", "get", "shout", "Production")["version"] == "2"
    assert say(store, "version", "get", "shout", "1")["current_stage"] == "Archived"
    store.mlplat("version", "transition", "shout", "3", "Production", "--archive-existing")
    assert [v.version for v in client.get_latest_versions("shout", ["Production"])] == [3]
    assert fluent.pyfunc.load_model("models:/shout/Production").predict(["a"]) == ["A!"]
    store.mlplat("model", "rename", "shout", "louder")
    store.mlplat("version", "copy", "models:/louder/Production", "live")
    assert fluent.pyfunc.load_model("models:/live/1").predict(["a"]) == ["A!"]
    assert client.get_model_version("live", "1").source == "models:/louder/3"

"""The registry on a real MLflow server: the suite of every registry, what lost answers cost, webhooks, and the doors."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

import mlplat
from forgetful import Forgetful
from mlflow_server import MlflowServer
from programs import BUILD, ROOT, clean_environment

sys.path.insert(0, str(ROOT / "tests/structure"))
import go_tool  # noqa: E402

SECRET = "s3cr3t-of-the-hook"
EVENTS = ["registered_model.created", "model_version_alias.created"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its webhooks may go to this machine, over plain HTTP."""
    server = MlflowServer(tmp_path_factory.mktemp("server"), MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
                          MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
                          MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY=base64.urlsafe_b64encode(b"k" * 32).decode()).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def old_server(tmp_path_factory):
    python = ROOT / "build/mlflow-2.14.0/bin/python"
    if not python.exists():
        pytest.skip(f"there is no MLflow 2.14.0 at {python}: ./setup.sh test makes one")
    server = MlflowServer(tmp_path_factory.mktemp("old-server"), python).start()
    yield server
    server.kill()


def settings(server, folder):
    """Those of a program in a home of its own, which shares the server's folder of artifacts."""
    return clean_environment(MLFLOW_TRACKING_URI=server.url, MLPLAT_ARTIFACT_ROOT=server.folder / "artifacts",
                             HOME=folder, XDG_STATE_HOME=folder)


@pytest.fixture
def command(server, tmp_path):
    """The command line on the server."""
    def run(*words, code=0):
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, env=settings(server, tmp_path),
                              text=True, capture_output=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done.stdout.strip() if code == 0 else done.stderr
    return run


@pytest.fixture
def ml(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with mlplat.open(server.url, artifact_root=str(server.folder / "artifacts")) as session:
        yield session


@pytest.mark.parametrize("release", ["2.14.0", "newest"])
def test_a_server_does_what_every_registry_does(request, release, tmp_path):
    """The suites of tests/contract/, which empty the server between their tests."""
    server = request.getfixturevalue("server" if release == "newest" else "old_server")
    words = [BUILD / "tests/registry_on_server", server.url, server.database, server.folder / "artifacts"]
    done = subprocess.run(words + ["old"] * (release == "2.14.0"), cwd=tmp_path, env=settings(server, tmp_path),
                          text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_old_server_has_no_webhooks(old_server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with mlplat.open(old_server.url) as session, pytest.raises(mlplat.Unsupported, match="MLflow 3.3 or newer"):
        session.webhooks.list()


# ---- lost answers ----------------------------------------------------------------------------------------------


def test_nothing_is_there_twice_when_answers_are_lost(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Forgetful(server.url) as proxy, mlplat.open(proxy.url) as session:
        registry = session.registry
        registry.create("lost", "words", tags={"a": "b"})
        assert registry.register("lost", "s3://bucket/1") == 1
        assert registry.register("made", "s3://bucket/1") == 1  # its model is made with it
        registry.set_alias("lost", "champion", 1)
        registry.rename("lost", "found")
        prompt = session.prompts.register("lost-prompt", "Hello")
        registry.delete_version("made", 1)
        registry.delete("made")
        webhook = session.webhooks.create("lost", "http://127.0.0.1:9/hook", EVENTS)
        session.webhooks.delete(webhook["webhook_id"])
    calls = {path.split("/api/2.0/mlflow/")[1] for path in proxy.lost}
    assert calls >= {"registered-models/create", "model-versions/create", "registered-models/alias",
                     "registered-models/rename", "model-versions/delete", "registered-models/delete", "webhooks",
                     f"webhooks/{webhook['webhook_id']}"}, "these answers were not lost"
    assert prompt == 1
    assert server.rows("select name, version from model_versions where name in ('lost', 'found', 'made') or "
                       "name = 'lost-prompt' order by name") == [("found", 1), ("lost-prompt", 1)]
    assert server.rows("select name, description from registered_models where name in ('lost', 'found', 'made')") == [
        ("found", "words")]
    assert server.rows("select count(*) from webhooks where name = 'lost' and deleted_timestamp is null") == [(0,)]
    assert server.rows("select count(*) from webhooks where name = 'lost'") == [(1,)]


# ---- webhooks --------------------------------------------------------------------------------------------------


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        words = ".".join((self.headers["X-MLflow-Delivery-Id"], self.headers["X-MLflow-Timestamp"], body.decode()))
        signed = hmac.new(SECRET.encode(), words.encode(), hashlib.sha256).digest()
        good = self.headers.get("X-MLflow-Signature") == "v1," + base64.b64encode(signed).decode()
        self.server.calls.append((good, json.loads(body)["entity"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    receiver.daemon_threads, receiver.calls = True, []
    receiver.url = f"http://127.0.0.1:{receiver.server_port}/hook"
    threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def test_a_webhook_is_made_called_changed_and_deleted(ml, receiver):
    made = ml.webhooks.create("hook", receiver.url, EVENTS, description="for the test", secret=SECRET)
    assert SECRET not in str(made) and made["status"] == "ACTIVE"
    assert sorted((e["entity"], e["action"]) for e in made["events"]) == [
        ("MODEL_VERSION_ALIAS", "CREATED"), ("REGISTERED_MODEL", "CREATED")]
    result = ml.webhooks.test(made["webhook_id"], "model_version_alias.created")
    assert (result["success"], result["response_status"]) == (True, 200)
    assert receiver.calls == [(True, "model_version_alias")], "the call came once, signed"
    changed = ml.webhooks.update(made["webhook_id"], status="DISABLED", events="prompt.created")
    assert (changed["status"], len(changed["events"]), changed["description"]) == ("DISABLED", 1, "for the test")
    assert ml.webhooks.get(made["webhook_id"]) == changed
    assert changed in ml.webhooks.list()
    ml.webhooks.delete(made["webhook_id"])
    for call in (ml.webhooks.get, ml.webhooks.delete, ml.webhooks.test):
        with pytest.raises(mlplat.NotFound):
            call(made["webhook_id"])


def test_a_webhook_that_is_refused_is_told_without_its_secret(ml):
    with pytest.raises(mlplat.Invalid) as told:
        ml.webhooks.create(SECRET + "!", "http://127.0.0.1:9/hook", EVENTS, secret=SECRET)
    assert SECRET not in str(told.value)
    with pytest.raises(mlplat.Invalid):
        ml.webhooks.create("hook", "http://127.0.0.1:9/hook", "model_version.set")
    with pytest.raises(mlplat.Invalid, match="no_entity.created"):
        ml.webhooks.create("hook", "http://127.0.0.1:9/hook", "no_entity.created")


def test_a_webhook_on_the_command_line(command, receiver, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    made = json.loads(command("webhook", "create", "hook", receiver.url, ",".join(EVENTS), "--secret-file", "secret",
                              "-o", "json"))
    hook = made["webhook_id"]
    assert json.loads(command("webhook", "test", hook, "-o", "json"))["success"] is True
    assert [good for good, _ in receiver.calls] == [True]
    assert hook in command("webhook", "list")
    assert json.loads(command("webhook", "update", hook, "--disabled", "-o", "json"))["status"] == "DISABLED"
    assert json.loads(command("webhook", "get", hook, "-o", "json"))["name"] == "hook"
    command("webhook", "delete", hook)
    command("webhook", "get", hook, code=3)


# ---- the doors -------------------------------------------------------------------------------------------------


def test_a_model_is_registered_and_loaded_by_its_alias_on_the_command_line(command, tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    run = command("run", "start")
    command("artifact", "log", run, "model.txt", "--to", "model")
    assert command("version", "create", "fraud", f"runs:/{run}/model") == "1"
    command("alias", "set", "fraud", "champion", "1")
    command("artifact", "get", "models:/fraud@champion", "copy")
    assert (tmp_path / "copy/model.txt").read_text() == "weights"
    assert json.loads(command("version", "get", "fraud", "@champion", "-o", "json"))["run_id"] == run
    command("version", "get", "fraud", "@none", code=3)


def test_a_model_is_registered_and_loaded_by_its_alias_in_python(ml, tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    with ml.run("train") as run:
        run.log_artifact(tmp_path / "model.txt", "model")
    number = ml.registry.register("by-python", f"runs:/{run.id}/model", tags={"by": "python"})
    ml.registry.set_alias("by-python", "champion", number)
    version = ml.registry.version("by-python", "champion")
    assert (version.version, version.run_id, version.tags, version.aliases) == (1, run.id, {"by": "python"}, ["champion"])
    assert ml.artifacts.read("models:/by-python@champion/model.txt") == b"weights"


@pytest.mark.skipif(go_tool.missing() != "", reason=go_tool.missing() or "there is Go")
def test_a_model_is_registered_and_loaded_by_its_alias_in_go(server, tmp_path):
    told = go_tool.run("go", "test", "-count=1", "-v", "-run", "^TestTheRegistryOfAServer$", ".", TEST_SERVER=server.url,
                       TEST_ARTIFACTS=str(server.folder / "artifacts"), XDG_STATE_HOME=str(tmp_path), HOME=os.environ.get("HOME", "/root"))
    assert "--- PASS: TestTheRegistryOfAServer" in told

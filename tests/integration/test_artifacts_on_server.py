"""Artifacts behind a real MLflow server's proxy, the newest and 2.14.0: by us, and by MLflow's own client in turn."""

import hashlib
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")
mlplat = pytest.importorskip("mlplat", reason="the Python binding is not installed: pip install ./bindings/python")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "structure"))
import go_tool  # noqa: E402
from mlflow_server import MlflowServer  # noqa: E402
from programs import BUILD, ROOT, clean_environment  # noqa: E402

OLD = ROOT / "build/mlflow-2.14.0/bin/python"
NAMES = ["plain.txt", "a b.txt", "x+y.txt", "100%.txt", "it's.txt", "a&b=c.txt", "[x].txt", "semi;colon.txt", "empty",
         "Größe/ß.txt", "sub/deep/file", "data.csv.gz", "page.html", "~", "..."]
BEYOND_LATIN1 = "日本/語.txt"
REFUSED = ["a#b.txt", "a%41.txt", "a?", "a;"]


@pytest.fixture(scope="module", params=["newest", "2.14.0"])
def server(request, tmp_path_factory):
    python = sys.executable
    if request.param == "2.14.0":
        python = str(OLD)
        if not OLD.exists() or subprocess.run([OLD, "-c", "import flask, gunicorn"], capture_output=True).returncode:
            pytest.skip(f"there is no server of MLflow 2.14.0 at {OLD}: ./setup.sh test makes one")
    folder = tmp_path_factory.mktemp("server")
    words = ["--default-artifact-root", "mlflow-artifacts:/", "--artifacts-destination", str(folder / "artifacts")]
    server = MlflowServer(folder, python, words).start()
    server.version = request.param
    yield server
    server.kill()


@pytest.fixture
def ml(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    mlflow.set_tracking_uri(server.url)
    with mlplat.open() as session:
        yield session


@pytest.fixture
def run(ml):
    with ml.run("artifacts") as open_run:
        yield open_run


@pytest.fixture
def client(ml):
    return mlflow.MlflowClient()


def make_tree(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else os.urandom(3000))
    return folder


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_proxy_does_what_every_artifact_store_does(server, tmp_path):
    """The suite of tests/contract/, by each of the three kinds of URI."""
    done = subprocess.run([BUILD / "tests/artifacts_on_server", server.url], cwd=tmp_path, env=clean_environment(),
                          text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def test_mlflow_downloads_what_we_upload(ml, run, client, tmp_path):
    tree = make_tree(tmp_path / "tree", NAMES)
    run.log_artifact(tree)
    theirs = client.download_artifacts(run.id, "tree", tmp_path)
    assert content(pathlib.Path(theirs)) == content(tree)
    ml.artifacts.get(f"runs:/{run.id}/tree", tmp_path / "ours")
    assert content(tmp_path / "ours") == content(tree)
    there = mlflow.artifacts.list_artifacts(artifact_uri=client.get_run(run.id).info.artifact_uri + "/tree")
    listed = {file.path: file.is_dir for file in there}
    assert {file["path"]: file["is_dir"] for file in ml.artifacts.list(f"runs:/{run.id}/tree")} == listed


def test_we_download_what_mlflow_uploads(ml, client, tmp_path):
    tree = make_tree(tmp_path / "tree", NAMES)
    run = client.create_run("0").info.run_id
    client.log_artifacts(run, tree, "some where")
    ml.artifacts.get(f"runs:/{run}/some where", tmp_path / "ours")
    assert content(tmp_path / "ours") == content(tree)
    assert ml.artifacts.read(f"runs:/{run}/some where/a b.txt") == (tree / "a b.txt").read_bytes()


def test_letters_beyond_latin1(server, ml, run, client, tmp_path):
    """MLflow 2.14 takes such a file and breaks the connection when it should give it back: that is told at once."""
    tree = make_tree(tmp_path / "tree", [BEYOND_LATIN1])
    run.log_artifact(tree)
    if server.version == "newest":
        assert ml.artifacts.read(f"runs:/{run.id}/tree/{BEYOND_LATIN1}") == (tree / BEYOND_LATIN1).read_bytes()
        assert content(pathlib.Path(client.download_artifacts(run.id, "tree", tmp_path))) == content(tree)
    else:
        with pytest.raises(mlplat.Unavailable, match="Latin-1"):
            ml.artifacts.read(f"runs:/{run.id}/tree/{BEYOND_LATIN1}")
        there = server.folder / "artifacts" / "0" / run.id / "artifacts/tree" / BEYOND_LATIN1
        assert there.read_bytes() == (tree / BEYOND_LATIN1).read_bytes()


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_the_proxy_would_change_is_refused(ml, run, name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(mlplat.Invalid, match="proxy"):
        run.log_artifact(tmp_path / name)
    assert ml.artifacts.list(f"runs:/{run.id}") == []


def test_a_file_of_100_megabytes(ml, run, client, tmp_path):
    piece = os.urandom(1_000_000)
    with open(tmp_path / "big", "wb") as file:
        for i in range(100):
            file.write(i.to_bytes(4, "big") + piece[4:])
    seen = []
    ml.artifacts.put(tmp_path / "big", f"runs:/{run.id}/big", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100_000_000, 100_000_000) and len(seen) > 2
    assert digest(client.download_artifacts(run.id, "big", tmp_path / "..")) == digest(tmp_path / "big")
    ml.artifacts.get(f"runs:/{run.id}/big", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(tmp_path / "big")


def test_a_thousand_small_files(server, ml, run, client, tmp_path):
    names = [f"part-{i // 100}/{i}.bin" for i in range(1000)]
    tree = make_tree(tmp_path / "tree", names)
    run.log_artifact(tree)
    root = server.folder / "artifacts" / "0" / run.id / "artifacts/tree"
    assert content(root) == content(tree)
    ml.artifacts.get(f"runs:/{run.id}/tree", tmp_path / "back")
    assert content(tmp_path / "back") == content(tree)


def test_what_is_made_in_the_program_is_logged(ml, run, client, tmp_path):
    run.log_text("grün\n", "notes/readme.txt")
    run.log_dict({"a": [1, 2.5, None]}, "config.json")
    run.log_dict({"a": 1}, "config.yaml")
    run.log_image(numpy.array([[[255, 0, 0], [0, 255, 0]]], "uint8"), "image.png")
    run.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
    uri = client.get_run(run.id).info.artifact_uri
    assert uri.startswith("mlflow-artifacts:/")
    assert mlflow.artifacts.load_text(uri + "/notes/readme.txt") == "grün\n"
    assert mlflow.artifacts.load_dict(uri + "/config.json") == {"a": [1, 2.5, None]}
    assert mlflow.artifacts.load_text(uri + "/config.yaml") == "a: 1\n"
    assert mlflow.artifacts.load_image(uri + "/image.png").size == (2, 1)
    assert mlflow.load_table("table.json", run_ids=[run.id]).to_dict("list") == {"x": [1, 2], "y": ["a", "b"]}


@pytest.fixture
def cli(server, tmp_path):
    def run(*words):
        environment = clean_environment(MLFLOW_TRACKING_URI=server.url, HOME=tmp_path, XDG_STATE_HOME=tmp_path)
        done = subprocess.run([BUILD / "tools/mlplat", *words], cwd=tmp_path, env=environment, capture_output=True,
                              timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return run


def test_the_command_line(cli, tmp_path):
    tree = make_tree(tmp_path / "tree", NAMES)
    run = cli("run", "start").decode().strip()
    cli("artifact", "log", run, tree)
    cli("artifact", "put", tree / "plain.txt", f"runs:/{run}/one/more.txt")
    assert cli("artifact", "cat", f"runs:/{run}/one/more.txt") == (tree / "plain.txt").read_bytes()
    cli("artifact", "get", f"runs:/{run}/tree", "back")
    assert content(tmp_path / "back") == content(tree)
    assert cli("artifact", "list", f"runs:/{run}").decode().split()[3:] == ["one", "true", "tree", "true"]
    assert cli("artifact", "resolve", f"runs:/{run}/x").decode().startswith("mlflow-artifacts:/")


def test_the_go_module(server):
    """Its tests of artifacts, on this server."""
    if server.version != "newest":
        pytest.skip("the newest is enough: what differs between servers is below the Go module")
    if go_tool.missing():
        pytest.skip(go_tool.missing())
    words = ["go", "test", "-count=1", "-v", "-run", "Artifact|AReader|TheWriter|Transfer|APathThat", "."]
    done = subprocess.run(words, cwd=go_tool.MODULE, env=go_tool.environment() | {"ARTIFACT_SERVER": server.url},
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("--- PASS") >= 4, done.stdout


DOUBLER = """
class Model:
    def predict(self, data):
        return data["x"] * 2

def _load_pyfunc(path):
    return Model()
"""


def test_a_model_is_logged_and_loaded(server, ml, run, tmp_path):
    """A logged model of its own in MLflow 3, a folder of the run in MLflow 2."""
    (tmp_path / "doubler.py").write_text(DOUBLER)
    (tmp_path / "weights").write_bytes(b"2")
    uri = run.log_model("model", loader_module="doubler", data=tmp_path / "weights", code=tmp_path / "doubler.py")
    assert uri.startswith("models:/m-" if server.version == "newest" else f"runs:/{run.id}/")
    place = ml.artifacts.resolve(f"runs:/{run.id}/model")
    loaded = mlflow.pyfunc.load_model(uri if server.version == "newest" else place)
    assert loaded.predict({"x": 21}) == 42
    if server.version == "newest":  # what the run has no artifacts of is read from its logged model
        assert "loader_module: doubler" in ml.artifacts.read(f"runs:/{run.id}/model/MLmodel").decode()

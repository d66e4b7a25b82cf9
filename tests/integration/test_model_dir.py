"""Model directories against the real MLflow: it loads, checks, shows and serves what we wrote."""

import json
import os
import pathlib
import pickle
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

mlflow = pytest.importorskip("mlflow", reason="the real MLflow is not installed: pip install mlflow")
mlplat = pytest.importorskip("mlplat", reason="the Python binding is not built")
pd = pytest.importorskip("pandas", reason="pandas is not installed")

import yaml  # noqa: E402  (MLflow needs it)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import Model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

LOADER = '''
import json, pathlib

class Linear:
    def __init__(self, weights):
        self.weights = weights
    def predict(self, frame, params=None):
        scale = (params or {}).get("scale", 1.0)
        columns = list(self.weights)
        return [scale * sum(self.weights[c] * float(row[c]) for c in columns) for row in frame[columns].to_dict("records")]

def _load_pyfunc(path):
    return Linear(json.loads(pathlib.Path(path).read_text()))
'''
SIGNATURE = {
    "inputs": [{"name": "a", "type": "double"}, {"name": "b", "type": "long", "required": True}],
    "outputs": [{"type": "double"}],
    "params": [{"name": "scale", "type": "double", "default": 1.0}],
}
EXAMPLE = {"columns": ["a", "b"], "data": [[0.5, 2], [1.0, 3]]}


@pytest.fixture
def ml(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MLPLAT_", "MLFLOW_")) and name != "MLPLAT_BINARY_DIR":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with mlplat.open(f"sqlite:///{tmp_path}/mlflow.db") as session:
        yield session


@pytest.fixture
def source(tmp_path):
    (tmp_path / "linear_loader.py").write_text(LOADER)
    (tmp_path / "weights.json").write_text('{"a": 2.0, "b": 10.0}')
    return tmp_path


@pytest.fixture
def model(ml, source):
    target = source / "model"
    ml.artifacts.save_model(
        target, loader_module="linear_loader", data=source / "weights.json", code=source / "linear_loader.py",
        signature=SIGNATURE, input_example=EXAMPLE, requirements=["cloudpickle", "pandas"], metadata={"team": "risk"},
        flavors={"own": {"version": 1}}, run_id="0" * 32, artifact_path="model")
    return target


def test_load_model_predicts(model):
    loaded = mlflow.pyfunc.load_model(str(model))
    assert loaded.predict(pd.DataFrame({"a": [0.5, 1.0], "b": [2, 3]})) == [21.0, 32.0]
    assert loaded.predict(pd.DataFrame({"a": [0.5], "b": [2]}), params={"scale": 2.0}) == [42.0]


def test_the_signature_is_enforced(model):
    loaded = mlflow.pyfunc.load_model(str(model))
    for wrong in ({"a": [0.5]}, {"a": ["x"], "b": [2]}, {"a": [0.5], "b": [2.5]}):
        with pytest.raises(MlflowException):
            loaded.predict(pd.DataFrame(wrong))
    with pytest.raises(MlflowException):
        loaded.predict(pd.DataFrame({"a": [0.5], "b": [2]}), params={"scale": "much"})


def test_mlflow_reads_every_member(model):
    read = Model.load(str(model))
    assert read.run_id == "0" * 32 and read.artifact_path == "model" and len(read.model_uuid) == 32
    assert read.metadata == {"team": "risk"} and read.flavors["own"] == {"version": 1}
    assert read.signature.inputs.input_names() == ["a", "b"]
    assert read.signature.params.params[0].default == 1.0
    assert isinstance(read.utc_time_created, str) and read.model_size_bytes > 0
    assert read.get_params_schema() is not None
    pyfunc = read.flavors["python_function"]
    assert pyfunc["python_version"] == ".".join(map(str, sys.version_info[:3]))
    assert pyfunc["env"] == {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}


def test_the_input_example_comes_back(model):
    read = Model.load(str(model))
    pd.testing.assert_frame_equal(read.load_input_example(str(model)), pd.DataFrame({"a": [0.5, 1.0], "b": [2, 3]}))
    assert json.loads(read.get_serving_input(str(model))) == {"dataframe_split": EXAMPLE}


@pytest.mark.parametrize("example", [["x", "y"], {"a": "x", "b": 3}, 7, [[1.5, 2.0], [3.0, 4.0]]], ids=str)
def test_other_examples_come_back(ml, source, example):
    ml.artifacts.save_model(source / "m", loader_module="linear_loader", input_example=example)
    read = Model.load(str(source / "m"))
    assert read.load_input_example(str(source / "m")) == example
    assert json.loads(read.get_serving_input(str(source / "m"))) == {"inputs": example}


def test_a_tensor_example_comes_back_as_an_array(ml, source):
    tensor = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    ml.artifacts.save_model(source / "m", loader_module="linear_loader", signature={"inputs": tensor},
                            input_example=[[1.0, 2.0], [3.0, 4.0]])
    loaded = Model.load(str(source / "m")).load_input_example(str(source / "m"))
    assert loaded.shape == (2, 2) and loaded.dtype == "float64"


def test_the_environment_is_what_mlflow_expects(model):
    from mlflow.utils.environment import _PythonEnv

    assert (model / "requirements.txt").read_text() == "cloudpickle\npandas\n"
    env = _PythonEnv.from_yaml(str(model / "python_env.yaml"))
    assert env.python == ".".join(map(str, sys.version_info[:3]))
    conda = yaml.safe_load((model / "conda.yaml").read_text())
    assert {"pip": ["cloudpickle", "pandas"]} in conda["dependencies"]
    assert mlflow.pyfunc.get_model_dependencies(str(model)).endswith("requirements.txt")


def test_mlflows_own_flavor_loads(ml, source):
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    rows = pd.DataFrame({"a": [0.0, 1.0] * 10, "b": range(20)})
    forest = ensemble.RandomForestClassifier(n_estimators=5, random_state=0).fit(rows, [0, 1] * 10)
    (source / "model.pkl").write_bytes(pickle.dumps(forest))
    import sklearn

    ml.artifacts.save_model(
        source / "sk", loader_module="mlflow.sklearn", data=source / "model.pkl",
        flavors={"sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle",
                             "sklearn_version": sklearn.__version__}})
    assert list(mlflow.pyfunc.load_model(str(source / "sk")).predict(rows)) == list(forest.predict(rows))
    assert (mlflow.sklearn.load_model(str(source / "sk")).predict(rows) == forest.predict(rows)).all()


def test_a_logged_and_registered_model_loads_by_its_alias(ml, source):
    with ml.run("train") as run:
        uri = run.log_model("model", loader_module="linear_loader", data=source / "weights.json",
                            code=source / "linear_loader.py", signature=SIGNATURE)
    ml.registry.set_alias("linear", "champion", ml.registry.register("linear", uri))
    mlflow.set_tracking_uri(f"sqlite:///{source}/mlflow.db")
    mlflow.set_registry_uri(f"sqlite:///{source}/mlflow.db")
    frame = pd.DataFrame({"a": [0.5], "b": [2]})
    for address in (uri, f"runs:/{run.id}/model", "models:/linear/1", "models:/linear@champion"):
        assert mlflow.pyfunc.load_model(address).predict(frame) == [21.0]
    logged = mlflow.get_logged_model(uri.removeprefix("models:/"))
    assert logged.status == "READY" and logged.source_run_id == run.id and logged.name == "model"
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": "linear", "version": 1}]


def post(port, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def wait_until_up(process, port, log, limit_s=120):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert process.poll() is None, pathlib.Path(log).read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the model server did not answer: " + pathlib.Path(log).read_text()[-2000:])


def test_mlflow_serves_it(model, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "serve.log"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local",
               "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True,
                                   env={**os.environ, "PATH": os.path.dirname(sys.executable) + ":" + os.environ["PATH"]})
    try:
        wait_until_up(process, port, log)
        request = json.loads((model / "serving_input_example.json").read_text())
        assert post(port, request) == (200, {"predictions": [21.0, 32.0]})
        assert post(port, {**request, "params": {"scale": 2.0}}) == (200, {"predictions": [42.0, 64.0]})
        status, answer = post(port, {"dataframe_split": {"columns": ["a"], "data": [[1.0]]}})
        assert status == 400 and "b" in answer["message"]
    finally:
        try:
            os.killpg(process.pid, 15)  # the group that this test started
        except ProcessLookupError:
            pass
        process.wait(30)

import json
import re

import mlplat
import pytest

PNG = bytes.fromhex("89504e470d0a1a0a") + b"rest"


def table(ml, run, name):
    return json.loads(ml.artifacts.read(f"runs:/{run.id}/{name}"))


def names(ml, run, folder=""):
    return [file["path"] for file in ml.artifacts.list(f"runs:/{run.id}/{folder}")]


def test_a_table_grows_by_rows_and_columns(ml, run):
    run.log_table({"a": [1, 2], "b": ["x", "y"]}, "out/t.json")
    run.log_table({"b": "z", "c": 0.5}, "out/t.json")
    run.log_table({"a": [float("nan")]}, "out/t.json")
    assert table(ml, run, "out/t.json") == {
        "columns": ["a", "b", "c"],
        "data": [[1, "x", None], [2, "y", None], [None, "z", 0.5], [None, None, None]]}
    assert json.loads(run.data().tags["mlflow.loggedArtifacts"]) == [{"path": "out/t.json", "type": "table"}]


def test_tables_of_other_libraries(ml, run):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    run.log_table(pandas.DataFrame({"a": [1, None], "t": pandas.to_datetime(["2020-01-02", None])}), "p.json")
    run.log_table(pyarrow.table({"a": [1, None]}), "q.json")
    assert table(ml, run, "p.json")["data"][1] == [None, None]
    assert table(ml, run, "p.json")["data"][0][1].startswith("2020-01-02T")
    assert table(ml, run, "q.json") == {"columns": ["a"], "data": [[1], [None]]}


def test_a_parquet_table_is_written_by_pandas(ml, run, folder):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for value in (1, 2):
        run.log_table({"a": [value]}, "t.parquet")
    (folder / "t.parquet").write_bytes(ml.artifacts.read(f"runs:/{run.id}/t.parquet"))
    assert pandas.read_parquet(folder / "t.parquet")["a"].tolist() == [1, 2]
    assert json.loads(run.data().tags["mlflow.loggedArtifacts"]) == [{"path": "t.parquet", "type": "table"}]


@pytest.mark.parametrize("data, error", [({"a": [1], "b": [1, 2]}, ValueError), (3, TypeError), ([1], TypeError)])
def test_what_is_no_table_is_refused(run, data, error):
    with pytest.raises(error):
        run.log_table(data, "t.json")


def test_a_table_has_a_name_that_tells(run):
    for name in ("t.csv", "t", ""):
        with pytest.raises(mlplat.Invalid, match="json"):
            run.log_table({"a": 1}, name)


def test_an_image_of_bytes(ml, run):
    run.log_image(PNG, "pictures/a.png")
    run.log_image(b"JFIF", "pictures/b.jpg")
    assert names(ml, run, "pictures") == ["pictures/a.png", "pictures/b.jpg"]
    assert "mlflow.loggedImages" not in run.data().tags
    run.log_image(PNG, key="a/b c", step=3, timestamp_ms=99)
    small, large = names(ml, run, "images")
    assert re.fullmatch(r"images/a~b c\+step\+3\+timestamp\+99\+[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.png", large)
    assert small == large.replace(".png", "+compressed.webp")
    assert run.data().tags["mlflow.loggedImages"] == "True"


@pytest.mark.parametrize("more", [{}, {"artifact_file": "a.png", "key": "k"}, {"key": "a%b"}, {"key": ""},
                                  {"artifact_file": "../a.png"}])
def test_an_image_without_a_right_name_is_refused(run, more):
    with pytest.raises(mlplat.Invalid):
        run.log_image(PNG, **more)


def test_an_image_of_a_key_is_png(run):
    with pytest.raises(mlplat.Invalid, match="PNG"):
        run.log_image(b"JFIF", key="k")


def test_arrays_and_pictures(ml, run, folder):
    numpy, pil = pytest.importorskip("numpy"), pytest.importorskip("PIL.Image")
    run.log_image(numpy.linspace(0, 1, 600 * 300).reshape(600, 300), key="k", step=1)
    small, large = names(ml, run, "images")
    sizes = {}
    for name in (small, large):
        (folder / "image").write_bytes(ml.artifacts.read(f"runs:/{run.id}/{name}"))
        with pil.open(folder / "image") as picture:
            sizes[picture.format] = picture.size
    assert sizes == {"PNG": (300, 600), "WEBP": (128, 256)}
    run.log_image(pil.new("RGB", (4, 4)), "a.jpg")
    run.log_table({"picture": [pil.new("RGB", (4, 4))], "n": [1]}, "with.json")
    cell = table(ml, run, "with.json")["data"][0][0]
    assert cell["type"] == "image" and cell["filepath"] in names(ml, run, "table_images/with")
    for bad in (numpy.zeros((2, 2, 2)), numpy.full((2, 2), 300), numpy.array(["x"])):
        with pytest.raises(ValueError):
            run.log_image(bad, key="k")


def test_figures(ml, run):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.subplots().plot([1, 2])
    run.log_figure(figure, "figures/f.svg")
    run.log_figure(figure, "figures/f.png", dpi=30)
    assert b"<svg" in ml.artifacts.read(f"runs:/{run.id}/figures/f.svg")
    with pytest.raises(TypeError, match="figure"):
        run.log_figure(3, "f.png")


def test_mlflow_loads_the_table(ml, run):
    mlflow = pytest.importorskip("mlflow")
    run.log_table({"a": [1, 2], "b": ["x", "y"]}, "out/t.json")
    ml.flush()
    client = mlflow.MlflowClient(ml.store.create()["uri"])
    loaded = client.load_table(run.experiment_id, "out/t.json", [run.id])
    assert loaded.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    client.log_table(run.id, {"a": [3], "b": ["z"]}, "out/t.json")
    run.log_table({"a": [4]}, "out/t.json")
    assert table(ml, run, "out/t.json")["data"] == [[1, "x"], [2, "y"], [3, "z"], [4, None]]

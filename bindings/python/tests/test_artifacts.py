import os
import pathlib

import mlplat
import pytest


@pytest.fixture
def tree(folder):
    for name, size in {"tree/a.bin": 10, "tree/sub/b.bin": 3_000_000, "tree/sub/empty": 0}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return folder / "tree"


def same(one, two):
    names = [sorted(str(p.relative_to(root)) for p in root.rglob("*")) for root in (one, two)]
    return names[0] == names[1] and all((one / n).read_bytes() == (two / n).read_bytes() for n in names[0]
                                        if (one / n).is_file())


def test_a_directory_goes_in_and_comes_back(ml, run, tree, folder):
    seen = []
    ml.artifacts.put(tree, f"runs:/{run.id}/in", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == 3_000_010
    ml.artifacts.get(f"runs:/{run.id}/in", folder / "back")
    assert same(tree, folder / "back")
    listed = {f["path"]: f.get("file_size") for f in ml.artifacts.list(f"runs:/{run.id}/in")}
    assert listed == {"in/a.bin": 10, "in/sub": None}


def test_paths_of_every_kind(ml, tree, folder):
    ml.artifacts.put(str(tree / "a.bin"), folder / "one")
    ml.artifacts.put(os.fsencode(tree / "a.bin"), "file:" + str(folder / "two"))
    name = os.fsdecode(b"not-utf8-\xff")
    (folder / name).write_bytes(b"x")
    ml.artifacts.put(folder / name, folder / "three")
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes() == (tree / "a.bin").read_bytes()
    assert (folder / "three").read_bytes() == b"x"
    for bad, kind in ((3, TypeError), (None, TypeError), ("a\0b", mlplat.Invalid), ("\ud800", mlplat.Invalid)):
        with pytest.raises(kind):
            ml.artifacts.put(bad, folder / "x")


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")], ids=["bytes", "bytearray", "view"])
def test_bytes_in_and_out(ml, folder, data):
    ml.artifacts.put_bytes(data, folder / "x")
    assert ml.artifacts.read(folder / "x") == b"abc"
    with pytest.raises(TypeError):
        ml.artifacts.put_bytes("text", folder / "x")


def test_stream_hands_out_views_that_die_with_the_call(ml, tree):
    kept, whole = [], bytearray()

    def write(view):
        assert view.readonly
        whole.extend(view)
        kept.extend([view, view[:4]])

    ml.artifacts.stream(tree / "sub/b.bin", write)
    assert bytes(whole) == (tree / "sub/b.bin").read_bytes()
    with pytest.raises(ValueError, match="released"):
        bytes(kept[0])
    assert bytes(kept[1]) == bytes(whole[:4])  # a slice of it is still good memory


def test_exception_of_a_callback_comes_out_as_itself(ml, tree, folder):
    def fail(*_):
        raise ZeroDivisionError("mine")
    for call in (lambda: ml.artifacts.stream(tree / "sub/b.bin", fail),
                 lambda: ml.artifacts.put(tree, folder / "copy", progress=fail),
                 lambda: ml.artifacts.get(tree, folder / "copy", progress=fail)):
        with pytest.raises(ZeroDivisionError, match="mine"):
            call()
    assert not (folder / "copy").exists()


def test_false_from_a_callback_cancels(ml, tree, folder):
    for call in (lambda: ml.artifacts.stream(tree / "a.bin", lambda view: False),
                 lambda: ml.artifacts.put(tree, folder / "copy", progress=lambda done, total: False)):
        with pytest.raises(mlplat.Cancelled):
            call()
    assert not (folder / "copy").exists()


def test_callback_cannot_close_what_its_call_uses(folder, tree):
    ml = mlplat.open()
    with pytest.raises(mlplat.State, match="in use"):
        ml.artifacts.stream(tree / "a.bin", lambda view: ml.close())
    assert ml.artifacts.read(tree / "a.bin")
    ml.close()


@pytest.mark.parametrize("rest", ["../x", "a/../../x", "%2e%2e/x", "..%2fx", "a\\..\\x", "a/%5c../x"])
def test_no_path_leaves_its_root(ml, run, folder, rest):
    with pytest.raises(mlplat.Error):
        ml.artifacts.put_bytes(b"x", f"runs:/{run.id}/{rest}")
    with pytest.raises(mlplat.Error):
        ml.artifacts.read(f"runs:/{run.id}/{rest}")


def test_what_is_not_there_is_not_found(ml, run, folder):
    for call in (lambda: ml.artifacts.put("none", folder / "x"), lambda: ml.artifacts.read(folder / "none"),
                 lambda: ml.artifacts.get(f"runs:/{run.id}/none", folder / "x"),
                 lambda: ml.artifacts.resolve("runs:/" + "0" * 32 + "/x"),
                 lambda: ml.artifacts.resolve("models:/none/1")):
        with pytest.raises(mlplat.NotFound):
            call()
    assert ml.artifacts.list(f"runs:/{run.id}/none") == []


def test_unwritable_directory_is_denied(finish, folder):
    """As a user to whom the folder says no: root, who may write anywhere, becomes nobody."""
    code, out, err = finish("""
import mlplat, os, tempfile
with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
    os.chmod(folder, 0o755)  # nobody can reach it, but not write
    os.chdir(folder)
    os.mkdir("locked", 0o555)
    open("source", "w").close()
    os.environ["XDG_CONFIG_HOME"] = folder  # that of the test is root's alone
    pid = os.fork()
    if pid == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        ml = mlplat.open(f"sqlite:///{folder}/locked/mlflow.db", log=lambda *_: None)
        for call in lambda: ml.run("x"), lambda: ml.artifacts.put_bytes(b"x", f"{folder}/locked/x"), \\
                lambda: ml.artifacts.get(f"{folder}/source", f"{folder}/locked/x"):
            try:
                call()
            except PermissionError as error:
                print(type(error).__name__, folder in str(error), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(os.listdir("locked"))
    os.chdir("/")
""")
    assert (code, out.splitlines()) == (0, ["Denied True"] * 3 + ["[]"]), err


def test_model_directory_as_mlflow_reads_it(ml, run, tree):
    uri = run.log_model("model", loader_module="mlflow.sklearn", data=tree / "a.bin",
                        flavors={"sklearn": {"pickled_model": "a.bin", "sklearn_version": "1.5.0"}},
                        signature={"inputs": [{"name": "x", "type": "double", "required": True}],
                                   "outputs": [{"type": "long", "required": True}]},
                        input_example={"columns": ["x"], "data": [[1.5]]}, requirements=["scikit-learn==1.5.0"],
                        metadata={"by": "test"})
    assert uri.startswith("models:/m-") and run.data().model_outputs == [uri.removeprefix("models:/")]
    info = ml.artifacts.model_info(uri)
    assert info == ml.artifacts.model_info(f"runs:/{run.id}/model")
    assert info["run_id"] == run.id and info["model_id"] == info["model_uuid"] == uri.removeprefix("models:/")
    assert info["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert info["flavors"]["sklearn"]["pickled_model"] == "a.bin"
    assert b"scikit-learn==1.5.0" in ml.artifacts.read(uri + "/requirements.txt")
    import sys
    assert "{}.{}.{}".format(*sys.version_info[:3]) in ml.artifacts.read(uri + "/python_env.yaml").decode()


def test_model_saved_by_hand(ml, folder, tree):
    ml.artifacts.save_model(folder / "m", loader_module="mine", code=tree, data=tree)
    assert (folder / "m/MLmodel").exists()
    with pytest.raises(mlplat.Exists):
        ml.artifacts.save_model(folder / "m", loader_module="mine")
    with pytest.raises(mlplat.Invalid, match="signature"):
        ml.artifacts.save_model(folder / "n", loader_module="mine", signature="{no json")


def test_documents_in_both_notations(ml):
    value = {"a": [1, 2.5, None, True, "x: y", "yes", "0x1F", "é"], "b": {}}
    assert mlplat.doc.parse(mlplat.doc.text(value)) == value
    assert mlplat.doc.parse_yaml(mlplat.doc.yaml(value)) == value
    assert mlplat.doc.text({"p": pathlib.Path("x")}) == '{"p":"x"}'
    with pytest.raises(mlplat.Invalid, match="line"):
        mlplat.doc.parse('{"a": 1, "a": 2}')
    with pytest.raises(mlplat.Invalid, match="line"):
        mlplat.doc.parse_yaml("a: [")
    with pytest.raises(ValueError):
        mlplat.doc.text(float("nan"))
    with pytest.raises(TypeError, match="object"):
        mlplat.doc.text(object())

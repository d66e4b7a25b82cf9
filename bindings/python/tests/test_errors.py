import copy
import importlib
import pathlib
import pickle
import pkgutil
import re

import mlplat
import pytest

BUILTINS = {"Invalid": ValueError, "NotFound": LookupError, "Exists": FileExistsError, "Denied": PermissionError,
            "Unavailable": ConnectionError, "Timeout": TimeoutError, "IOFailed": OSError, "NoSpace": OSError,
            "NoMemory": MemoryError, "Unsupported": NotImplementedError, "State": RuntimeError}
CLASSES = [cls for cls in vars(mlplat.errors).values()
           if isinstance(cls, type) and issubclass(cls, mlplat.Error) and cls is not mlplat.Error]


def header(name):
    return (pathlib.Path(__file__).parents[3] / "include/mlplat" / name).read_text()


def test_one_class_per_status_of_the_header():
    statuses = set(re.findall(r"\bMLPLAT_([A-Z_]+) = [1-9]\d*", header("error.h")))
    assert {cls.status for cls in CLASSES} == statuses
    assert len(CLASSES) == len(statuses)


@pytest.mark.parametrize("cls", CLASSES)
def test_class_is_the_builtin_too_and_keeps_all_it_was_told(cls):
    error = mlplat.errors.from_status(cls.status, 503, 1, "run 'x': no such thing", '{"a": 1}')
    assert type(error) is cls
    assert getattr(mlplat, cls.__name__) is cls
    assert isinstance(error, BUILTINS.get(cls.__name__, Exception))
    assert str(error) == error.message == "run 'x': no such thing"
    assert (error.status, error.http_status, error.retryable, error.document) == (cls.status, 503, True, '{"a": 1}')
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is cls and str(again) == str(error) and again.http_status == 503
    assert cls.__doc__


def test_a_status_of_the_future_is_still_an_error():
    assert type(mlplat.errors.from_status("NEW_ONE", 0, 0, "words", None)) is mlplat.Error


def test_foreign_file_is_not_touched(folder):
    (folder / "mlflow.db").write_bytes(b"not a database, but somebody's diary\n" * 100)
    before = (folder / "mlflow.db").read_bytes()
    with mlplat.open(log=lambda *_: None) as ml:
        with pytest.raises(mlplat.Corrupt, match="mlflow.db"):
            ml.run("x")
    assert (folder / "mlflow.db").read_bytes() == before


def test_store_in_a_folder_that_is_not_there(folder):
    with mlplat.open("sqlite:///no/such/folder/mlflow.db", log=lambda *_: None) as ml:
        with pytest.raises(mlplat.Error, match="no/such/folder") as caught:
            ml.run("x")
    assert not isinstance(caught.value, mlplat.Corrupt)


def test_run_that_was_deleted_meanwhile(ml):
    with ml.run("x") as run:
        ml.delete_run(run.id)
        with pytest.raises(mlplat.State):
            ml.resume_run(run.id)
        with pytest.raises(mlplat.State):
            run.log_param("a", 1)
        ml.restore_run(run.id)


def test_none_for_a_handle_is_a_closed_handle():
    import mlplat._c as c
    with pytest.raises(ValueError, match="run is closed"):
        c.run_log(None, "a", 1.0, None, None)
    with pytest.raises(ValueError, match="session is closed"):
        c.config(None)
    with pytest.raises(ValueError, match="pipeline is closed"):
        c.pipeline_compile(None)


def test_handle_of_another_kind_is_a_type_error(ml, run):
    import mlplat._c as c
    for wrong in (ml._h, object(), "x", 3):
        with pytest.raises(TypeError, match="a run is wanted here"):
            c.run_log(wrong, "a", 1.0, None, None)
    with pytest.raises(TypeError):
        type(ml._h)()
    assert "session handle" in repr(ml._h)


def test_every_function_of_the_headers_has_a_documented_name_in_python():
    """A docstring of a public name mentions the C function that it calls."""
    in_c = set()
    for path in (pathlib.Path(__file__).parents[3] / "include/mlplat").glob("*.h"):
        in_c |= set(re.findall(r"MLPLAT_API [^;(]*?\b(mlplat_\w+)\(", path.read_text()))
    lives_in_a_handle = {name for name in in_c if name.endswith("_free")} - {"mlplat_free"}
    pythons_own = {  # a document is a dict, memory is Python's, versions and words of statuses are attributes
        "mlplat_free", "mlplat_set_allocator", "mlplat_version", "mlplat_status_name", "mlplat_doc_text",
        "mlplat_doc_type_at", "mlplat_doc_string", "mlplat_doc_int", "mlplat_doc_double", "mlplat_doc_bool",
        "mlplat_doc_size", "mlplat_doc_key", "mlplat_doc_at"}
    named = set(re.findall(r"\bmlplat_\w+", "\n".join(docstrings())))
    assert in_c - lives_in_a_handle - pythons_own - named == set()
    assert named - in_c == set(), "a docstring names a function that no header has"


def public(module):
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def modules():
    names = [module.name for module in pkgutil.iter_modules(mlplat.__path__) if not module.name.startswith("_")]
    return [mlplat, *(importlib.import_module("mlplat." + name) for name in names)]


def docstrings():
    for module in modules():
        for value in public(module).values():
            if isinstance(value, type) and value.__module__.startswith("mlplat"):
                for name, member in vars(value).items():
                    if not name.startswith("_") or name == "__init__":
                        yield getattr(member, "__doc__", None) or ""
            elif callable(value) and getattr(value, "__module__", "").startswith("mlplat"):
                yield value.__doc__ or ""


def test_every_public_name_says_what_it_is():
    silent = []
    for module in modules():
        assert module.__doc__
        for name, value in public(module).items():
            if getattr(value, "__module__", None) != module.__name__:
                continue
            members = vars(value).items() if isinstance(value, type) else ()
            silent += [f"{module.__name__}.{name}"] if not value.__doc__ else []
            silent += [f"{module.__name__}.{name}.{key}" for key, member in members if not key.startswith("_")
                       and (callable(member) or isinstance(member, property)) and not member.__doc__]
    assert silent == []


def test_full_disk_is_no_space(finish, folder):
    """A file size limit stands in for a full disk: what was accepted before is there afterwards."""
    code, out, err = finish("""
import mlplat, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ml = mlplat.open(log=lambda *_: None)
with ml.run("full") as run:
    run.log("kept", 1)
    ml.flush()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        run.log_text("x" * (1 << 20), "big.txt")
    except mlplat.Error as error:
        print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
print(ml.get_run(run.id).metrics, ml.artifacts.list(f"runs:/{run.id}/"))
""")
    assert code == 0, err
    first, last = out.splitlines()
    assert first.split()[0] in ("NoSpace", "IOFailed") and "big.txt" in first
    assert last == "{'kept': 1.0} []"


def test_errno_is_not_invented():
    with pytest.raises(OSError) as caught:
        raise mlplat.NoSpace("disk is full")
    assert caught.value.errno is None and str(caught.value) == "disk is full"

"""One question to both: MLflow's SqlAlchemy stores and mlplat, on one file."""

import contextlib

import mlplat
from harness import ERRORS

# What MLflow answers when it trips over a search itself: not an error of its own, or the one for "this is our fault".
TRIPPED = {"INTERNAL_ERROR", "ValueError", "AttributeError", "TypeError", "SyntaxError", "StatementError",
           "InterfaceError", "ProgrammingError", "OverflowError", "UnicodeDecodeError", "Error", "KeyError"}


def theirs(ask):
    """("ok", ids, token) or ("error", code)."""
    try:
        page, key = ask()
        return "ok", [key(item) for item in page], page.token
    except Exception as error:  # of every kind: that it is none of MLflow's is an answer, too
        return "error", getattr(error, "error_code", None) or type(error).__name__


def ours(ask):
    try:
        page, key = ask()
        return "ok", [key(item) for item in page], page.next_page_token
    except mlplat.Error as error:
        return "error", error.status


def same(left, right):
    if left[0] == right[0] == "error":
        return left[1] in ERRORS.get(right[1], ())
    return left[:2] == right[:2] and bool(left[2:] and left[2]) == bool(right[2:] and right[2])


def compare(left, right, difference, told):
    """Both answers are alike, or differ as announced."""
    told = f"{told}\nMLflow: {left}\nmlplat: {right}"
    if difference is None:
        assert same(left, right), told
        return
    assert not same(left, right), f"no difference any more: take '{difference}' out\n{told}"
    if difference == "search-trips":
        assert left[0] == "error" and left[1] in TRIPPED and right == ("error", "INVALID"), told
    elif difference in ("search-names", "search-numbers", "search-lists"):  # what we do not take
        assert left[0] == "ok" and right == ("error", "INVALID"), told


def walk(ask):
    """All ids, page by page; ask(token) gives (page, key, token)."""
    ids, token = [], None
    for _ in range(100):
        page, key, token = ask(token)
        ids += [key(item) for item in page]
        if not token:
            return ids
    raise AssertionError("the walk does not end")


class Searched:
    """The two and the ids of what is in the file."""

    def __init__(self, path, ids):
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
        uri = f"sqlite:///{path}"
        self.tracking = TrackingStore(uri, str(path.parent / "mlruns"))
        self.registry = RegistryStore(uri)
        self.ml = mlplat.open(uri, registry_uri=uri)
        self.experiments, self.runs, self.models = ids["experiments"], ids["runs"], ids["models"]

    def close(self):
        self.ml.close()
        for store in (self.tracking, self.registry):
            store.engine.dispose()


@contextlib.contextmanager
def searched(folder):
    from search_store import fill
    path = folder / "mlflow.db"
    uri = f"sqlite:///{path}"
    with mlplat.open(uri, registry_uri=uri, artifact_root=str(folder / "mlruns")) as ml:
        ml.store.create()
    store = Searched(path, fill(path))
    try:
        yield store
    finally:
        store.close()

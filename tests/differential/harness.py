"""MLflow's own stores and mlplat side by side: the same operations on both, and everything compared.

A row is a `Case`: a name and steps. A step is an operation of a table (`Operation`, one callable for MLflow and one for
us) called with the row's arguments. Each case starts on two fresh files. Compared are, step by step, what came out or
which error, and at the end every row of every table of both files.

Arguments: text may hold "<r>", what an earlier step kept with `.keep("r")`, and "<root>", the side's folder. A step
or a case that is known to differ says so with `.differs(name)`, a name of the table of docs/mlflow.md; the comparison
then must fail, so that what is listed is always true.
"""

import contextlib
import json
import pathlib
import re
import shutil
import sqlite3
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which error codes of MLflow one of our statuses stands for. All codes are there: what is missing is a difference.
ERRORS = {
    "INVALID": {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"},
    "NOT_FOUND": {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"},
    "EXISTS": {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"},
    "CONFLICT": {"RESOURCE_CONFLICT", "ABORTED"},
    "STATE": {"INVALID_STATE"},
    "DENIED": {"PERMISSION_DENIED"},
    "UNAVAILABLE": {"TEMPORARILY_UNAVAILABLE"},
    "UNSUPPORTED": {"NOT_IMPLEMENTED", "FEATURE_DISABLED"},
}

# Tables that are not MLflow's data: our journal's mark, the schema's version, SQLite's own.
NOT_COMPARED = {"mlplat_journal", "alembic_version", "sqlite_sequence", "sqlite_stat1"}
# Rows are numbered in this order of tables where no result showed an id first.
TABLE_ORDER = ["experiments", "runs", "logged_models", "datasets", "inputs", "input_tags"]

ID = re.compile(r"\b(m-)?(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
UNORDERED = {"tags", "aliases", "params", "metrics"}  # lists whose order says nothing


def listed_differences():
    """The names in the table of docs/mlflow.md, in order."""
    text = (ROOT / "docs/mlflow.md").read_text().split("## Differences by name", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.M)


# ---- rows ----------------------------------------------------------------------------------------------------------


class Operation:
    """One thing that both can do: theirs(side, ...) and ours(side, ...) take the same arguments.

    compare: False: only that both succeed, or fail alike; a callable: what of a result is compared.
    """

    def __init__(self, name, theirs, ours, *, compare=True, identity=None):
        self.name, self.theirs, self.ours, self.compare, self.identity = name, theirs, ours, compare, identity

    def __call__(self, *args, **kwargs):
        return Step(self, args, kwargs)


class Step:
    def __init__(self, operation, args, kwargs):
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self.label = self.difference = None

    def keep(self, label):
        """Remember what came out, or what the operation's identity() makes of it, for "<label>" in later arguments."""
        self.label = label
        return self

    def differs(self, name):
        """The outcome is known to differ."""
        self.difference = name
        return self

    def __str__(self):
        words = [*map(repr, self.args), *(f"{key}={value!r}" for key, value in self.kwargs.items())]
        return f"{self.operation.name}({', '.join(words)})"


class Case:
    """A row. `columns` names what of the tables is known to differ after it: "table" or "table.column"."""

    all = []

    def __init__(self, name, *steps, files=False):
        self.name, self.steps, self.files = name, steps, files
        self.difference, self.columns = None, ()
        Case.all.append(self)

    def differs(self, name, *columns):
        self.difference, self.columns = name, columns
        return self

    def differences(self):
        return {name for name in (self.difference, *(step.difference for step in self.steps)) if name}

    def __str__(self):
        return self.name


# ---- what is compared ----------------------------------------------------------------------------------------------


def plain(value):
    """A result as plain data: entities in the shape of MLflow's REST answers."""
    if hasattr(value, "to_proto"):
        from mlflow.utils.proto_json_utils import message_to_json
        return json.loads(message_to_json(value.to_proto()))
    if isinstance(value, (list, tuple)):
        token = getattr(value, "token", None) or getattr(value, "next_page_token", None)
        items = [plain(item) for item in value]
        return {"items": items, "next_page_token": "<token>"} if token else items
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


class Side:
    """One of the two: its folder, what steps kept, and how its ids and times are named."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "mlflow.db"
        self.uri = f"sqlite:///{self.path}"
        folder.mkdir(parents=True, exist_ok=True)
        self.template, self.made = None, [int(time.time() * 1000)]

    def save_template(self):
        self.template = self.path.read_bytes()
        self.made.append(int(time.time() * 1000))

    def restore(self):
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.path.write_bytes(self.template)
        self.kept, self.ids, self.moments = {}, {}, [tuple(self.made)]

    # -- arguments

    def fill(self, value):
        """An argument with "<label>" and "<root>" replaced."""
        if isinstance(value, str):
            for label, kept in self.kept.items():
                value = value.replace(f"<{label}>", str(kept))
            return value.replace("<root>", str(self.folder))
        if isinstance(value, (list, tuple)):
            return type(value)(self.fill(item) for item in value)
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return value

    # -- one step

    def run(self, step):
        """("ok", result) or ("error", status)."""
        begin = tick()
        try:
            result = self.call(step.operation)(self, *map(self.fill, step.args), **self.fill(step.kwargs))
        except Exception as error:  # every kind: a TypeError is an outcome, too
            outcome = ("error", self.status(error), str(error))
        else:
            if step.label:
                kept = step.operation.identity(result) if step.operation.identity else result
                self.kept[step.label] = kept.decode() if isinstance(kept, bytes) else kept  # MLflow's page tokens
            compare = step.operation.compare
            result = compare(result) if callable(compare) else result if compare else None
            outcome = ("ok", result, "")
        self.moments.append((begin, int(time.time() * 1000)))
        return outcome[0], self.named(plain(outcome[1])), outcome[2]

    # -- names for what differs by nature

    def named(self, value, key=None):
        if isinstance(value, str):
            value = sorted_json(value).replace(str(self.folder), "<root>")
            value = ID.sub(lambda match: self.ids.setdefault(match[0], f"<id {len(self.ids) + 1}>"), value)
            return MOMENT.sub("<moment>", value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self.moment(value)
        if isinstance(value, float):
            return repr(value)
        if isinstance(value, bytes):
            return value.hex()
        if isinstance(value, list):
            items = [self.named(item) for item in value]
            return sorted(items, key=repr) if key in UNORDERED else items
        pairs = ((self.named(name), self.named(item, name)) for name, item in value.items())
        return {name: item for name, item in pairs if item not in (None, "", [], {})}

    def moment(self, number):
        """Times of this case are told by the step in which they were taken; 0: when the file was made."""
        for index, (begin, end) in enumerate(self.moments):
            if begin <= number <= end:
                return f"<time of step {index}>"
        return number

    # -- the whole file

    def dump(self):
        """{table: [row]}, each row {column: value}, without columns that are NULL."""
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            names -= NOT_COMPARED
            order = [name for name in TABLE_ORDER if name in names]
            tables = {}
            for table in [*order, *sorted(names - set(order))]:
                cursor = db.execute(f'SELECT * FROM "{table}" ORDER BY rowid')
                columns = [column[0] for column in cursor.description]
                tables[table] = [dict(zip(columns, map(self.named, row))) for row in cursor]
        return {table: sorted(rows, key=repr) for table, rows in tables.items() if rows}

    def files(self):
        """Relative names of all artifacts, ids replaced."""
        root = self.folder / "mlruns"
        names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        return sorted(map(self.named, names))


def sorted_json(text):
    """JSON objects with their keys in order, all other text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def tick():
    """A millisecond that no earlier step has used."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass
    return time.time_ns() // 1_000_000


class Theirs(Side):
    """MLflow: `tracking` and `registry` are its SqlAlchemy stores, `client` its client on the same file."""

    def __init__(self, folder):
        super().__init__(folder)
        import mlflow
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
        self.tracking = TrackingStore(self.uri, str(self.folder / "mlruns"))
        self.registry = RegistryStore(self.uri)
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        self.client = mlflow.MlflowClient(self.uri, self.uri)
        self.let_go()
        self.save_template()

    def let_go(self):
        for engine in {id(store.engine): store.engine for store in (self.tracking, self.registry)}.values():
            engine.dispose()

    def begin(self):
        self.let_go()
        self.restore()

    def end(self):
        pass

    @staticmethod
    def call(operation):
        return operation.theirs

    @staticmethod
    def status(error):
        code = getattr(error, "error_code", None)
        return code or type(error).__name__


class Ours(Side):
    """mlplat: `ml` is a session that waits for the store with every call."""

    def __init__(self, folder):
        super().__init__(folder)
        import mlplat
        # Both URIs: MLflow's set_tracking_uri() is a variable of the environment, too.
        self.open = lambda: mlplat.open(self.uri, registry_uri=self.uri, artifact_root=str(self.folder / "mlruns"),
                                        durability="remote")
        with self.open() as ml:
            ml.store.create()
        self.save_template()
        self.ml = None

    def begin(self):
        self.end()
        self.restore()
        self.ml = self.open()

    def end(self):
        if self.ml is not None:
            self.ml.close()
            self.ml = None

    @staticmethod
    def call(operation):
        return operation.ours

    @staticmethod
    def status(error):
        return getattr(error, "status", None) or type(error).__name__


def same_error(theirs, ours):
    return theirs in ERRORS.get(ours, ()) or theirs == ours


def without(tables, columns):
    """The dump without what is known to differ, and that alone."""
    whole = {name for name in columns if "." not in name}
    parts = {tuple(name.split(".", 1)) for name in columns if "." in name}
    rest = {table: [{column: cell for column, cell in row.items() if (table, column) not in parts} for row in rows]
            for table, rows in tables.items() if table not in whole}
    known = {name: tables.get(name) for name in whole}
    known.update({part: [row.get(part[1]) for row in tables.get(part[0], ())] for part in parts})
    return {table: sorted(rows, key=repr) for table, rows in rest.items()}, known


def difference(theirs, ours):
    """What of two dumps differs, for people."""
    out = []
    for table in sorted({*theirs, *ours}):
        left, right = theirs.get(table, []), ours.get(table, [])
        only_theirs = [row for row in left if row not in right]
        only_ours = [row for row in right if row not in left]
        if only_theirs or only_ours or left != right:
            out += [table, *(f"  MLflow: {row}" for row in only_theirs), *(f"  mlplat: {row}" for row in only_ours)]
    return "\n".join(out)


class Sides:
    """Both."""

    def __init__(self, folder):
        self.theirs, self.ours = Theirs(folder / "theirs"), Ours(folder / "ours")

    def check(self, case):
        """Run a case on both and compare."""
        sides = (self.theirs, self.ours)
        for side in sides:
            side.begin()
        try:
            for number, step in enumerate(case.steps, 1):
                self.check_step(number, step, *(side.run(step) for side in sides))
        finally:
            self.ours.end()
        self.check_tables(case, *(side.dump() for side in sides))
        if case.files:
            assert self.theirs.files() == self.ours.files()

    @staticmethod
    def check_step(number, step, theirs, ours):
        same = theirs[0] == ours[0] and (same_error(theirs[1], ours[1]) if theirs[0] == "error" else
                                         theirs[1] == ours[1])
        text = f"step {number}, {step}\nMLflow: {theirs}\nmlplat: {ours}"
        if step.difference:
            assert not same, f"no difference any more: take '{step.difference}' out\n{text}"
        else:
            assert same, text

    @staticmethod
    def check_tables(case, theirs, ours):
        (theirs, known_theirs), (ours, known_ours) = without(theirs, case.columns), without(ours, case.columns)
        assert theirs == ours, f"tables differ\n{difference(theirs, ours)}"
        for name in known_theirs:
            assert known_theirs[name] != known_ours[name], \
                f"no difference any more in {name}: take '{case.difference}' out"

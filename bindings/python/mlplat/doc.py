"""Documents: JSON values as Python's own dicts and lists, read and written by the library.

The library hands out documents as text; `parse` makes values of them, and indexing takes the place of getters by path.
"""

from . import _c

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")

    class Page(list[T]):
        next_page_token: str | None
        kind: str
        def text(self) -> str: ...
        def to_arrow(self) -> Any: ...
        def to_pandas(self) -> Any: ...
        def to_polars(self) -> Any: ...
        def _repr_html_(self) -> str | None: ...
        def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
else:
    class Page(list):
        """One page of a list, and the token that asks for the next one. pandas, polars, pyarrow and duckdb read it as a
        table, a notebook shows runs as one."""

        next_page_token = None
        """Give it as page_token for the next page; None: this is the last one."""
        kind = ""
        """What it is a page of, as the document names it: "runs", "experiments", ..."""

        def text(self):
            """The page as the document that it came in."""
            items = self
            if self.kind == "metrics":
                items = [{**point, "value": number(point["value"])} for point in self]
            return text({self.kind: items, "next_page_token": self.next_page_token or ""})

        def __arrow_c_stream__(self, requested_schema=None):
            from . import display
            return display.stream(self)

        def to_arrow(self):
            """A pyarrow.Table: the documents' members as columns, metrics, params and tags a column each."""
            from . import display
            return display.to_arrow(self)

        def to_pandas(self):
            """A pandas.DataFrame, columns as of to_arrow()."""
            from . import display
            return display.to_pandas(self)

        def to_polars(self):
            """A polars.DataFrame, columns as of to_arrow()."""
            from . import display
            return display.to_polars(self)

        def _repr_html_(self):
            from . import display
            return display.lazily(self)

        def __repr__(self):
            more = ", and there are more" if self.next_page_token else ""
            return f"<mlplat page of {len(self)} {self.kind or 'items'}{more}>"


class Document(dict[str, "Any"]):
    """A document of the store with its parts at hand; a notebook shows it as a page."""

    __slots__ = ("_home",)
    kind = ""

    def _repr_html_(self) -> "str | None":
        from . import display
        return display.lazily(self)

    def __reduce__(self) -> "tuple[Any, ...]":
        return type(self), (dict(self),)


def keep_home(value: "T", session: "Any") -> "T":
    """Remember which session a value came from, for what a notebook shows beside it; holds no session."""
    from _weakref import ref
    value._home = ref(session)  # type: ignore[attr-defined]
    return value


def home(value: "Any") -> "Any":
    """The session that a value came from; None: it is gone or was never known."""
    reference = getattr(value, "_home", None)
    return reference() if reference is not None else None


def parse(text: str) -> "Any":
    """Parse JSON text (RFC 8259): one value, no duplicate keys, at most 64 levels and 64 MiB (mlplat_doc_parse)."""
    return loads(_c.doc_parse(text))


def parse_yaml(text: str) -> "Any":
    """Parse one YAML document by the 1.2 core schema, without anchors, tags, merge keys and duplicate keys
    (mlplat_doc_parse_yaml)."""
    return loads(_c.doc_parse_yaml(text))


def text(value: "Any") -> str:
    """A value as compact JSON. Numbers and arrays of numpy, and paths, are taken too; NaN and infinities are not."""
    return _json(value, _plain)


def lenient_text(value: "Any") -> str:
    """As text(), but what has no place in JSON is written by str(), as MLflow's log_dict() does."""
    return _json(value, _plain_or_str)


def _json(value: "Any", other: "Callable[[Any], Any]") -> str:
    import json
    try:
        return json.dumps(value, default=other, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError as problem:
        if "Out of range" not in str(problem):
            raise
        raise ValueError("a JSON document has no place for NaN and infinities: give None or a text") from None


def yaml(value: "Any") -> str:
    """A value as YAML (mlplat_doc_yaml)."""
    return _c.doc_yaml(text(value))


def loads(text: "str | None") -> "Any":
    """The value of text that the library wrote."""
    import json
    return None if text is None else json.loads(text)


def _plain(value: "Any") -> "Any":
    for way in ("item" if getattr(value, "ndim", 1) == 0 else "tolist", "__fspath__"):
        method = getattr(value, way, None)
        if method is not None:
            return method()
    raise TypeError(f"a JSON document has no place for a value of type {type(value).__name__}: convert it first, "
                    "for example by str()")


def _plain_or_str(value: "Any") -> "Any":
    try:
        return _plain(value)
    except TypeError:
        return str(value)


def items(pairs: "Mapping[str, T]", what: str = "tags and params") -> "Iterable[tuple[str, T]]":
    """The items of a mapping with texts as keys; says what should have been one if it is none."""
    if not hasattr(pairs, "items"):
        raise TypeError(f"{what} must be a mapping, like {{'key': value}}, not {type(pairs).__name__}")
    for key in pairs.keys():
        if not isinstance(key, str):  # JSON would make a text of None, True or 5
            raise TypeError(f"a key of {what} must be str, not {type(key).__name__}")
    return pairs.items()


def optional_text(value: "Any") -> "str | None":
    """Text as it is, None as None, any other value as JSON."""
    return value if value is None or isinstance(value, str) else text(value)


def strings(pairs: "Mapping[str, Any] | None") -> "str | None":
    """A mapping as a JSON object of strings, as tags and params are; None as None."""
    return None if pairs is None else text({key: as_text(value) for key, value in items(pairs)})


def as_text(value: "Any") -> str:
    """How a tag or a param is written: text as it is, anything else by str()."""
    return value if isinstance(value, str) else str(value)


def number(value: "Any", key: "str | None" = None) -> "float | str":
    """A metric's value as documents hold it: one that is not finite is a word. key: the metric, for what is none."""
    try:
        value = float(value)
    except (TypeError, ValueError) as problem:
        shown = type(value).__name__ if isinstance(problem, TypeError) else repr(value)
        raise type(problem)(f"metric {key!r} must be a number, not {shown}") from None
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def page(text: str, key: str, kind: "type[T]", session: "Any" = None) -> "Page[T]":
    """The list at a key of a document, its items made a kind of dict, which remember their session."""
    document = loads(text)
    result: "Page[T]" = Page(map(kind, document.get(key) or ()))
    result.next_page_token = document.get("next_page_token") or None
    result.kind = key
    if session is not None:
        for item in result:
            keep_home(item, session)
    return result


def joined(value: "str | Iterable[str] | None", what: str) -> "str | None":
    """Text as it is, a sequence of texts joined by commas. what: its name, for what is neither."""
    if value is None or isinstance(value, str):
        return value
    texts: "list[Any]" = list(value) if hasattr(value, "__iter__") else [value]
    for each in texts:
        if not isinstance(each, str):
            raise TypeError(f"{what} must be text or several texts, not {type(each).__name__}")
    return ", ".join(texts)


def lines(value: "str | Iterable[str] | None") -> "str | None":
    """Text as it is, a sequence of lines joined."""
    return value if value is None or isinstance(value, str) else "".join(line + "\n" for line in value)

"""Documents: JSON values as Python's own dicts and lists, read and written by the library.

The library hands out documents as text; `parse` makes values of them, and indexing takes the place of getters by path.
"""

from . import _c

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")

    class Page(list[T]):
        next_page_token: str | None
else:
    class Page(list):
        """One page of a list, and the token that asks for the next one."""

        next_page_token = None
        """Give it as page_token for the next page; None: this is the last one."""


def parse(text: str) -> "Any":
    """Parse JSON text (RFC 8259): one value, no duplicate keys, at most 64 levels and 64 MiB (mlplat_doc_parse)."""
    return loads(_c.doc_parse(text))


def parse_yaml(text: str) -> "Any":
    """Parse one YAML document by the 1.2 core schema, without anchors, tags, merge keys and duplicate keys
    (mlplat_doc_parse_yaml)."""
    return loads(_c.doc_parse_yaml(text))


def text(value: "Any") -> str:
    """A value as compact JSON. Numbers and arrays of numpy, and paths, are taken too; NaN and infinities are not."""
    import json
    return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


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
    raise TypeError(f"a {type(value).__name__} has no place in a JSON document")


def optional_text(value: "Any") -> "str | None":
    """Text as it is, None as None, any other value as JSON."""
    return value if value is None or isinstance(value, str) else text(value)


def strings(pairs: "Mapping[str, Any] | None") -> "str | None":
    """A mapping as a JSON object of strings, as tags and params are; None as None."""
    return None if pairs is None else text({key: as_text(value) for key, value in pairs.items()})


def as_text(value: "Any") -> str:
    """How a tag or a param is written: text as it is, anything else by str()."""
    return value if isinstance(value, str) else str(value)


def number(value: float) -> "float | str":
    """A metric's value as documents hold it: one that is not finite is a word."""
    value = float(value)
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def page(text: str, key: str, kind: "type[T]") -> "Page[T]":
    """The list at a key of a document, its items made a kind of dict."""
    document = loads(text)
    result: "Page[T]" = Page(map(kind, document.get(key) or ()))
    result.next_page_token = document.get("next_page_token") or None
    return result


def joined(value: "str | Iterable[str] | None") -> "str | None":
    """Text as it is, a sequence of texts joined by commas."""
    return value if value is None or isinstance(value, str) else ", ".join(value)


def lines(value: "str | Iterable[str] | None") -> "str | None":
    """Text as it is, a sequence of lines joined."""
    return value if value is None or isinstance(value, str) else "".join(line + "\n" for line in value)

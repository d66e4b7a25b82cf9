"""The store as a whole: made, looked after, taken along."""

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .session import Session


class Store:
    """The store of a session: `ml.store`."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self) -> "dict[str, Any]":
        """Create the store that the tracking URI names, if it is not there (mlplat_store_create)."""
        return doc.loads(_c.store_create(self._session._h))

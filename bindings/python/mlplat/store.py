"""The store as a whole: made, looked after, taken along."""

import sys
from os import listdir

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .session import Session


def installed_mlflow() -> "str | None":
    """The version of the MLflow that `import mlflow` would find, told by its metadata's folder; None: there is none."""
    for folder in sys.path:
        try:
            names = listdir(folder or ".")
        except OSError:
            continue
        for package in ("mlflow-", "mlflow_skinny-"):
            for name in names:
                if name.startswith(package) and name.endswith(".dist-info"):
                    return name[len(package):-len(".dist-info")]
    return None


def heads() -> "list[dict[str, str | None]]":
    """The heads of MLflow's schema that are known, oldest first: {"head", "mlflow": its first release, None: none}
    (mlplat_store_heads)."""
    known: "list[dict[str, str | None]]" = doc.loads(_c.store_heads())["heads"]
    return known


class Store:
    """The store of a session: `ml.store`."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self, mlflow: "str | None" = None) -> "dict[str, Any]":
        """Create the store that the tracking URI names, if it is not there (mlplat_store_create).

        mlflow: the MLflow that it is made for, such as "2.14.0", or a head; None: the session's mlflow_version, else
        the MLflow that is installed beside this Python, else the newest known.
        """
        return doc.loads(_c.store_create(self._session._h, mlflow))

    def upgrade(self, to: "str | None" = None) -> "dict[str, Any]":
        """Move the store to the head of a newer MLflow, all or nothing (mlplat_store_upgrade).

        to: as for create(). Returns {"path", "from", "head", "changed", ...}.
        """
        return doc.loads(_c.store_upgrade(self._session._h, to))

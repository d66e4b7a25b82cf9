"""Artifacts: files and directories at a URI, and the model directory.

URIs: an absolute path or file:/path, runs:/<run id>/<path>, models:/<name>/<version>[/<path>],
models:/<name>@<alias>[/<path>]. A path inside never leaves its root. What is written appears whole or not at all.
"""

from . import _c, doc
from .tracking import _python

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Buffer

    from .display import Hook
    from .session import Session
    from .tracking import Document, Path


class Artifacts:
    """The artifacts that a session reaches: `ml.artifacts`."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def put(self, path: "Path", uri: "Path", *, progress: "Hook" = None) -> None:
        """Copy a local file or directory to a URI, which becomes the file or the directory (mlplat_artifact_put).

        progress: called with (bytes done, bytes in all), False cancels; None: a line while it lasts, where somebody sees
        it; False: none.
        """
        from .display import following
        with following(progress, "bytes") as hook:
            _c.artifact_put(self._session._h, path, uri, hook)

    def put_bytes(self, data: "Buffer", uri: "Path") -> None:
        """Write bytes as the file at a URI (mlplat_artifact_put_bytes)."""
        _c.artifact_put_bytes(self._session._h, data, uri)

    def get(self, uri: "Path", path: "Path", *, progress: "Hook" = None) -> None:
        """Copy the file or directory at a URI to a local path, which becomes the file or the directory: files there of
        the same names are replaced, others stay (mlplat_artifact_get)."""
        from .display import following
        with following(progress, "bytes") as hook:
            _c.artifact_get(self._session._h, uri, path, hook)

    def read(self, uri: "Path") -> bytes:
        """The bytes of the file at a URI (mlplat_artifact_read)."""
        whole = bytearray()
        _c.artifact_read(self._session._h, uri, whole.extend)
        return bytes(whole)

    def stream(self, uri: "Path", write: "Callable[[memoryview], object]") -> None:
        """Hand the bytes of the file at a URI to a callable, piece by piece and in order; False stops. The memoryview
        is released when the callable returns (mlplat_artifact_read)."""
        _c.artifact_read(self._session._h, uri, write)

    def list(self, uri: "Path") -> "list[dict[str, Any]]":
        """What is in the directory at a URI, by name, each {"path", "is_dir", "file_size"?}; paths are relative to the
        root of the run or model (mlplat_artifact_list)."""
        return doc.loads(_c.artifact_list(self._session._h, uri))["files"]

    def resolve(self, uri: "Path") -> str:
        """What a runs:/ or models:/ URI stands for, as a path or URI of a store (mlplat_artifact_resolve)."""
        return _c.artifact_resolve(self._session._h, uri)

    def save_model(self, dir: "Path", *, loader_module: str, data: "Path | None" = None, code: "Path | None" = None,
                   flavors: "Document" = None, signature: "Document" = None, input_example: "Document" = None,
                   requirements: "str | Iterable[str] | None" = None, python_version: "str | None" = None,
                   metadata: "Document" = None, run_id: "str | None" = None,
                   artifact_path: "str | None" = None) -> None:
        """Write a model directory that mlflow.pyfunc.load_model reads, at a path that is not there yet or an empty
        directory (mlplat_model_save).

        loader_module: Python module with _load_pyfunc(path): "mlflow.sklearn", or a module in code.
        data: local file or directory to copy in as the model's data.
        code: local directory or .py file copied to code/.
        flavors: further flavors: {"sklearn": {"pickled_model": "model.pkl"}}.
        signature: {"inputs": [...], "outputs": [...]} with columns as MLflow writes them: {"name", "type", "required"}.
        input_example: {"columns", "data"} (one table) or any instance.
        requirements: pip requirements, a list or one a line.
        python_version: None: this interpreter's.
        """
        _c.model_save(self._session._h, dir, loader_module, data, code, doc.optional_text(flavors),
                      doc.optional_text(signature), doc.optional_text(input_example), doc.lines(requirements),
                      python_version or _python(), doc.optional_text(metadata), run_id, artifact_path)

    def model_info(self, uri: "Path") -> "dict[str, Any]":
        """The MLmodel file of the model directory at a URI (mlplat_model_info)."""
        return doc.loads(_c.model_info(self._session._h, uri))

"""Exceptions: one class per status of the library; each is also the builtin that a Python user would catch.

Each class is named in docs/errors.md with what to do about it.
"""


class Error(Exception):
    """A call failed. The message names the thing, what was wrong, and what would help."""

    status: str = "UNKNOWN"
    """The library's status: "NOT_FOUND", "INVALID", ..."""
    http_status: int = 0
    """Of the last answer of a server, 0 if there was none."""
    retryable: bool = False
    """Whether the same call may succeed later."""
    document: "str | None" = None
    """JSON text that came out nonetheless, such as the result of a pipeline with a failed task."""

    def __init__(self, message: str = "", *, http_status: int = 0, retryable: bool = False,
                 document: "str | None" = None) -> None:
        super().__init__(message)  # one argument: OSError keeps it whole, and str() gives it back
        self.http_status = http_status
        self.retryable = retryable
        self.document = document

    @property
    def message(self) -> str:
        """The message alone."""
        return str(self.args[0]) if self.args else ""


class Invalid(Error, ValueError):
    """An argument is wrong: correct it."""

    status = "INVALID"


class NotFound(Error, LookupError):
    """There is no such thing: check the name, or make it."""

    status = "NOT_FOUND"


class Exists(Error, FileExistsError):
    """The name is taken: use what is there, or another name."""

    status = "EXISTS"


class Conflict(Error):
    """Somebody changed it meanwhile, or it has another value: read again, then decide."""

    status = "CONFLICT"


class Denied(Error, PermissionError):
    """There is no permission: check credentials or file modes."""

    status = "DENIED"


class Unavailable(Error, ConnectionError):
    """The store cannot be reached now: try again later."""

    status = "UNAVAILABLE"


class Timeout(Error, TimeoutError):
    """It was not done in the time given: try again, or allow more."""

    status = "TIMEOUT"


class Cancelled(Error):
    """The progress callable said stop."""

    status = "CANCELLED"


class Corrupt(Error):
    """Stored data is damaged or foreign: restore it, or point elsewhere."""

    status = "CORRUPT"


class IOFailed(Error, OSError):
    """The system refused a read or a write: look at the message."""

    status = "IO"


class NoSpace(Error, OSError):
    """The disk or a quota is full: free some, and call again."""

    status = "NO_SPACE"


class NoMemory(Error, MemoryError):
    """An allocation failed; nothing was changed."""

    status = "NO_MEMORY"


class Unsupported(Error, NotImplementedError):
    """This store or this build cannot do it: the message names what can."""

    status = "UNSUPPORTED"


class State(Error, RuntimeError):
    """It is not possible in this state: an ended run, a forked handle, a failed task."""

    status = "STATE"


_by_status: "dict[str, type[Error]]" = {c.status: c for c in (
    Invalid, NotFound, Exists, Conflict, Denied, Unavailable, Timeout, Cancelled, Corrupt, IOFailed, NoSpace, NoMemory,
    Unsupported, State)}


def from_status(status: str, http_status: int, retryable: int, message: str, document: "str | None") -> Error:
    """The exception for a failed call of the C library."""
    return _by_status.get(status, Error)(message, http_status=http_status, retryable=bool(retryable), document=document)

"""An ML platform in a library: MLflow-compatible tracking and registry, artifacts, and pipelines.

    with mlplat.open() as ml, ml.run("fraud", params={"depth": 6}) as run:
        run.log("loss", losses)

Only the native module and what a session needs is imported here; pipelines and components come at first use.
"""


def _load_sqlite() -> None:
    """Load the interpreter's own SQLite, by its module but without running that, so that it is the only one of the
    process: file locks belong to processes, and a second copy would take away those of the first."""
    import _frozen_importlib_external
    import _imp
    found = _frozen_importlib_external.PathFinder.find_spec("_sqlite3")
    try:
        if found is not None:
            _imp.create_dynamic(found)
    except ImportError:
        pass  # it cannot be loaded: then ours is what the system has


_load_sqlite()
try:
    from . import _c
except ImportError as _problem:
    if "libsqlite3" in str(_problem):
        raise ImportError(f"{_problem}: mlplat uses the system's SQLite; install it (Debian: apt install libsqlite3-0)",
                          name=_problem.name, path=_problem.path) from None
    raise
from . import errors
from .errors import (Cancelled, Conflict, Corrupt, Denied, Error, Exists, Invalid, IOFailed, NoMemory, NoSpace,
                     NotFound, State, Timeout, Unavailable, Unsupported)
from .session import Session, open
from .tracking import Experiment, Run, RunData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import artifacts as artifacts, display as display, doc as doc, pipelines as pipelines, \
        registry as registry, store as store
    from .artifacts import Artifacts as Artifacts
    from .component import Input as Input, Output as Output, Step as Step, component as component
    from .display import Comparison as Comparison, Plot as Plot, Points as Points, plot as plot
    from .logged_models import LoggedModel as LoggedModel
    from .pipelines import Component as Component, Pipeline as Pipeline, PipelineRun as PipelineRun, Task as Task
    from .registry import (ModelVersion as ModelVersion, Prompts as Prompts, PromptVersion as PromptVersion,
                           Registry as Registry, Webhooks as Webhooks)
    from .store import Store as Store

__version__: str = _c.version()

__all__ = ["Artifacts", "Cancelled", "Comparison", "Component", "Conflict", "Corrupt", "Denied", "Error", "Exists",
           "Experiment", "IOFailed", "Input", "Invalid", "LoggedModel", "ModelVersion", "NoMemory", "NoSpace", "NotFound",
           "Output", "Pipeline", "PipelineRun", "Plot", "Points", "PromptVersion", "Prompts", "Registry", "Run", "RunData",
           "Session", "State", "Step", "Store", "Task", "Timeout", "Unavailable", "Unsupported", "Webhooks", "component", "display",
           "doc", "errors", "open", "plot"]

_later = {"LoggedModel": "logged_models", "Artifacts": "artifacts", "Component": "pipelines", "Pipeline": "pipelines",
          "Task": "pipelines", "ModelVersion": "registry", "Prompts": "registry", "PromptVersion": "registry",
          "Registry": "registry", "Webhooks": "registry", "Store": "store",
          "Comparison": "display", "Plot": "display", "PipelineRun": "pipelines", "Points": "display", "plot": "display",
          "display": "",
          "Input": "component", "Output": "component", "Step": "component", "component": "", "pipelines": "",
          "registry": "", "artifacts": "", "store": ""}


def __getattr__(name: str) -> object:
    if name not in _later:
        raise AttributeError(f"module 'mlplat' has no attribute {name!r}")
    import importlib
    module = importlib.import_module("mlplat." + (_later[name] or name))
    value = getattr(module, name) if _later[name] else module
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted({*globals(), *_later})

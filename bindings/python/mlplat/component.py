"""Components: a typed Python function becomes a step of a pipeline.

    @mlplat.component
    def train(rows: mlplat.Input("Dataset"), model: mlplat.Output("Model"), depth: int = 6) -> float:
        "Fits the trees."
        ...
        return accuracy

    if __name__ == "__main__":
        train.main()

The script then answers to `--executor_input JSON` (KFP's launcher and the local runner), `--component-spec`, `--help`,
and `--name value` for each port. Parameters are int, float, str, bool, list and dict; an artifact is an object with
`path`, `uri` and `metadata`; a parameter annotated with mlplat.Step gets the step itself. What the function returns is
its output parameter "Output"; a NamedTuple is one output per field.
"""

import sys
import types

from . import _c, doc
from .pipelines import Component, type_name
from .tracking import FINISHED, Run, status_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .session import Session


class Input:
    """Annotates an input artifact: Input("Dataset"). The function gets an InputArtifact."""

    direction = 0

    def __init__(self, type: str = "Artifact", description: "str | None" = None) -> None:
        self.type = type
        self.description = description


class Output(Input):
    """Annotates an output artifact: Output("Model"). The function gets an OutputArtifact."""

    direction = 1


class InputArtifact:
    """An artifact that a step reads."""

    def __init__(self, step: "Step", name: str) -> None:
        self._step = step
        self.name: str = name

    @property
    def path(self) -> str:
        """The artifact's local path (mlplat_step_input_path)."""
        return _c.step_input_path(self._step._h, self.name)

    @property
    def uri(self) -> str:
        """Where the artifact is kept (mlplat_step_artifact)."""
        return doc.loads(_c.step_artifact(self._step._h, self.name))["uri"]

    @property
    def metadata(self) -> "dict[str, Any]":
        """What its producer said about it (mlplat_step_artifact)."""
        return doc.loads(_c.step_artifact(self._step._h, self.name))["metadata"]


class OutputArtifact(InputArtifact):
    """An artifact that a step makes: write a file or make a directory at its path."""

    @property
    def path(self) -> str:
        """The local path; its parent is there (mlplat_step_output_path)."""
        return _c.step_output_path(self._step._h, self.name)

    @property
    def metadata(self) -> "Metadata":
        """What is said about it: `model.metadata["framework"] = "sklearn"` (mlplat_step_metadata)."""
        return Metadata(self, super().metadata)


class Metadata(dict[str, "Any"]):
    """The metadata of an output artifact; setting a key sets it there."""

    def __init__(self, artifact: OutputArtifact, values: "dict[str, Any]") -> None:
        super().__init__(values)
        self._artifact = artifact

    def __setitem__(self, key: str, value: "Any") -> None:
        _c.step_metadata(self._artifact._step._h, self._artifact.name, key, doc.text(value))
        super().__setitem__(key, value)

    def update(self, *values: "Any", **more: "Any") -> None:
        """Set several keys."""
        for key, value in dict(*values, **more).items():
            self[key] = value


class Step:
    """What a running component knows. It lives as long as the function's call."""

    __slots__ = ("_h", "_session")

    def __init__(self, handle: "Any") -> None:
        self._h = handle
        self._session: "Session | None" = None

    def parameter(self, name: str, kind: "type[Any]" = str) -> "Any":
        """The value of an input parameter
        (mlplat_step_int, mlplat_step_double, mlplat_step_bool, mlplat_step_string)."""
        read = {int: _c.step_int, float: _c.step_double, bool: _c.step_bool}.get(kind, _c.step_string)
        value = read(self._h, name)
        return doc.loads(value) if kind in (list, dict) else value

    def output(self, name: str, value: "Any") -> None:
        """Set an output parameter (mlplat_step_output)."""
        _c.step_output(self._h, name, doc.text(value))

    @property
    def session(self) -> "Session":
        """A session by the environment, which lives as long as the step (mlplat_step_session)."""
        if self._session is None:
            from .session import Session
            self._session = Session.__new__(Session)
            self._session._lend(_c.step_session(self._h))
        return self._session

    @property
    def run(self) -> Run:
        """The step's run: the pipeline's child run, else a new one that ends with the step (mlplat_step_run)."""
        return Run(_c.step_run(self._h), self.session, False)

    def _finish(self, status: str) -> None:
        """End the runs that were started through the step's session."""
        if self._session is not None:
            self._session._finish(status)


class PythonComponent:
    """A function as a component. Calling it calls the function."""

    def __init__(self, function: "Callable[..., Any]", name: "str | None", image: "str | None") -> None:
        self.function = function
        self.name: str = name or function.__name__.replace("_", "-")
        self.image = image
        self.__doc__ = function.__doc__
        self.__name__: str = function.__name__
        self.__module__ = function.__module__
        self.__wrapped__ = function
        self._read_signature(function)

    def __call__(self, *args: "Any", **kwargs: "Any") -> "Any":
        return self.function(*args, **kwargs)

    def _read_signature(self, function: "Callable[..., Any]") -> None:
        import inspect
        hints = inspect.get_annotations(function, eval_str=True)
        self._inputs: "dict[str, Any]" = {}
        self._ports: "list[tuple[int, str, str, str | None, str | None]]" = []
        for name, parameter in inspect.signature(function).parameters.items():
            kind = self._inputs[name] = hints.get(name, parameter.empty)
            if kind is not Step:
                self._ports.append(self._port(name, kind, parameter.default, parameter.empty))
        result = hints.get("return")
        fields = getattr(result, "_fields", None)
        self._outputs = {} if result is None else {"Output": result}
        if fields is not None:
            kinds = inspect.get_annotations(result, eval_str=True)  # type: ignore[arg-type]
            self._outputs = {name: kinds[name] for name in fields}
        self._tuple = fields is not None
        for name, kind in self._outputs.items():
            self._ports.append((1, name, self._parameter_type(name, kind), None, None))

    def _port(self, name: str, kind: "Any", default: "Any",
              none: "Any") -> "tuple[int, str, str, str | None, str | None]":
        if isinstance(kind, Input):
            return kind.direction, name, kind.type, None, kind.description
        return 0, name, self._parameter_type(name, kind), None if default is none else doc.text(default), None

    def _parameter_type(self, name: str, kind: "Any") -> str:
        origin = getattr(kind, "__origin__", kind)
        try:
            return type_name(origin)
        except (KeyError, TypeError):
            raise TypeError(f"component {self.name!r}: {name!r} is annotated with {kind!r}: int, float, str, bool, "
                            'list, dict, mlplat.Input("Dataset"), mlplat.Output("Model") and mlplat.Step can be used'
                            ) from None

    def _argument(self, step: Step, name: str, kind: "Any") -> "Any":
        if kind is Step:
            return step
        if isinstance(kind, Input):
            return (OutputArtifact if kind.direction else InputArtifact)(step, name)
        return step.parameter(name, getattr(kind, "__origin__", kind))

    def _body(self, handle: "Any") -> None:
        """The component's body: an exception is shown in full, and its last line goes to the runner as the reason."""
        step = Step(handle)
        try:
            result = self.function(**{name: self._argument(step, name, kind) for name, kind in self._inputs.items()})
            if self._outputs and not self._tuple:
                result = (result,)
            for name, value in zip(self._outputs, result or ()):
                step.output(name, value)
            step._finish(FINISHED)
        except BaseException as problem:
            import traceback
            traceback.print_exc()
            step._finish(status_after(type(problem), problem))
            raise

    def run_main(self, argv: "Iterable[str] | None" = None) -> int:
        """The whole main function of a script, as the exit code: 0, 1 if the function failed, 2 for a wrong call
        (mlplat_component_main). argv: None: sys.argv."""
        sys.stdout.flush()
        text = (self.__doc__ or "").strip().split("\n")[0].strip()
        return _c.component_main(
            list(sys.argv if argv is None else argv), self.name, text or None, self.image, self._ports, self._body)

    def main(self, argv: "Iterable[str] | None" = None) -> None:
        """run_main(), and exit with its code."""
        sys.exit(self.run_main(argv))

    def as_component(self) -> Component:
        """The component for a pipeline: this interpreter and the script that defines the function, which must call
        main()."""
        return Component.program(sys.executable, self.function.__code__.co_filename, image=self.image)


def component(function: "Callable[..., Any] | None" = None, *, name: "str | None" = None,
              image: "str | None" = None) -> "Any":
    """Make a typed function a component; see this module (mlplat_component_main).

    name: None: the function's, with - for _. image: container image for a cluster; None: "mlplat-local".
    """
    if function is None:
        return lambda function: PythonComponent(function, name, image)
    return PythonComponent(function, name, image)


class _Module(types.ModuleType):
    """`mlplat.component` is this module, and the decorator too."""

    def __call__(self, *args: "Any", **kwargs: "Any") -> "Any":
        return component(*args, **kwargs)


sys.modules[__name__].__class__ = _Module

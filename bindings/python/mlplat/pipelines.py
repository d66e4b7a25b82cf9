"""Pipelines: a builder that writes Kubeflow Pipelines' IR, and a local runner of it (Session.run_pipeline).

    p = mlplat.Pipeline("fraud")
    depth = p.input("depth", int, default=6)
    prepared = p.task(mlplat.Component.program("./preprocess"), rows="data.csv")
    p.task(train, rows=prepared["rows"], depth=depth)
    ml.run_pipeline(p, {"depth": 8})

Errors come from the call that makes them: an unknown input, a type that does not fit, a cycle.
"""

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .component import PythonComponent

    Type = str | type[Any]


class PipelineRun(doc.Document):
    """The result of a pipeline run: {"run_id", "state", "root", "tasks": [...], ...}, with its parts at hand."""

    __slots__ = ()
    kind = "pipeline_run"

    def __repr__(self) -> str:
        return f"<mlplat.PipelineRun {self.get('pipeline')!r} {self.state} {len(self['tasks'])} tasks>"

    @property
    def run_id(self) -> str:
        """The id of the parent run."""
        return self["run_id"]

    @property
    def state(self) -> str:
        """SUCCEEDED, FAILED or CANCELED."""
        return self["state"]


class Required:
    """The default that is none: the input must be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = Required()

_names = {int: "Integer", float: "Double", str: "String", bool: "Boolean", list: "List", dict: "Dict"}


def type_name(kind: "Type") -> str:
    """A type as pipelines name it: a Python type's KFP name, a word as it is."""
    return kind if isinstance(kind, str) else _names[kind]


def _default(value: "Any") -> "str | None":
    return None if value is REQUIRED else doc.text(value)


class Component:
    """What runs, and its typed inputs and outputs.

    Types: int, float, str, bool, list, dict or their KFP names, and artifacts: "Dataset", "Model", "Metrics", ...
    """

    __slots__ = ("_h",)

    def __init__(self, handle: "Any") -> None:
        """See container(), program() and load()."""
        self._h = handle

    @classmethod
    def container(cls, name: str, image: str, command: "Iterable[str]", *,
                  inputs: "Mapping[str, Type] | None" = None, outputs: "Mapping[str, Type] | None" = None,
                  env: "Mapping[str, str] | None" = None) -> "Component":
        """A container component; the local runner runs the command on this host (mlplat_component_container).

        command: words with KFP's placeholders: "{{$.inputs.parameters['x']}}", "{{$.outputs.artifacts['model'].path}}".
        """
        made = cls(_c.component_container(name, image, command))
        for port, kind in (inputs or {}).items():
            made.input(port, kind)
        for port, kind in (outputs or {}).items():
            made.output(port, kind)
        for variable, value in (env or {}).items():
            made.env(variable, value)
        return made

    @classmethod
    def program(cls, *words: "Any", image: "str | None" = None) -> "Component":
        """A program component: runs `words --component-spec` and takes what it prints (mlplat_component_program).

        words: an executable, or an interpreter and a script.
        """
        import os
        return cls(_c.component_program([os.fspath(word) for word in words], image))

    @classmethod
    def load(cls, yaml: str) -> "Component":
        """A component from the text of its specification: KFP component YAML (mlplat_component_load)."""
        return cls(_c.component_load(yaml))

    def input(self, name: str, type: "Type", default: "Any" = REQUIRED) -> "Component":
        """Add an input; a default makes a parameter optional (mlplat_component_input)."""
        _c.component_input(self._h, name, type_name(type), _default(default))
        return self

    def output(self, name: str, type: "Type") -> "Component":
        """Add an output (mlplat_component_output)."""
        _c.component_output(self._h, name, type_name(type))
        return self

    def env(self, name: str, value: str) -> "Component":
        """Set an environment variable of the component's container (mlplat_component_env)."""
        _c.component_env(self._h, name, value)
        return self

    def spec(self) -> "dict[str, Any]":
        """The component's own specification (mlplat_component_spec)."""
        return doc.loads(_c.component_spec(self._h))


class PipelineInput:
    """An input parameter of a pipeline, to be given to tasks."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name


class TaskOutput:
    """An output of a task, to be given to other tasks."""

    __slots__ = ("task", "name")

    def __init__(self, task: "Task", name: str) -> None:
        self.task: "Task" = task
        self.name: str = name


class Task:
    """A task of a pipeline; `task["rows"]` is its output of that name."""

    __slots__ = ("_h",)

    def __init__(self, handle: "Any") -> None:
        self._h = handle

    def __getitem__(self, output: str) -> TaskOutput:
        return TaskOutput(self, output)

    @property
    def name(self) -> str:
        """The task's id in the pipeline (mlplat_task_name)."""
        return _c.task_name(self._h)

    def set(self, input: str, value: "Any") -> "Task":
        """Give an input a constant, a pipeline's input, or another task's output
        (mlplat_task_set, mlplat_task_set_input, mlplat_task_connect)."""
        if isinstance(value, TaskOutput):
            _c.task_connect(self._h, input, value.task._h, value.name)
        elif isinstance(value, PipelineInput):
            _c.task_set_input(self._h, input, value.name)
        else:
            _c.task_set(self._h, input, doc.text(value))
        return self

    def after(self, *tasks: "Task") -> "Task":
        """Run after others without taking anything from them (mlplat_task_after)."""
        for task in tasks:
            _c.task_after(self._h, task._h)
        return self


class Pipeline:
    """A pipeline under construction. One thread at a time."""

    __slots__ = ("_h",)

    def __init__(self, name: str, description: "str | None" = None) -> None:
        """A new, empty pipeline; name: ^[a-z0-9][a-z0-9-]{0,127}$ (mlplat_pipeline_new)."""
        self._h = _c.pipeline_new(name, description)

    def input(self, name: str, type: "Type", default: "Any" = REQUIRED) -> PipelineInput:
        """Add an input parameter of the pipeline (mlplat_pipeline_input)."""
        _c.pipeline_input(self._h, name, type_name(type), _default(default))
        return PipelineInput(name)

    def task(self, component: "Component | PythonComponent", /, *, task_name: "str | None" = None,
             after: "Iterable[Task]" = (), **inputs: "Any") -> Task:
        """Add a task; the keywords are its inputs: constants, pipeline inputs, outputs of other tasks
        (mlplat_pipeline_task).

        component: a Component, or a function decorated with mlplat.component.
        task_name: the shown name; its sanitised form, made unique, is the id; None: the component's name.
        """
        if not isinstance(component, Component):
            component = component.as_component()
        task = Task(_c.pipeline_task(self._h, component._h, task_name))
        for name, value in inputs.items():
            task.set(name, value)
        return task.after(*after)

    def compile(self) -> "dict[str, Any]":
        """The pipeline as KFP's IR (mlplat_pipeline_compile)."""
        return doc.loads(_c.pipeline_compile(self._h))

    def yaml(self) -> str:
        """The pipeline as the YAML that KFP uploads (mlplat_doc_yaml)."""
        return _c.doc_yaml(_c.pipeline_compile(self._h))


def ir_text(pipeline: "Pipeline | Mapping[str, Any] | str") -> str:
    """The IR of a pipeline, a compiled document or YAML text, as JSON text."""
    if isinstance(pipeline, Pipeline):
        return _c.pipeline_compile(pipeline._h)
    return _c.doc_parse_yaml(pipeline) if isinstance(pipeline, str) else doc.text(pipeline)


def validate(pipeline: "Pipeline | Mapping[str, Any] | str") -> None:
    """Check an IR document, ours or KFP's: shape, references, types, cycles, and that the local runner can run it
    (mlplat_pipeline_validate)."""
    _c.pipeline_validate(ir_text(pipeline))

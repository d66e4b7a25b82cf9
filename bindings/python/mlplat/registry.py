"""The model registry: registered models, their versions, tags and aliases, in MLflow's own store."""

from . import _c, doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .session import Session
    from .tracking import Path, Run


def _which(version: "int | str") -> str:
    """A version as the library reads it: 3 and "3" a number, "latest", anything else an alias, with or without @."""
    if not isinstance(version, str):
        if not hasattr(version, "__index__"):
            raise TypeError(f"version must be a number, an alias or \"latest\", not {type(version).__name__}")
        return str(version.__index__())
    return version if version.isdecimal() or version == "latest" or version.startswith("@") else "@" + version


class ModelVersion(doc.Document):
    """A model version: MLflow's document, with its parts at hand."""

    __slots__ = ()
    kind = "model_version"

    def __repr__(self) -> str:
        return f"<mlplat.ModelVersion {self.name!r} {self.version}>"

    @property
    def name(self) -> str:
        """The model's name."""
        return self["name"]

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self["version"])

    @property
    def source(self) -> str:
        """URI of the model directory, as it was registered."""
        return self["source"]

    @property
    def run_id(self) -> "str | None":
        """The run that made it."""
        return self.get("run_id") or None

    @property
    def stage(self) -> str:
        """The stage: None, Staging, Production or Archived."""
        return self.get("current_stage") or "None"

    @property
    def aliases(self) -> "list[str]":
        """The aliases that point at it."""
        return list(self.get("aliases") or ())

    @property
    def tags(self) -> "dict[str, str]":
        """The tags."""
        return {t["key"]: t["value"] for t in self.get("tags") or ()}

    @property
    def uri(self) -> str:
        """"models:/<name>/<version>", for artifacts.get() and MLflow alike."""
        return f"models:/{self.name}/{self.version}"


class Registry:
    """The registry of a session: `ml.registry`. A version is a number, an alias, or "latest"."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self, name: str, description: "str | None" = None, *, tags: "Mapping[str, Any] | None" = None) -> None:
        """Create a registered model; raises Exists if it is there (mlplat_registered_model_create)."""
        _c.registered_model_create(self._session._h, name, description, doc.strings(tags))

    def get(self, name: str) -> "dict[str, Any]":
        """A registered model (mlplat_registered_model_get)."""
        return doc.loads(_c.registered_model_get(self._session._h, name))

    def models(self, filter: "str | None" = None, *, order_by: "str | Iterable[str] | None" = None,
               max_results: int = 0, page_token: "str | None" = None) -> "doc.Page[dict[str, Any]]":
        """Registered models, by name (mlplat_registered_model_search).

        filter: comparisons joined by AND: "name LIKE 'fraud%'", "tags.team = 'risk'".
        order_by: a key or several: "last_updated_timestamp DESC".
        max_results: of one page, 1 to 1,000; 0: 100.
        """
        return doc.page(
            _c.registered_model_search(self._session._h, filter, doc.joined(order_by, "order_by"), max_results, page_token),
            "registered_models", dict)

    def update(self, name: str, description: "str | None") -> None:
        """Change a registered model's description; None takes it away (mlplat_registered_model_update)."""
        _c.registered_model_update(self._session._h, name, description)

    def rename(self, name: str, new_name: str) -> None:
        """Give a registered model another name, and its versions, tags and aliases with it; raises Exists if it is
        taken (mlplat_registered_model_rename)."""
        _c.registered_model_rename(self._session._h, name, new_name)

    def delete(self, name: str) -> None:
        """Delete a registered model with its versions, tags and aliases (mlplat_registered_model_delete)."""
        _c.registered_model_delete(self._session._h, name)

    def set_tag(self, name: str, key: str, value: "Any") -> None:
        """Set a tag of a registered model (mlplat_registered_model_set_tag)."""
        _c.registered_model_set_tag(self._session._h, name, key, doc.as_text(value))

    def delete_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model; one that is not there is fine (mlplat_registered_model_delete_tag)."""
        _c.registered_model_delete_tag(self._session._h, name, key)

    def register(self, name: str, source: "Path", *, run: "Run | str | None" = None, description: "str | None" = None,
                 tags: "Mapping[str, Any] | None" = None, run_link: "str | None" = None) -> int:
        """Register a version of a model, which is created if it is not there; the version's number
        (mlplat_model_version_create).

        source: URI of the model directory: what Run.log_model() returned, models:/..., or a path.
        run: the run that made it; None: taken from a runs:/ source.
        """
        run_id = run if run is None or isinstance(run, str) else run.id
        return _c.model_version_create(
            self._session._h, name, source, run_id, description, doc.strings(tags), run_link)

    def version(self, name: str, version: "int | str" = "latest") -> ModelVersion:
        """A model version: 3, "champion" (an alias, also "@champion") or "latest"; those of a stage are `latest()`'s
        (mlplat_model_version_get)."""
        found = ModelVersion(doc.loads(_c.model_version_get(self._session._h, name, _which(version))))
        return doc.keep_home(found, self._session)

    def versions(self, name: "str | None" = None, *, filter: "str | None" = None,
                 order_by: "str | Iterable[str] | None" = None, max_results: int = 0,
                 page_token: "str | None" = None) -> "doc.Page[ModelVersion]":
        """Versions of a model, or of all, those that changed last first, each a ModelVersion
        (mlplat_model_version_search).

        filter: comparisons joined by AND: "version_number > 2", "run_id = '...'", "tags.checked = 'yes'".
        order_by: a key or several: "version_number DESC".
        max_results: of one page, 1 to 200,000; 0: 10,000.
        """
        return doc.page(_c.model_version_search(self._session._h, name, filter, doc.joined(order_by, "order_by"), max_results,
                                                page_token), "model_versions", ModelVersion, self._session)

    def latest(self, name: str, *stages: str) -> "list[ModelVersion]":
        """The newest version of each stage, or of these: "Staging", "Production" (mlplat_model_version_latest)."""
        found = doc.loads(_c.model_version_latest(self._session._h, name, ",".join(stages)))
        return [doc.keep_home(ModelVersion(version), self._session) for version in found["model_versions"]]

    def transition(self, name: str, version: "int | str", stage: str, *, archive_existing: bool = False) -> ModelVersion:
        """Move a version to a stage: "None", "Staging", "Production", "Archived" (mlplat_model_version_transition).

        archive_existing: all other versions in that stage become Archived; for Staging and Production only.
        """
        found = ModelVersion(doc.loads(_c.model_version_transition(
            self._session._h, name, _which(version), stage, archive_existing)))
        return doc.keep_home(found, self._session)

    def copy_version(self, source: "ModelVersion | str", to: str) -> int:
        """Make a version of one model a version of another, which is created if it is not there; its number there
        (mlplat_model_version_copy). source: a ModelVersion, or "models:/<name>/<version>"."""
        return _c.model_version_copy(self._session._h, source.uri if isinstance(source, ModelVersion) else source, to)

    def update_version(self, name: str, version: "int | str", description: "str | None") -> None:
        """Change a version's description; None takes it away (mlplat_model_version_update)."""
        _c.model_version_update(self._session._h, name, _which(version), description)

    def delete_version(self, name: str, version: "int | str") -> None:
        """Delete a version with its tags and aliases (mlplat_model_version_delete)."""
        _c.model_version_delete(self._session._h, name, _which(version))

    def set_version_tag(self, name: str, version: "int | str", key: str, value: "Any") -> None:
        """Set a tag of a version (mlplat_model_version_set_tag)."""
        _c.model_version_set_tag(self._session._h, name, _which(version), key, doc.as_text(value))

    def delete_version_tag(self, name: str, version: "int | str", key: str) -> None:
        """Remove a tag of a version; one that is not there is fine (mlplat_model_version_delete_tag)."""
        _c.model_version_delete_tag(self._session._h, name, _which(version), key)

    def set_alias(self, name: str, alias: str, version: "int | str") -> None:
        """Point an alias at a version, from wherever it pointed before, in one step (mlplat_model_alias_set)."""
        _c.model_alias_set(self._session._h, name, alias, _which(version))

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; one that is not there is fine (mlplat_model_alias_delete)."""
        _c.model_alias_delete(self._session._h, name, alias)


class PromptVersion(dict[str, "Any"]):
    """A version of a prompt: its document, with its parts at hand."""

    def __repr__(self) -> str:
        return f"<mlplat.PromptVersion {self.name!r} {self.version}>"

    @property
    def name(self) -> str:
        """The prompt's name."""
        return self["name"]

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self["version"])

    @property
    def template(self) -> "str | list[dict[str, Any]]":
        """The text, or the messages of a chat."""
        return self["template"]

    @property
    def is_chat(self) -> bool:
        """Whether it is messages."""
        return self["type"] == "chat"

    @property
    def variables(self) -> "list[str]":
        """The names in double braces, each once and sorted."""
        return list(self["variables"])

    @property
    def commit_message(self) -> "str | None":
        """What is new in it."""
        return self.get("commit_message") or None

    @property
    def response_format(self) -> "dict[str, Any] | None":
        """The schema of answers."""
        return self.get("response_format")

    @property
    def model_config(self) -> "dict[str, Any] | None":
        """The model and its settings."""
        return self.get("model_config")

    @property
    def aliases(self) -> "list[str]":
        """The aliases that point at it."""
        return list(self.get("aliases") or ())

    @property
    def tags(self) -> "dict[str, str]":
        """The tags."""
        return {t["key"]: t["value"] for t in self.get("tags") or ()}

    @property
    def uri(self) -> str:
        """"prompts:/<name>/<version>", for load() and MLflow alike."""
        return f"prompts:/{self.name}/{self.version}"

    def format(self, *, allow_partial: bool = False, **values: "Any") -> "str | list[dict[str, Any]]":
        """The template with values in the place of its variables (mlplat_prompt_format).

        allow_partial: variables without a value stay as they are; else they raise Invalid.
        """
        filled = doc.strings(values)
        if isinstance(self.template, str):
            return _c.prompt_format(self.template, filled, allow_partial)
        return [{**message, "content": _c.prompt_format(message["content"], filled, allow_partial)}
                if isinstance(message.get("content"), str) else message for message in self.template]


class Prompts:
    """The prompts of a session: `ml.prompts`. A version is a number, an alias, or "latest"."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self, name: str, description: "str | None" = None, *, tags: "Mapping[str, Any] | None" = None) -> None:
        """Create a prompt without versions; raises Exists if the name is taken (mlplat_prompt_create)."""
        _c.prompt_create(self._session._h, name, description, doc.strings(tags))

    def register(self, name: str, template: "str | Sequence[Mapping[str, Any]]", *,
                 commit_message: "str | None" = None, tags: "Mapping[str, Any] | None" = None,
                 response_format: "Mapping[str, Any] | None" = None, model_config: "Mapping[str, Any] | None" = None,
                 experiment_id: "str | None" = None) -> int:
        """Register a version of a prompt, which is created if it is not there; its number (mlplat_prompt_register).

        template: text with variables as "{{ name }}", or messages of a chat, {"role", "content"}.
        tags: of the version and of the prompt.
        response_format: the schema of answers.
        model_config: "model_name", "temperature", "max_tokens" and so on.
        experiment_id: whose page in MLflow shows it; None: MLFLOW_EXPERIMENT_ID, else "0".
        """
        chat = not isinstance(template, str)
        if chat and not isinstance(template, (list, tuple)):
            raise TypeError("template must be text or a list of messages, like {'role': 'user', 'content': 'text'}, "
                            f"not {type(template).__name__}")
        return _c.prompt_register(
            self._session._h, name, doc.text(template) if chat else template, commit_message, doc.strings(tags), chat,
            None if response_format is None else doc.text(response_format),
            None if model_config is None else doc.text(model_config), experiment_id)

    def get(self, name: str) -> "dict[str, Any]":
        """A prompt (mlplat_prompt_get)."""
        return doc.loads(_c.prompt_get(self._session._h, name))

    def search(self, filter: "str | None" = None, *, order_by: "str | Iterable[str] | None" = None,
               max_results: int = 0, page_token: "str | None" = None) -> "doc.Page[dict[str, Any]]":
        """Prompts, by name (mlplat_prompt_search).

        filter: comparisons joined by AND: "name LIKE 'greet%'", "tags.team = 'risk'", "experiment_id = '1'".
        order_by: a key or several: "last_updated_timestamp DESC".
        max_results: of one page, 1 to 1,000; 0: 100.
        """
        return doc.page(_c.prompt_search(self._session._h, filter, doc.joined(order_by, "order_by"), max_results, page_token),
                        "prompts", dict)

    def versions(self, name: str, *, max_results: int = 0,
                 page_token: "str | None" = None) -> "doc.Page[PromptVersion]":
        """Versions of a prompt, newest first; max_results 0: 100 a page (mlplat_prompt_version_search)."""
        return doc.page(_c.prompt_version_search(self._session._h, name, max_results, page_token), "prompt_versions",
                        PromptVersion)

    def version(self, name: str, version: "int | str" = "latest") -> PromptVersion:
        """A version of a prompt: 3, "live" (an alias, also "@live") or "latest" (mlplat_prompt_version_get)."""
        return PromptVersion(doc.loads(_c.prompt_version_get(self._session._h, name, _which(version))))

    def load(self, uri: str) -> PromptVersion:
        """A version of a prompt: "prompts:/<name>/<version>", "prompts:/<name>@<alias>", or a name for its latest
        version (mlplat_prompt_load)."""
        return PromptVersion(doc.loads(_c.prompt_load(self._session._h, uri)))

    def set_config(self, name: str, version: "int | str", model_config: "Mapping[str, Any] | None") -> None:
        """Change the model and the settings that a version names; None takes them away
        (mlplat_prompt_version_set_config)."""
        _c.prompt_version_set_config(self._session._h, name, _which(version),
                                     None if model_config is None else doc.text(model_config))

    def delete(self, name: str) -> None:
        """Delete a prompt with its versions, tags and aliases (mlplat_registered_model_delete). A registered model of
        this name is Invalid, and stays."""
        _c.prompt_get(self._session._h, name)
        _c.registered_model_delete(self._session._h, name)

    def delete_version(self, name: str, version: "int | str") -> None:
        """Delete a version with its aliases (mlplat_model_version_delete)."""
        _c.model_version_delete(self._session._h, name, _which(version))

    def set_tag(self, name: str, key: str, value: "Any") -> None:
        """Set a tag of a prompt (mlplat_registered_model_set_tag)."""
        _c.registered_model_set_tag(self._session._h, name, key, doc.as_text(value))

    def delete_tag(self, name: str, key: str) -> None:
        """Remove a tag of a prompt; one that is not there is fine (mlplat_registered_model_delete_tag)."""
        _c.registered_model_delete_tag(self._session._h, name, key)

    def set_version_tag(self, name: str, version: "int | str", key: str, value: "Any") -> None:
        """Set a tag of a version (mlplat_model_version_set_tag)."""
        _c.model_version_set_tag(self._session._h, name, _which(version), key, doc.as_text(value))

    def delete_version_tag(self, name: str, version: "int | str", key: str) -> None:
        """Remove a tag of a version; one that is not there is fine (mlplat_model_version_delete_tag)."""
        _c.model_version_delete_tag(self._session._h, name, _which(version), key)

    def set_alias(self, name: str, alias: str, version: "int | str") -> None:
        """Point an alias at a version, from wherever it pointed before, in one step (mlplat_model_alias_set)."""
        _c.model_alias_set(self._session._h, name, alias, _which(version))

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; one that is not there is fine (mlplat_model_alias_delete)."""
        _c.model_alias_delete(self._session._h, name, alias)


class Webhooks:
    """The webhooks of an MLflow server: `ml.webhooks`. A server calls their URL when something happens in its registry;
    an embedded store raises Unsupported. Events are words as "model_version.created", one text or several."""

    __slots__ = ("_session",)

    def __init__(self, session: "Session") -> None:
        self._session = session

    def create(self, name: str, url: str, events: "str | Iterable[str]", *, description: "str | None" = None,
               secret: "str | None" = None, status: "str | None" = None) -> "dict[str, Any]":
        """Create a webhook; its document (mlplat_webhook_create).

        secret: calls are signed with it; it is in no document.
        status: "ACTIVE", or "DISABLED".
        """
        return doc.loads(_c.webhook_create(self._session._h, name, url, doc.joined(events, "events"), description, secret,
                                           status))

    def get(self, webhook_id: str) -> "dict[str, Any]":
        """A webhook (mlplat_webhook_get)."""
        return doc.loads(_c.webhook_get(self._session._h, webhook_id))

    def list(self, *, max_results: int = 0, page_token: "str | None" = None) -> "doc.Page[dict[str, Any]]":
        """Webhooks; max_results 0: 100 a page (mlplat_webhook_list)."""
        return doc.page(_c.webhook_list(self._session._h, max_results, page_token), "webhooks", dict)

    def update(self, webhook_id: str, *, name: "str | None" = None, url: "str | None" = None,
               events: "str | Iterable[str] | None" = None, description: "str | None" = None,
               secret: "str | None" = None, status: "str | None" = None) -> "dict[str, Any]":
        """Change what is given; the webhook as it is then (mlplat_webhook_update)."""
        return doc.loads(_c.webhook_update(self._session._h, webhook_id, name, url,
                                           None if events is None else doc.joined(events, "events"), description, secret,
                                           status))

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook (mlplat_webhook_delete)."""
        _c.webhook_delete(self._session._h, webhook_id)

    def test(self, webhook_id: str, event: "str | None" = None) -> "dict[str, Any]":
        """Have the server call the URL with an example: {"success", "response_status", ...} (mlplat_webhook_test)."""
        return doc.loads(_c.webhook_test(self._session._h, webhook_id, event))

"""Operations on prompts, for MLflow's client and for us."""

import threading

from harness import Operation


def prompt(value):
    """A prompt of MLflow as the document that we have."""
    if value is None or isinstance(value, dict):
        return value and {key: value.get(key) for key in ("name", "creation_timestamp", "description", "tags")}
    return {"name": value.name, "creation_timestamp": value.creation_timestamp, "description": value.description,
            "tags": [{"key": key, "value": text} for key, text in value.tags.items()]}


def version(value):
    if value is None or isinstance(value, dict):
        return value
    text = value.is_text_prompt
    return {"name": value.name, "version": str(value.version), "creation_timestamp": value.creation_timestamp,
            "last_updated_timestamp": value.last_updated_timestamp, "commit_message": value.commit_message,
            "type": "text" if text else "chat", "template": value.template, "variables": sorted(value.variables),
            "response_format": value.response_format, "model_config": value.model_config, "aliases": value.aliases,
            "tags": [{"key": key, "value": text} for key, text in value.tags.items()]}


def without_aliases(value):
    """See aliases-in-lists."""
    return {**version(value), "aliases": []}


def token(page):
    return getattr(page, "token", None) or getattr(page, "next_page_token", None)


def in_page(page, one):
    return {"items": [one(item) for item in page], "more": bool(token(page))}


def wait():
    """Until MLflow's thread has noted the experiment."""
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt_to_experiment"):
            thread.join()


def _register(side, name, template, experiment_id=None, **more):
    import mlflow
    from mlflow.tracking import fluent
    before, fluent._active_experiment_id = fluent._active_experiment_id, experiment_id
    try:
        return side.client.register_prompt(name, template, **more).version
    finally:
        wait()
        fluent._active_experiment_id = before


def _load(side, uri):
    try:
        return side.client.load_prompt(uri, cache_ttl_seconds=0)
    finally:
        wait()


def _format(side, name, values):
    return side.client.get_prompt_version(name, "1").format(**values)


create_prompt = Operation(
    "create_prompt",
    lambda side, name, description=None, tags=None: side.client.create_prompt(name, description, tags),
    lambda side, name, description=None, tags=None: side.ml.prompts.create(name, description, tags=tags),
    compare=False)
register_prompt = Operation(
    "register_prompt", _register,
    lambda side, name, template, **more: side.ml.prompts.register(name, template, **more))
get_prompt = Operation(
    "get_prompt",
    lambda side, name: side.client.get_prompt(name),
    lambda side, name: side.ml.prompts.get(name),
    compare=prompt)
get_prompt_version = Operation(
    "get_prompt_version",
    lambda side, name, which: side.client.get_prompt_version(name, which),
    lambda side, name, which: side.ml.prompts.version(name, which),
    compare=version)
load_prompt = Operation("load_prompt", _load, lambda side, uri: side.ml.prompts.load(uri), compare=version)
format_prompt = Operation(
    "format_prompt", _format,
    lambda side, name, values: side.ml.prompts.version(name, 1).format(**values))
delete_prompt = Operation(
    "delete_prompt",
    lambda side, name: side.client.delete_prompt(name),
    lambda side, name: side.ml.prompts.delete(name))
delete_prompt_version = Operation(
    "delete_prompt_version",
    lambda side, name, which: side.client.delete_prompt_version(name, which),
    lambda side, name, which: side.ml.prompts.delete_version(name, which))
set_prompt_tag = Operation(
    "set_prompt_tag",
    lambda side, name, key, value: side.client.set_prompt_tag(name, key, value),
    lambda side, name, key, value: side.ml.prompts.set_tag(name, key, value))
delete_prompt_tag = Operation(
    "delete_prompt_tag",
    lambda side, name, key: side.client.delete_prompt_tag(name, key),
    lambda side, name, key: side.ml.prompts.delete_tag(name, key))
set_prompt_version_tag = Operation(
    "set_prompt_version_tag",
    lambda side, name, which, key, value: side.client.set_prompt_version_tag(name, which, key, value),
    lambda side, name, which, key, value: side.ml.prompts.set_version_tag(name, which, key, value))
delete_prompt_version_tag = Operation(
    "delete_prompt_version_tag",
    lambda side, name, which, key: side.client.delete_prompt_version_tag(name, which, key),
    lambda side, name, which, key: side.ml.prompts.delete_version_tag(name, which, key))
set_prompt_alias = Operation(
    "set_prompt_alias",
    lambda side, name, alias, which: side.client.set_prompt_alias(name, alias, which),
    lambda side, name, alias, which: side.ml.prompts.set_alias(name, alias, which))
delete_prompt_alias = Operation(
    "delete_prompt_alias",
    lambda side, name, alias: side.client.delete_prompt_alias(name, alias),
    lambda side, name, alias: side.ml.prompts.delete_alias(name, alias))
search_prompts = Operation(
    "search_prompts",
    lambda side, filter=None, max_results=100, order_by=None, page_token=None:
        side.registry.search_prompts(filter, max_results, order_by, page_token),
    lambda side, filter=None, max_results=0, order_by=None, page_token=None:
        side.ml.prompts.search(filter, order_by=order_by, max_results=max_results, page_token=page_token),
    compare=lambda page: in_page(page, prompt), identity=token)
search_prompt_versions = Operation(
    "search_prompt_versions",
    lambda side, name, max_results=None, page_token=None:
        side.client.search_prompt_versions(name, max_results, page_token),
    lambda side, name, max_results=0, page_token=None:
        side.ml.prompts.versions(name, max_results=max_results, page_token=page_token),
    compare=lambda page: in_page(page, without_aliases), identity=token)


def _set_config(side, name, which, config):
    from mlflow.genai import prompts
    if config is None:
        prompts.delete_prompt_model_config(name, which)
    else:
        prompts.set_prompt_model_config(name, which, config)


set_config = Operation(
    "set_config", _set_config,
    lambda side, name, which, config: side.ml.prompts.set_config(name, which, config))

import mlplat
import pytest


@pytest.fixture
def source(run, folder):
    """The URI of a model directory in a run."""
    (folder / "weights.bin").write_bytes(b"w")
    return run.log_model("model", loader_module="mlflow.sklearn", data="weights.bin", requirements=["scikit-learn"])


def test_register_version_alias_and_load(ml, run, source):
    assert ml.registry.register("fraud", source, description="first", tags={"auc": 0.9}) == 1
    assert ml.registry.register("fraud", source, run=run) == 2
    ml.registry.set_alias("fraud", "champion", 1)
    for name in ("champion", "@champion", 1, "1"):
        version = ml.registry.version("fraud", name)
        assert (version.version, version.name, version.run_id) == (1, "fraud", run.id)
        assert ml.artifacts.resolve(version.source) == ml.artifacts.resolve(source)
    assert version.aliases == ["champion"] and version.tags == {"auc": "0.9"} and version["description"] == "first"
    assert version.uri == "models:/fraud/1"
    assert ml.registry.version("fraud").version == ml.registry.version("fraud", "latest").version == 2
    assert [v.version for v in ml.registry.versions("fraud")] == [2, 1]
    assert ml.artifacts.resolve("models:/fraud@champion") == ml.artifacts.resolve("models:/fraud/1")


def test_alias_moves_and_goes(ml, source):
    ml.registry.register("m", source)
    ml.registry.register("m", source)
    ml.registry.set_alias("m", "champion", 1)
    ml.registry.set_alias("m", "champion", "latest")
    assert ml.registry.version("m", "champion").version == 2
    assert ml.registry.version("m", 1).aliases == []
    ml.registry.delete_alias("m", "champion")
    ml.registry.delete_alias("m", "champion")
    with pytest.raises(mlplat.NotFound, match="champion"):
        ml.registry.version("m", "champion")


def test_registered_model_from_birth_to_death(ml):
    ml.registry.create("m", "what it is", tags={"team": "risk"})
    with pytest.raises(mlplat.Exists, match="m"):
        ml.registry.create("m")
    ml.registry.update("m", "better words")
    ml.registry.set_tag("m", "n", 1)
    ml.registry.delete_tag("m", "team")
    model = ml.registry.get("m")
    assert model["description"] == "better words" and model["tags"] == [{"key": "n", "value": "1"}]
    assert [m["name"] for m in ml.registry.models()] == ["m"]
    ml.registry.delete("m")
    with pytest.raises(mlplat.NotFound, match="m"):
        ml.registry.get("m")
    assert ml.registry.models() == []


def test_version_is_changed_and_deleted(ml, source):
    ml.registry.register("m", source)
    ml.registry.update_version("m", 1, "words")
    ml.registry.set_version_tag("m", 1, "a", 1)
    ml.registry.set_version_tag("m", 1, "b", 2)
    ml.registry.delete_version_tag("m", 1, "a")
    version = ml.registry.version("m", 1)
    assert version["description"] == "words" and version.tags == {"b": "2"}
    ml.registry.delete_version("m", 1)
    with pytest.raises(mlplat.NotFound):
        ml.registry.version("m", 1)


def test_lists_come_in_pages(ml):
    for name in "abc":
        ml.registry.create(name)
    first = ml.registry.models(max_results=2)
    rest = ml.registry.models(max_results=2, page_token=first.next_page_token)
    assert [m["name"] for m in first + rest] == ["a", "b", "c"] and rest.next_page_token is None


def test_models_and_versions_are_searched(ml):
    for name, team in (("a", "risk"), ("b", "Risk"), ("c", "risk")):
        ml.registry.create(name, tags={"team": team})
        for n in range(2):
            ml.registry.register(name, f"s3://{name}/{n}", tags={"n": n})
    assert [m["name"] for m in ml.registry.models("tags.team = 'risk'", order_by="name DESC")] == ["c", "a"]
    found = ml.registry.versions(filter="version_number > 1 AND name IN ('a', 'b')", order_by=["name ASC"])
    assert [(v.name, v.version) for v in found] == [("a", 2), ("b", 2)]
    assert [v.version for v in ml.registry.versions("c", filter="tags.n = '0'")] == [1]
    with pytest.raises(mlplat.NotFound):
        ml.registry.versions("none")


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "n" * 257, "a\0b", "\udc80"])
def test_bad_names_are_refused(ml, name):
    with pytest.raises(mlplat.Invalid):
        ml.registry.create(name)
    with pytest.raises(mlplat.Invalid):
        ml.registry.register(name, "/tmp")


def test_what_is_not_there_is_not_found(ml):
    for call in (lambda: ml.registry.get("none"), lambda: ml.registry.version("none", 1),
                 lambda: ml.registry.set_alias("none", "a", 1), lambda: ml.registry.delete("none"),
                 lambda: ml.registry.register("m", "runs:/" + "0" * 32 + "/model")):
        with pytest.raises(mlplat.NotFound) as caught:
            call()
        assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("alias", ["latest", "v1", "a b", ""])
def test_bad_aliases_are_refused(ml, source, alias):
    ml.registry.register("m", source)
    with pytest.raises(mlplat.Invalid):
        ml.registry.set_alias("m", alias, 1)


def test_stages(ml, source):
    for _ in range(3):
        ml.registry.register("m", source)
    moved = ml.registry.transition("m", 1, "production")
    assert (moved.version, moved.stage) == (1, "Production") and ml.registry.version("m", 2).stage == "None"
    ml.registry.transition("m", 2, "Production", archive_existing=True)
    assert {v.version: v.stage for v in ml.registry.latest("m")} == {1: "Archived", 2: "Production", 3: "None"}
    assert [v.version for v in ml.registry.latest("m", "Production", "Staging")] == [2]
    assert ml.artifacts.resolve("models:/m/Production") == ml.artifacts.resolve("models:/m/2")
    for call in (lambda: ml.registry.transition("m", 1, "Prod"), lambda: ml.registry.latest("m", "Prod"),
                 lambda: ml.registry.transition("m", 1, "None", archive_existing=True)):
        with pytest.raises(mlplat.Invalid):
            call()


def test_another_name(ml, source):
    ml.registry.register("m", source, tags={"a": 1})
    ml.registry.set_alias("m", "champion", 1)
    ml.registry.create("taken")
    with pytest.raises(mlplat.Exists, match="taken"):
        ml.registry.rename("m", "taken")
    ml.registry.rename("m", "new")
    assert ml.registry.version("new", "champion").tags == {"a": "1"}
    with pytest.raises(mlplat.NotFound):
        ml.registry.get("m")


def test_a_version_is_copied(ml, run, source):
    ml.registry.register("m", source, tags={"a": 1}, description="words")
    assert ml.registry.copy_version("models:/m/1", "live") == 1
    assert ml.registry.copy_version(ml.registry.version("m"), "live") == 2
    copy = ml.registry.version("live", 1)
    assert (copy.source, copy.tags, copy["description"], copy.run_id) == ("models:/m/1", {"a": "1"}, "words", run.id)
    assert ml.artifacts.resolve(copy.uri) == ml.artifacts.resolve(source)
    with pytest.raises(mlplat.Invalid):
        ml.registry.copy_version(source, "live")


def test_a_description_is_taken_away(ml, source):
    ml.registry.register("m", source, description="words")
    ml.registry.update_version("m", 1, None)
    ml.registry.update("m", None)
    assert not ml.registry.version("m", 1)["description"] and not ml.registry.get("m")["description"]


CHAT = [{"role": "system", "content": "Be {{style}}."}, {"role": "user", "content": "{{ question }}"}]


def test_a_prompt_and_its_versions(ml):
    assert ml.prompts.register("greet", "Hello {{ name }}", commit_message="first", tags={"by": "me"}) == 1
    assert ml.prompts.register("greet", CHAT, response_format={"type": "object"}, model_config={"temperature": 1}) == 2
    ml.prompts.set_alias("greet", "live", 1)
    first, second = ml.prompts.version("greet", "live"), ml.prompts.load("greet")
    assert (first.name, first.version, first.template, first.commit_message) == ("greet", 1, "Hello {{ name }}", "first")
    assert (first.variables, first.tags, first.aliases, first.is_chat) == (["name"], {"by": "me"}, ["live"], False)
    assert first.uri == "prompts:/greet/1" and ml.prompts.load(first.uri) == first
    assert second.is_chat and second.template == CHAT and second.variables == ["question", "style"]
    assert second.response_format == {"type": "object"} and second.model_config == {"temperature": 1.0}
    assert first.response_format is None and first.model_config is None and second.commit_message is None
    assert ml.prompts.load("prompts:/greet@live").version == 1
    ml.prompts.delete_alias("greet", "live")
    ml.prompts.set_version_tag("greet", 1, "k", 1)
    ml.prompts.delete_version_tag("greet", 1, "by")
    assert ml.prompts.version("greet", 1).tags == {"k": "1"}
    ml.prompts.set_config("greet", 2, {"top_k": 3})
    assert ml.prompts.version("greet", 2).model_config == {"top_k": 3}
    ml.prompts.set_config("greet", 2, None)
    assert ml.prompts.version("greet", 2).model_config is None
    ml.prompts.delete_version("greet", 2)
    assert ml.prompts.version("greet").version == 1


def test_deleting_a_prompt_leaves_a_model_of_that_name(ml):
    ml.registry.create("fraud")
    with pytest.raises(mlplat.Invalid):
        ml.prompts.delete("fraud")
    assert ml.registry.get("fraud")["name"] == "fraud"


def test_a_prompt_is_no_model(ml, source):
    ml.prompts.create("p", "words", tags={"a": 1})
    ml.prompts.set_tag("p", "b", 2)
    ml.prompts.delete_tag("p", "a")
    prompt = ml.prompts.get("p")
    assert prompt["description"] == "words" and prompt["tags"] == [{"key": "b", "value": "2"}]
    assert ml.registry.models() == []
    ml.registry.register("m", source)
    for call in (lambda: ml.prompts.get("m"), lambda: ml.prompts.load("prompts:/m/1"),
                 lambda: ml.prompts.register("m", "text"), lambda: ml.prompts.register("a b", "text"),
                 lambda: ml.prompts.load("prompts:/p/latest"), lambda: ml.prompts.register("p", [{"content": "x"}]),
                 lambda: ml.prompts.register("p", "x", model_config={"top_p": 2})):
        with pytest.raises(mlplat.Invalid):
            call()
    with pytest.raises(mlplat.Exists):
        ml.prompts.create("m")
    ml.prompts.delete("p")
    for call in (lambda: ml.prompts.get("p"), lambda: ml.prompts.load("p"), lambda: ml.prompts.version("p", 1)):
        with pytest.raises(mlplat.NotFound):
            call()


def test_prompts_are_searched(ml):
    for name in "abc":
        ml.prompts.register(name, "text", tags={"team": name}, experiment_id="7" if name == "b" else None)
    first = ml.prompts.search(order_by=["name DESC"], max_results=2)
    rest = ml.prompts.search(order_by=["name DESC"], max_results=2, page_token=first.next_page_token)
    assert [p["name"] for p in first + rest] == ["c", "b", "a"] and rest.next_page_token is None
    assert [p["name"] for p in ml.prompts.search("experiment_id = '7'")] == ["b"]
    assert [p["name"] for p in ml.prompts.search("tags.team = 'a'")] == ["a"]
    ml.prompts.register("a", "other")
    versions = ml.prompts.versions("a", max_results=1)
    versions += ml.prompts.versions("a", page_token=versions.next_page_token)
    assert [(v.version, v.template) for v in versions] == [(2, "other"), (1, "text")]
    with pytest.raises(mlplat.Invalid):
        ml.prompts.search("experiment_id = 'x'")


def test_a_prompt_is_filled(ml):
    ml.prompts.register("text", "{{a}} and {{ b }}, {{a}}")
    ml.prompts.register("chat", CHAT + [{"role": "assistant", "content": None}])
    text, chat = ml.prompts.load("text"), ml.prompts.load("chat")
    assert text.format(a=1, b="\\ö") == "1 and \\ö, 1"
    assert text.format(a=1, allow_partial=True) == "1 and {{ b }}, 1"
    with pytest.raises(mlplat.Invalid, match="'b'"):
        text.format(a=1)
    assert [m["content"] for m in chat.format(style="kind", question="why?")] == ["Be kind.", "why?", None]


def test_webhooks_need_a_server(ml):
    w = ml.webhooks
    for call in (lambda: w.create("w", "https://example.org", ["model_version.created"], secret="s3cr3t"), w.list,
                 lambda: w.get("1"), lambda: w.update("1", events="model_version.created"), lambda: w.delete("1"),
                 lambda: w.test("1")):
        with pytest.raises(mlplat.Unsupported, match="MLflow server") as told:
            call()
        assert "s3cr3t" not in str(told.value)
    for call in (lambda: w.create("w", "https://example.org", []), lambda: w.create("w", "", "model_version.created"),
                 lambda: w.create("w", "https://example.org", "model_version"), lambda: w.update("1"),
                 lambda: w.update("1", status="asleep"), lambda: w.test("1", "no event"), lambda: w.get("")):
        with pytest.raises(mlplat.Invalid):
            call()

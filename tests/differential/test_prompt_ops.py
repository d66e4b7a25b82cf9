"""Prompts, registered, read and changed, beside MLflow's."""

import pytest

from harness import Case
from prompt_operations import (create_prompt, delete_prompt, delete_prompt_alias, delete_prompt_tag,
                               delete_prompt_version, delete_prompt_version_tag, format_prompt, get_prompt,
                               get_prompt_version, load_prompt, register_prompt, search_prompt_versions, search_prompts, set_config, set_prompt_alias, set_prompt_tag,
                               set_prompt_version_tag)
from registry_operations import (copy_version, create_model, create_version, get_model, get_version, rename_model,
                                 transition)

GREET = register_prompt("p", "Hello {{ name }}, {{title}}!")
CHAT = [{"role": "system", "content": "You are {{style}}."}, {"role": "user", "content": "{{ question }}"}]
TWO = (GREET, register_prompt("p", "Hi {{name}}", commit_message="shorter", tags={"by": "me"}))
EVERYTHING = register_prompt(
    "p", CHAT, commit_message="all of it", tags={"a": "1", "team": "ö"},
    response_format={"type": "object", "properties": {"answer": {"type": "string"}}},
    model_config={"model_name": "m", "temperature": 1, "max_tokens": 10, "top_p": 0.5, "stop_sequences": ["x"],
                  "extra": {"a": [1, None]}, "provider": "p", "top_k": None})
SEVERAL = (create_model("a model", tags={"team": "risk"}), register_prompt("p", "text", tags={"team": "risk"}),
           register_prompt("q1", "text", experiment_id="1"), create_prompt("q2", "words", {"team": "other"}),
           register_prompt("q3", "text", tags={"team": "risk"}, experiment_id="12"))

CASES = [
    Case("a prompt", GREET, get_prompt("p"), get_prompt_version("p", "1"), load_prompt("prompts:/p/1"),
         get_model("p"), get_version("p", 1)),
    Case("a second version", *TWO, get_prompt("p"), get_prompt_version("p", "1"), get_prompt_version("p", "2"),
         load_prompt("p"), load_prompt("prompts:/p@latest"), get_model("p")),
    Case("a prompt with everything", EVERYTHING, get_prompt("p"), get_prompt_version("p", "1"), get_version("p", 1)),
    Case("a chat and a text", EVERYTHING, GREET, get_prompt_version("p", "1"), get_prompt_version("p", "2")),
    Case("tags of a later version are the prompt's, too", register_prompt("p", "a", tags={"k": "1", "one": "1"}),
         register_prompt("p", "b", tags={"k": "2", "two": "2"}), get_prompt("p"), get_prompt_version("p", "1"),
         get_prompt_version("p", "2")),
    Case("a prompt without versions", create_prompt("p", "words", {"a": "b"}), get_prompt("p"), get_model("p"),
         register_prompt("p", "text"), get_prompt("p"), get_prompt_version("p", "1")),
    Case("the name of a prompt is taken", GREET, create_prompt("p"), create_model("p"), create_model("m"),
         create_prompt("m"), register_prompt("m", "text"), get_prompt_version("m", "1")),
    Case("a model is no prompt", create_model("m"), create_version("m", "<root>/model"), get_prompt_version("m", "1"),
         load_prompt("prompts:/m/1"), get_prompt("m").differs("missing-prompt")),
    Case("a prompt that is not there", get_prompt("none").differs("missing-prompt"), get_prompt_version("none", "1"),
         load_prompt("prompts:/none/1"), load_prompt("none"), delete_prompt("none"), set_prompt_tag("none", "k", "v"),
         delete_prompt_tag("none", "k"), set_prompt_alias("none", "a", 1), delete_prompt_alias("none", "a"),
         set_prompt_version_tag("none", "1", "k", "v")),
    Case("a version that is not there", *TWO, get_prompt_version("p", "3"), load_prompt("prompts:/p/3"),
         delete_prompt_version("p", "3"), set_prompt_alias("p", "a", 3), set_prompt_version_tag("p", "3", "k", "v"),
         delete_prompt_version_tag("p", "3", "k")),
    Case("aliases of prompts", *TWO, set_prompt_alias("p", "live", 1), load_prompt("prompts:/p@live"),
         get_prompt_version("p", "live"), set_prompt_alias("p", "live", 2), load_prompt("prompts:/p@live"),
         get_prompt_version("p", "1"), delete_prompt_alias("p", "live"), delete_prompt_alias("p", "live"),
         load_prompt("prompts:/p@live").differs("missing-alias"), set_prompt_alias("p", "latest", 1),
         set_prompt_alias("p", "v1", 1)),
    Case("tags of prompts", *TWO, set_prompt_tag("p", "k", "1"), set_prompt_tag("p", "k", "2"),
         set_prompt_tag("p", "gone", ""), delete_prompt_tag("p", "gone"), delete_prompt_tag("p", "gone"),
         get_prompt("p"), set_prompt_version_tag("p", "1", "k", "v"), set_prompt_version_tag("p", "2", "by", "you"),
         delete_prompt_version_tag("p", "1", "k"), get_prompt_version("p", "1"), get_prompt_version("p", "2"),
         set_prompt_tag("p", "a*", "x"), set_prompt_version_tag("p", "1", "", "x")),
    Case("a prompt's version is deleted", *TWO, set_prompt_alias("p", "live", 2), delete_prompt_version("p", "2"),
         get_prompt_version("p", "2"), load_prompt("p"), get_prompt("p"), register_prompt("p", "again"),
         load_prompt("p")),
    Case("a prompt is deleted", *TWO, set_prompt_alias("p", "live", 1), delete_prompt("p"), load_prompt("p"),
         register_prompt("p", "new life"), load_prompt("p"), get_prompt("p")),
    Case("experiments of a prompt", register_prompt("p", "a", experiment_id="12"),
         register_prompt("p", "a", experiment_id="2"), register_prompt("p", "a", experiment_id="12"), get_prompt("p")),
    Case("a prompt is renamed as a model is", *TWO, rename_model("p", "q"), load_prompt("q"), get_prompt("q"),
         transition("q", 1, "Production")),
    Case("a prompt is not copied", *TWO, copy_version("models:/p/1", "q")),
    *(Case(f"prompts that are {filter!r}", *SEVERAL, search_prompts(filter))
      for filter in (None, "", "name = 'p'", "name LIKE 'q%'", "tags.team = 'risk'", "tags.team != 'risk'",
                     "name ILIKE 'P%' AND tags.team = 'risk'", "experiment_id = '1'", "experiment_id='12'",
                     'experiment_id = "2"', "experiment_id = '1' AND name = 'p'", "name = 'q1' AND experiment_id = '12'",
                     "name LIKE 'q%' AND experiment_id = '12' AND tags.team = 'risk'", "experiment_id = '99'",
                     "experiment_id = 'x'", "experiment_id = ''", "experiment_id != '1'", "name", "foo = 'bar'",
                     "name = 'p' OR name = 'q1'", "tags.`mlflow.prompt.is_prompt` = 'false'")),
    *(Case(f"prompts in order {order}", *SEVERAL, search_prompts(order_by=order))
      for order in (["name DESC"], ["name"], ["last_updated_timestamp DESC"], ["timestamp ASC"], ["foo"])),
    Case("prompts in an order that says a key twice", *SEVERAL,
         search_prompts(order_by=["name", "name"]).differs("errors-without-code")),
    Case("prompts in pages", *SEVERAL, search_prompts(max_results=2).keep("next"),
         search_prompts(max_results=2, page_token="<next>")),
    Case("versions of a prompt", *TWO, create_model("m"), set_prompt_alias("p", "live", 1), search_prompt_versions("p"),
         search_prompt_versions("p", 1).keep("next"), search_prompt_versions("p", 1, "<next>"),
         delete_prompt_version("p", "2"), search_prompt_versions("p"), search_prompt_versions("m"),
         search_prompt_versions("none")),
    *(Case(f"a text {text[:20]!r}", register_prompt("p", text), load_prompt("p"))
      for text in ("", " ", "plain", "{{a}}{{ b }}{{a}}", "{{a.b.c}} {{ _x1 }}", "{{1a}} {{a-b}} {{}} {{ }}", "{{{a}}}",
                   "{{ a", "{{{{a}}}}", "{{a..b}} {{a.}} {{.a}}", "{{\na\t}}", "ünï {{cöde}} 模型", "line\nline",
                   "{% if x %}{{ y }}{% endif %}", "x" * 100_000, "{ {a} }", '"quotes" \\ {{a}}')),
    *(Case(f"messages {messages!r}"[:60], register_prompt("p", messages), load_prompt("p"))
      for messages in (CHAT, [{"role": "user", "content": "ü {{a}}"}],
                       [{"role": "assistant", "content": None, "refusal": "no"}],
                       [{"role": "user", "content": "x", "name": "extra"}],
                       [{"role": "user", "content": [{"type": "text", "text": "see {{b}}"}]}])),
    Case("a chat of no messages", register_prompt("p", []), load_prompt("p").differs("empty-chat")),
    *(Case(f"a name {name[:20]!r}", register_prompt(name, "text"), load_prompt(f"prompts:/{name}/1"), get_prompt(name))
      for name in ("a", "A-b_c.9", ".hidden", "a..b", "1", "x" * 256)),
    *(Case(f"no name {name!r}", register_prompt(name, "text"))
      for name in ("", " ", "a b", "a/b", "a:b", "ö", "a@b", ".", "..", "..a", "a\tb")),
    *(Case(f"no tag {key[:10]!r}", register_prompt("p", "text", tags={key: value}))
      for key, value in (("", "v"), ("a*", "v"), ("k" * 251, "v"), ("/a", "v"))),
    *(Case(f"no prompt at {uri!r}", *TWO, load_prompt(uri)) for uri in ("prompts:/p", "prompts:/@live")),
    *(Case(f"no prompt at {uri!r}", *TWO, load_prompt(uri).differs("errors-without-code"))
      for uri in ("prompts:/", "prompts:/p/", "prompts:/p/1/2", "prompts:/p/latest", "prompts:/p/Staging",
                  "prompts:/p@", "prompts:/p/x", "prompts:/p/-1")),
    Case("the config of a version is changed", EVERYTHING, set_config("p", "1", {"temperature": 2, "own": "x"}),
         get_prompt_version("p", "1"), set_config("p", "1", {}), get_prompt_version("p", "1"),
         set_config("p", "1", None), get_prompt_version("p", "1"), set_config("p", "1", None),
         set_config("p", "2", {"top_k": 1}), set_config("none", "1", {"top_k": 1}),
         set_config("p", "1", {"top_k": 0}).differs("foreign-errors")),
    Case("a text that is too long", GREET, register_prompt("p", "x" * 100_001)),
    Case("nothing is left of a prompt that is refused", register_prompt("p", "x" * 100_001), get_model("p")),
    *(Case(f"a config {config!r}", register_prompt("p", "text", model_config=config), load_prompt("p"))
      for config in ({}, {"temperature": 0}, {"temperature": 0.25, "extra": None}, {"max_tokens": 5.0},
                     {"top_p": 1, "top_k": 3}, {"presence_penalty": -1, "frequency_penalty": 2}, {"stop_sequences": []},
                     {"model_name": None}, {"extra_params": {"a": 1}})),
    *(Case(f"no config {config!r}", GREET, register_prompt("p", "text", model_config=config).differs("foreign-errors"))
      for config in ({"temperature": -1}, {"max_tokens": 0}, {"max_tokens": 1.5}, {"top_p": 1.5}, {"top_k": 0},
                     {"provider": 1}, {"stop_sequences": "x"}, {"stop_sequences": [1]}, {"temperature": "warm"})),
    *(Case(f"no messages {messages!r}", GREET, register_prompt("p", messages).differs("foreign-errors")).differs(
        "foreign-errors", "model_versions", "model_version_tags", "registered_models.last_updated_time")
      for messages in ([{"role": "user", "content": 1}], [{"content": "x"}], ["text"], [{"role": 1, "content": "x"}])),
    Case("what a value brings", register_prompt("p", "{{a}} {{b}}"),
         format_prompt("p", {"a": "{{b}}", "b": "x"}).differs("filled-once")),
    *(Case(f"{template[:20]!r} is filled with {values}", register_prompt("p", template), format_prompt("p", values))
      for template, values in (("Hello {{ name }}", {"name": "you"}), ("{{a}} and {{ b }}", {"a": "1", "b": "\\u{2}"}),
                               ("none", {}), ("none", {"a": "1"}), ("{{a}}", {}), ("{{a}} {{b}}", {"a": "1"}),
                               ("{{a.b}}", {}), (CHAT, {"style": "kind", "question": "why?"}), (CHAT, {"style": "x"}))),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_prompt_is_as_mlflows(sides, case):
    sides.check(case)

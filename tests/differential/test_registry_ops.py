"""Operations of the registry, valid and invalid, beside MLflow's."""

import pytest

from harness import Case
from registry_operations import (MODEL_ID, OTHER_ID, RUN, copy_version, create_model, create_version, delete_alias, delete_model,
                                 delete_model_tag, delete_version, delete_version_tag, get_by_alias, get_model, given, model_row, output_row, run_row,
                                 get_model_whole, get_version, latest_versions, register, rename_model, resolve,
                                 set_alias, set_model_tag, set_version_tag, transition, update_model, update_version)

HERE = "<root>/model"
MODEL = create_model("m", "words", {"team": "fraud"})
THREE = (MODEL, *(create_version("m", f"{HERE}{n}", description=f"version {n}", tags={"n": str(n)}) for n in (1, 2, 3)))

MODELS = [
    Case("a model", create_model("m"), get_model("m")),
    Case("a model with everything", create_model("m", "what it is", {"team": "fraud", "a": ""}), get_model("m")),
    Case("a model of a name that is taken", create_model("m"), create_model("m", "another"), get_model("m")),
    Case("names differ in case", create_model("m"), create_model("M"), get_model("M")),
    Case("a model that is not there", get_model("none"), update_model("none", "x"), delete_model("none"),
         set_model_tag("none", "k", "v"), delete_model_tag("none", "k"), rename_model("none", "other"),
         delete_alias("none", "a"), latest_versions("none"), get_by_alias("none", "a"), get_version("none", 1)),
    Case("the description is changed", MODEL, update_model("m", "other"), get_model("m"), update_model("m", ""),
         get_model("m")),
    Case("the description is taken away", MODEL, update_model("m", None), get_model("m")),
    Case("tags of a model", MODEL, set_model_tag("m", "k", "1"), set_model_tag("m", "k", "2"),
         set_model_tag("m", "team", ""), get_model("m"), delete_model_tag("m", "k"), delete_model_tag("m", "k"),
         get_model("m")),
    Case("a model is deleted", *THREE, set_alias("m", "champion", 1), delete_version("m", 2), delete_model("m"),
         get_model("m"), get_version("m", 1), delete_model("m"), create_model("m"), create_version("m", HERE),
         get_model("m")),
    Case("another model stays when one is deleted", *THREE, create_model("o", tags={"a": "b"}),
         create_version("o", HERE, tags={"c": "d"}), set_alias("o", "x", 1), set_alias("m", "x", 1),
         delete_model("m"), get_model("o")),
    Case("a model is renamed", *THREE, set_alias("m", "champion", 2), rename_model("m", "new"), get_model("new"),
         get_version("new", 2), get_by_alias("new", "champion"), get_model("m"), get_version("m", 1),
         create_version("new", HERE), create_model("m"), get_model("m")),
    Case("a model with a deleted version is renamed", *THREE, delete_version("m", 2), rename_model("m", "new"),
         get_version("new", 2), create_version("new", HERE)),
    Case("a model is renamed to a name that is taken", *THREE, create_model("o"), rename_model("m", "o"),
         get_model("m"), get_model("o")),
    Case("a model is renamed to its own name", *THREE, rename_model("m", "m"), get_model("m")),
    Case("a model is renamed to another case", *THREE, rename_model("m", "M"), get_model("M")),
    Case("the source of a copy keeps the old name", *THREE, copy_version("models:/m/1", "copy"),
         rename_model("m", "new"), get_version("copy", 1), resolve("models:/copy/1")),
    *(Case(f"a model named {name[:20]!r}", create_model(name), get_model(name), create_version(name, HERE),
           set_alias(name, "a", 1), *([] if set(name) & set("@?") else [resolve(f"models:/{name}/1")]))
      for name in ("a b", "ö", "模型", "'; DROP TABLE--", "a%b", ".hidden", "a..b", "-", "1", "a@b", "a#b", "a?b", "a\"b",
                   "x" * 256, "a\\b", "latest", "None", "Production")),
    *(Case(f"no model named {name!r}", create_model(name), create_model("m"), get_model(name), update_model(name, "x"),
           rename_model("m", name), rename_model(name, "m2"), delete_model(name), set_model_tag(name, "k", "v"),
           delete_model_tag(name, "k"), latest_versions(name), create_version(name, HERE), get_version(name, 1),
           update_version(name, 1, "x"), delete_version(name, 1), set_alias(name, "a", 1), delete_alias(name, "a"),
           get_by_alias(name, "a"), set_version_tag(name, 1, "k", "v"), delete_version_tag(name, 1, "k"),
           transition(name, 1, "Staging"))
      for name in ("", " ", "\t\n", "a/b", "/", "a:b", ":", ".", "..", "..a", "...a", "\u00a0", "\u3000")),
    Case("a model with a long name", create_model("x" * 257).differs("lengths")).differs(
        "lengths", "registered_models"),
    Case("a model with a long description", create_model("m", "x" * 5001).differs("lengths")).differs(
        "lengths", "registered_models"),
]

VERSIONS = [
    Case("a version", MODEL, create_version("m", HERE), get_version("m", 1), get_model("m")),
    Case("a version with everything", MODEL,
         create_version("m", HERE, "0" * 32, "first", {"a": "1", "b": ""}, "http://example.org/run"),
         get_version("m", 1)),
    Case("a source that is an URI", MODEL, create_version("m", "s3://bucket/model"), get_version("m", 1)),
    Case("versions count", *THREE, get_version("m", 2), get_version("m", "3"), get_model("m")),
    Case("a version that is not there", *THREE, get_version("m", 4), get_version("m", 0), get_version("m", -1),
         get_version("m", "99999999999"), update_version("m", 4, "x"), delete_version("m", 4),
         set_version_tag("m", 4, "k", "v"), delete_version_tag("m", 4, "k"), set_alias("m", "a", 4),
         transition("m", 4, "Staging")),
    *(Case(f"no version {version!r}", *THREE, get_version("m", version)) for version in ("one", "1a", "0x1", "v1", "1 2")),
    *(Case(f"no version {version!r}", *THREE, get_version("m", version), update_version("m", version, "x"),
           set_version_tag("m", version, "k", "v"), delete_version_tag("m", version, "k"),
           set_alias("m", "a", version), delete_version("m", version))
      for version in ("", "1.5")),
    Case("the description of a version", *THREE, update_version("m", 1, "better"), get_version("m", 1),
         update_version("m", 1, ""), get_version("m", 1), update_version("m", 1, None), get_version("m", 1),
         get_model("m")),
    Case("tags of a version", *THREE, set_version_tag("m", 1, "k", "1"), set_version_tag("m", 1, "k", "2"),
         set_version_tag("m", 2, "n", "other"), get_version("m", 1), delete_version_tag("m", 1, "k"),
         delete_version_tag("m", 1, "k"), delete_version_tag("m", 1, "n"), get_version("m", 1), get_version("m", 2)),
    Case("a version is deleted", *THREE, set_alias("m", "champion", 2), set_alias("m", "other", 1),
         delete_version("m", 2), get_version("m", 2), get_model("m"), delete_version("m", 2),
         update_version("m", 2, "x"), set_version_tag("m", 2, "k", "v"), delete_version_tag("m", 2, "n"),
         set_alias("m", "champion", 2), transition("m", 2, "Staging"), latest_versions("m")),
    Case("the newest version is deleted", *THREE, delete_version("m", 3), get_model("m"), create_version("m", HERE),
         get_version("m", 4), get_model("m")),
    Case("all versions are deleted", *THREE, *(delete_version("m", n) for n in (1, 2, 3)), get_model("m"),
         latest_versions("m"), create_version("m", HERE), get_model("m")),
    Case("a version in a stage is deleted", *THREE, transition("m", 1, "Production"), delete_version("m", 1),
         latest_versions("m", "Production"), get_model("m")),
    Case("a version of a model that is not there", create_version("m", HERE).differs("model-made-with-version")).differs(
        "model-made-with-version", "registered_models", "model_versions"),
    Case("a relative source", MODEL, create_version("m", "some/model"),
         get_version("m", 1).differs("relative-source")).differs(
             "relative-source", "model_versions.source", "model_versions.storage_location"),
    Case("a description of a version that is too long", MODEL,
         create_version("m", HERE, description="x" * 5001).differs("lengths")).differs(
             "lengths", "model_versions", "registered_models.last_updated_time"),
]

STAGES = [
    *(Case(f"a version moves to {stage!r}", *THREE, transition("m", 2, stage), get_version("m", 2), get_model("m"),
           latest_versions("m"), latest_versions("m", stage))
      for stage in ("None", "Staging", "Production", "Archived", "staging", "PRODUCTION", "archived", "nOnE")),
    *(Case(f"no stage {stage!r}", *THREE, transition("m", 2, stage), transition("m", 2, stage, True),
           latest_versions("m", stage or " "), latest_versions("m", "Staging", stage or " "))
      for stage in ("", "Prod", "Deleted_Internal", "None ", "1")),
    Case("a version goes through all stages", *THREE,
         *(transition("m", 1, stage) for stage in ("Staging", "Production", "Archived", "None")), get_model("m")),
    Case("those before are archived", *THREE, transition("m", 1, "Production"), transition("m", 2, "Production"),
         get_model("m"), transition("m", 3, "production", True), get_model("m"), latest_versions("m"),
         get_version("m", 1), get_version("m", 2)),
    Case("a version does not archive itself", *THREE, transition("m", 1, "Staging"),
         transition("m", 1, "Staging", True), get_model("m")),
    Case("other stages are not archived", *THREE, transition("m", 1, "Staging"), transition("m", 2, "Production"),
         transition("m", 3, "Staging", True), get_model("m")),
    Case("other models are not archived", *THREE, create_model("o"), create_version("o", HERE),
         transition("o", 1, "Staging"), transition("m", 1, "Staging", True), get_version("o", 1)),
    Case("a deleted version is not archived", *THREE, transition("m", 1, "Staging"), delete_version("m", 1),
         transition("m", 2, "Staging", True)),
    *(Case(f"nothing is archived in {stage}", *THREE, transition("m", 1, stage, True).differs("errors-without-code"))
      for stage in ("None", "Archived", "archived")),
    Case("latest versions of stages", *THREE, transition("m", 1, "Staging"), transition("m", 2, "Production"),
         set_alias("m", "champion", 2), latest_versions("m"), latest_versions("m", "Staging"),
         latest_versions("m", "Production", "Staging"), latest_versions("m", "None"),
         latest_versions("m", "Archived"), latest_versions("m", "staging", "STAGING")),
    Case("a model without versions has no latest", MODEL, latest_versions("m"), latest_versions("m", "Production"),
         get_model("m")),
    Case("URIs of stages", *THREE, transition("m", 1, "Staging"), transition("m", 2, "Production"),
         *(resolve(f"models:/m/{word}") for word in ("Staging", "production", "None", "latest", "LATEST", "1", "2")),
         resolve("models:/m/Archived").differs("errors-without-code"), resolve("models:/m/Prod")),
]

ALIASES = [
    Case("an alias", *THREE, set_alias("m", "champion", 1), get_by_alias("m", "champion"), get_version("m", 1),
         get_model("m"), get_model_whole("m"), set_alias("m", "champion", 3), get_version("m", 1),
         get_model_whole("m").differs("aliases-in-lists"), get_by_alias("m", "champion"), delete_alias("m", "champion"),
         delete_alias("m", "champion"), get_version("m", 3)),
    Case("several aliases", *THREE, set_alias("m", "b", 1), set_alias("m", "a", 1), set_alias("m", "c", 2),
         get_version("m", 1), get_model("m")),
    Case("an alias that is not there", *THREE, get_by_alias("m", "none").differs("missing-alias"),
         delete_alias("m", "none"), resolve("models:/m@none").differs("missing-alias")),
    Case("aliases differ in case", *THREE, set_alias("m", "a", 1), set_alias("m", "A", 2), get_by_alias("m", "a"),
         get_by_alias("m", "A")),
    Case("the alias latest", *THREE, get_by_alias("m", "latest"), get_by_alias("m", "LATEST"),
         resolve("models:/m@latest"), transition("m", 2, "Production"), get_by_alias("m", "latest"),
         delete_version("m", 3), get_by_alias("m", "latest")),
    Case("the alias latest of a model without versions", MODEL, get_by_alias("m", "latest")),
    Case("URIs of aliases", *THREE, set_alias("m", "champion", 2), resolve("models:/m@champion"),
         delete_version("m", 2), resolve("models:/m@champion").differs("missing-alias")),
    *(Case(f"an alias {alias!r}", *THREE, set_alias("m", alias, 1), get_by_alias("m", alias), get_version("m", 1),
           delete_alias("m", alias))
      for alias in ("a", "1", "_", "-", "A-b_9", "v", "v1a", "vv1", "größe", "模型", "x" * 255)),
    *(Case(f"no alias {alias!r}", *THREE, set_alias("m", alias, 1))
      for alias in ("", " ", "a b", "a.b", "@a", "a/b", "a:b", "latest", "Latest", "v1", "V12", "x" * 256, "☃")),
    *(Case(f"nothing has the alias {alias!r}", *THREE, get_by_alias("m", alias), delete_alias("m", alias))
      for alias in ("", " ", "a b", "a.b", "@a", "a/b", "x" * 256)),
    *(Case(f"the reserved alias {alias!r} can be taken away", *THREE, delete_alias("m", alias))
      for alias in ("latest", "v1")),
]

TAGS = [
    *(Case(f"a tag {key[:20]!r} = {value[:20]!r}", *THREE, set_model_tag("m", key, value),
           set_version_tag("m", 1, key, value), get_model("m"), get_version("m", 1), create_model("n", tags={key: value}),
           create_version("n", HERE, tags={key: value}), delete_model_tag("m", key), delete_version_tag("m", 1, key))
      for key, value in (("k", ""), ("a/b.c-d e:f", "v"), ("café", "ü"), ("k" * 250, "v"), ("k", "v" * 100_000),
                         ("k", "line\nline"), ("K", "'"), ("1", "2"), (".a", "x"), ("a..b", "x"))),
    *(Case(f"no tag {key[:20]!r} = {value[:20]!r}", *THREE, set_model_tag("m", key, value),
           set_version_tag("m", 1, key, value), create_model("n", tags={"fine": "1", key: value}),
           create_version("m", HERE, tags={key: value}))
      for key, value in (("", "v"), ("k" * 251, "v"), ("k", "v" * 100_001), ("/a", "v"), ("a//b", "v"), ("../a", "v"),
                         ("a/../b", "v"), ("a*", "v"), ("a\nb", "v"), ("snow☃", "v"), ("a/", "v"), (".", "v"))),
    *(Case(f"no tag {key[:20]!r} is taken away", *THREE, delete_model_tag("m", key), delete_version_tag("m", 1, key))
      for key in ("", "/a", "a//b", "../a", "a*", ".")),
]

COPIES = [
    Case("a version is copied", *THREE, create_model("o"), copy_version("models:/m/2", "o"), get_version("o", 1),
         get_model("o"), get_model("m"), resolve("models:/o/1")),
    Case("a version is copied to a model that is made", *THREE, copy_version("models:/m/2", "o"), get_version("o", 1),
         get_model("o")),
    Case("a version is copied within its model", *THREE, copy_version("models:/m/2", "m"), get_version("m", 4)),
    Case("a version with everything is copied", MODEL,
         create_version("m", HERE, "0" * 32, "first", {"a": "1", "b": ""}, "http://example.org/run"),
         set_alias("m", "champion", 1), transition("m", 1, "Production"), copy_version("models:/m@champion", "o"),
         copy_version("models:/m/Production", "o"), copy_version("models:/m/latest", "o"), get_version("o", 1),
         get_version("o", 2), get_model("o")),
    Case("a copy is copied", *THREE, copy_version("models:/m/1", "o"), copy_version("models:/o/1", "p"),
         get_version("p", 1), resolve("models:/p/1"), delete_version("m", 1), resolve("models:/p/1")),
    Case("what is not there is not copied", *THREE,
         *(copy_version(uri, "o").differs("errors-without-code")
           for uri in ("models:/m/9", "models:/none/1", "models:/m@none", "models:/m/Staging", "/some/path",
                       "runs:/0/model", "models:/m", "models:/", "models:/m/"))),
    Case("no copy to a bad name", *THREE, copy_version("models:/m/1", "a/b"), copy_version("models:/m/1", "")),
    Case("a source in the registry", *THREE, create_model("o"), create_version("o", "models:/m/2"),
         get_version("o", 1), resolve("models:/o/1")),
    Case("a source in the registry that is not there", *THREE,
         create_version("m", "models:/m/9").differs("errors-without-code"),
         create_version("m", "models:/none/1").differs("errors-without-code")),
    Case("models are registered as mlflow.register_model does", register("m", "s3://bucket/model"),
         register("m", "s3://bucket/other", tags={"a": "b"}), get_version("m", 2), get_model("m")),
]

IN_RUN = f"mlruns/0/{RUN}/artifacts/model/MLmodel"
LOGGED = given(run_row(), model_row(), output_row(), files=[f"mlruns/0/models/{MODEL_ID}/artifacts/MLmodel"])
TWICE = given(run_row(), model_row(), output_row(step=7), model_row(OTHER_ID, created=9), output_row(OTHER_ID, step=2))

FAILED = ("model_versions", {"name": "m", "version": 7, "creation_time": 1, "last_updated_time": 2, "user_id": "me",
                             "current_stage": "None", "source": HERE, "status": "FAILED_REGISTRATION",
                             "status_message": "no reason", "storage_location": "<root>/elsewhere"})

SOURCES = [
    Case("a model in a run's artifacts", given(run_row(), files=[IN_RUN]), register("m", f"runs:/{RUN}/model"),
         resolve("models:/m/1"), get_version("m", 1).differs("runs-source")).differs(
             "runs-source", "model_versions.source"),
    Case("a logged model by its run and name", LOGGED, register("m", f"runs:/{RUN}/logged"), get_version("m", 1),
         resolve("models:/m/1"), register("m", f"runs:/{RUN}/logged"), register("o", f"runs:/{RUN}/logged")),
    Case("a logged model by its id", LOGGED, register("m", f"models:/{MODEL_ID}"), get_version("m", 1),
         resolve("models:/m/1"), resolve(f"models:/{MODEL_ID}"), register("m", f"models:/{MODEL_ID}"), get_model("m")),
    Case("the one of the largest step, when a run logged two", TWICE, register("m", f"runs:/{RUN}/logged"),
         get_version("m", 1)),
    Case("a logged model as a version's source", LOGGED, create_model("m"), create_version("m", f"models:/{MODEL_ID}"),
         get_version("m", 1)).differs("version-noted", "logged_model_tags"),
    Case("a logged model that is pending", given(run_row(), model_row(status=1)), register("m", f"models:/{MODEL_ID}"),
         get_version("m", 1)),
    Case("a logged model without a run", given(model_row(run_id=None)), register("m", f"models:/{MODEL_ID}"),
         get_version("m", 1)),
    Case("a logged model that was deleted", given(run_row(), model_row(stage="deleted")),
         register("m", f"models:/{MODEL_ID}").differs("errors-without-code"),
         resolve(f"models:/{MODEL_ID}")).differs("failed-register", "registered_models"),
    Case("a logged model that is not there", register("m", f"models:/{MODEL_ID}").differs("errors-without-code"),
         resolve(f"models:/{MODEL_ID}")).differs("failed-register", "registered_models"),
    Case("a name that the run has not logged", LOGGED,
         register("m", f"runs:/{RUN}/none").differs("errors-without-code")).differs(
             "failed-register", "registered_models"),
    Case("a run that is not there", register("m", f"runs:/{RUN}/model")).differs(
        "failed-register", "registered_models"),
    Case("a version of another model is registered", LOGGED, register("m", f"runs:/{RUN}/logged"),
         register("o", "models:/m/1"), resolve("models:/o/1"), get_version("o", 1).differs("lineage-kept")).differs(
             "lineage-kept", "model_versions.run_id"),
    Case("an alias is registered", *THREE, set_alias("m", "champion", 2),
         register("o", "models:/m@champion").differs("alias-as-source")).differs(
             "alias-as-source", "model_versions"),
    Case("a run is given with the source", *THREE, create_version("m", "models:/m/1", RUN), get_version("m", 4),
         create_version("m", HERE, "no-run_there"), get_version("m", 5)),
    Case("a version that failed elsewhere", create_model("m"), given(FAILED), get_version("m", 7), get_model("m"),
         resolve("models:/m/7"), create_version("m", HERE)),
    Case("a version without a place", create_model("m"), given(FAILED[:1] + ({**FAILED[1], "storage_location": None},)),
         resolve("models:/m/7")),
    Case("a name is bad whatever the source", register("a/b", f"runs:/{RUN}/model"), register("", HERE)),
]

CASES = [*SOURCES, *MODELS, *VERSIONS, *STAGES, *ALIASES, *TAGS, *COPIES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_does_what_mlflows_does(sides, case):
    sides.check(case)

"""Operations of the registry, valid and invalid, beside MLflow's."""

import pytest

from harness import Case
from registry_operations import (create_model, create_version, delete_model, get_by_alias, get_model, get_model_whole,
                                 get_version, set_alias)

CASES = [
    Case("a model", create_model("m"), get_model("m")),
    Case("a model with everything", create_model("m", "what it is", {"team": "fraud", "a": ""}), get_model("m")),
    Case("a model of a name that is taken", create_model("m"), create_model("m", "another")),
    Case("a version", create_model("m"), create_version("m", "<root>/model"), get_version("m", 1), get_model("m")),
    Case("an alias", create_model("m"), create_version("m", "<root>/model"), set_alias("m", "champion", 1),
         get_by_alias("m", "champion"), get_version("m", 1), get_model("m"),
         get_model_whole("m").differs("aliases-in-lists")),
    Case("a model is deleted", create_model("m", tags={"a": "b"}),
         create_version("m", "<root>/model", tags={"c": "d"}), set_alias("m", "champion", 1), delete_model("m"),
         get_model("m"), create_model("m"), create_version("m", "<root>/model")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_does_what_mlflows_does(sides, case):
    sides.check(case)

"""The store as a whole."""

import pathlib

import mlplat


def test_store_is_created_on_demand(ml, folder):
    made = ml.store.create()
    assert made["created"] is True and pathlib.Path(made["path"]) == folder / "mlflow.db"
    with mlplat.open() as later:
        assert later.store.create() == {**made, "created": False}

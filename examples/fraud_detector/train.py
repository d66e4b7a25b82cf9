"""Second step: trains a random forest, tracks how it went, and registers the model."""

import pathlib
import pickle
from typing import NamedTuple

import mlplat

from common import MODEL, read_rows


class Trained(NamedTuple):
    version: int
    auc: float


@mlplat.component
def train(step: mlplat.Step, train: mlplat.Input("Dataset", "rows to train with"),
          test: mlplat.Input("Dataset", "rows to measure with"),
          model: mlplat.Output("Model", "folder with the pickled forest"), trees: int = 100,
          depth: int = 8, seed: int = 7) -> Trained:
    """Trains a random forest and registers it."""
    import forest  # not at the top: telling the ports has to be quick

    features, target, names = read_rows(train.path)
    test_features, test_target, _ = read_rows(test.path)
    run = step.run
    run.log_params({"trees": trees, "depth": depth, "seed": seed, "features": len(names)})

    trained = forest.fit(features, target, trees, depth, seed)
    chance = trained.predict_proba(test_features)[:, 1]
    result = forest.scores(test_target, chance)
    run.log_metrics(result)
    run.log("auc_by_trees", forest.auc_by_trees(trained, test_features, test_target))
    forest.log_curves(run, trained, names, test_target, chance)

    pickled = pathlib.Path(model.path, "model.pkl")
    pickled.parent.mkdir()
    pickled.write_bytes(pickle.dumps(trained, protocol=4))
    model.metadata["framework"] = "scikit-learn"
    version = step.session.registry.register(MODEL, forest.log_forest(run, pickled, features, names))
    return Trained(version, result["auc"])


if __name__ == "__main__":
    train.main()

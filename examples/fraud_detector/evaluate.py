"""Third step: the gate. A version that is good enough, and at least as good as the champion, becomes the champion."""

import tempfile
from typing import NamedTuple

import mlplat

from common import CHAMPION, MODEL, load_model, read_rows


class Verdict(NamedTuple):
    promoted: bool
    champion: int


def auc_of(ml, uri, features, target):
    """How well the model at a URI tells these rows apart."""
    from sklearn import metrics  # not at the top: telling the ports has to be quick

    with tempfile.TemporaryDirectory() as folder:
        model, _ = load_model(ml, uri, folder)
    return metrics.roc_auc_score(target, model.predict_proba(features)[:, 1])


def auc_of_champion(ml, features, target):
    """The champion's, or None as long as there is no champion."""
    try:
        return auc_of(ml, CHAMPION, features, target)
    except mlplat.NotFound:
        return None


@mlplat.component
def evaluate(step: mlplat.Step, version: int, test: mlplat.Input("Dataset", "rows to measure with"),
             min_auc: float = 0.9) -> Verdict:
    """Compares a version with a threshold and with the champion, and moves the alias."""
    ml, run = step.session, step.run
    features, target, _ = read_rows(test.path)
    auc = auc_of(ml, f"models:/{MODEL}/{version}", features, target)
    best = auc_of_champion(ml, features, target)
    run.log_params({"version": version, "min_auc": min_auc})
    run.log_metrics({"auc": auc} if best is None else {"auc": auc, "champion_auc": best})

    passed = auc >= min_auc
    ml.registry.set_version_tag(MODEL, version, "gate", "passed" if passed else "failed")
    if not passed:
        raise SystemExit(f"version {version} has an AUC of {auc:.4f}, below min_auc {min_auc}: the champion stays")
    promoted = best is None or auc >= best
    if promoted:
        ml.registry.set_alias(MODEL, "champion", version)
    champion = ml.registry.version(MODEL, "champion").version
    print(f"version {version}: AUC {auc:.4f}; version {champion} is the champion")
    return Verdict(promoted, champion)


if __name__ == "__main__":
    evaluate.main()

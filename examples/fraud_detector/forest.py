"""The forest itself: what needs scikit-learn, which takes a second to import. train.py asks for it when it runs."""

import numpy
import sklearn
from sklearn import metrics
from sklearn.ensemble import RandomForestClassifier

from common import roc_svg


def fit(features, target, trees, depth, seed):
    """A random forest."""
    return RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=seed).fit(features, target)


def auc_by_trees(forest, features, target):
    """The area under the ROC curve of the first 1, 2, 3, ... trees."""
    votes = numpy.cumsum([tree.predict_proba(features)[:, 1] for tree in forest.estimators_], axis=0)
    return numpy.array([metrics.roc_auc_score(target, vote) for vote in votes])


def scores(target, chance):
    """Metrics of the chances a model gave."""
    guess = chance >= 0.5
    return {"auc": metrics.roc_auc_score(target, chance), "accuracy": metrics.accuracy_score(target, guess),
            "precision": metrics.precision_score(target, guess, zero_division=0),
            "recall": metrics.recall_score(target, guess), "f1": metrics.f1_score(target, guess)}


def log_curves(run, forest, names, target, chance):
    """The ROC curve as a table and as a picture, and how much each feature matters."""
    false_rate, true_rate, thresholds = metrics.roc_curve(target, chance)
    rows = [f"{x:.6f},{y:.6f},{t:.6f}" for x, y, t in zip(false_rate, true_rate, numpy.minimum(thresholds, 1))]
    run.log_text("false_positive_rate,true_positive_rate,threshold\n" + "\n".join(rows) + "\n", "roc/roc.csv")
    run.log_text(roc_svg((false_rate, true_rate), metrics.auc(false_rate, true_rate)), "roc/roc.svg")
    matter = sorted(zip(forest.feature_importances_.tolist(), names), reverse=True)
    run.log_dict({name: round(value, 6) for value, name in matter}, "importances.json")


def log_forest(run, path, features, names):
    """The model in MLflow's layout: mlflow.pyfunc and mlflow.sklearn load it."""
    columns = [{"name": name, "type": "double", "required": True} for name in names]
    return run.log_model(
        "model", loader_module="mlflow.sklearn", data=path,
        flavors={"sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle",
                             "sklearn_version": sklearn.__version__}},
        signature={"inputs": columns, "outputs": [{"type": "long", "required": True}]},
        input_example={"columns": names, "data": features[:2].tolist()},
        requirements=[f"scikit-learn=={sklearn.__version__}", f"numpy=={numpy.__version__}"])

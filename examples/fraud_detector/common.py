"""What the Python steps share: the model's name, rows of a CSV file, the model at a URI, a ROC curve as a picture."""

import pathlib
import pickle

import numpy

MODEL = "fraud-detector"
CHAMPION = f"models:/{MODEL}@champion"


def read_rows(path):
    """Features, target and the features' names; the target is the last column."""
    with open(path, encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        rows = numpy.loadtxt(file, delimiter=",", ndmin=2)
    return rows[:, :-1], rows[:, -1].astype(int), names[:-1]


def load_model(ml, uri, folder):
    """The scikit-learn model at a URI and its MLmodel document, by way of a local folder. MLflow is not needed.

    A pickle runs what its maker put in: load models of your own registry only.
    """
    folder = pathlib.Path(folder)
    ml.artifacts.get(uri, folder)
    info = ml.artifacts.model_info(folder)
    with open(folder / info["flavors"]["sklearn"]["pickled_model"], "rb") as file:
        return pickle.load(file), info


def roc_svg(rates, auc):
    """The ROC curve as an SVG picture; rates is (false positives, true positives)."""
    points = " ".join(f"{40 + 320 * x:.1f},{360 - 320 * y:.1f}" for x, y in zip(*rates))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400"
  font-family="sans-serif" font-size="12">
<rect width="400" height="400" fill="white"/>
<path d="M40 40V360H360" fill="none" stroke="black"/>
<path d="M40 360L360 40" stroke="#bbb" stroke-dasharray="4"/>
<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="2"/>
<text x="200" y="24" text-anchor="middle">ROC, area {auc:.4f}</text>
<text x="200" y="388" text-anchor="middle">false positive rate</text>
<text x="18" y="200" text-anchor="middle" transform="rotate(-90 18 200)">true positive rate</text>
</svg>
"""

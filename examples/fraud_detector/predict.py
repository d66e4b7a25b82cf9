"""Last step: the champion scores the rows that were held back."""

import tempfile

import mlplat

from common import CHAMPION, MODEL, load_model, read_rows


def write_predictions(path, names, features, chances):
    """The rows with two columns more: the chance of fraud, and the verdict."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join([*names, "chance", "is_fraud"]) + "\n")
        for row, chance in zip(features.tolist(), chances.tolist()):
            file.write(",".join(f"{value:g}" for value in row) + f",{chance:.6f},{int(chance >= 0.5)}\n")


@mlplat.component
def predict(step: mlplat.Step, holdout: mlplat.Input("Dataset", "rows to score"),
            predictions: mlplat.Output("Dataset", "the rows and their scores"), model_uri: str = CHAMPION) -> int:
    """Loads the champion and scores rows."""
    ml, run = step.session, step.run
    features, target, names = read_rows(holdout.path)
    with tempfile.TemporaryDirectory() as folder:
        model, info = load_model(ml, model_uri, folder)
    version = next(v.version for v in ml.registry.versions(MODEL) if v.run_id == info["run_id"])
    chances = model.predict_proba(features)[:, 1]

    write_predictions(predictions.path, names, features, chances)
    predictions.metadata.update(rows=len(features), model_version=version)
    run.log_params({"model_uri": model_uri, "model_version": version})
    run.log_metrics({"rows": len(features), "accuracy": ((chances >= 0.5) == target).mean()})
    with open(predictions.path, encoding="utf-8") as file:
        run.log_text(file.read(), "predictions.csv")
    return version


if __name__ == "__main__":
    predict.main()

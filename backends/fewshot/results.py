"""The files of a few-shot job: features and a head as NPZ without pickles, predictions as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.engine import Artifact
from backends.fewshot.classifier import Classifier, Prediction
from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.feature_extraction import FeatureTable
from backends.fewshot.types import Support
from backends.shared.disk_errors import writing
from backends.shared.spreadsheet import write_rows

COLUMNS = ("file", "class", "probability", "abstained")


@dataclass(frozen=True)
class QueryPredictions:
    """The queries, the classifier, and its predictions in the order of the queries."""

    queries: FeatureTable
    classifier: Classifier
    prediction: Prediction

    def facts(self) -> dict[str, Any]:
        """As fields of `Classification`."""
        classifier = self.classifier
        return {
            "head": classifier.head.id,
            "accuracy": classifier.loo.accuracy,
            "calibrated": classifier.calibrated,
            "temperature": classifier.temperature,
            "threshold": classifier.rejection.threshold,
            "abstained": int(self.prediction.abstained.sum()),
        }


def write_features(out: Path, queries: FeatureTable, shots: FeatureTable, support: Support, space: str) -> Artifact:
    """Write `features.npz`.

    It holds `images` `(N, D)`, `names` and `sha256` of the queries; the same of the examples with the prefix
    `support_`, and `labels`; `classes`, `words` `(C, D)` where the model understands text, `logit_scale` and `space`.

    Args:
        out: the folder.
        queries: features of the queries.
        shots: features of the examples, in the order of `support`.
        support: labels, classes and text features.
        space: of the extractor.
    """
    arrays: dict[str, Any] = {
        "images": queries.features,
        **_named(queries.items),
        "support_images": shots.features,
        **{f"support_{name}": array for name, array in _named(shots.items).items()},
        "labels": support.labels,
        "classes": np.array(support.classes, str),
        "logit_scale": np.array(support.logit_scale),
        "space": np.array(space),
    }
    if support.text_features is not None:
        arrays["words"] = support.text_features
    path = out / "features.npz"
    with writing():
        np.savez(path, **arrays)
    return Artifact("features", path.name, path, {"pictures": len(queries.items), "shots": len(shots.items)})


def write_predictions(out: Path, predictions: QueryPredictions) -> Artifact:
    """Write `predictions.csv`: the most probable class of each image and its probability, “yes” under `abstained`
    where the image is like none of the classes, and the probability of each class under its name."""
    classes, prediction = predictions.classifier.support.classes, predictions.prediction
    path = out / "predictions.csv"
    titles = [f"{name} (class)" if name in COLUMNS else name for name in classes]
    rows: list[list[str]] = [[*COLUMNS, *titles]]
    for row, item in enumerate(predictions.queries.items):
        best, numbers = int(prediction.best[row]), [f"{p:.6f}" for p in prediction.probabilities[row]]
        abstained = "yes" if prediction.abstained[row] else "no"
        rows.append([item.name, classes[best], numbers[best], abstained, *numbers])
    with writing(), path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, rows)
    return Artifact("predictions", path.name, path, {"pictures": len(predictions.queries.items)})


def write_head(out: Path, predictions: QueryPredictions, space: str) -> Artifact:
    """Write `head.npz`, which classifies features of the same space without the model that made them."""
    path = out / "head.npz"
    with writing():
        predictions.classifier.save(path)
    head, classes = predictions.classifier.head.id, list(predictions.classifier.support.classes)
    return Artifact("head", path.name, path, {"head": head, "space": space, "classes": classes})


def _named(items: Sequence[ImageFile]) -> dict[str, np.ndarray]:
    return {
        "names": np.array([item.name for item in items], str),
        "sha256": np.array([item.sha256 for item in items], str),
    }

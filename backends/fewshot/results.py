"""What a few-shot job leaves behind: features and a head as NPZ without pickles, answers as a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.engine import Artifact
from backends.fewshot.classifier import Classifier, Prediction
from backends.fewshot.data.image_collection import Item
from backends.fewshot.feature_extraction import Looked
from backends.fewshot.types import Support
from backends.shared.disk_errors import writing

if TYPE_CHECKING:
    from backends.fewshot.base import FeatureEngine

COLUMNS = ("file", "class", "probability", "abstained")


@dataclass(frozen=True)
class Answers:
    """What a fitted classifier says of the queries, in their order."""

    queries: Looked
    classifier: Classifier
    prediction: Prediction

    def facts(self) -> dict[str, Any]:
        """As Classification has them."""
        made = self.classifier
        return {
            "head": made.head.id,
            "accuracy": made.left_out.accuracy,
            "calibrated": made.calibrated,
            "temperature": made.temperature,
            "threshold": made.rejection.threshold,
            "abstained": int(self.prediction.abstained.sum()),
        }


def write_features(out: Path, queries: Looked, shots: Looked, taught: Support, engine: FeatureEngine) -> Artifact:
    """`features.npz`: of the queries `images` `(N, D)`, `names` and `sha256`; of the examples the same with
    `support_` before it and `labels`; `classes`, `words` `(C, D)` where the engine knows words, `logit_scale`."""
    arrays: dict[str, Any] = {
        "images": queries.rows,
        **_named(queries.items),
        "support_images": shots.rows,
        **{f"support_{name}": array for name, array in _named(shots.items).items()},
        "labels": taught.labels,
        "classes": np.array(taught.classes, str),
        "logit_scale": np.array(taught.logit_scale),
        "space": np.array(engine.space),
    }
    if taught.words is not None:
        arrays["words"] = taught.words
    path = out / "features.npz"
    with writing():
        np.savez(path, **arrays)
    return Artifact("features", path.name, path, {"pictures": len(queries.items), "shots": len(shots.items)})


def write_predictions(out: Path, answers: Answers) -> Artifact:
    """`predictions.csv`: the likeliest class of each picture and its probability, “yes” under `abstained` where the
    picture is like none of the classes, and the probability of each class under its name."""
    classes, found, path = answers.classifier.support.classes, answers.prediction, out / "predictions.csv"
    titles = [f"{name} (class)" if name in COLUMNS else name for name in classes]
    with writing(), path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, *titles])
        for row, item in enumerate(answers.queries.items):
            best, shares = int(found.best[row]), [f"{share:.6f}" for share in found.probabilities[row]]
            table.writerow([item.name, classes[best], shares[best], "yes" if found.abstained[row] else "no", *shares])
    return Artifact("predictions", path.name, path, {"pictures": len(answers.queries.items)})


def write_head(out: Path, answers: Answers, engine: FeatureEngine) -> Artifact:
    """`head.npz`: what classifies features of the same space, without the model that made them."""
    path = out / "head.npz"
    with writing():
        answers.classifier.save(path)
    head, classes = answers.classifier.head.id, list(answers.classifier.support.classes)
    return Artifact("head", path.name, path, {"head": head, "space": engine.space, "classes": classes})


def _named(items: Sequence[Item]) -> dict[str, np.ndarray]:
    return {
        "names": np.array([item.name for item in items], str),
        "sha256": np.array([item.sha256 for item in items], str),
    }

"""The files of a Flamingo job: class probabilities with their spread over orders, free answers, and the prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.engine import Artifact
from backends.fewshot.calibration import probabilities
from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.feature_extraction import FeatureTable
from backends.fewshot.flamingo.interleave import Turn
from backends.fewshot.flamingo.options import FlamingoOptions
from backends.fewshot.results import COLUMNS, write_features
from backends.fewshot.types import Support
from backends.shared.disk_errors import writing
from backends.shared.spreadsheet import write_rows

if TYPE_CHECKING:
    from backends.fewshot.flamingo.model import ImageFeatures

AGREEMENT = "agreement"
"""The column after those of the classes."""


@dataclass(frozen=True)
class Shot:
    """One example: the file, its class as an index, its answer in the prompt, and its features."""

    item: ImageFile
    label: int
    answer: str
    features: ImageFeatures


@dataclass(frozen=True)
class PromptExamples:
    """The examples that the model was shown; `space` names that of their features."""

    classes: tuple[str, ...]
    shots: Sequence[Shot]
    space: str

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of shots of each class."""
        return tuple(sum(shot.label == label for shot in self.shots) for label in range(len(self.classes)))


@dataclass(frozen=True)
class QueryAnswer:
    """One query.

    Attributes:
        item: the file.
        feature: `(D,)`.
        turns: the prompt with the examples in their first order; empty where nothing was asked.
        orders: the files of the examples in each order.
    """

    item: ImageFile
    feature: np.ndarray
    turns: Sequence[Turn] = ()
    orders: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class ClassLikelihoods(QueryAnswer):
    """`likelihoods` `(O, C)`: mean log-likelihood per token of each class name in each order of the examples."""

    likelihoods: np.ndarray = field(kw_only=True)

    def probabilities(self, temperature: float) -> np.ndarray:
        """Probabilities `(O, C)` in each order."""
        return probabilities(self.likelihoods, temperature)


@dataclass(frozen=True)
class FreeAnswer(QueryAnswer):
    """A description, or the answer to a question."""

    text: str = field(kw_only=True)


@dataclass(frozen=True)
class WrittenFiles:
    """The files that were written, and metrics as (name, value, unit)."""

    artifacts: tuple[Artifact, ...]
    metrics: tuple[tuple[str, float, str], ...] = ()


def write_all(
    out: Path, asked: FlamingoOptions, examples: PromptExamples, answers: Sequence[QueryAnswer], temperature: float
) -> WrittenFiles:
    """Write `features.npz`, and where something was asked `prompt.json` and `predictions.csv` or `answers.json`.

    Args:
        out: the folder.
        asked: what was asked.
        examples: what the model was shown.
        answers: one per query.
        temperature: of the softmax over log-likelihoods.
    """
    with writing():
        artifacts = [_write_features(out, examples, answers)]
        named = [one for one in answers if isinstance(one, ClassLikelihoods)]
        written = [one for one in answers if isinstance(one, FreeAnswer)]
        if named:
            artifacts.append(_write_predictions(out, examples.classes, named, temperature))
        elif written:
            artifacts.append(_write_answers(out, asked, written))
        if named or written:
            artifacts.append(_write_prompt(out, asked, examples.classes, [*named, *written], temperature))
    metrics: tuple[tuple[str, float, str], ...] = ()
    if named and asked.orders > 1:
        metrics = (("orders that agree", 100 * float(np.mean([_agreement(one, temperature) for one in named])), "%"),)
    return WrittenFiles(tuple(artifacts), metrics)


def _write_features(out: Path, examples: PromptExamples, answers: Sequence[QueryAnswer]) -> Artifact:
    """As the other engines write them, without words: by the vision tower, whose likeness chooses the examples."""
    queries = FeatureTable(tuple(one.item for one in answers), _unit_vectors([one.feature for one in answers]))
    shot_features = np.array([shot.features.feature for shot in examples.shots]).reshape(-1, queries.features.shape[1])
    shots = FeatureTable(tuple(shot.item for shot in examples.shots), _unit_vectors(shot_features))
    labels = np.array([shot.label for shot in examples.shots], int)
    return write_features(out, queries, shots, Support(shots.features, labels, examples.classes), examples.space)


def _unit_vectors(rows: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    table = np.asarray(rows, np.float32)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def _write_predictions(
    out: Path, classes: tuple[str, ...], named: Sequence[ClassLikelihoods], temperature: float
) -> Artifact:
    """As the other engines write it, with the mean over orders, and after it how far the orders differ: `agreement`
    (the fraction of orders with this answer) and the standard deviation of each class's probability."""
    path = out / "predictions.csv"
    titles = [f"{name} (class)" if name in (*COLUMNS, AGREEMENT) else name for name in classes]
    rows: list[list[str]] = [[*COLUMNS, *titles, AGREEMENT, *(f"{name} (spread)" for name in classes)]]
    for one in named:
        class_probabilities = one.probabilities(temperature)
        mean, best = class_probabilities.mean(0), int(class_probabilities.mean(0).argmax())
        numbers = [f"{number:.6f}" for number in (*mean, _agreement(one, temperature), *class_probabilities.std(0))]
        rows.append([one.item.name, classes[best], numbers[best], "no", *numbers])
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, rows)
    return Artifact("predictions", path.name, path, {"pictures": len(named), "orders": len(named[0].orders)})


def _agreement(one: ClassLikelihoods, temperature: float) -> float:
    """The fraction of orders whose own answer is that of their mean."""
    class_probabilities = one.probabilities(temperature)
    return float((class_probabilities.argmax(1) == class_probabilities.mean(0).argmax()).mean())


def _write_answers(out: Path, asked: FlamingoOptions, written: Sequence[FreeAnswer]) -> Artifact:
    path = out / "answers.json"
    rows = [{"file": one.item.name, "answer": one.text} for one in written]
    _write_json(path, {"ask": asked.ask, "question": asked.prompt_question, "answers": rows})
    return Artifact("answers", path.name, path, {"pictures": len(rows), "ask": asked.ask})


def _write_prompt(
    out: Path,
    asked: FlamingoOptions,
    classes: tuple[str, ...],
    answers: Sequence[ClassLikelihoods | FreeAnswer],
    temperature: float,
) -> Artifact:
    """`prompt.json`: for each query the conversation as the model read it, pictures by name, and in which orders the
    examples were shown, with the log-likelihoods of the class names in each."""
    queries = [
        {
            "file": one.item.name,
            "turns": [asdict(turn) for turn in one.turns],
            "answer": _answer(one, classes, temperature),
            "orders": _orders(one),
        }
        for one in answers
    ]
    path = out / "prompt.json"
    header = {"ask": asked.ask, "question": asked.prompt_question, "classes": list(classes), "temperature": temperature}
    _write_json(path, {**header, "queries": queries})
    return Artifact("prompt", path.name, path, {"pictures": len(queries)})


def _answer(one: ClassLikelihoods | FreeAnswer, classes: tuple[str, ...], temperature: float) -> str:
    return one.text if isinstance(one, FreeAnswer) else classes[int(one.probabilities(temperature).mean(0).argmax())]


def _orders(one: ClassLikelihoods | FreeAnswer) -> list[dict[str, Any]]:
    if isinstance(one, ClassLikelihoods):
        pairs = zip(one.orders, one.likelihoods.tolist(), strict=True)
        return [{"shots": shots, "likelihoods": weights} for shots, weights in pairs]
    return [{"shots": shots} for shots in one.orders]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False), encoding="utf-8")

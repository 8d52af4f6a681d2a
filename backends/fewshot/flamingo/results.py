"""What a Flamingo's job leaves behind: names with their spread over orders, free answers, and the prompts."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.engine import Artifact
from backends.fewshot.calibration import probabilities
from backends.fewshot.data.image_collection import Item
from backends.fewshot.feature_extraction import Looked
from backends.fewshot.flamingo.interleave import Turn
from backends.fewshot.flamingo.options import Asking
from backends.fewshot.results import COLUMNS, write_features
from backends.fewshot.types import Support
from backends.shared.disk_errors import writing

if TYPE_CHECKING:
    from backends.fewshot.flamingo.model import Seen

AGREEMENT = "agreement"
"""The column after those of the classes."""


@dataclass(frozen=True)
class Shot:
    """One example: the file, its class as an index, what the prompt answers for it, and how the model sees it."""

    item: Item
    label: int
    answer: str
    seen: Seen


@dataclass(frozen=True)
class Taught:
    """What the model was shown; `space` names that of its features."""

    classes: tuple[str, ...]
    shots: Sequence[Shot]
    space: str

    @property
    def counts(self) -> tuple[int, ...]:
        """Shots of each class."""
        return tuple(sum(shot.label == label for shot in self.shots) for label in range(len(self.classes)))


@dataclass(frozen=True)
class Answered:
    """One picture that was looked at, with its feature `(D,)`; where it was asked about, also the prompt with the
    examples in their first order, and the files of each."""

    item: Item
    feature: np.ndarray
    turns: Sequence[Turn] = ()
    orders: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Named(Answered):
    """`likelihoods` `(O, C)`: log likelihood a token of each class name in each order of the examples."""

    likelihoods: np.ndarray = field(kw_only=True)

    def shares(self, warmth: float) -> np.ndarray:
        """Probabilities `(O, C)` in each order."""
        return probabilities(self.likelihoods, warmth)


@dataclass(frozen=True)
class Written(Answered):
    """A description, or the answer to a question."""

    text: str = field(kw_only=True)


@dataclass(frozen=True)
class Kept:
    """The files that were written, and numbers to tell as (name, value, unit)."""

    artifacts: tuple[Artifact, ...]
    metrics: tuple[tuple[str, float, str], ...] = ()


def write_all(out: Path, asking: Asking, taught: Taught, answered: Sequence[Answered], warmth: float) -> Kept:
    """`features.npz`, and where something was asked `prompt.json` and `predictions.csv` or `answers.json`."""
    with writing():
        made = [_write_features(out, taught, answered)]
        named = [one for one in answered if isinstance(one, Named)]
        written = [one for one in answered if isinstance(one, Written)]
        if named:
            made.append(_write_predictions(out, taught.classes, named, warmth))
        elif written:
            made.append(_write_answers(out, asking, written))
        if named or written:
            made.append(_write_prompt(out, asking, taught.classes, [*named, *written], warmth))
    metrics: tuple[tuple[str, float, str], ...] = ()
    if named and asking.orders > 1:
        metrics = (("orders that agree", 100 * float(np.mean([_agreement(one, warmth) for one in named])), "%"),)
    return Kept(tuple(made), metrics)


def _write_features(out: Path, taught: Taught, answered: Sequence[Answered]) -> Artifact:
    """As the other engines write them, without words: by the vision tower, whose likeness chooses the examples."""
    queries = Looked(tuple(one.item for one in answered), _unit([one.feature for one in answered]))
    seen = np.array([shot.seen.feature for shot in taught.shots]).reshape(-1, queries.rows.shape[1])
    shots = Looked(tuple(shot.item for shot in taught.shots), _unit(seen))
    labels = np.array([shot.label for shot in taught.shots], int)
    return write_features(out, queries, shots, Support(shots.rows, labels, taught.classes), taught)  # type: ignore[arg-type]


def _unit(rows: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    table = np.asarray(rows, np.float32)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def _write_predictions(out: Path, classes: tuple[str, ...], named: Sequence[Named], warmth: float) -> Artifact:
    """As the other engines write it, with the mean over orders, and after it how far the orders differ: `agreement`
    (the share of orders with this answer) and the standard deviation of each class's probability."""
    path = out / "predictions.csv"
    titles = [f"{name} (class)" if name in (*COLUMNS, AGREEMENT) else name for name in classes]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, *titles, AGREEMENT, *(f"{name} (spread)" for name in classes)])
        for one in named:
            shares = one.shares(warmth)
            mean, best = shares.mean(0), int(shares.mean(0).argmax())
            numbers = [f"{number:.6f}" for number in (*mean, _agreement(one, warmth), *shares.std(0))]
            table.writerow([one.item.name, classes[best], numbers[best], "no", *numbers])
    return Artifact("predictions", path.name, path, {"pictures": len(named), "orders": len(named[0].orders)})


def _agreement(one: Named, warmth: float) -> float:
    """The share of orders whose own answer is that of their mean."""
    shares = one.shares(warmth)
    return float((shares.argmax(1) == shares.mean(0).argmax()).mean())


def _write_answers(out: Path, asking: Asking, written: Sequence[Written]) -> Artifact:
    path = out / "answers.json"
    answers = [{"file": one.item.name, "answer": one.text} for one in written]
    _write_json(path, {"ask": asking.ask, "question": asking.question, "answers": answers})
    return Artifact("answers", path.name, path, {"pictures": len(answers), "ask": asking.ask})


def _write_prompt(
    out: Path, asking: Asking, classes: tuple[str, ...], answered: Sequence[Named | Written], warmth: float
) -> Artifact:
    """`prompt.json`: for each query the conversation as the model read it, pictures by name, and in which orders the
    examples were shown with what the class names weighed in each."""
    queries = [
        {
            "file": one.item.name,
            "turns": [asdict(turn) for turn in one.turns],
            "answer": _answer(one, classes, warmth),
            "orders": _orders(one),
        }
        for one in answered
    ]
    path = out / "prompt.json"
    told = {"ask": asking.ask, "question": asking.question, "classes": list(classes), "temperature": warmth}
    _write_json(path, {**told, "queries": queries})
    return Artifact("prompt", path.name, path, {"pictures": len(queries)})


def _answer(one: Named | Written, classes: tuple[str, ...], warmth: float) -> str:
    return one.text if isinstance(one, Written) else classes[int(one.shares(warmth).mean(0).argmax())]


def _orders(one: Named | Written) -> list[dict[str, Any]]:
    if isinstance(one, Named):
        pairs = zip(one.orders, one.likelihoods.tolist(), strict=True)
        return [{"shots": shots, "likelihoods": weights} for shots, weights in pairs]
    return [{"shots": shots} for shots in one.orders]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False), encoding="utf-8")

"""The Flamingo starter beside models that are taught by features: new classes by shots, and questions by kind.

Photographs are CIFAR-10 and of the Caltech classes kept apart. All else is drawn anew, of shapes, fills and pairs of
colour and shape that were never trained on. Nor were the names. The Flamingo is shown what the studio would show it,
the eight most alike examples in the order of their likeness, and ranks the names; once more it is shown eight drawn by
chance in any order. The others are taught with the same examples and no words. The unit is an episode, or a question.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends.fewshot.base import FeatureEngine
from backends.fewshot.flamingo.model import IdeficsModel
from backends.fewshot.types import Support
from backends.shared.images import read
from benchmarks.fewshot_starter import CIFAR, PICTURES
from benchmarks.starters import interval_columns
from evaluation.datasets.base import Dataset
from evaluation.datasets.captioned_pictures import CaptionedPictures
from evaluation.datasets.class_folders import cifar10
from evaluation.datasets.drawn_shapes import new_classes, picture, question_pictures
from evaluation.metrics.fewshot.episodes import run_episode
from evaluation.statistics.intervals import clopper_pearson, mean
from evaluation.synthetic.pictures import SENTENCES
from evaluation.synthetic.pictures import shots as sample_shots
from evaluation.synthetic.shape_questions import ask, distinct_names, questions
from evaluation.systems.fewshot import feature_engine
from evaluation.systems.flamingo import best_name, flamingo, written_answer

STARTER, OTHERS = "flamingo-starter", ("clip-starter",)
BY_CHANCE = f"{STARTER}, examples by chance"
KINDS = {"shape": "new shapes", "fill": "new fills", "pair": "new pairs of colour and shape"}
SHOTS, EPISODES = (0, 1, 2, 4, 8), 20
QUERIES = {2: 2, 5: 1}
"""By number of classes: queries a class."""
PHOTO_WAYS, PHOTO_QUERIES = 5, 4
SAMPLE_EPISODES = 4
QUESTIONS, MAX_TOKENS = 240, 12
QUESTION_KINDS = {"colour", "shape", "number", "fill", "place", "relation"}


@dataclass(frozen=True)
class Episode:
    """Pictures of each class, of which the first are examples and the last queries; what the classes are called."""

    pictures: list[list[np.ndarray]]
    names: list[str]


@dataclass(frozen=True)
class EpisodeSet:
    """Episodes of one kind: `draw` makes the n-th of `count`, with `queries` a class."""

    title: str
    ways: int
    queries: int
    draw: Callable[[int], Episode]
    count: int = EPISODES


def measure(data: Path) -> Iterator[dict[str, Any]]:
    model, others = flamingo(STARTER), {name: feature_engine(name) for name in OTHERS}
    photographs = (cifar10(data / CIFAR), CaptionedPictures(data / PICTURES))
    yield from _named([*map(photograph_set, photographs), *episode_sets()], model, others)
    yield from _questions(model)


def _named(
    sets: Iterable[EpisodeSet], model: IdeficsModel, others: Mapping[str, FeatureEngine]
) -> Iterator[dict[str, Any]]:
    """Rows of each set, by system and number of examples."""
    for episodes in sets:
        accuracies: dict[tuple[str, int], list[float]] = {}
        for number in range(episodes.count):
            for key, value in _accuracies(model, others, episodes.draw(number), episodes.queries).items():
                accuracies.setdefault(key, []).append(value)
        for name in (STARTER, BY_CHANCE, *OTHERS):
            for shots in SHOTS:
                if (name, shots) in accuracies:
                    columns = interval_columns(mean(accuracies[name, shots]))
                    yield {"model": name, "set": episodes.title, "ways": episodes.ways, "shots": shots, **columns}


def episode_sets() -> Iterator[EpisodeSet]:
    for kind, title in KINDS.items():
        for ways, queries in QUERIES.items():
            yield EpisodeSet(title, ways, queries, partial(_new_episode, kind, ways, SHOTS[-1] + queries))
    yield EpisodeSet("the studio's sample pictures", len(SENTENCES), 1, _sample_episode, SAMPLE_EPISODES)


def photograph_set(dataset: Dataset) -> EpisodeSet:
    """Photographs of some classes of a data set, by new names."""
    classes: dict[str, list[np.ndarray]] = {}
    for unit in dataset.units(dataset.splits[0]):
        classes.setdefault(str(unit.reference), []).append(read(unit.inputs["picture"]).rgb)
    return EpisodeSet(dataset.title, PHOTO_WAYS, PHOTO_QUERIES, partial(_photograph_episode, list(classes.values())))


def _photograph_episode(classes: Sequence[Sequence[np.ndarray]], number: int) -> Episode:
    rng = random.Random(f"photographs {number}")
    some = rng.sample(classes, PHOTO_WAYS)
    pictures = [rng.sample(own, SHOTS[-1] + PHOTO_QUERIES) for own in some]
    return Episode(pictures, distinct_names(PHOTO_WAYS, rng, apart=True))


def _new_episode(kind: str, ways: int, count: int, number: int) -> Episode:
    """`count` pictures of each of some classes that were held out."""
    rng = random.Random(f"{kind} {ways} {number}")
    pictures = [[picture(given, rng) for _ in range(count)] for given in new_classes(kind, ways, rng)]
    return Episode(pictures, distinct_names(ways, rng, apart=True))


def _sample_episode(number: int) -> Episode:
    """Other pictures of the kinds on the studio's sample, by their own names."""
    pictures = [[one.rgb for one in sample_shots(kind, SHOTS[-1] + 1, seed=100 + number)] for kind in SENTENCES]
    return Episode(pictures, list(SENTENCES))


def _accuracies(
    model: IdeficsModel, others: Mapping[str, FeatureEngine], episode: Episode, queries: int
) -> dict[tuple[str, int], float]:
    """How much of an episode is right, by system and number of examples a class."""
    encoded = [[model.encode_image(each) for each in kind] for kind in episode.pictures]
    features = {name: [engine.embed(kind) for kind in episode.pictures] for name, engine in others.items()}
    found: dict[tuple[str, int], float] = {}
    for shots in SHOTS:
        examples = [(each, name) for kind, name in zip(encoded, episode.names, strict=True) for each in kind[:shots]]
        for system, similar in ((STARTER, True), (BY_CHANCE, False)):
            right = [
                np.mean(
                    [best_name(model, examples, each, episode.names, similar) == label for each in kind[SHOTS[-1] :]]
                )
                for label, kind in enumerate(encoded)
            ]
            found[system, shots] = float(np.mean(right))
        if shots:
            found |= {(name, shots): _by_features(rows, shots, queries) for name, rows in features.items()}
    return found


def _by_features(rows: Sequence[np.ndarray], shots: int, queries: int) -> float:
    """Accuracy of a classifier on features `(N, D)` of each class."""
    labels = np.arange(len(rows))
    classes = tuple(f"class {label}" for label in labels)
    support = Support(np.concatenate([some[:shots] for some in rows]), np.repeat(labels, shots), classes)
    last = np.concatenate([some[SHOTS[-1] :] for some in rows])
    return run_episode(support, last, np.repeat(labels, queries)).accuracy


def _questions(model: IdeficsModel) -> Iterator[dict[str, Any]]:
    """Of held-out pairs of colour and shape: how often the answer is right word for word, by kind of question."""
    rng = random.Random("benchmark")
    store = question_pictures(QUESTIONS, rng)
    right: dict[str, list[bool]] = {}
    for row, drawing in enumerate(store.pictures):
        encoded = model.encode_image(drawing)
        for kind in sorted(QUESTION_KINDS & set(questions(store.facts, row))):
            question, answer = ask(kind, store.facts, row, rng)
            right.setdefault(kind, []).append(written_answer(model, encoded, question, MAX_TOKENS) == answer)
    for kind, some in sorted(right.items()):
        columns = interval_columns(clopper_pearson(sum(some), len(some)))
        yield {"model": STARTER, "set": "questions", "kind": kind, **columns}

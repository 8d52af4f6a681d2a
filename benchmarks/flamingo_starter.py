"""The Flamingo starter beside models that are taught by features: new classes by shots, and questions by kind.

Everything is drawn anew, of shapes, fills and pairs of colour and shape that were never trained on, with names that
were not either. The Flamingo is shown what the studio would show it, the eight most alike examples in the order of
their likeness, and ranks the names; once more it is shown eight drawn by chance in any order. The others are taught
with the same examples and no words. The unit is an episode, or a question.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.task import task_named
from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.flamingo.engine import FlamingoEngine
from backends.fewshot.flamingo.interleave import ASK_NAME, Turn
from backends.fewshot.flamingo.model import IdeficsModel, ImageFeatures
from backends.fewshot.flamingo.options import DEFAULT_SHOTS
from backends.fewshot.flamingo.rices import draw_balanced, most_similar
from backends.fewshot.types import Support
from backends.serving.host import Host
from benchmarks.starters import interval_columns
from evaluation.datasets.drawn_shapes import new_classes, picture, question_pictures
from evaluation.metrics.fewshot.episodes import run_episode
from evaluation.statistics.intervals import clopper_pearson, mean
from evaluation.synthetic.pictures import SENTENCES
from evaluation.synthetic.pictures import shots as sample_shots
from evaluation.synthetic.shape_questions import ask, distinct_names, questions

STARTER, OTHERS = "flamingo-starter", ("clip-starter",)
DRAWN = f"{STARTER}, examples by chance"
SETS = {"shape": "new shapes", "fill": "new fills", "pair": "new pairs of colour and shape"}
WAYS, SHOTS, EPISODES, QUERIES = (2, 5), (0, 1, 2, 4, 8), 20, {2: 2, 5: 1}
SAMPLE_EPISODES = 4
QUESTIONS, LONGEST = 240, 12
KINDS = {"colour", "shape", "number", "fill", "place", "relation"}


@dataclass(frozen=True)
class Episode:
    """Pictures of each class, of which the first teach and the last are asked about; what the classes are called."""

    pictures: list[list[np.ndarray]]
    names: list[str]


def measure(data: Path) -> Iterator[dict[str, Any]]:
    """Nothing of `data` is needed."""
    del data
    engine, others = _loaded(STARTER), {name: _loaded(name) for name in OTHERS}
    assert isinstance(engine, FlamingoEngine)
    for title, ways, queries, make, count in _sets():
        some = [make(number) for number in range(count)]
        for name, scores in _compared(engine.model, others, some, queries).items():
            for shots, values in scores.items():
                yield {"model": name, "set": title, "ways": ways, "shots": shots, **interval_columns(mean(values))}
    yield from _questions(engine.model)


def _loaded(card_id: str) -> Any:
    host, task = Host(), task_named("fewshot")
    card = next(card for card in CARDS if card.id == card_id)
    engine = task.engine_class(card.engine)(card, host.paths(card))
    engine.load("cpu")
    return engine


def _sets() -> Iterator[tuple[str, int, int, Callable[[int], Episode], int]]:
    """Title, number of classes, queries a class, how to draw an episode, and how many."""
    for kind, title in SETS.items():
        for ways in WAYS:
            queries = QUERIES[ways]

            def make(number: int, kind: str = kind, ways: int = ways, queries: int = queries) -> Episode:
                return new_episode(kind, ways, SHOTS[-1] + queries, random.Random(f"{kind} {ways} {number}"))

            yield title, ways, queries, make, EPISODES
    yield "the studio's sample pictures", len(SENTENCES), 1, _sample, SAMPLE_EPISODES


def new_episode(kind: str, ways: int, count: int, rng: random.Random) -> Episode:
    """`count` pictures of each of some classes of what was kept apart."""
    classes = new_classes(kind, ways, rng)
    pictures = [[picture(given, rng) for _ in range(count)] for given in classes]
    return Episode(pictures, distinct_names(ways, rng, apart=True))


def _sample(number: int) -> Episode:
    """Other pictures of the kinds on the studio's sample, by their own names."""
    drawn = [[one.rgb for one in sample_shots(kind, SHOTS[-1] + 1, seed=100 + number)] for kind in SENTENCES]
    return Episode(drawn, list(SENTENCES))


def _compared(
    reader: IdeficsModel, others: dict[str, FeatureEngine], some: Sequence[Episode], queries: int
) -> dict[str, dict[int, list[float]]]:
    """Share right of each episode, by model and number of shots."""
    found: dict[str, dict[int, list[float]]] = {name: {} for name in (STARTER, DRAWN, *others)}
    for one in some:
        seen = [[reader.encode_image(each) for each in kind] for kind in one.pictures]
        features = {name: [engine.embed(kind) for kind in one.pictures] for name, engine in others.items()}
        for shots in SHOTS:
            for name in (STARTER, DRAWN):
                right = [
                    _named(reader, seen, one.names, shots, label, alike=name == STARTER) for label in range(len(seen))
                ]
                found[name].setdefault(shots, []).append(float(np.mean(right)))
            for name, rows in features.items():
                if shots:
                    found[name].setdefault(shots, []).append(_taught(rows, shots, queries))
    return found


def _named(
    reader: IdeficsModel,
    seen: Sequence[Sequence[ImageFeatures]],
    names: Sequence[str],
    shots: int,
    label: int,
    *,
    alike: bool,
) -> float:
    """Share of the queries of class `label` that get its name, each with the examples most like it or drawn."""
    taught = [(each, name) for some, name in zip(seen, names, strict=True) for each in some[:shots]]
    queries = seen[label][SHOTS[-1] :]
    return float(np.mean([best_name(reader, taught, query, names, alike) == label for query in queries]))


def best_name(
    reader: IdeficsModel,
    taught: Sequence[tuple[ImageFeatures, str]],
    query: ImageFeatures,
    names: Sequence[str],
    alike: bool = True,
) -> int:
    """Which name is likeliest for `query`, as the engine asks it with its usual options, or with “pick” as “drawn”."""
    count = min(DEFAULT_SHOTS, len(taught))
    if not count:
        rows = []
    elif alike:
        rows = most_similar(query.feature, np.stack([each.feature for each, _ in taught]), count).tolist()
    else:
        rows = draw_balanced(np.array([names.index(name) for _, name in taught]), count, 0).tolist()
    turns = [*(Turn("", ASK_NAME, taught[row][1]) for row in rows), Turn("", ASK_NAME)]
    pieces = reader.tokenizer.split(turns, names)
    held = reader.prefill(pieces.shots, [taught[row][0].latents for row in rows])
    return int(reader.score_candidates(held, pieces, query).argmax())


def _taught(rows: Sequence[np.ndarray], shots: int, queries: int) -> float:
    """Share right of a classifier on features."""
    labels = np.arange(len(rows))
    classes = tuple(f"class {label}" for label in labels)
    support = Support(np.concatenate([some[:shots] for some in rows]), np.repeat(labels, shots), classes)
    asked = np.concatenate([some[SHOTS[-1] :] for some in rows])
    return run_episode(support, asked, np.repeat(labels, queries)).accuracy


def _questions(reader: IdeficsModel) -> Iterator[dict[str, Any]]:
    """Of pairs of colour and shape never trained on: how often the answer is right word for word, by kind."""
    rng = random.Random("benchmark")
    store = question_pictures(QUESTIONS, rng)
    right: dict[str, list[bool]] = {}
    for row, drawing in enumerate(store.pictures):
        seen = reader.encode_image(drawing)
        for kind in sorted(KINDS & set(questions(store.facts, row))):
            question, answer = ask(kind, store.facts, row, rng)
            right.setdefault(kind, []).append(written_answer(reader, seen, question) == answer)
    for kind, some in sorted(right.items()):
        yield {
            "model": STARTER,
            "set": "questions",
            "kind": kind,
            **interval_columns(clopper_pearson(sum(some), len(some))),
        }


def written_answer(reader: IdeficsModel, seen: ImageFeatures, question: str) -> str:
    """What it writes, without examples."""
    pieces = reader.tokenizer.split([Turn("", question)])
    texts = list(reader.generate(reader.prefill(pieces.shots, []), pieces, seen, LONGEST))
    return texts[-1] if texts else ""

"""The starter of pictures beside the descriptors without weights: few shots, words, and drawn scenes.

Few shots: random episodes on CIFAR-10 (60 pictures of each class, none trained on) and on the Caltech classes kept
apart; the mean over 100 episodes with a 95 % interval. Words only: the share right with an interval of the share; of
the Caltech classes kept apart the words may have been met in training, their pictures never. Drawn scenes are drawn
anew: the share of those whose true sentence fits better than one that is nearly true.
"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backends.core.task import task_named
from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.data.class_list import with_article
from backends.fewshot.types import Support
from backends.serving.host import Host
from benchmarks.starters import interval_columns
from evaluation.datasets.captioned_pictures import held_out, read_entries
from evaluation.metrics.fewshot.episodes import episodes, run_episode
from evaluation.statistics.intervals import clopper_pearson, mean
from evaluation.synthetic.scenes import Claim, draw, make_scene, untrue

CIFAR, PICTURES = "images/cifar10", "train/pictures.zip"
HEADS, SHOTS, EPISODES = ("gda", "proker"), (1, 2, 4, 8, 16), 100
SCENES = 400


def measure(data: Path) -> Iterator[dict[str, Any]]:
    sets = {"CIFAR-10": _cifar(data / CIFAR), "Caltech, new classes": _caltech(data / PICTURES)}
    for name, engine in _engines():
        for title, (pictures, names) in sets.items():
            classes = tuple(sorted(set(names)))
            labels, features = np.array([classes.index(n) for n in names]), engine.embed(pictures)
            words = _words(engine, classes)
            yield from (
                {"model": name, "set": title} | row for row in _taught(engine, features, labels, classes, words)
            )
        if engine.understands_words:
            yield from ({"model": name, "set": "drawn scenes"} | row for row in _scenes(engine))


def _engines() -> Iterator[tuple[str, FeatureEngine]]:
    """The starter and the descriptors, loaded."""
    host, task = Host(), task_named("fewshot")
    for card in CARDS:
        if card.tier in ("starter", "builtin") and card.engine != "flamingo":
            engine = task.engine_class(card.engine)(card, host.paths(card))
            assert isinstance(engine, FeatureEngine)
            engine.load("cpu")
            yield card.id, engine


def _cifar(folder: Path) -> tuple[list[np.ndarray], list[str]]:
    files = sorted(folder.glob("*/*"))
    return [np.asarray(Image.open(file).convert("RGB")) for file in files], [file.parent.name for file in files]


def _caltech(archive: Path) -> tuple[list[np.ndarray], list[str]]:
    """The pictures of the classes that were kept apart."""
    entries = read_entries(archive)
    apart = set(held_out(entries))
    chosen = [entry for entry in entries if entry.label in apart]
    with zipfile.ZipFile(archive) as source:
        pictures = [np.asarray(Image.open(BytesIO(source.read(entry.file))).convert("RGB")) for entry in chosen]
    return pictures, [entry.label for entry in chosen]


def _words(engine: FeatureEngine, classes: Sequence[str]) -> np.ndarray | None:
    return (
        engine.encode_text([f"a photo of {with_article(name)}" for name in classes])
        if engine.understands_words
        else None
    )


def _taught(
    engine: FeatureEngine, features: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], words: np.ndarray | None
) -> Iterator[dict[str, Any]]:
    """Rows of episodes by head and number of shots; with words alone, of all pictures at once."""
    if words is not None:
        right = (features @ words.T).argmax(axis=1) == labels
        yield {"measure": "words only", **interval_columns(clopper_pearson(int(right.sum()), len(right)))}
    for shots in SHOTS:
        drawn = list(episodes(labels, shots, EPISODES))
        for head in HEADS:
            if head == "proker" and words is None:
                continue
            taught = words if head == "proker" else None
            found = [
                run_episode(
                    Support(features[one.shots], labels[one.shots], classes, taught, engine.logit_scale),
                    features[one.queries],
                    labels[one.queries],
                    head,
                ).accuracy
                for one in drawn
            ]
            yield {"measure": "few shots", "head": head, "shots": shots, **interval_columns(mean(found))}


def _scenes(engine: FeatureEngine) -> Iterator[dict[str, Any]]:
    """How often the true sentence beats a nearly true one, by what differs."""
    rng = random.Random("benchmark")
    found: dict[str, list[bool]] = {}
    for _ in range(SCENES):
        scene, claim = make_scene(rng)
        false = untrue(scene, claim, rng)
        picture = engine.embed([draw(scene, rng)])[0]
        true_score, false_score = engine.encode_text([claim.words(rng), false.words(rng)]) @ picture
        for kind in ("all", _difference(claim, false)):
            found.setdefault(kind, []).append(bool(true_score > false_score))
    for kind, right in sorted(found.items()):
        yield {"measure": f"true or nearly true, {kind}", **interval_columns(clopper_pearson(sum(right), len(right)))}


def _difference(claim: Claim, false: Claim) -> str:
    parts = {
        "colour": claim.colour != false.colour,
        "number": claim.count != false.count,
        "relation": claim.relation != false.relation,
    }
    return next((name for name, differs in parts.items() if differs), "shape")

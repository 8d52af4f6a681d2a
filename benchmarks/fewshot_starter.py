"""The starter of pictures beside the descriptors without weights: few shots, words, and drawn scenes.

Few shots: random episodes on CIFAR-10 (60 pictures of each class, none trained on) and on the held-out Caltech
classes; the mean over 100 episodes with a 95 % interval. Words only: the share right with an interval of the share; of
the Caltech classes kept apart the words may have been met in training, their pictures never. Drawn scenes are drawn
anew: the share of those whose true sentence fits better than one that is nearly true.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.data.class_list import with_article
from benchmarks.starters import interval_columns
from evaluation.datasets.base import Dataset
from evaluation.datasets.captioned_pictures import CaptionedPictures
from evaluation.datasets.class_folders import cifar10
from evaluation.runner import Results, Suite, run
from evaluation.statistics.intervals import clopper_pearson
from evaluation.synthetic.scenes import Claim, draw, make_scene, untrue
from evaluation.systems.fewshot import EPISODE_METRICS, LabelledFeatures, feature_engine, text_features

CIFAR, PICTURES = "images/cifar10", "train/pictures.zip"
SHOTS, EPISODES = (1, 2, 4, 8, 16), 100
SCENES = 400


def measure(data: Path) -> Iterator[dict[str, Any]]:
    datasets = (cifar10(data / CIFAR), CaptionedPictures(data / PICTURES))
    cards = [card.id for card in CARDS if card.tier in ("starter", "builtin") and card.engine != "flamingo"]
    for card in cards:
        engine = feature_engine(card)
        for dataset in datasets:
            yield from ({"model": card, "set": dataset.title} | row for row in _few_shots(engine, dataset))
        if engine.understands_words:
            yield from ({"model": card, "set": "drawn scenes"} | row for row in _scenes(engine))


def _few_shots(engine: FeatureEngine, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Rows of episodes by number of shots and head; with words alone, of all pictures at once."""
    data = LabelledFeatures.of(engine, dataset.units(dataset.splits[0]))
    systems = {"gda": data.system("gda")}
    if engine.understands_words:
        text = text_features(engine, [[f"a photo of {with_article(name)}"] for name in data.classes])
        right = data.zero_shot(text)
        yield {"measure": "words only", **interval_columns(clopper_pearson(int(right.sum()), len(right)))}
        systems["proker"] = data.system("proker", text)
    for shots in SHOTS:
        results = Results(run(Suite(data.episodes(shots, EPISODES), systems, EPISODE_METRICS)))
        for head in systems:
            columns = interval_columns(results.interval(head, "accuracy"))
            yield {"measure": "few shots", "head": head, "shots": shots, **columns}


def _scenes(engine: FeatureEngine) -> Iterator[dict[str, Any]]:
    """How often the true sentence beats a nearly true one, by what differs."""
    rng = random.Random("benchmark")
    hits: dict[str, list[bool]] = {}
    for _ in range(SCENES):
        scene, claim = make_scene(rng)
        false = untrue(scene, claim, rng)
        picture = engine.embed([draw(scene, rng)])[0]
        true_score, false_score = engine.encode_text([claim.words(rng), false.words(rng)]) @ picture
        for kind in ("all", _difference(claim, false)):
            hits.setdefault(kind, []).append(bool(true_score > false_score))
    for kind, right in sorted(hits.items()):
        yield {"measure": f"true or nearly true, {kind}", **interval_columns(clopper_pearson(sum(right), len(right)))}


def _difference(claim: Claim, false: Claim) -> str:
    parts = {
        "colour": claim.colour != false.colour,
        "number": claim.count != false.count,
        "relation": claim.relation != false.relation,
    }
    return next((name for name, differs in parts.items() if differs), "shape")

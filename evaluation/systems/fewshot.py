"""Few-shot classifiers on labelled pictures: features once, then many episodes on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import ARCHITECTURES, CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.types import Support
from backends.shared.images import read
from evaluation.datasets.base import Sample, Unit
from evaluation.metrics.fewshot.episodes import EpisodeResult, episodes, run_episode
from evaluation.runner import Measure, System
from evaluation.systems import load_engine


def feature_engine(card: str, files: Sequence[Path] = ()) -> FeatureEngine:
    """The engine of a card that turns pictures into features, loaded. Raises WeightsMissing."""
    engine = load_engine("fewshot", card, files)
    assert isinstance(engine, FeatureEngine)
    return engine


def own_clip(weights: Path, architecture: str = "") -> FeatureEngine:
    """A CLIP of one's own, loaded.

    Args:
        weights: a checkpoint or a folder.
        architecture: open_clip's name of the network, where the file does not say it.
    """
    from backends.fewshot.clip.engine import ClipEngine

    ARCHITECTURES["own"] = architecture
    card = next(card for card in CARDS if card.engine == "clip")
    engine = ClipEngine(replace(card, id="own", tier="yours", files=(), needs=()), (weights,))
    engine.load("cpu")
    return engine


def features_of(engine: FeatureEngine, files: Sequence[bytes]) -> np.ndarray:
    """`(N, D)` features of encoded pictures, decoded as the engine decodes a user's."""
    return engine.embed([read(data, 2 * engine.side).rgb for data in files])


def text_features(engine: FeatureEngine, sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """`(C, D)` features of classes, of each the normalised mean of its sentences.

    Raises:
        ValueError: the model understands no text.
    """
    rows = [engine.encode_text(some) for some in sentences]
    means = np.stack([np.mean(row, axis=0) for row in rows if row is not None]) if engine.understands_words else None
    if means is None:
        raise ValueError("This model understands no words.")
    return means / np.linalg.norm(means, axis=1, keepdims=True)


@dataclass(frozen=True)
class LabelledFeatures:
    """Features `(N, D)` of a data set's pictures with the numbers of their classes `(N,)`."""

    engine: FeatureEngine
    features: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def of(cls, engine: FeatureEngine, units: Iterable[Unit]) -> LabelledFeatures:
        """Of units whose input is a `picture` and whose reference is the name of its class."""
        pictures, names = zip(*((unit.inputs["picture"], unit.reference) for unit in units), strict=True)
        classes = tuple(sorted(set(names)))
        labels = np.array([classes.index(name) for name in names])
        return cls(engine, features_of(engine, pictures), labels, classes)

    def episodes(self, shots: int, count: int) -> Iterator[Unit]:
        """`count` random episodes with `shots` examples a class; a unit's inputs are rows of the features."""
        for number, episode in enumerate(episodes(self.labels, shots, count)):
            sample = Sample({"shots": episode.shots, "queries": episode.queries}, self.labels[episode.queries])
            yield Unit(f"episode {number}", f"episode {number}", partial(_identity, sample))

    def system(self, head: str, text: np.ndarray | None = None) -> System:
        """A classifier that is fitted to the examples of an episode.

        Args:
            head: a key of the classifier heads.
            text: `(C, D)` features of the classes' descriptions, to be fitted with the examples.
        """
        return partial(self._run, head, text)

    def _run(self, head: str, text: np.ndarray | None, unit: Unit) -> EpisodeResult:
        shots = unit.inputs["shots"]
        support = Support(self.features[shots], self.labels[shots], self.classes, text, self.engine.logit_scale)
        return run_episode(support, self.features[unit.inputs["queries"]], unit.reference, head)

    def zero_shot(self, text: np.ndarray) -> np.ndarray:
        """(N,) bool, which pictures are nearest to the description of their own class."""
        return (self.features @ text.T).argmax(axis=1) == self.labels


def _identity(sample: Sample) -> Sample:
    return sample


def accuracy(result: EpisodeResult, unit: Unit) -> float:
    return result.accuracy


def confidence(result: EpisodeResult, unit: Unit) -> float:
    """Mean probability of the answers."""
    return result.confidence


def left_out(result: EpisodeResult, unit: Unit) -> float:
    """Accuracy on the examples themselves, each left out in turn; NaN where none can be."""
    return result.loo_accuracy


EPISODE_METRICS: Mapping[str, Measure] = {"accuracy": accuracy, "confidence": confidence, "left out": left_out}


@dataclass(frozen=True)
class OneShotRun:
    """A run of Omniglot as features: examples `(20, D)`, one a class, queries `(20, D)`, and the queries' classes."""

    support: Support
    queries: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, engine: FeatureEngine, unit: Unit) -> OneShotRun:
        shots, queries = (features_of(engine, unit.inputs[name]) for name in ("shots", "queries"))
        names = tuple(unit.inputs["names"])
        support = Support(shots, np.arange(len(names)), names, None, engine.logit_scale)
        return cls(support, queries, np.array(unit.reference))

    def accuracy(self, head: str) -> float:
        return float((Classifier.fit(self.support, head).predict(self.queries).best == self.truth).mean())

"""What the few-shot engines, heads and pages share: the labelled examples as features, and the result of a job."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backends.core.engine import Result
from backends.core.errors import BadInput
from backends.fewshot.near_copies import copy_groups


@dataclass(frozen=True)
class Support:
    """The support set of a few-shot classifier: labelled image features, class text features, or both.

    Attributes:
        image_features: `(N, D)` unit vectors, one per shot; N may be 0, and classes may have unequal numbers of shots.
        labels: `(N,)` int, index into `classes`.
        classes: the class names, in the order of all scores.
        text_features: `(C, D)` unit vectors, one sentence or the mean of several per class; a class without text has
            a vector of NaN. None: no class has text.
        logit_scale: the factor that the engine applies to cosines before its softmax (100 for CLIP).

    >>> support = Support(np.eye(3), np.array([0, 0, 1]), ("cat", "dog"))
    >>> support.counts
    array([2, 1])
    >>> support.has_text
    array([False, False])
    """

    image_features: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    text_features: np.ndarray | None = None
    logit_scale: float = 100.0

    def __post_init__(self) -> None:
        if self.image_features.ndim != 2 or self.labels.shape != (len(self.image_features),):
            raise BadInput("Each picture of the examples needs a row of features and a class.")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise BadInput("An example belongs to a class that is not in the list of classes.")
        if self.text_features is not None and self.text_features.shape != (
            len(self.classes),
            self.image_features.shape[1],
        ):
            raise BadInput("The words need one row of features per class, as long as those of the pictures.")
        if not np.isfinite(self.image_features).all():
            raise BadInput("The features of an example are not all finite numbers.")

    @property
    def counts(self) -> np.ndarray:
        """Number of shots of each class `(C,)`."""
        return np.bincount(self.labels.astype(int), minlength=len(self.classes))

    @property
    def has_text(self) -> np.ndarray:
        """Which classes have text features `(C,)` bool."""
        if self.text_features is None:
            return np.zeros(len(self.classes), bool)
        return np.isfinite(self.text_features).all(axis=1)

    @property
    def one_hot(self) -> np.ndarray:
        """`(N, C)` float64: 1 where the shot belongs to the class."""
        return np.eye(len(self.classes))[self.labels.astype(int)]

    @cached_property
    def groups(self) -> np.ndarray:
        """`(N,)`: the row that stands for each shot and its near copies, see `copy_groups`."""
        return copy_groups(self.image_features, self.labels.astype(int))

    @property
    def distinct_rows(self) -> np.ndarray:
        """The rows that stand for themselves: all shots but further near copies, in their order."""
        return np.flatnonzero(self.groups == np.arange(len(self.labels)))

    @property
    def distinct_counts(self) -> np.ndarray:
        """Number of different shots of each class `(C,)`, near copies counted once."""
        return np.bincount(self.labels[self.distinct_rows].astype(int), minlength=len(self.classes))

    def without_text(self) -> Support:
        """The same shots without any text features."""
        return Support(self.image_features, self.labels, self.classes, None, self.logit_scale)

    def subset(self, rows: np.ndarray) -> Support:
        """The same classes and text features with only these shots, given as indices or as a boolean mask."""
        return Support(self.image_features[rows], self.labels[rows], self.classes, self.text_features, self.logit_scale)


@dataclass(frozen=True)
class Classification(Result):
    """The result of a classification job, or of one that stops at the features.

    Attributes:
        artifacts: one "features" (`features.npz`), and where a head was fitted one "predictions" (`predictions.csv`)
            and one "head" (`head.npz`).
        shots: number of examples of each class.
        pictures: number of queries that could be read.
        looked: how many queries and examples were encoded, and not taken from the cache.
        accuracy: leave-one-out accuracy, the fraction of examples that a head fitted without them classifies
            correctly; None where no example can be left out.
        abstained: number of queries that are like none of the classes.
        temperature, calibrated, threshold: those of the `Classifier`.
    """

    classes: tuple[str, ...] = ()
    shots: tuple[int, ...] = ()
    pictures: int = 0
    looked: int = 0
    dimensions: int = 0
    understands_words: bool = False
    head: str = ""
    accuracy: float | None = None
    calibrated: bool = False
    temperature: float = 1.0
    threshold: float | None = None
    abstained: int = 0

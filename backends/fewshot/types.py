"""What the few-shot engines, heads and pages share: the shots as features, with or without words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.core.engine import Result
from backends.core.errors import BadInput


@dataclass(frozen=True)
class Support:
    """What a classifier is taught with: features of pictures, of words, or of both.

    Attributes:
        images: `(N, D)` unit rows, one a shot; N may be 0, and classes may have unequal numbers of shots.
        labels: `(N,)` int, index into `classes`.
        classes: the names, in the order of all scores.
        words: `(C, D)` unit rows, one sentence or the mean of several a class; a row of NaN: that class has no words.
            None: no class has words.
        logit_scale: what the engine multiplies cosines with before its softmax (100 for CLIP).
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    words: np.ndarray | None = None
    logit_scale: float = 100.0

    def __post_init__(self) -> None:
        if self.images.ndim != 2 or self.labels.shape != (len(self.images),):
            raise BadInput("Each picture of the examples needs a row of features and a class.")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise BadInput("An example belongs to a class that is not in the list of classes.")
        if self.words is not None and self.words.shape != (len(self.classes), self.images.shape[1]):
            raise BadInput("The words need one row of features a class, as long as those of the pictures.")
        if not np.isfinite(self.images).all():
            raise BadInput("The features of an example are not all finite numbers.")

    @property
    def counts(self) -> np.ndarray:
        """Shots of each class `(C,)`."""
        return np.bincount(self.labels.astype(int), minlength=len(self.classes))

    @property
    def worded(self) -> np.ndarray:
        """Which classes have words `(C,)` bool."""
        if self.words is None:
            return np.zeros(len(self.classes), bool)
        return np.isfinite(self.words).all(axis=1)

    @property
    def one_hot(self) -> np.ndarray:
        """`(N, C)` float64: 1 where the shot is of the class."""
        return np.eye(len(self.classes))[self.labels.astype(int)]

    def chosen(self, rows: np.ndarray) -> Support:
        """The same classes and words with only these shots, given as indices or as a mask."""
        return Support(self.images[rows], self.labels[rows], self.classes, self.words, self.logit_scale)


@dataclass(frozen=True)
class Classification(Result):
    """A finished classification, or the features alone.

    `artifacts` holds one "features" (`features.npz`), and where a head was fitted one "predictions"
    (`predictions.csv`) and one "head" (`head.npz`). `pictures` counts the queries that could be read, `shots` the
    examples of each class, `looked` how many of both were not remembered from an earlier job, `abstained` the queries
    that are like none of the classes. `accuracy` is the share of the examples that are right by a head that was taught
    without them, None where nothing can be left out; `temperature`, `calibrated` and `threshold` are those of the
    `Classifier`.
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

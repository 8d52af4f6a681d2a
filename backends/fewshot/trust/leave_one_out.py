"""Leave-one-out accuracy: each shot is classified by a head that was fitted without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.fewshot.heads import Head
from backends.fewshot.types import Support


@dataclass(frozen=True)
class LeaveOneOut:
    """Scores of the shots, each by a head that was fitted without it.

    Attributes:
        scores: `(N, C)`, by heads that miss one shot of every class where classes have few.
        labels: `(N,)`.
        measurable: `(N,)` bool. A shot that is the only one of its class, and whose class has no text that the head
            reads, takes the class with it when it is left out: it cannot be classified correctly, and is not counted.
        plain: `(N, C)` scores by heads that miss this shot alone, for the temperature; None once loaded from a file.
    """

    scores: np.ndarray
    labels: np.ndarray
    measurable: np.ndarray
    plain: np.ndarray | None = None

    @property
    def predictions(self) -> np.ndarray:
        """`(N,)` index of the best class; also where not measurable."""
        return self.scores.argmax(axis=1) if len(self.scores) else np.zeros(0, int)

    @property
    def correct(self) -> np.ndarray:
        """`(N,)` bool, False where not measurable."""
        return (self.predictions == self.labels) & self.measurable

    @property
    def counted(self) -> int:
        """Number of measurable shots."""
        return int(self.measurable.sum())

    @property
    def accuracy(self) -> float | None:
        """Fraction of the measurable shots that are classified correctly; None without any."""
        return float(self.correct.sum() / self.counted) if self.counted else None

    @property
    def sentence(self) -> str:
        """The accuracy in words, and how many shots could not be left out."""
        alone = len(self.labels) - self.counted
        uncounted = (
            ""
            if not alone
            else " One picture is the only one of its class and cannot be left out."
            if alone == 1
            else f" {alone} pictures are the only ones of their class and cannot be left out."
        )
        if not self.counted:
            return "Nothing can be measured yet: leaving a picture out needs a second one of its class." + uncounted
        return (
            f"{int(self.correct.sum())} of {self.counted} pictures are right when each is left out in turn." + uncounted
        )


def leave_one_out(head: Head, support: Support) -> LeaveOneOut:
    """By the fitted `head`; its hyperparameters stay as chosen on all shots."""
    labels = support.labels.astype(int)
    measurable = support.counts[labels] >= 2
    if head.needs != "pictures":
        measurable |= support.has_text[labels]
    scores, plain = head.leave_one_out(support)
    return LeaveOneOut(scores, labels, measurable, plain)

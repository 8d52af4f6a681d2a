"""The honest score: each shot answered by a head that was taught without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.fewshot.heads import Head
from backends.fewshot.types import Support


@dataclass(frozen=True)
class LeftOut:
    """Answers to the shots, none of them taught by itself.

    Attributes:
        scores: `(N, C)`, by heads that miss one shot of every class where classes have few. labels: `(N,)`.
        measurable: `(N,)` bool. A shot that is the only one of its class, and whose class has no words that the head
            reads, takes the class with it when it is left out: such a shot cannot be answered right, nor be counted.
        plain: `(N, C)` scores by heads that miss the shot alone, for the temperature; None once loaded from a file.
    """

    scores: np.ndarray
    labels: np.ndarray
    measurable: np.ndarray
    plain: np.ndarray | None = None

    @property
    def answers(self) -> np.ndarray:
        """`(N,)` index of the best class; also where not measurable."""
        return self.scores.argmax(axis=1) if len(self.scores) else np.zeros(0, int)

    @property
    def right(self) -> np.ndarray:
        """`(N,)` bool, False where not measurable."""
        return (self.answers == self.labels) & self.measurable

    @property
    def counted(self) -> int:
        return int(self.measurable.sum())

    @property
    def accuracy(self) -> float | None:
        """Share of the measurable shots that are right; None without any."""
        return float(self.right.sum() / self.counted) if self.counted else None

    @property
    def sentence(self) -> str:
        """What the figure says, and which shots it cannot speak of."""
        alone = len(self.labels) - self.counted
        unheard = (
            ""
            if not alone
            else " One picture is the only one of its class and cannot be left out."
            if alone == 1
            else f" {alone} pictures are the only ones of their class and cannot be left out."
        )
        if not self.counted:
            return "Nothing can be measured yet: leaving a picture out needs a second one of its class." + unheard
        return f"{int(self.right.sum())} of {self.counted} pictures are right when each is left out in turn." + unheard


def leave_one_out(head: Head, support: Support) -> LeftOut:
    """By the fitted `head`; its settings stay as chosen on all shots."""
    labels = support.labels.astype(int)
    measurable = support.counts[labels] >= 2
    if head.needs != "pictures":
        measurable |= support.worded[labels]
    scores, plain = head.leave_one_out(support)
    return LeftOut(scores, labels, measurable, plain)

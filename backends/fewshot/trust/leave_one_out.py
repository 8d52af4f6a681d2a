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
        measurable: `(N,)` bool. A shot that is the only one of its class takes the pictures of the class with it when
            it is left out: what would be measured is a classifier without that class or by its words alone, not the
            one in use, so it is not counted. Of near copies, which are left out together, one is counted.
        plain: `(N, C)` scores by heads that miss this shot alone, for the temperature; None once loaded from a file.
        copies: how many shots are near copies of a shot that stands for them.
    """

    scores: np.ndarray
    labels: np.ndarray
    measurable: np.ndarray
    plain: np.ndarray | None = None
    copies: int = 0

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
    def alone(self) -> int:
        """Number of shots that cannot be left out because they are the only ones of their class."""
        return len(self.labels) - self.counted - self.copies

    @property
    def class_counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many shots of each class are counted, and how many of them are correct, `(C,)` each."""
        number = self.scores.shape[1]
        counted = np.bincount(self.labels[self.measurable], minlength=number)
        return counted, np.bincount(self.labels[self.correct], minlength=number)

    @property
    def sentence(self) -> str:
        """The accuracy in words, how many shots could not be left out, and how many are near copies."""
        alone = self.alone
        uncounted = (
            ""
            if not alone
            else " One picture is the only one of its class and cannot be left out."
            if alone == 1
            else f" {alone} pictures are the only ones of their class and cannot be left out."
        )
        if self.copies:
            uncounted += (
                " One picture is nearly the same as another and counts as one with it."
                if self.copies == 1
                else f" {self.copies} pictures are nearly the same as others and count as one with them."
            )
        if not self.counted:
            return "Nothing can be measured yet: leaving a picture out needs a second one of its class." + uncounted
        return (
            f"{int(self.correct.sum())} of {self.counted} pictures are right when each is left out in turn." + uncounted
        )


def leave_one_out(head: Head, support: Support) -> LeaveOneOut:
    """By the fitted `head`; its hyperparameters stay as chosen on all shots."""
    labels = support.labels.astype(int)
    stands = np.zeros(len(labels), bool)
    stands[support.distinct_rows] = True
    # Words alone decide without the shots, so that leaving a lone one out changes nothing.
    enough = head.needs == "words" or support.distinct_counts[labels] >= 2
    scores, plain = head.leave_one_out(support)
    return LeaveOneOut(scores, labels, stands & enough, plain, int((~stands).sum()))

"""Scores of an input with only some of its parts, as captum's methods ask for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backends.attribution.types import Parts, Subject


class Coalitions:
    """From how much of each part is there, `(B, *shape)`, to scores `(B,)`; the model is asked once for each.

    Methods of captum ask again for what they know, such as the untouched input: that costs nothing here, so that
    exact Shapley values of n parts take 2ⁿ evaluations and not n · n!.
    """

    def __init__(self, subject: Subject, parts: Parts) -> None:
        self._subject, self._parts = subject, parts
        self._known: dict[bytes, float] = {}

    def __call__(self, keep: Tensor | np.ndarray) -> Tensor:
        rows = np.asarray(keep, np.float64)
        names = [row.tobytes() for row in rows]
        new = {name: row for name, row in zip(names, rows, strict=True) if name not in self._known}
        if new:
            scores = self._subject.evaluate(self._parts, np.stack(list(new.values())))
            self._known.update(zip(new, scores.tolist(), strict=True))
        return torch.tensor([self._known[name] for name in names], dtype=torch.float64)

    @property
    def whole(self) -> float:
        """The score of the input as it is."""
        return float(self(np.ones((1, *self._parts.shape)))[0])

    @property
    def nothing(self) -> float:
        """The score where all parts are taken away."""
        return float(self(np.zeros((1, *self._parts.shape)))[0])

"""What every fitted head comes down to: words, a line and a kernel over the feature of one picture."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from backends.core.errors import BadInput

BLOCK = 4096
"""Pictures scored at once, so that 20,000 of them do not need a matrix of pictures against shots."""


@dataclass(frozen=True)
class Formula:
    """score(q) = words·q + weights·q + bias + Σᵢ exp(−sharpness·(1 − keysᵢ·q)) valuesᵢ, the same for all heads.

    Attributes:
        words: `(C, D)` the vote of the words; zeros without any.
        weights: `(C, D)` and bias `(C,)`: the part of the pictures' vote that is a line in q.
        keys: `(K, D)`, values `(K, C)`, sharpness: the part that looks at each shot; K is 0 in heads without one.
        pulls: `(N, D)`: how much each shot adds to the score of its own class, as pulls·q, where `weights` holds it.
    """

    words: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    sharpness: float = 1.0
    pulls: np.ndarray | None = None

    def votes(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vote of the words and that of the pictures, `(M, C)` both; their sum is the score."""
        queries = np.asarray(queries, float)
        if queries.ndim != 2 or queries.shape[1] != self.words.shape[1]:
            raise BadInput(
                f"The features of the pictures have {queries.shape[-1]} numbers, those of the examples "
                f"{self.words.shape[1]}: they come from another model."
            )
        pictures = queries @ self.weights.T + self.bias
        if len(self.keys):
            for start in range(0, len(queries), BLOCK):
                rows = slice(start, start + BLOCK)
                pictures[rows] += self.affinities(queries[rows]) @ self.values
        return queries @ self.words.T, pictures

    def affinities(self, queries: np.ndarray) -> np.ndarray:
        """`(M, K)`: 1 where a query points exactly where a key does."""
        return np.exp(-self.sharpness * (1 - queries @ self.keys.T))

    def slope(self, queries: np.ndarray) -> np.ndarray:
        """Gradient of each score with respect to the feature, `(M, C, D)`."""
        queries = np.asarray(queries, float)
        slopes = np.tile(self.words + self.weights, (len(queries), 1, 1))
        if len(self.keys):
            for row, affinity in enumerate(self.affinities(queries)):
                slopes[row] += self.sharpness * (self.values * affinity[:, None]).T @ self.keys
        return slopes

    def state(self) -> dict[str, np.ndarray]:
        """Arrays to store, in half the room: features are float32 to begin with."""
        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: np.asarray(value, np.float32) for name, value in kept.items() if value is not None}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Formula:
        words, weights, bias, keys, values = (
            state[name].astype(float) for name in ("words", "weights", "bias", "keys", "values")
        )
        pulls = state["pulls"].astype(float) if "pulls" in state else None
        return cls(words, weights, bias, keys, values, float(state["sharpness"]), pulls)


def line(words: np.ndarray, weights: np.ndarray, bias: np.ndarray, pulls: np.ndarray | None = None) -> Formula:
    """A formula without a kernel."""
    classes, dimensions = words.shape
    return Formula(words, weights, bias, np.zeros((0, dimensions)), np.zeros((0, classes)), pulls=pulls)


def kernel(words: np.ndarray, keys: np.ndarray, values: np.ndarray, sharpness: float) -> Formula:
    """A formula whose pictures vote by nearness alone."""
    return Formula(words, np.zeros_like(words), np.zeros(len(words)), keys, values, sharpness)

"""The form that every fitted head has: a text term, a linear term and a kernel term over one image feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.core.errors import BadInput

BLOCK = 4096
"""Images scored at once, so that 20,000 of them do not need a matrix of all images against all shots."""

STORED_NAMES = {"text_weights": "words", "shot_weights": "pulls"}
"""Names of fields in a saved classifier where they differ from those here."""


@dataclass(frozen=True)
class Formula:
    """score(q) = text_weights·q + weights·q + bias + Σᵢ exp(−sharpness·(1 − keysᵢ·q)) valuesᵢ.

    Attributes:
        text_weights: `(C, D)` the term of the text features; zeros without any.
        weights: `(C, D)`, the linear part of the image term.
        bias: `(C,)`.
        keys: `(K, D)`, the shots that the kernel compares with; K is 0 in heads without a kernel.
        values: `(K, C)`, what each key adds to the classes.
        sharpness: inverse width of the kernel (β in Tip-Adapter's paper).
        shot_weights: `(N, D)`: shot n adds shot_weightsₙ·q to the score of its own class, where `weights` holds it.
    """

    text_weights: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    sharpness: float = 1.0
    shot_weights: np.ndarray | None = None

    def logit_terms(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The text term and the image term, `(M, C)` each; their sum is the score. Raises BadInput."""
        queries = np.asarray(queries, float)
        if queries.ndim != 2 or queries.shape[1] != self.text_weights.shape[1]:
            raise BadInput(
                f"The features of the pictures have {queries.shape[-1]} numbers, those of the examples "
                f"{self.text_weights.shape[1]}: they come from another model."
            )
        images = queries @ self.weights.T + self.bias
        if len(self.keys):
            for start in range(0, len(queries), BLOCK):
                rows = slice(start, start + BLOCK)
                images[rows] += self.affinities(queries[rows]) @ self.values
        return queries @ self.text_weights.T, images

    def affinities(self, queries: np.ndarray) -> np.ndarray:
        """The kernel `(M, K)`: 1 where a query equals a key."""
        return np.exp(-self.sharpness * (1 - queries @ self.keys.T))

    def gradient(self, queries: np.ndarray) -> np.ndarray:
        """Gradient of each score with respect to the feature, `(M, C, D)`.

        The kernel term k(q, f) v has the gradient sharpness · k(q, f) v f.
        """
        queries = np.asarray(queries, float)
        gradients = np.tile(self.text_weights + self.weights, (len(queries), 1, 1))
        if len(self.keys):
            for row, affinity in enumerate(self.affinities(queries)):
                gradients[row] += self.sharpness * (self.values * affinity[:, None]).T @ self.keys
        return gradients

    def state(self) -> dict[str, np.ndarray]:
        """Arrays to store: as float32 where that loses nothing, so that the stored formula gives the same scores."""
        return {STORED_NAMES.get(name, name): _narrow(value) for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Formula:
        """The formula that `state` describes; names are those of the file."""
        text_weights, weights, bias, keys, values = (
            state[name].astype(float) for name in ("words", "weights", "bias", "keys", "values")
        )
        shot_weights = state["pulls"].astype(float) if "pulls" in state else None
        return cls(text_weights, weights, bias, keys, values, float(state["sharpness"]), shot_weights)


def _narrow(value: np.ndarray | float) -> np.ndarray:
    narrow = np.asarray(value, np.float32)
    return narrow if np.array_equal(narrow.astype(float), value) else np.asarray(value, float)


def linear_formula(
    text_weights: np.ndarray, weights: np.ndarray, bias: np.ndarray, shot_weights: np.ndarray | None = None
) -> Formula:
    """A formula without a kernel. Shapes are those of `Formula`: `(C, D)`, `(C, D)`, `(C,)`, `(N, D)`.

    >>> linear_formula(np.zeros((2, 2)), np.eye(2), np.zeros(2)).logit_terms(np.array([[0.6, 0.8]]))[1]
    array([[0.6, 0.8]])
    """
    classes, dimensions = text_weights.shape
    no_keys, no_values = np.zeros((0, dimensions)), np.zeros((0, classes))
    return Formula(text_weights, weights, bias, no_keys, no_values, shot_weights=shot_weights)


def kernel_formula(text_weights: np.ndarray, keys: np.ndarray, values: np.ndarray, sharpness: float) -> Formula:
    """A formula whose image term is the kernel alone. Shapes are those of `Formula`: `(C, D)`, `(K, D)`, `(K, C)`."""
    return Formula(text_weights, np.zeros_like(text_weights), np.zeros(len(text_weights)), keys, values, sharpness)

"""What a layer of attention does, as numbers that can be compared over sound, pixels, residues and words.

With A the attention `(H, Q, K)` of a layer, whose rows add up to 1:

- entropy: −Σ_k A log A / log K, the mean over heads and queries; 0 looks at one token, 1 at all alike.
- distance: Σ_k A |x_q − x_k| over the largest distance there is, for the tokens' places x in time, space or sequence.
- reach: the same over what attention spread evenly would have, so that 1 is as far as chance and 0 is itself alone.
- itself, first: the mean share on the query's own token, and on the first token.
- likeness: the mean correlation of the maps of two heads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

NAMES = {
    "entropy": "How widely it looks (entropy, 0 to 1)",
    "distance": "How far it looks (share of the largest distance)",
    "reach": "How far it looks (1: as far as by chance)",
    "itself": "Share on itself",
    "first": "Share on the first token",
    "likeness": "How alike its heads are (correlation)",
}
SHARES = ("itself", "first")
"""Measures that are shares of the whole."""


@dataclass(frozen=True)
class LayerRow:
    """One layer; `distance`, `reach` and `itself` are None where queries and keys are different things."""

    model: str
    modality: str
    layer: str
    depth: float
    heads: int
    tokens: int
    entropy: float
    distance: float | None
    reach: float | None
    itself: float | None
    first: float
    likeness: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(attention: np.ndarray, places: np.ndarray | None) -> dict[str, Any]:
    """The measures of a layer.

    Args:
        attention: `(H, Q, K)`, rows add up to 1.
        places: `(K, d)` of the tokens, where queries and keys are the same; None where they are not.
    """
    heads, queries, keys = attention.shape
    a = attention.astype(np.float64)
    entropy = -(a * np.log(np.maximum(a, 1e-12))).sum(-1) / np.log(max(keys, 2))
    found: dict[str, Any] = {
        "heads": heads,
        "tokens": keys,
        "entropy": float(entropy.mean()),
        "first": float(a[..., 0].mean()),
        "likeness": _likeness(a),
        "distance": None,
        "reach": None,
        "itself": None,
    }
    if places is not None and queries == keys:
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)  # (Q, K)
        mean = float((a * apart).sum(-1).mean())
        found |= {
            "distance": mean / max(float(apart.max()), 1e-12),
            "reach": mean / max(float(apart.mean()), 1e-12),
            "itself": float(np.diagonal(a, axis1=1, axis2=2).mean()),
        }
    return found


def _likeness(a: np.ndarray) -> float | None:
    """The mean correlation over pairs of heads; None for one head, or maps without any difference."""
    if len(a) < 2:
        return None
    flat = a.reshape(len(a), -1)
    if (flat.std(1) < 1e-12).any():
        return None
    return float(np.corrcoef(flat)[np.triu_indices(len(a), 1)].mean())


def coarse(attention: np.ndarray, side: int) -> np.ndarray:
    """`(Q', K')` at most `side` each: the mean over heads, of the sum over the keys of a step."""
    mean = attention.mean(0)
    queries, keys = (np.arange(count) * min(side, count) // count for count in mean.shape)
    summed = np.zeros((mean.shape[0], keys[-1] + 1))
    np.add.at(summed.T, keys, mean.T)
    rows = np.zeros((queries[-1] + 1, summed.shape[1]))
    np.add.at(rows, queries, summed)
    return rows / np.bincount(queries)[:, None]

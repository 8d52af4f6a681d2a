"""Scores of residue pairs: what all tables of pairs, from couplings to attention, are corrected for."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-12
"""Keeps the division sound for a table of zeros."""


def average_product_correction(scores: np.ndarray, *, diagonal: bool = True) -> np.ndarray:
    """Symmetric pair scores without what the mean of each row and column alone explains.

    `S'ᵢⱼ = Sᵢⱼ − S̄ᵢ S̄ⱼ / S̄` with the means `S̄ᵢ` of row i and `S̄` of the whole table (Dunn, Wahl & Gloor 2008,
    Bioinformatics 24, 333). It removes entropy and phylogeny, which raise whole rows, and keeps what is
    particular to a pair.

    Args:
        scores: `(..., L, L)`, symmetric.
        diagonal: whether the diagonal means something. If not, it has to be zero: the means then run over the L − 1
            other entries of a row, and the corrected diagonal is zero again.

    Returns:
        `(..., L, L)` of the same type.

    >>> average_product_correction(np.outer([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])).round(6).any()
    np.False_
    """
    if diagonal:  # the means' counts cancel
        rows = scores.sum(-1, keepdims=True)  # (..., L, 1)
        total = rows.sum(-2, keepdims=True)
        return scores - rows * rows.swapaxes(-1, -2) / np.maximum(total, EPSILON)
    length = scores.shape[-1]
    means = scores.sum(-2, keepdims=True) / max(length - 1, 1)  # (..., 1, L)
    overall = means.mean(-1, keepdims=True)
    corrected = scores - means.swapaxes(-1, -2) * means / np.maximum(overall, EPSILON)
    corrected[..., np.arange(length), np.arange(length)] = 0
    return corrected


def symmetrised(maps: np.ndarray) -> np.ndarray:
    """`(..., L, L)` maps plus their transposes, float32: what i says of j and j of i counts together."""
    both = maps.astype(np.float32)
    return both + both.swapaxes(-1, -2)

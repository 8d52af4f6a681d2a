"""What the attention heads of a protein language model see of the contacts: each head judged on its own."""

from __future__ import annotations

import numpy as np

from backends.folding.pair_scores import average_product_correction, symmetrised
from evaluation.metrics.folding.folds import contact_precision


def corrected(attention_map: np.ndarray) -> np.ndarray:
    """One head's map `(L, L)`, symmetrised and corrected for the average product, as Rao et al. 2021 compare it."""
    return average_product_correction(symmetrised(attention_map))


def head_precision(attention: np.ndarray, true: np.ndarray, known: np.ndarray | None = None) -> list[dict[str, float]]:
    """How many of each head's likeliest contacts are true, best head first.

    Args:
        attention: `(layers, heads, L, L)`.
        true: `(L, L)` bool; known: `(L,)` bool, residues whose place is known.

    Returns rows with `layer` and `head` (from 1) and the precision at L, L/2 and L/5 of pairs six or more apart.
    """
    found = [
        {
            "layer": layer + 1,
            "head": head + 1,
            **contact_precision(average_product_correction(symmetrised(one)), true, known=known),
        }
        for layer, heads in enumerate(attention)
        for head, one in enumerate(heads)
    ]
    return sorted(found, key=lambda row: -np.nan_to_num(row["L"], nan=-1.0))

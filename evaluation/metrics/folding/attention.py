"""What the attention heads of a protein language model see of the contacts: each head judged on its own."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.folding.folds import contact_precision


def corrected(map_: np.ndarray) -> np.ndarray:
    """One head's map `(L, L)`, symmetric and without what its rows and columns explain.

    The average product correction of Dunn, Wahl & Gloor 2008, as Rao et al. 2021 ("Transformer protein language
    models are unsupervised structure learners") use it on attention.
    """
    both = map_.astype(np.float32)
    both = both + both.T
    rows = both.sum(axis=1)
    return both - np.outer(rows, rows) / max(float(rows.sum()), 1e-12)


def head_precision(attention: np.ndarray, true: np.ndarray, known: np.ndarray | None = None) -> list[dict[str, float]]:
    """How many of each head's likeliest contacts are true, best head first.

    Args:
        attention: `(layers, heads, L, L)`.
        true: `(L, L)` bool; known: `(L,)` bool, residues whose place is known.

    Returns rows with `layer` and `head` (from 1) and the precision at L, L/2 and L/5 of pairs six or more apart.
    """
    found = [
        {"layer": layer + 1, "head": head + 1, **contact_precision(corrected(one), true, known=known)}
        for layer, heads in enumerate(attention)
        for head, one in enumerate(heads)
    ]
    return sorted(found, key=lambda row: -np.nan_to_num(row["L"], nan=-1.0))

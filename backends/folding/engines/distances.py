"""The distances that AlphaFold2 and ESMFold predict between side chains, and the contacts that follow from them."""

from __future__ import annotations

import numpy as np

DISTOGRAM_BINS = (2.3125, 21.6875, 64)
"""First and last edge in Å, and bins, of the predicted distogram (Jumper et al. 2021, suppl. 1.9.8)."""

CONTACT_DISTANCE = 8.0
"""Two residues touch when their Cβ are at most this far apart, in Å."""


def contact_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """`(..., 64)` distogram to the chance `(...)` of a contact: the bins that end within 8 Å."""
    first, last, count = DISTOGRAM_BINS
    edges = np.linspace(first, last, count - 1)
    return probabilities[..., : int((edges <= CONTACT_DISTANCE).sum())].sum(-1)

"""An assembly as the workbench shows it: four copies of two helices whose turn is missing, with a PAE of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from tests.support import two_helices
from viz.components.structure_workbench import manifest

NAMES = ("A1", "A2", "heavy", "D")
CUT = np.r_[0:13, 18 : two_helices.LENGTH]
LENGTH = len(CUT)
MISSING = 5
SURE, UNSURE = 0.0, 20.0
"""Å: within a chain, and between two."""


def structure() -> Structure:
    """A copy every 30 Å along x, each with a gap after its 13th residue."""
    one = two_helices.structure().select(CUT)
    copies = [one.moved(np.eye(3), np.array([30.0 * place, 0, 0])) for place in range(len(NAMES))]
    return Structure.build(
        np.concatenate([copy.atoms for copy in copies]),
        np.concatenate([copy.mask for copy in copies]),
        one.sequence * len(NAMES),
        chains=np.repeat(NAMES, LENGTH),
        numbers=np.tile(one.numbers, len(NAMES)),
        confidence=np.tile(one.confidence, len(NAMES)),
        method="prediction",
    )


def pae() -> np.ndarray:
    """`SURE` within a chain, `UNSURE` between two."""
    chain = np.repeat(np.arange(len(NAMES)), LENGTH)
    return np.where(chain[:, None] == chain[None], SURE, UNSURE)


def everything() -> dict[str, Any]:
    return manifest("four", "Four copies", structure(), confidence=Confidence(pae=pae()))

"""Side chains as their residue has them most often: the chains to train on hold backbones alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from backends.folding.residues import ALPHAFOLD_ORDER

ROTAMERS: dict[str, tuple[float, ...]] = {
    "R": (-67, 180, 180, 180), "N": (-65, -20), "D": (-70, -15), "C": (-65,), "Q": (-67, 180, -25),
    "E": (-67, 180, -10), "H": (-65, -70), "I": (-65, 170), "L": (-65, 175), "K": (-67, 180, 180, 180),
    "M": (-65, -65, -70), "F": (-65, -85), "P": (-25, 36), "S": (62,), "T": (62,), "W": (-65, 95),
    "Y": (-65, -85), "V": (175,),
}  # fmt: skip
"""The commonest rotamer of each residue in degrees, after Lovell et al. 2000."""


def rotamer_table() -> tuple[Tensor, Tensor]:
    """(21, 4, 2) sin and cos of χ1 to χ4 of each residue, and (21, 4) whether it has them."""
    angles = np.full((len(ALPHAFOLD_ORDER) + 1, 4), np.nan, np.float32)
    for row, letter in enumerate(ALPHAFOLD_ORDER):
        chi = ROTAMERS.get(letter, ())
        angles[row, : len(chi)] = np.deg2rad(chi)
    there = np.isfinite(angles)
    angles = np.nan_to_num(angles)
    return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], -1)), torch.from_numpy(there)

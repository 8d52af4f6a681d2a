"""What a chain should satisfy, as an energy with a gradient: predicted contacts, secondary structure, no overlaps.

`E = E_torsion + E_contact + E_overlap + E_size`, with one weight each, in arbitrary units and the same for every
protein. The equations stand at the functions.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from backends.folding.alignment.profile import HELIX, LOOP, STRAND
from backends.folding.coevolution.chain import backbone
from backends.folding.coevolution.contacts import MIN_SEPARATION

BASIN_CENTRES = torch.deg2rad(torch.tensor([[-63.0, -42.0], [-120.0, 135.0], [-75.0, 130.0]]))
"""φ, ψ of an α-helix (right-handed, which settles the hand of the whole), a strand, and the commonest loop."""

TORSION_WEIGHT, LOOP_TORSION_WEIGHT, CONTACT_WEIGHT, OVERLAP_WEIGHT = 10.0, 0.8, 10.0, 3.0
CONTACTS_PER_RESIDUE = 1.0
CONTACT_DISTANCE, FINAL_WIDTH, INITIAL_WIDTH = 7.0, 4.0, 16.0
MIN_CA_CB_DISTANCE = (4.6, 4.4)
"""Least distance in Å of two Cα, and of two Cβ, three or more residues apart."""
MIN_ATOM_DISTANCE = 3.1
"""Least distance in Å of any other two backbone atoms."""


def expected_radius(length: int) -> float:
    """Radius of gyration in Å of a compact protein (Skolnick, Kolinski & Ortiz 1997, J. Mol. Biol. 265, 217)."""
    return 2.2 * length**0.38


class Restraints:
    """The energy of chains (B, L, 3) of torsions.

    Args:
        probabilities: `(L, L)` that two residues touch; the likeliest CONTACTS_A_RESIDUE · L pairs are restrained.
        secondary: `(L, 3)` probability of helix, strand and loop.
    """

    def __init__(self, probabilities: np.ndarray, secondary: np.ndarray) -> None:
        self.length = len(secondary)
        self.secondary = torch.from_numpy(secondary).float()
        i, j = np.triu_indices(self.length, MIN_SEPARATION)
        best = np.argsort(-probabilities[i, j], kind="stable")[: int(CONTACTS_PER_RESIDUE * self.length)]
        best = best[probabilities[i, j][best] > 0]
        self.first, self.second = torch.from_numpy(i[best]), torch.from_numpy(j[best])
        self.strength = CONTACT_WEIGHT * torch.from_numpy(probabilities[i, j][best]).float()
        self.pairs = torch.triu_indices(self.length, self.length, 3)
        self.radius = expected_radius(self.length)

    def energy(
        self, torsions: torch.Tensor, width: float = FINAL_WIDTH, overlap: float = 1.0, span: float = math.inf
    ) -> torch.Tensor:
        """The energy of each chain, without the atom-by-atom clashes of `clash_energy`.

        * contacts: `Σ w p d² / (d² + width²)` with d the distance beyond CONTACT_DISTANCE, see `_contact_energy`
        * overlaps: `OVERLAP_WEIGHT · overlap · Σ max(0, d_min − d)²` over pairs of Cα and of Cβ
        * size: `max(0, R_g − expected_radius)²`

        Args:
            torsions: `(B, L, 3)` φ, ψ, ω, radians.
            width: Å, how far off a contact is still pulled with force.
            overlap: 0 to 1, how hard the atoms are.
            span: contacts of residues further apart in sequence than this do not count yet.

        Returns:
            `(B,)`.
        """
        atoms = backbone(torsions)  # (B, L, 5, 3)
        ca, cb = atoms[:, :, 1], atoms[:, :, 4]
        waiting = (self.second - self.first <= span).float()
        contacts = (waiting * self.strength * self._contact_energy(cb, width)).sum(1)
        close = torch.zeros(len(torsions))
        for points, least in ((ca, MIN_CA_CB_DISTANCE[0]), (cb, MIN_CA_CB_DISTANCE[1])):
            close = close + (least - _distances(points, *self.pairs)).clamp(min=0).square().sum(1)
        spread = (ca - ca.mean(1, keepdim=True)).square().sum(-1).mean(1).sqrt()
        loose = (spread - self.radius).clamp(min=0).square()
        return self.torsion_energy(torsions) + contacts + OVERLAP_WEIGHT * overlap * close + loose

    def _contact_energy(self, cb: torch.Tensor, width: float) -> torch.Tensor:
        """`(B, P)` `d² / (d² + width²)` of each restrained pair: 0 where it touches, towards 1 far apart.

        Lorentzian rather than quadratic: a false contact pulls ever less the farther it is.
        """
        off = (_distances(cb, self.first, self.second) - CONTACT_DISTANCE).clamp(min=0).square()
        return off / (off + width**2)

    def satisfied_fraction(self, chains: torch.Tensor) -> torch.Tensor:
        """`(B,)` fraction of the predicted contacts, weighted by probability, that `chains` `(B, L, 5, 3)` satisfy."""
        unmet = self._contact_energy(chains[:, :, 4], FINAL_WIDTH)
        return ((1 - unmet) * self.strength).sum(1) / self.strength.sum().clamp(min=1e-9)

    def torsion_energy(self, torsions: torch.Tensor) -> torch.Tensor:
        """`(B,)` `Σ w p_s [(1 − cos(φ − φ_s)) + (1 − cos(ψ − ψ_s))]` over residues and states s; of loops φ alone."""
        total = torch.zeros(torsions.shape[:2])
        for state in (HELIX, STRAND):
            away = (1 - torch.cos(torsions[:, :, :2] - BASIN_CENTRES[state])).sum(-1)
            total = total + TORSION_WEIGHT * self.secondary[:, state] * away
        loop = 1 - torch.cos(torsions[:, :, 0] - BASIN_CENTRES[LOOP, 0])
        return (total + LOOP_TORSION_WEIGHT * self.secondary[:, LOOP] * loop).sum(1)

    def clash_energy(self, torsions: torch.Tensor) -> torch.Tensor:
        """`(B,)` overlap of all backbone atoms of residues two or more apart, and torsions outside every basin.

        `5 Σ max(0, d_min − d)² + 2 Σ min_s [2 − cos(φ − φ_s) − cos(ψ − ψ_s)]`, s over BASIN_CENTRES.
        """
        atoms = backbone(torsions)
        batch, length = atoms.shape[:2]
        flat = atoms.reshape(batch, length * 5, 3)
        i, j = torch.triu_indices(length * 5, length * 5, 6)
        apart = j.div(5, rounding_mode="floor") - i.div(5, rounding_mode="floor") >= 2
        i, j = i[apart], j[apart]
        close = (MIN_ATOM_DISTANCE - _distances(flat, i, j)).clamp(min=0).square().sum(1)
        basins = torch.stack([(1 - torch.cos(torsions[:, :, :2] - centre)).sum(-1) for centre in BASIN_CENTRES])
        return 5 * close + 2 * basins.min(0).values.sum(1)

    def initial_torsions(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """(B, L, 3) torsions: each chain's loops drawn at random, its helices and strands nearly ideal."""
        states = torch.multinomial(self.secondary, count, True, generator=generator).T  # (B, L)
        sure = self.secondary[:, :LOOP].max(1)
        firm = sure.values > 0.5
        states[:, firm] = sure.indices[firm]
        turned = torch.rand(count, self.length, generator=generator) < 0.35  # a third of loops are helical turns
        states[turned & ~firm] = HELIX
        torsions = torch.full((count, self.length, 3), math.pi)
        noise = torch.randn(count, self.length, 2, generator=generator)
        torsions[:, :, :2] = BASIN_CENTRES[states] + noise * torch.where(firm, 0.07, 0.6)[:, None]
        return torsions


def _distances(points: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """(B, P) distances, with a gradient where points coincide."""
    return (points[:, first] - points[:, second]).square().sum(-1).add(1e-6).sqrt()

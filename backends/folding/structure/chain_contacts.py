"""Where chains of a structure meet: pairs of residues that touch, and how much surface each pair of chains hides.

All is measured on the coordinates, so it holds for an experiment, and for the copies of a chain in an assembly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from backends.folding.structure.atoms import ATOM37, RADII
from backends.folding.structure.structure import Structure

MAX_CHAINS = 60
"""The assemblies of most viruses have more; nobody would read their pairs."""
MAX_DISTANCE = 4.0
"""Å between two atoms of residues that touch."""
PROBE = 1.4
"""Å, the radius of a molecule of water that is rolled over the surface."""
POINTS = 92
"""Points on the sphere of each atom; the area of an interface is then good to about 2 %."""

_ATOM_RADII = np.array([RADII[name[0]] for name in ATOM37])


@dataclass(frozen=True)
class Meeting:
    """Two chains that touch.

    Attributes:
        first, second: their names.
        pairs: residues of one and the other with atoms within `MAX_DISTANCE`.
        rows: all residues of both that are in such a pair.
        area: Å² of the solvent-accessible surface that each chain hides from the water by the other, their mean.
    """

    first: str
    second: str
    pairs: int
    rows: tuple[int, ...]
    area: float

    @property
    def sentence(self) -> str:
        return (
            f"{self.first} and {self.second} touch with {len(self.rows)} residues and hide {self.area:,.0f} Å² of each "
            "other's surface."
        )


def meetings(structure: Structure) -> list[Meeting]:
    """Every pair of chains that touch, the largest interface first; none where there are over `MAX_CHAINS` chains."""
    from scipy.spatial import cKDTree

    chains = {name: np.arange(part.start, part.stop) for name, part in structure.chain_slices()}
    if not 2 <= len(chains) <= MAX_CHAINS:
        return []
    atoms = {name: _atoms(structure, rows) for name, rows in chains.items()}
    trees = {name: cKDTree(positions) for name, (_, positions, _) in atoms.items()}
    found = []
    for one, other in combinations(chains, 2):
        near = trees[one].query_ball_tree(trees[other], MAX_DISTANCE)
        pairs = {(int(atoms[one][0][i]), int(atoms[other][0][j])) for i, mine in enumerate(near) for j in mine}
        if pairs:
            rows = tuple(sorted({row for pair in pairs for row in pair}))
            area = hidden_area(atoms[one][1:], atoms[other][1:])
            found.append(Meeting(one, other, len(pairs), rows, area))
    return sorted(found, key=lambda meeting: -meeting.area)


Spheres = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Positions `(A, 3)` in Å of the atoms of a molecule, and their radii `(A,)` with the probe's."""


def hidden_area(one: Spheres, other: Spheres) -> float:
    """Å² of surface that two molecules hide from the water by lying together: `(A₁ + A₂ − A₁₂) / 2`."""
    return float((_lost(one, other) + _lost(other, one)) / 2)


def _atoms(
    structure: Structure, rows: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """The residue, position and radius of each atom of some residues."""
    owners, places = np.nonzero(structure.mask[rows])
    return rows[owners], structure.atoms[rows[owners], places].astype(float), _ATOM_RADII[places] + PROBE


def _lost(mine: Spheres, theirs: Spheres) -> float:
    """Å² of the surface of one molecule that points into the atoms of the other (Shrake and Rupley 1973)."""
    from scipy.spatial import cKDTree

    positions, radii = mine
    own, far = cKDTree(positions), cKDTree(theirs[0])
    widest = max(radii.max(), theirs[1].max())
    lost = 0.0
    for atom, meets in enumerate(far.query_ball_point(positions, radii + widest)):
        if not meets:
            continue
        points = positions[atom] + radii[atom] * _sphere()
        free = _outside(points, theirs[0][meets], theirs[1][meets])
        if free.all():
            continue
        beside = [near for near in own.query_ball_point(positions[atom], radii[atom] + widest) if near != atom]
        exposed = _outside(points, positions[beside], radii[beside])
        lost += 4 * np.pi * radii[atom] ** 2 * float((exposed & ~free).mean())
    return lost


def _outside(
    points: NDArray[np.float64], centres: NDArray[np.float64], radii: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """`(P,)` whether points lie outside of all these spheres."""
    apart = np.linalg.norm(points[:, None] - centres[None], axis=-1)  # (P, A)
    return np.asarray((apart >= radii).all(axis=1))


@cache
def _sphere() -> NDArray[np.float64]:
    """`(POINTS, 3)` points spread evenly over the unit sphere, along a spiral."""
    step = np.arange(POINTS) + 0.5
    height, turn = 1 - 2 * step / POINTS, np.pi * (1 + 5**0.5) * step
    around = np.sqrt(1 - height**2)
    return np.stack([around * np.cos(turn), around * np.sin(turn), height], axis=1)

"""What a structure holds, place by place: gaps in its chains, disulphide bridges, and what lies around each ligand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.folding.structure.atoms import ATOM37, CA
from backends.folding.structure.other_atoms import MODIFICATION, WATER
from backends.folding.structure.structure import Structure

SG = ATOM37.index("SG")
MAX_BRIDGE = 2.5
"""Å between two sulphur atoms that are bonded; the bond itself is 2.05 Å long."""
MAX_NEIGHBOUR = 4.0
"""Å from an atom of a ligand within which a residue touches it."""
MAX_STEP = 4.5
"""Å between neighbouring Cα atoms with nothing missing between them; a trans peptide has 3.8."""


@dataclass(frozen=True)
class Gap:
    """A place where a chain is broken: the rows before and after, and how many residues miss by the numbers."""

    before: int
    after: int
    missing: int


@dataclass(frozen=True)
class Bridge:
    """Two cysteines whose sulphur atoms are bonded, by row, and the length of the bond in Å."""

    one: int
    other: int
    distance: float


@dataclass(frozen=True)
class Neighbourhood:
    """A ligand, ion, sugar or nucleotide, with the residues that touch it, the nearest first.

    Attributes:
        kind, component, chain, number: what it is, its name as in the PDB, and where it stands in the file.
        atoms: how many it has here.
        rows: the residues within `MAX_NEIGHBOUR`.
        nearest: Å from it to the nearest residue; infinite where the structure has none.
    """

    kind: str
    component: str
    chain: str
    number: int
    atoms: int
    rows: tuple[int, ...]
    nearest: float


def gaps(structure: Structure) -> list[Gap]:
    """Where neighbours in the file are no neighbours in the chain: by their numbers, and by how far apart they are."""
    same = structure.chains[1:] == structure.chains[:-1]
    steps = np.diff(structure.numbers)
    apart = np.linalg.norm(np.diff(structure.ca, axis=0), axis=-1)
    broken = same & ~structure.linked() & (apart > MAX_STEP)
    return [Gap(int(row), int(row) + 1, max(0, int(steps[row]) - 1)) for row in np.flatnonzero(broken)]


def bridges(structure: Structure) -> list[Bridge]:
    """Disulphide bridges; a sulphur atom is in one at most, the shortest."""
    rows = np.flatnonzero(structure.mask[:, SG])
    positions = structure.atoms[rows, SG].astype(float)
    if len(rows) < 2:
        return []
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    pairs = [(float(distances[i, j]), i, j) for i, j in zip(*np.nonzero(distances < MAX_BRIDGE), strict=True) if i < j]
    found, taken = [], set[int]()
    for distance, one, other in sorted(pairs):
        if not taken & {one, other}:
            taken |= {one, other}
            found.append(Bridge(int(rows[one]), int(rows[other]), distance))
    return sorted(found, key=lambda bridge: bridge.one)


def neighbourhoods(structure: Structure) -> list[Neighbourhood]:
    """What lies around everything beside the protein but water, in the order of the file."""
    from scipy.spatial import cKDTree

    owners, places = np.nonzero(structure.mask)
    others = structure.others
    positions = np.concatenate([structure.atoms[owners, places], others.positions[others.kinds == MODIFICATION]])
    owners = np.concatenate([owners, others.rows[others.kinds == MODIFICATION]])
    tree = cKDTree(positions)
    found = []
    for kind, component, atoms in others.residues():
        if kind in (WATER, MODIFICATION):
            continue
        distances, nearest = tree.query(others.positions[atoms], k=1)
        close = {row for near in tree.query_ball_point(others.positions[atoms], MAX_NEIGHBOUR) for row in owners[near]}
        reach = {row: _distance(structure, row, others.positions[atoms]) for row in close}
        first = int(atoms[0])
        rows = tuple(int(row) for row in sorted(reach, key=lambda row: (reach[row], row)))
        near = float(np.min(distances)) if len(nearest) else float("inf")
        found.append(
            Neighbourhood(
                kind, component, str(others.chains[first]), int(others.numbers[first]), len(atoms), rows, near
            )
        )
    return found


def _distance(structure: Structure, row: int, positions: np.ndarray) -> float:
    """Å between the nearest atoms of a residue and of `positions` `(A, 3)`."""
    own = structure.atoms[row, structure.mask[row]] if structure.mask[row].any() else structure.atoms[row, [CA]]
    return float(np.linalg.norm(own[:, None] - positions[None], axis=-1).min())

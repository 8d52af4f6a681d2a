"""Distances, angles and contacts of a structure: the plain geometry that checks, figures and scores share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.folding.structure.atoms import ATOM37, BONDS, CA, CB, INDEX, RADII, C, N, O
from backends.folding.structure.structure import Structure

Box = tuple[float, float, float, float]
"""φ from, φ to, ψ from, ψ to, in degrees; none crosses ±180."""

_ALPHA, _BETA = (-165.0, -30.0, -90.0, 30.0), (-180.0, -35.0, 75.0, 180.0)
_GENERAL: tuple[Box, ...] = (
    _ALPHA,
    _BETA,
    (-165.0, -45.0, 30.0, 75.0),
    (-180.0, -35.0, -180.0, -145.0),
    (150.0, 180.0, 120.0, 180.0),
    (150.0, 180.0, -180.0, -160.0),
    (35.0, 90.0, -15.0, 100.0),
    (40.0, 80.0, -180.0, -110.0),
)
ALLOWED: dict[str, tuple[Box, ...]] = {
    "general": _GENERAL,
    "glycine": (
        *_GENERAL,
        *((-right, -left, -top, -bottom) for left, right, bottom, top in _GENERAL),
        (45.0, 180.0, -180.0, -110.0),
        (45.0, 180.0, 110.0, 180.0),
        (-180.0, -45.0, 110.0, 180.0),
        (-180.0, -45.0, -180.0, -110.0),
        (45.0, 180.0, -90.0, 90.0),
    ),
    "proline": (
        (-115.0, -30.0, -75.0, 15.0),
        (-115.0, -30.0, 45.0, 180.0),
        (-115.0, -30.0, -180.0, -145.0),
        (-115.0, -45.0, 15.0, 45.0),
    ),
}
"""Where (φ, ψ) of real proteins lie: boxes drawn around the allowed regions of Lovell et al. 2003, a little wide.

Coarser than their contours, so that an outlier here is one there too; used to judge whole structures, not residues.
"""
FAVOURED: dict[str, tuple[Box, ...]] = {
    "general": ((-160.0, -45.0, -70.0, 0.0), (-170.0, -50.0, 100.0, 180.0), (-170.0, -55.0, -180.0, -165.0)),
}
"""Where most residues are; drawn as the darker shade of a Ramachandran plot."""


def dihedral(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Torsion angles in degrees, −180 to 180, of points `(..., 3)`, in the sense of IUPAC: right-handed is positive.

    With the bonds b₁, b₂, b₃: `atan2(|b₂| b₁ · (b₂ × b₃), (b₁ × b₂) · (b₂ × b₃))`, which is sound at 0° and 180°, where
    the arc cosine is not.

    >>> a, b, c, d = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])
    >>> float(dihedral(a, b, c, d))
    90.0
    """
    first, axis, last = b - a, c - b, d - c
    left, right = np.cross(first, axis), np.cross(axis, last)
    across = np.linalg.norm(axis, axis=-1) * (first * right).sum(-1)
    return np.degrees(np.arctan2(across, (left * right).sum(-1)))


def angle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Angles at `b` in degrees of points `(..., 3)`.

    >>> float(angle(np.array([1.0, 0, 0]), np.zeros(3), np.array([0.0, 2, 0])))
    90.0
    """
    one, other = a - b, c - b
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.degrees(np.arccos(np.clip((one * other).sum(-1) / np.maximum(lengths, 1e-9), -1, 1)))


@dataclass(frozen=True)
class Torsions:
    """Backbone torsions `(L,)` in degrees, NaN where an atom or a neighbour misses.

    φ and ψ about residue i; ω about the bond from residue i to i + 1.
    """

    phi: np.ndarray
    psi: np.ndarray
    omega: np.ndarray


def torsions(structure: Structure) -> Torsions:
    atoms, mask, linked = structure.atoms.astype(float), structure.mask, structure.linked()
    phi, psi, omega = (np.full(len(structure), np.nan) for _ in range(3))
    whole = mask[:, N] & mask[:, CA] & mask[:, C]
    pair = np.flatnonzero(linked & whole[:-1] & whole[1:])
    n, ca, c = atoms[:, N], atoms[:, CA], atoms[:, C]
    phi[pair + 1] = dihedral(c[pair], n[pair + 1], ca[pair + 1], c[pair + 1])
    psi[pair] = dihedral(n[pair], ca[pair], c[pair], n[pair + 1])
    omega[pair] = dihedral(ca[pair], c[pair], n[pair + 1], ca[pair + 1])
    return Torsions(phi, psi, omega)


def ramachandran_class(letter: str) -> str:
    return {"G": "glycine", "P": "proline"}.get(letter, "general")


def ramachandran_outliers(structure: Structure, found: Torsions) -> np.ndarray:
    """`(L,)` bool: both torsions are known and lie in none of the boxes of `ALLOWED`."""
    outside = np.isfinite(found.phi) & np.isfinite(found.psi)
    classes = np.array([ramachandran_class(letter) for letter in structure.sequence])
    hand = np.where(structure.d_residues, -1, 1)  # a D-amino acid has the mirror image of the allowed regions
    phi, psi = hand * found.phi, hand * found.psi
    for name, boxes in ALLOWED.items():
        mine = classes == name
        for left, right, bottom, top in boxes:
            inside = (phi >= left) & (phi <= right) & (psi >= bottom) & (psi <= top)
            outside &= ~(mine & inside)
    return outside


def handedness(structure: Structure) -> np.ndarray:
    """`(L,)` in Å³: the volume that N, C and Cβ span about Cα; about +2.5 for an L-amino acid, NaN where one misses."""
    atoms = structure.atoms.astype(float)
    n, c, beta = (atoms[:, place] - atoms[:, CA] for place in (N, C, CB))
    volume = (np.cross(n, c) * beta).sum(-1)
    return np.where(structure.mask[:, [N, CA, C, CB]].all(axis=1), volume, np.nan)


def radius_of_gyration(points: np.ndarray) -> float:
    """Root of the mean squared distance of points `(N, 3)` from their centre, in Å."""
    return float(np.sqrt(np.square(points - points.mean(axis=0)).sum(-1).mean()))


def packed_residues(structure: Structure) -> np.ndarray:
    """`(L,)` bool: residues in stretches that are packed against the rest, as in a domain, and do not hang loose.

    A residue is, with six Cα or more within 10 Å that are not its neighbours in the chain; of nine residues in a row
    the majority counts.
    """
    from scipy.spatial import cKDTree

    pairs = _neighbours(cKDTree(structure.ca.astype(float)), 10.0)
    far = (pairs[:, 1] - pairs[:, 0] > 4) | (structure.chains[pairs[:, 0]] != structure.chains[pairs[:, 1]])
    crowd = np.bincount(pairs[far].ravel(), minlength=len(structure)) >= 6
    window = np.ones(9)
    return np.convolve(crowd, window, "same") > np.convolve(np.ones(len(structure)), window, "same") / 2


@dataclass(frozen=True)
class Overlaps:
    """Pairs of atoms that come too close: the residues `(P, 2)` they are of, the overlap of their spheres `(P,)` in Å.

    `atoms` is how many heavy atoms were looked at.
    """

    residues: np.ndarray
    overlap: np.ndarray
    atoms: int


_RADIUS = np.array([RADII[name[0]] for name in ATOM37])
_POLAR = np.array([name[0] in "NO" for name in ATOM37])
HYDROGEN_BOND = 0.6
"""How much closer, in Å, two polar atoms may be than their radii say, since they may share a hydrogen."""


def find_overlaps(structure: Structure, least: float) -> Overlaps:
    """Heavy atoms of different residues, further than three bonds apart, whose spheres overlap by `least` Å or more.

    Radii of Bondi 1964. Allowed without being counted: hydrogen bonds (by `HYDROGEN_BOND`) and disulphide bridges.
    """
    from scipy.spatial import cKDTree

    rows, places = np.nonzero(structure.mask)
    points = structure.atoms[rows, places].astype(float)
    pairs = _neighbours(cKDTree(points), 2 * _RADIUS.max() - least)
    one, other = pairs[:, 0], pairs[:, 1]
    apart = rows[other] - rows[one]
    reach = _RADIUS[places[one]] + _RADIUS[places[other]]
    reach -= HYDROGEN_BOND * (_POLAR[places[one]] & _POLAR[places[other]])
    overlap = reach - np.linalg.norm(points[one] - points[other], axis=-1)
    linked = np.append(structure.linked(), False)
    bonded = (apart == 1) & linked[rows[one]] & _close_by_bonds(structure, rows, places, one, other)
    bridge = (places[one] == INDEX["SG"]) & (places[other] == INDEX["SG"])
    counted = (apart > 0) & ~bonded & ~bridge & (overlap >= least)
    return Overlaps(np.stack([rows[one], rows[other]], axis=1)[counted], overlap[counted], len(rows))


MAX_PAIRS = 4_000_000


def _neighbours(tree: object, reach: float) -> np.ndarray:
    """Index pairs `(P, 2)`, first below second, at most `reach` apart.

    A structure squashed into a point has every pair close; then a sample of its atoms' pairs proves the point.
    """
    if tree.count_neighbors(tree, reach) > 2 * MAX_PAIRS:  # type: ignore[attr-defined]
        from scipy.spatial import cKDTree

        some = np.linspace(0, tree.n - 1, 2000).astype(int)  # type: ignore[attr-defined]
        near = cKDTree(tree.data[some]).query_pairs(reach, output_type="ndarray")  # type: ignore[attr-defined]
        return np.sort(some[near], axis=1)
    return np.sort(tree.query_pairs(reach, output_type="ndarray"), axis=1)  # type: ignore[attr-defined]


_STEPS: dict[str, np.ndarray] = {}


def _bonds_to(letter: str, goal: int) -> np.ndarray:
    """How many bonds each atom `(37,)` of a residue is from its N or C; 9 where it does not get there."""
    key = f"{letter}{goal}"
    if key not in _STEPS:
        steps = np.full(len(ATOM37), 9)
        steps[goal] = 0
        for count in range(1, 4):
            for one, other in BONDS[letter]:
                for here, there in ((one, other), (other, one)):
                    if steps[here] == count - 1:
                        steps[there] = min(steps[there], count)
        _STEPS[key] = steps
    return _STEPS[key]


def _close_by_bonds(
    structure: Structure, rows: np.ndarray, places: np.ndarray, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Whether two atoms of residues that follow each other are at most three bonds apart, across C–N."""
    to_c = np.array([_bonds_to(letter, C) for letter in structure.sequence])  # (L, 37)
    to_n = np.array([_bonds_to(letter, N) for letter in structure.sequence])
    return to_c[rows[one], places[one]] + 1 + to_n[rows[other], places[other]] <= 3


def contact_map(structure: Structure, reach: float = 8.0) -> np.ndarray:
    """`(L, L)` bool: Cβ (Cα for glycine) closer than `reach` Å, the CASP definition; the diagonal is true."""
    return distance_map(structure) < reach


def distance_map(structure: Structure) -> np.ndarray:
    """`(L, L)` float32 Å between Cβ atoms; Cα where a residue has no Cβ."""
    points = np.where(structure.mask[:, CB, None], structure.atoms[:, CB], structure.atoms[:, CA])
    from scipy.spatial.distance import cdist

    return cdist(points, points).astype(np.float32)


def covalent_lengths(structure: Structure) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Backbone bonds by name: the residue each starts at `(B,)` and its length in Å `(B,)`."""
    atoms, mask = structure.atoms.astype(float), structure.mask
    everyone = np.arange(len(structure))
    links = np.flatnonzero(structure.linked())
    by_name = {}
    for name, start, end, rows, step in (
        ("N-CA", N, CA, everyone, 0), ("CA-C", CA, C, everyone, 0), ("C-O", C, O, everyone, 0), ("C-N", C, N, links, 1),
    ):  # fmt: skip
        there = rows[mask[rows, start] & mask[rows + step, end]]
        by_name[name] = there, np.linalg.norm(atoms[there, start] - atoms[there + step, end], axis=-1)
    return by_name


def covalent_angles(structure: Structure) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Backbone angles by name: the residue each starts at `(B,)` and the angle in degrees `(B,)`."""
    atoms, mask = structure.atoms.astype(float), structure.mask
    everyone, links = np.arange(len(structure)), np.flatnonzero(structure.linked())
    by_name = {}
    for name, places, steps in (
        ("N-CA-C", (N, CA, C), (0, 0, 0)), ("CA-C-N", (CA, C, N), (0, 0, 1)), ("C-N-CA", (C, N, CA), (0, 1, 1)),
    ):  # fmt: skip
        rows = links if steps[-1] else everyone
        there = np.logical_and.reduce([mask[rows + step, place] for place, step in zip(places, steps, strict=True)])
        rows = rows[there]
        by_name[name] = rows, angle(*(atoms[rows + step, place] for place, step in zip(places, steps, strict=True)))
    return by_name

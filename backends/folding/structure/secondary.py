"""Secondary structure of each residue: "H" helix, "E" strand, "-" neither."""

from __future__ import annotations

import numpy as np

from backends.folding.structure.atoms import CA, C, N, O
from backends.folding.structure.geometry import angle, dihedral
from backends.folding.structure.structure import Structure

BOND_ENERGY = -0.5  # kcal/mol; Kabsch & Sander 1983, equation 1 and the text below it
CHARGES = 27.9  # 0.42 e × 0.20 e × 332 Å kcal/mol/e²


def assign_secondary_structure(structure: Structure) -> np.ndarray:
    """`(L,)` of "H", "E", "-": from hydrogen bonds where the backbone is there, else from the Cα trace."""
    if not len(structure):
        return np.array([], dtype="<U1")
    return from_hydrogen_bonds(structure) if structure.backbone else from_trace(structure)


def from_hydrogen_bonds(structure: Structure) -> np.ndarray:
    """Kabsch & Sander 1983 in three states: helices of 3, 4 and 5 turns are H, ladders of two bridges or more E."""
    whole = structure if structure.mask[:, O].all() else structure.with_oxygens()
    bonds = hydrogen_bonds(whole)
    unbroken = np.append(whole.linked(), False)
    states = np.full(len(whole), "-", dtype="<U1")
    states[_strands(bonds, unbroken)] = "E"
    states[_helices(bonds, unbroken)] = "H"
    return states


def hydrogen_bonds(structure: Structure) -> set[tuple[int, int]]:
    """Pairs (i, j): the C=O of residue i accepts a hydrogen bond from the N–H of residue j.

    The electrostatic energy of Kabsch & Sander 1983 (Biopolymers 22, 2577, eq. 1), with partial charges of 0.42 e on
    C and O and 0.20 e on N and H: `E = 27.9 (1/r_ON + 1/r_CH − 1/r_OH − 1/r_CN)` kcal/mol, r in Å. A bond is E < −0.5.
    The hydrogen is put 1.01 Å from N, against the direction of the C=O before it.
    """
    from scipy.spatial import cKDTree

    atoms, mask = structure.atoms.astype(float), structure.mask
    linked = np.append(False, structure.linked())
    gives = np.flatnonzero(linked & mask[:, N] & mask[:, CA] & np.roll(mask[:, C] & mask[:, O], 1))
    gives = gives[[structure.sequence[row] != "P" for row in gives]]  # proline has no hydrogen on N
    takes = np.flatnonzero(mask[:, C] & mask[:, O])
    if not len(gives) or not len(takes):
        return set()
    carbonyl = atoms[gives - 1, C] - atoms[gives - 1, O]
    hydrogen = atoms[gives, N] + 1.01 * carbonyl / np.maximum(np.linalg.norm(carbonyl, axis=-1, keepdims=True), 1e-6)
    near = cKDTree(atoms[takes, O]).query_ball_point(atoms[gives, N], 5.2)
    give = np.repeat(np.arange(len(gives)), [len(found) for found in near])
    take = takes[np.concatenate([np.asarray(found, dtype=int) for found in near])] if len(give) else np.array([], int)
    row = gives[give]
    apart = np.abs(row - take) > 1
    give, take, row = give[apart], take[apart], row[apart]

    def inverse(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return 1 / np.maximum(np.linalg.norm(one - other, axis=-1), 0.5)  # Å; the floor of the published program

    # eq. 1
    n, h, c, o = atoms[row, N], hydrogen[give], atoms[take, C], atoms[take, O]
    energy = CHARGES * (inverse(o, n) + inverse(c, h) - inverse(o, h) - inverse(c, n))
    bonded = energy < BOND_ENERGY
    return set(zip(take[bonded].tolist(), row[bonded].tolist(), strict=True))


def _helices(bonds: set[tuple[int, int]], unbroken: np.ndarray) -> list[int]:
    """Residues between two n-turns, n = 3, 4 or 5, that follow each other ("minimal helices" of Kabsch & Sander).

    `unbroken[i]`: residues i and i + 1 are linked.
    """
    found: set[int] = set()
    for turn in (3, 4, 5):
        starts = {i for i, j in bonds if j - i == turn and unbroken[i:j].all()}
        for i in starts:
            if i - 1 in starts:
                found.update(range(i, i + turn))
    return sorted(found)


def _strands(bonds: set[tuple[int, int]], unbroken: np.ndarray) -> list[int]:
    """Residues in two bridges or more that continue each other (bulges are not followed)."""
    inner = {i for i in range(1, len(unbroken)) if unbroken[i - 1] and unbroken[i]}
    parallel, anti = set(), set()
    for i, j in bonds:  # C=O of i … H–N of j
        # Parallel, centred between the bonds: (p-1 → q) and (q → p+1).
        if (j, i + 2) in bonds:
            parallel.add((i + 1, j))
        # Antiparallel: (p → q) and (q → p), or (p-1 → q+1) and (q-1 → p+1).
        if (j, i) in bonds:
            anti.add((i, j))
        if (j - 2, i + 2) in bonds:
            anti.add((i + 1, j - 1))
    found: set[int] = set()
    for bridges, step in ((parallel, 1), (anti, -1)):
        both = {pair for p, q in bridges for pair in ((p, q), (q, p))}
        sound = {(p, q) for p, q in both if p in inner and q in inner and abs(p - q) > 2}
        for p, q in sound:
            # One residue may lie between bridges of a ladder: only every other is bonded in an antiparallel sheet.
            if (p + 1, q + step) in sound:
                found.update((p, p + 1, q, q + step))
    return sorted(found)


def from_trace(structure: Structure) -> np.ndarray:
    """From Cα positions alone: P-SEA's distances and angles (Labesse et al. 1997, table 1).

    A helix is five residues or more that fit its distances or its angles; a strand, which coil resembles, four or
    more that fit its distances.
    """
    length = len(structure)
    states = np.full(length, "-", dtype="<U1")
    ca = structure.ca.astype(float)
    linked = structure.linked()
    windows = np.flatnonzero([linked[i : i + 4].all() for i in range(length - 4)])
    if not len(windows):
        return states
    a, b, c, d, e = (ca[windows + step] for step in range(5))
    two, three, four = (np.linalg.norm(end - a, axis=-1) for end in (c, d, e))
    tau, alpha = angle(a, b, c), dihedral(a, b, c, d)
    helix = (abs(three - 5.3) < 0.5) & (abs(four - 6.4) < 0.6) & (abs(two - 5.5) < 0.5)
    helix |= (abs(tau - 89) < 12) & (abs(alpha - 50) < 20)
    strand = (abs(three - 9.9) < 0.9) & (abs(four - 12.4) < 1.1) & (abs(two - 6.7) < 0.6)
    for letter, fits, width in (("E", strand, 3), ("H", helix & (alpha > 0), 4)):
        runs = set(windows[fits].tolist())
        for start in runs:
            if start - 1 in runs or start + 1 in runs:
                states[start : start + width] = letter
    return states

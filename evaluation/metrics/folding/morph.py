"""A film from one structure to another in which the chain stays a chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backends.folding.structure.atoms import BONDS, CA, C, N, O
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.superpose import superpose

RELAXATION_STEPS = 120


def morph(start: Structure, end: Structure, frames: int = 20) -> Iterator[Structure]:
    """`frames` structures from `start` to `end`, which hold the same residues one by one (see
    `evaluation.metrics.folding.chain_alignment`).

    `end` is laid on `start` first. Atoms go straight; straight lines shorten what turns, so each frame is then relaxed
    until bonds, and pairs two bonds apart, have the length between those of the two ends (Müller et al. 2007,
    position-based dynamics). Only atoms that both structures have are shown.

    Raises:
        ValueError: unequal lengths, or fewer than two frames.
    """
    if len(start) != len(end) or not len(start) or frames < 2:
        raise ValueError(f"a morph takes two structures of one length and two frames, not {len(start)} and {len(end)}")
    laid = superpose(end.ca, start.ca).apply(end.atoms.astype(float))
    mask = start.mask & end.mask
    first, last = start.atoms.astype(float)[mask], laid[mask]  # (A, 3)
    ties = _distance_constraints(start, mask, first, last)
    for share in np.linspace(0, 1, frames):
        points = (1 - share) * first + share * last
        if 0 < share < 1:
            points = ties.relaxed(points, share)
        atoms = np.zeros_like(start.atoms)
        atoms[mask] = points
        yield Structure.build(
            atoms, mask, start.sequence, chains=start.chains, numbers=start.numbers, insertions=start.insertions,
            confidence=(1 - share) * start.confidence + share * end.confidence, title=start.title, method=start.method,
        )  # fmt: skip


@dataclass(frozen=True)
class _DistanceConstraints:
    """Pairs of atoms `(T, 2)` and their distances at either end `(T,)`."""

    pairs: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def relaxed(self, points: np.ndarray, share: float) -> np.ndarray:
        one, other = self.pairs.T
        length = (1 - share) * self.first + share * self.last
        pulls = np.maximum(np.bincount(self.pairs.ravel(), minlength=len(points)), 1)[:, None]
        for _ in range(RELAXATION_STEPS):
            apart = points[other] - points[one]
            now = np.maximum(np.linalg.norm(apart, axis=-1), 1e-6)
            step = apart * ((now - length) / now / 2)[:, None]  # each end goes half the way
            moves = np.zeros_like(points)
            np.add.at(moves, one, step)
            np.add.at(moves, other, -step)
            points = points + 1.6 * moves / pulls  # over-relaxed: the mean of all pulls alone is slow
        return points


def _distance_constraints(
    structure: Structure, mask: np.ndarray, first: np.ndarray, last: np.ndarray
) -> _DistanceConstraints:
    """Bonds, and atoms bonded to a common third; for a Cα trace the steps between residues."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    linked = np.append(structure.linked(), False)
    bonds: list[tuple[int, int]] = []
    for row, letter in enumerate(structure.sequence):
        bonds += [(number[row, a], number[row, b]) for a, b in BONDS[letter]]
        if linked[row]:
            bonds.append((number[row, C], number[row + 1, N]))
    there = {(min(pair), max(pair)) for pair in bonds if min(pair) >= 0}
    around: dict[int, list[int]] = {}
    for a, b in there:
        around.setdefault(a, []).append(b)
        around.setdefault(b, []).append(a)
    for near in around.values():
        there |= {(min(a, b), max(a, b)) for k, a in enumerate(near) for b in near[k + 1 :]}
    for row in np.flatnonzero(linked).tolist():
        # A flat peptide is held by Cα–Cα and O–N besides.
        for a, b in ((CA, CA), (O, CA)):
            if (pair := (number[row, a], number[row + 1, b])) and min(pair) >= 0:
                there.add((min(pair), max(pair)))
    pairs = np.array(sorted(there), dtype=int).reshape(-1, 2)
    before, after = (np.linalg.norm(end[pairs[:, 0]] - end[pairs[:, 1]], axis=-1) for end in (first, last))
    sound = (before < 5) & (after < 5)  # a torn chain has nothing to hold
    return _DistanceConstraints(pairs[sound], before[sound], after[sound])

"""The firm parts of a predicted structure, found in its PAE, and how surely they sit together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRM_PAE = 5.0
CLUSTER_PAE = 9.0
UNCERTAIN_PAE = 12.0
MIN_DOMAIN_RESIDUES = 20
MIN_PLDDT = 50.0
MAX_CLUSTERED = 1200


@dataclass(frozen=True)
class Domains:
    """`labels` `(L,)`: the domain of each residue from 0, by its first residue; −1 for loose parts.

    `between` `(D, D)`: mean PAE in Å from domain to domain, both ways, the diagonal within. `sentence` says it plainly.
    """

    labels: np.ndarray
    between: np.ndarray
    sentence: str

    def __len__(self) -> int:
        return len(self.between)


def domains(pae: np.ndarray, plddt: np.ndarray | None = None) -> Domains:
    """Cluster residues by their mutual PAE.

    Average linkage on the symmetric PAE, cut where two groups' mean error reaches 9 Å; groups under 20 residues (or a
    quarter of a shorter chain) and residues with pLDDT under 50 are loose. Longer chains are clustered in blocks.

    Args:
        pae: `(L, L)` Å.
        plddt: `(L,)` 0 to 100.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    length = len(pae)
    mutual = (pae + pae.T) / 2
    firm = np.full(length, True) if plddt is None else ~(np.asarray(plddt) < MIN_PLDDT)
    index = np.flatnonzero(firm)
    labels = np.full(length, -1)
    if len(index) > 1:
        blocks = np.array_split(index, min(len(index), MAX_CLUSTERED))
        starts = np.cumsum([0, *(len(block) for block in blocks[:-1])])
        sizes = np.diff(np.r_[starts, len(index)])
        pooled = np.add.reduceat(np.add.reduceat(mutual[np.ix_(index, index)], starts, axis=0), starts, axis=1)
        pooled = pooled / np.outer(sizes, sizes)
        np.fill_diagonal(pooled, 0)
        found = fcluster(linkage(squareform(pooled, checks=False), "average"), CLUSTER_PAE, "distance")
        labels[index] = np.repeat(found, sizes)
    labels = _ordered(labels, min(MIN_DOMAIN_RESIDUES, max(4, length // 4)))
    count = int(labels.max(initial=-1)) + 1
    between = np.array([
        [float(mutual[np.ix_(labels == a, labels == b)].mean()) for b in range(count)] for a in range(count)
    ]).reshape(count, count)  # fmt: skip
    return Domains(labels, between, _sentence(labels, between))


def _ordered(labels: np.ndarray, least: int) -> np.ndarray:
    """Numbered from 0 along the chain, small groups loose."""
    ordered, number = np.full(len(labels), -1), 0
    for label in dict.fromkeys(labels.tolist()):
        mine = labels == label
        if label >= 0 and mine.sum() >= least:
            ordered[mine], number = number, number + 1
    return ordered


_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def _sentence(labels: np.ndarray, between: np.ndarray) -> str:
    count = len(between)
    loose = int((labels < 0).sum())
    if not count:
        return "No firm domain: the model is sure of nothing beyond each residue's neighbours."
    within = np.diag(between)
    firm = "firm" if (within <= FIRM_PAE).all() else "fairly firm"
    places = "; ".join(f"{'' if count == 1 else f'{k + 1}: '}{_stretches(labels == k)}" for k in range(count))
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    head = f"{number} {firm} domain{'s' * (count > 1)} (residues {places})"
    tail = f" {loose} residues are loose: the model does not know where they are." if loose >= 5 else ""
    if count == 1:
        return f"{head}.{tail}"
    errors = between[np.triu_indices(count, 1)]
    typical = f"expected error {errors.min():.0f} Å" if np.ptp(errors) < 1 else (
        f"expected errors {errors.min():.0f} to {errors.max():.0f} Å"
    )  # fmt: skip
    if (errors >= UNCERTAIN_PAE).all():
        return f"{head}, uncertain how they sit together ({typical}).{tail}"
    if (errors < UNCERTAIN_PAE).all():
        return f"{head}, only roughly known how they sit together ({typical}).{tail}"
    return f"{head}; some sit roughly known to each other, others uncertain ({typical}).{tail}"


def _stretches(mine: np.ndarray, shown: int = 4) -> str:
    """`1–90, 120–150`, counted from 1; gaps of up to five residues are passed over."""
    index = np.flatnonzero(mine)
    breaks = np.flatnonzero(np.diff(index) > 6)
    starts, stops = index[np.r_[0, breaks + 1]], index[np.r_[breaks, len(index) - 1]]
    words = [f"{a + 1}–{b + 1}" if b > a else f"{a + 1}" for a, b in zip(starts, stops, strict=True)]
    return ", ".join(words[:shown]) + (" …" if len(words) > shown else "")

"""How sure a model is of the way that two chains sit together: four scores of a pair, from PAE, pLDDT and contacts.

All are functions of what the model says of itself. None of them looks at whether the chains meet in a cell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backends.folding.structure.atoms import ATOM37

if TYPE_CHECKING:
    from backends.folding.structure.confidence import Confidence
    from backends.folding.structure.structure import Structure

PAE_CUTOFF = 10.0
"""Å: pairs of residues that ipSAE counts."""

CONTACT = 8.0
"""Å between two Cβ (Cα of glycine)."""

CA, CB = ATOM37.index("CA"), ATOM37.index("CB")
MAX_CHAINS = 40

MEANINGS = {
    "iptm": "How well one chain is placed when the structure is laid on a residue of the other, 0 to 1, over whole "
    "chains: long loose ends pull it down. Worked out from the PAE, so it may differ from the ipTM of the program.",
    "min_pae": "The smallest error in Å that the model expects between the two chains: under 5 it is sure of at least "
    "one place where they meet.",
    "ipsae": "Like ipTM, but only over pairs of residues whose expected error is under 10 Å, so that loose ends do not "
    "count (Dunbrack 2025). From about 0.6 on, contacts that are predicted are mostly real.",
    "pdockq": "From how many residues touch and how sure the model is of them (Bryant et al. 2022): over 0.23 the "
    "arrangement is more often acceptable than not, over 0.5 it mostly is.",
}
NAMES = {"iptm": "ipTM", "min_pae": "min. PAE", "ipsae": "ipSAE", "pdockq": "pDockQ"}


@dataclass(frozen=True)
class Interface:
    """Two chains; a score is None where the model does not say what it needs. `contacts` are pairs of residues."""

    first: str
    second: str
    iptm: float | None
    min_pae: float | None
    ipsae: float | None
    pdockq: float | None
    contacts: int

    @property
    def verdict(self) -> str:
        """ "good", "doubtful" or "poor": by ipSAE, or where there is no PAE by pDockQ."""
        if self.ipsae is not None:
            return "good" if self.ipsae >= 0.6 else "doubtful" if self.ipsae >= 0.3 else "poor"
        if self.pdockq is not None:
            return "good" if self.pdockq >= 0.5 else "doubtful" if self.pdockq >= 0.23 else "poor"
        return "poor" if not self.contacts else "doubtful"

    @property
    def sentence(self) -> str:
        """What the scores say together."""
        pair = f"{self.first} and {self.second}"
        if not self.contacts:
            return f"{pair} do not touch in this model."
        if self.verdict == "good":
            return f"The model is sure how {pair} sit together."
        if self.verdict == "doubtful":
            return f"The model has an idea how {pair} sit together, and is not sure of it."
        return f"{pair} touch in this model, but it does not claim to know how they sit together."

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with verdict and sentence."""
        return {**asdict(self), "verdict": self.verdict, "sentence": self.sentence}


def interfaces(structure: Structure, confidence: Confidence) -> tuple[Interface, ...]:
    """Every pair of chains; none where there is one chain, or so many that nobody would read them.

    Where the confidence has no pLDDT, that of the structure is taken.
    """
    if confidence.plddt is None and structure.method != "estimate" and np.isfinite(structure.confidence).any():
        confidence = replace(confidence, plddt=structure.confidence)
    rows = {name: np.flatnonzero(structure.chains == name) for name in dict.fromkeys(structure.chains.tolist())}
    if not 2 <= len(rows) <= MAX_CHAINS:
        return ()
    return tuple(_pairs(rows, structure, confidence))


def _pairs(rows: dict[str, NDArray[np.intp]], structure: Structure, confidence: Confidence) -> Iterator[Interface]:
    places = np.where(structure.mask[:, CB, None], structure.atoms[:, CB], structure.atoms[:, CA])  # (L, 3)
    for (first, a), (second, b) in combinations(rows.items(), 2):
        touching = _touching(places[a], places[b])
        both = _blocks(confidence.pae, a, b)
        yield Interface(
            first,
            second,
            _rounded(None if both is None else max(_tm(block, _scale(len(a) + len(b))) for block in both)),
            _rounded(None if both is None else min(float(np.nanmin(block)) for block in both), 2),
            _rounded(None if both is None else max(map(_ipsae, both))),
            _rounded(_pdockq(touching, a, b, confidence.plddt)),
            int(touching.sum()),
        )


def _blocks(pae: NDArray[Any] | None, a: NDArray[np.intp], b: NDArray[np.intp]) -> list[NDArray[np.float64]] | None:
    """The PAE from the first chain to the second, and back."""
    if pae is None:
        return None
    both = [np.asarray(pae, float)[np.ix_(*pair)] for pair in ((a, b), (b, a))]
    return None if any(np.isnan(block).all() for block in both) else both


def _touching(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.bool_]:
    return np.linalg.norm(first[:, None] - second[None], axis=-1) <= CONTACT


def _scale(length: float) -> float:
    """d₀ in Å of the TM-score for so many residues, at least 1; 27 are the fewest that it is defined for."""
    return max(1.0, 1.24 * (max(length, 27.0) - 15.0) ** (1 / 3) - 1.8)


def _tm(block: NDArray[np.float64], scale: float) -> float:
    """`max_i mean_j 1 / (1 + (PAE_ij / d₀)²)`."""
    return float(np.nanmean(1 / (1 + (block / scale) ** 2), axis=1).max())


def _ipsae(block: NDArray[np.float64]) -> float:
    """The same over the pairs under the cutoff, with d₀ of as many residues as each row has of them."""
    best = 0.0
    for row in block:
        near = row[row < PAE_CUTOFF]  # NaN is not
        if len(near):
            best = max(best, float(np.mean(1 / (1 + (near / _scale(len(near))) ** 2))))
    return best


def _pdockq(
    touching: NDArray[np.bool_], a: NDArray[np.intp], b: NDArray[np.intp], plddt: NDArray[Any] | None
) -> float | None:
    """`0.724 / (1 + exp(−0.052 (x − 152.611))) + 0.018`, x = mean pLDDT of the residues that touch · log₁₀ contacts."""
    if plddt is None:
        return None
    count = int(touching.sum())
    if not count:
        return 0.0
    interface = np.concatenate([a[touching.any(axis=1)], b[touching.any(axis=0)]])
    x = float(np.nanmean(np.asarray(plddt)[interface])) * math.log10(count)
    return 0.724 / (1 + math.exp(-0.052 * (x - 152.611))) + 0.018


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def dumps(found: tuple[Interface, ...]) -> str:
    """The text of `interfaces.json`."""
    return json.dumps({"meanings": MEANINGS, "interfaces": [one.as_dict() for one in found]}, ensure_ascii=False)

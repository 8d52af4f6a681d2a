"""Residues of relatives paired by shape, where sequences no longer tell: TM-align (Zhang & Skolnick 2005)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tmtools

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.chain_alignment import ChainPair, Matching
from evaluation.metrics.folding.superpose import Transform

SAME_PROTEIN = 0.9
"""Share of identical residues from which two chains count as one protein, whose residues pair by their letters."""
MIN_RESIDUES = 5
MAX_CELLS = 120_000_000
"""Products of two chains' lengths, together, that are aligned by shape at once: some minutes."""
CLOSE = 5.0
"""Å within which two aligned residues are marked as close, as TM-align does it."""


@dataclass(frozen=True)
class ShapeAlignment:
    """Pairs of residues `(P,)` each, the TM-score by either length, and the transform of the first onto the second."""

    rows: np.ndarray
    others: np.ndarray
    model: float
    reference: float
    rmsd: float
    transform: Transform


def align_shapes(
    trace: np.ndarray, other: np.ndarray, letters: str, other_letters: str, pairs: tuple[str, str] | None = None
) -> ShapeAlignment:
    """TM-align of two Cα traces.

    `TM = max (1/L) Σᵢ 1 / (1 + (dᵢ / d₀)²)` over superpositions, `d₀ = 1.24 ∛(L − 15) − 1.8` Å (Zhang & Skolnick 2004,
    Proteins 57, 702): d₀ makes the score of unrelated proteins independent of their length.

    Args:
        trace, other: `(L, 3)` and `(M, 3)` in Å.
        letters, other_letters: their L and M residues.
        pairs: the alignment as two strings with gaps; without, the best one of the two shapes is sought.
    """
    result = tmtools.tm_align(
        np.ascontiguousarray(trace, dtype=np.float64),
        np.ascontiguousarray(other, dtype=np.float64),
        letters,
        other_letters,
        pairs,
    )
    one, two = (np.array([letter != "-" for letter in text]) for text in (result.seqxA, result.seqyA))
    both = one & two
    return ShapeAlignment(
        (np.cumsum(one) - 1)[both],
        (np.cumsum(two) - 1)[both],
        float(result.tm_norm_chain1),
        float(result.tm_norm_chain2),
        float(result.rmsd),
        Transform(np.asarray(result.u), np.asarray(result.t)),
    )


def gapped(letters: str, other_letters: str, rows: Sequence[int], others: Sequence[int]) -> tuple[str, str]:
    """Pairs as two strings with gaps; only pairs that rise in both can be written so.

    >>> gapped("ACD", "AD", [0, 2], [0, 1])
    ('ACD', 'A-D')
    """
    left, right, i, j = [], [], 0, 0
    for row, other in zip(rows, others, strict=True):
        left.append(letters[i:row] + "-" * (other - j) + letters[row])
        right.append("-" * (row - i) + other_letters[j:other] + other_letters[other])
        i, j = row + 1, other + 1
    left.append(letters[i:] + "-" * (len(other_letters) - j))
    right.append("-" * (len(letters) - i) + other_letters[j:])
    return "".join(left), "".join(right)


def match_by_shape(model: Structure, reference: Structure) -> Matching:
    """The two chains that are most alike in shape, whatever their sequences.

    Raises:
        BadInput: no chain is long enough to have a shape.
        TooLarge: so many or so long chains that comparing each with each takes too long.
    """
    ours, theirs = _long_chains(model), _long_chains(reference)
    if not ours or not theirs:
        raise BadInput("These two structures cannot be compared: their chains are too short to have a shape.")
    _require_size([(a, b) for _, a in ours for _, b in theirs])
    best, score = None, -1.0
    for _, part in ours:
        for _, other_part in theirs:
            alignment = _align_parts(model, part, reference, other_part)
            if alignment.reference > score and len(alignment.rows):
                best, score = (part, other_part, alignment), alignment.reference
    if best is None:
        raise BadInput("These two structures cannot be compared: no chain of the one can be laid on one of the other.")
    part, other_part, alignment = best
    rows, others = alignment.rows + part.start, alignment.others + other_part.start
    return Matching(rows, others, (_pair(model, rows, reference, others),), "shape")


def by_shape_where_diverged(model: Structure, reference: Structure, matching: Matching) -> Matching:
    """The matching with its chains' residues paired by shape, where fewer than nine in ten are the same residue."""
    ours, theirs = dict(model.chain_slices()), dict(reference.chain_slices())
    diverged = [pair for pair in matching.chains if pair.alike < SAME_PROTEIN]
    if not diverged:
        return matching
    _require_size([(ours[pair.model], theirs[pair.reference]) for pair in diverged])
    rows, others, chains = [], [], []
    start = 0
    for pair in matching.chains:
        part, other_part = ours[pair.model], theirs[pair.reference]
        mine = slice(start, start + pair.residues)
        start = mine.stop
        a, b = matching.model[mine], matching.reference[mine]
        if pair in diverged:
            alignment = _align_parts(model, part, reference, other_part)
            if len(alignment.rows):
                a, b = alignment.rows + part.start, alignment.others + other_part.start
        rows.append(a)
        others.append(b)
        chains.append(_pair(model, a, reference, b))
    return Matching(np.concatenate(rows), np.concatenate(others), tuple(chains), "shape")


def _align_parts(model: Structure, part: slice, reference: Structure, other: slice) -> ShapeAlignment:
    return align_shapes(model.ca[part], reference.ca[other], model.sequence[part], reference.sequence[other])


def _pair(model: Structure, rows: np.ndarray, reference: Structure, others: np.ndarray) -> ChainPair:
    same = sum(model.sequence[i] == reference.sequence[j] for i, j in zip(rows, others, strict=True))
    share = same / max(len(rows), 1)
    return ChainPair(str(model.chains[rows[0]]), str(reference.chains[others[0]]), len(rows), share, share)


def _long_chains(structure: Structure) -> list[tuple[str, slice]]:
    return [(name, part) for name, part in structure.chain_slices() if part.stop - part.start >= MIN_RESIDUES]


def _require_size(pairs: Sequence[tuple[slice, slice]]) -> None:
    if sum((a.stop - a.start) * (b.stop - b.start) for a, b in pairs) > MAX_CELLS:
        raise TooLarge(
            "These structures are relatives at most, and too large to be compared by shape: save the chains you want "
            "to compare as files of their own."
        )


def alignment_lines(
    model: Structure, reference: Structure, matching: Matching, deviation: np.ndarray
) -> list[dict[str, str]]:
    """The alignment of each pair of chains as three lines: the model, marks, the reference.

    Marks are TM-align's: “:” for residues within 5 Å of each other after superposition, “.” for further ones.
    `deviation` `(P,)` in Å, in the order of the matching.
    """
    ours, theirs = dict(model.chain_slices()), dict(reference.chain_slices())
    blocks = []
    for pair in matching.chains:
        part, other = ours[pair.model], theirs[pair.reference]
        mine = (matching.model >= part.start) & (matching.model < part.stop)
        rows, others = matching.model[mine] - part.start, matching.reference[mine] - other.start
        top, bottom = gapped(model.sequence[part], reference.sequence[other], rows.tolist(), others.tolist())
        close = iter(deviation[mine] < CLOSE)
        marks = "".join(
            (":" if next(close) else ".") if "-" not in both else " " for both in zip(top, bottom, strict=True)
        )
        blocks.append({"model": pair.model, "reference": pair.reference, "top": top, "marks": marks, "bottom": bottom})
    return blocks

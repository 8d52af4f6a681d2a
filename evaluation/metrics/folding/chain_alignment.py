"""Which residue of one structure is which of another: chains mapped by sequence, missing residues left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import gemmi
import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.superpose import rmsd, superpose

MIN_IDENTITY = 0.3
MIN_MATCHED_RESIDUES = 3
MAX_MAPPINGS = 720
MAX_SEARCH_STEPS = 20_000
MAX_ANCHORS = 200
MAX_CHAIN_PAIRS = 10_000


@dataclass(frozen=True)
class ChainPair:
    """Chain `model` is taken as chain `reference`; of `residues` matched ones a share `identity` is alike.

    `alike`: the same share with the residues that could be matched with others, and are not, as well. An alignment by
    letters leaves out what differs, so `identity` alone says little of how alike two chains are.
    """

    model: str
    reference: str
    residues: int
    identity: float
    alike: float = 1.0


@dataclass(frozen=True)
class Matching:
    """Row k says: residue `model[k]` of the one is residue `reference[k]` of the other (indices, `(P,)` each).

    `by`: what paired them, "sequence" or "shape".
    """

    model: np.ndarray
    reference: np.ndarray
    chains: tuple[ChainPair, ...]
    by: str = "sequence"

    def __len__(self) -> int:
        return len(self.model)

    @property
    def identity(self) -> float:
        return sum(pair.identity * pair.residues for pair in self.chains) / max(len(self), 1)


def match(model: Structure, reference: Structure) -> Matching:
    """Map chains to chains and residues to residues.

    Chains pair up such that the most letters agree; where several pairings agree as well (copies of one chain), the
    one with the least RMSD. Within a pair residues go by their numbers where these fit the letters, else by alignment.

    Raises:
        BadInput: no chain of the one is like a chain of the other.
        TooLarge: so many chains that comparing each with each takes minutes.
    """
    ours, theirs = list(model.chain_slices()), list(reference.chain_slices())
    if len(ours) * len(theirs) > MAX_CHAIN_PAIRS:
        raise TooLarge(
            f"These structures have {len(ours):,} and {len(theirs):,} chains, too many to find which is which: save "
            "the chains you want to compare as files of their own."
        )
    table = [[_residues(model, one, reference, other) for _, other in theirs] for _, one in ours]
    pairs = _best_mapping(model, reference, table)
    if not pairs:
        raise BadInput("These two structures cannot be compared: none of their chains have a similar sequence.")
    rows = [table[i][j] for i, j in pairs]
    chains = tuple(
        ChainPair(
            ours[i][0],
            theirs[j][0],
            len(a),
            _same(model, a, reference, b) / len(a),
            _same(model, a, reference, b) / (len(a) + _passed_over(a, b, ours[i][1], theirs[j][1])),
        )
        for (i, j), (a, b) in zip(pairs, rows, strict=True)
    )
    return Matching(np.concatenate([a for a, _ in rows]), np.concatenate([b for _, b in rows]), chains)


Rows = tuple[np.ndarray, np.ndarray]


def _same(model: Structure, rows: np.ndarray, reference: Structure, others: np.ndarray) -> int:
    return sum(model.sequence[i] == reference.sequence[j] for i, j in zip(rows, others, strict=True))


def _passed_over(rows: np.ndarray, others: np.ndarray, one: slice, other: slice) -> int:
    """How many more pairs there could be: where both chains have residues left between two pairs, or at an end."""
    left = np.diff(rows, prepend=one.start - 1, append=one.stop) - 1
    right = np.diff(others, prepend=other.start - 1, append=other.stop) - 1
    return int(np.minimum(left, right).sum())


def _residues(model: Structure, one: slice, reference: Structure, other: slice) -> Rows:
    """Matched indices, or none where too few letters agree."""
    found = _by_number(model, one, reference, other) or align(model.sequence[one], reference.sequence[other])
    rows, others = found[0] + one.start, found[1] + other.start
    shorter = min(one.stop - one.start, other.stop - other.start)
    enough = max(MIN_MATCHED_RESIDUES, MIN_IDENTITY * shorter)
    if _same(model, rows, reference, others) < enough:
        return np.array([], dtype=int), np.array([], dtype=int)
    return rows, others


def _by_number(model: Structure, one: slice, reference: Structure, other: slice) -> Rows | None:
    """By residue number, if those in common cover nine tenths of the shorter chain and as many letters agree."""

    def named(structure: Structure, part: slice) -> dict[tuple[int, str], int]:
        numbers, codes = structure.numbers[part].tolist(), structure.insertions[part].tolist()
        return {key: row for row, key in enumerate(zip(numbers, codes, strict=True))}

    ours, theirs = named(model, one), named(reference, other)
    common = [key for key in ours if key in theirs]
    if len(common) < 0.9 * min(one.stop - one.start, other.stop - other.start):
        return None
    rows, others = np.array([ours[key] for key in common]), np.array([theirs[key] for key in common])
    alike = _same(model, rows + one.start, reference, others + other.start)
    return (rows, others) if alike >= 0.9 * len(common) else None


def align(one: str, other: str) -> Rows:
    """Indices of letters that a global alignment with affine gaps puts on each other, `(P,)` each."""
    scoring = gemmi.AlignmentScoring()
    scoring.match, scoring.mismatch, scoring.gapo, scoring.gape = 2, -1, -4, 0
    result = gemmi.align_string_sequences(list(one), list(other), [], scoring)
    left, right = result.add_gaps(one, 1), result.add_gaps(other, 2)
    there, also = np.array([letter != "-" for letter in left]), np.array([letter != "-" for letter in right])
    both = there & also
    return (np.cumsum(there) - 1)[both], (np.cumsum(also) - 1)[both]


def _best_mapping(model: Structure, reference: Structure, table: Sequence[Sequence[Rows]]) -> list[tuple[int, int]]:
    """(chain of the model, chain of the reference) pairs, each chain once."""
    from scipy.optimize import linear_sum_assignment

    agree = np.array([[_same(model, a, reference, b) for a, b in row] for row in table])
    best = [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(-agree), strict=True) if agree[i, j]]
    if not best or agree.size == 1:
        return best
    most, least = sum(agree[pair] for pair in best), _paired_rmsd(model, reference, table, best)
    ways = (_anchored(model, reference, table, agree), islice(_arrangements(agree, best), MAX_MAPPINGS))
    for others in chain.from_iterable(ways):
        if len(others) < len(best) or sum(agree[pair] for pair in others) < 0.95 * most:
            continue
        spread = _paired_rmsd(model, reference, table, others)
        if spread < least - 1e-6:
            best, least = others, spread
    return best


def _arrangements(agree: np.ndarray, first: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Ways to give each chain of the shorter side that has a partner in `first` one that it is like, step by step.

    Only like chains are ever tried, and only so many steps: all orders of twelve chains would be 479 million.
    """
    turned = agree.shape[0] > agree.shape[1]
    like = (agree.T if turned else agree) > 0
    rows = sorted(pair[1] if turned else pair[0] for pair in first)
    partners = [np.flatnonzero(like[row]).tolist() for row in rows]
    open_ways: list[tuple[int, ...]] = [()]
    for _ in range(MAX_SEARCH_STEPS):
        if not open_ways:
            return
        way = open_ways.pop()
        if len(way) < len(rows):
            open_ways += [(*way, column) for column in reversed(partners[len(way)]) if column not in way]
        else:
            yield [(column, row) if turned else (row, column) for row, column in zip(rows, way, strict=True)]


def _anchored(
    model: Structure, reference: Structure, table: Sequence[Sequence[Rows]], agree: np.ndarray
) -> Iterator[list[tuple[int, int]]]:
    """Lay one chain on each that it is like, and pair the others by where they come to lie.

    Finds the mapping of large rings and cages, whose copies have too many orders to try them all.
    """
    from scipy.optimize import linear_sum_assignment

    ours, theirs = ([whole.ca[part].mean(axis=0) for _, part in whole.chain_slices()] for whole in (model, reference))
    for i, j in islice(zip(*np.nonzero(agree), strict=True), MAX_ANCHORS):
        rows, others = table[i][j]
        laid = superpose(model.ca[rows], reference.ca[others]).apply(np.array(ours, float))
        apart = np.linalg.norm(laid[:, None] - np.array(theirs, float)[None], axis=-1)
        cost = np.where(agree > 0, apart, apart.max() * agree.size + 1)
        yield [(int(a), int(b)) for a, b in zip(*linear_sum_assignment(cost), strict=True) if agree[a, b]]


def _paired_rmsd(
    model: Structure, reference: Structure, table: Sequence[Sequence[Rows]], pairs: list[tuple[int, int]]
) -> float:
    rows = np.concatenate([table[i][j][0] for i, j in pairs])
    others = np.concatenate([table[i][j][1] for i, j in pairs])
    return rmsd(model.ca[rows], reference.ca[others])

"""A folded protein against the truth: TM-score, RMSD, GDT, lDDT, contacts, and whether its confidence was earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.chain_alignment import Matching, match
from evaluation.metrics.folding.gdt import HA_CUTOFFS, TS_CUTOFFS, fractions_within
from evaluation.metrics.folding.lddt import lddt_all_atom, lddt_ca
from evaluation.metrics.folding.shape_alignment import (
    ShapeAlignment,
    align_shapes,
    alignment_lines,
    by_shape_where_diverged,
    gapped,
    match_by_shape,
)
from evaluation.metrics.folding.superpose import Transform, superpose


@dataclass(frozen=True)
class TmScore:
    """0 to 1; above about 0.5 two proteins have the same fold (Zhang & Skolnick 2004, Xu & Zhang 2010).

    reference, model: the score by the length of either. `transform` lays the model on the reference; `rmsd` in Å
    is over the `aligned` residues under the score's own alignment.
    """

    reference: float
    model: float
    rmsd: float
    aligned: int
    transform: Transform


def tm_score(model: Structure, reference: Structure, matching: Matching | None = None) -> TmScore:
    """The TM-score, normalised by the reference's length L.

    `TM = max (1/L) Σᵢ 1 / (1 + (dᵢ / d₀)²)` over superpositions, `d₀ = 1.24 ∛(L − 15) − 1.8` Å (Zhang & Skolnick 2004,
    Proteins 57, 702): d₀ makes the score of unrelated proteins independent of their length.

    With a `matching` residues are compared as it pairs them (TM-score); without, the best alignment of the two
    shapes is sought, whatever their sequences (TM-align, Zhang & Skolnick 2005).
    """
    pairs = None
    if matching is not None:
        rows, others = matching.model.tolist(), matching.reference.tolist()
        pairs = gapped(model.sequence, reference.sequence, rows, others)
    alignment = align_shapes(model.ca, reference.ca, model.sequence, reference.sequence, pairs)
    return TmScore(alignment.reference, alignment.model, alignment.rmsd, len(alignment.rows), alignment.transform)


@dataclass(frozen=True)
class Comparison:
    """How like the reference a model is. Scores run from 0 to 1, higher is better; `rmsd` is in Å, lower is better.

    Chains of the reference without a partner are left out. coverage: share of the others' residues that the model
    has. tm, gdt_ts, gdt_ha are by their length, so that what is missing counts. lddt: Cα; lddt_all: all heavy atoms.
    `residues` and `deviation` `(P,)` belong to the matched residues: lDDT-Cα, and the distance in Å after
    superposition. `transform` lays the model on the reference with the least RMSD. `tm_model` is the TM-score by the
    model's length. `alignment` shows each pair of chains: `top` the model, `marks`, `bottom` the reference.
    """

    matching: Matching
    transform: Transform
    tm: float
    rmsd: float
    gdt_ts: float
    gdt_ha: float
    lddt: float
    lddt_all: float
    coverage: float
    residues: np.ndarray
    deviation: np.ndarray
    sentence: str
    tm_model: float = float("nan")
    alignment: tuple[dict[str, str], ...] = ()

    def scores(self) -> dict[str, float]:
        names = ("tm", "tm_model", "rmsd", "gdt_ts", "gdt_ha", "lddt", "lddt_all", "coverage")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        return {
            **{name: round(value, 4) for name, value in self.scores().items()},
            "sentence": self.sentence,
            "paired_by": self.matching.by,
            "alignment": list(self.alignment),
            "chains": [asdict(pair) for pair in self.matching.chains],
            "model": self.matching.model.tolist(),
            "reference": self.matching.reference.tolist(),
            "lddt_residues": [round(x, 4) if np.isfinite(x) else None for x in self.residues.tolist()],
            "deviation": np.round(self.deviation, 3).tolist(),
            "rotation": np.round(self.transform.rotation, 8).tolist(),
            "shift": np.round(self.transform.shift, 5).tolist(),
        }


def compare(model: Structure, reference: Structure) -> Comparison:
    """All scores of one pair.

    Chains pair up by their letters, or by their shape where none are alike; residues by their letters in two structures
    of one protein, by shape (TM-align) in relatives.

    Raises BadInput where nothing of the one can be laid on the other.
    """
    matching = _matched(model, reference)
    whole, length = len(reference), _length_of(reference, [pair.reference for pair in matching.chains])
    order = np.argsort(matching.reference, kind="stable")  # chains may come in another order than the reference's
    matching = replace(matching, model=matching.model[order], reference=matching.reference[order])
    ours, theirs = model.ca[matching.model].astype(float), reference.ca[matching.reference].astype(float)
    transform = superpose(ours, theirs)
    deviation = np.linalg.norm(transform.apply(ours) - theirs, axis=-1)
    within = dict(zip((*HA_CUTOFFS, 8.0), fractions_within(ours, theirs, (*HA_CUTOFFS, 8.0), length), strict=True))
    picked, truth = model.select(matching.model), reference.select(matching.reference)
    scores = _tm_scores(model, reference, matching)
    trace = lddt_ca(ours, theirs)
    comparison = Comparison(
        matching,
        transform,
        tm=scores.reference,
        rmsd=float(np.sqrt(np.square(deviation).mean())),
        gdt_ts=float(np.mean([within[limit] for limit in TS_CUTOFFS])),
        gdt_ha=float(np.mean([within[limit] for limit in HA_CUTOFFS])),
        lddt=trace.score,
        lddt_all=lddt_all_atom(picked, truth).score,
        coverage=len(matching) / length,
        residues=trace.residues,
        deviation=deviation,
        sentence="",
        tm_model=scores.model,
        alignment=tuple(alignment_lines(model, reference, matching, deviation)),
    )
    lengths = _length_of(model, [pair.model for pair in matching.chains]), length, whole
    return replace(comparison, sentence=_sentence(comparison, *lengths))


def _matched(model: Structure, reference: Structure) -> Matching:
    try:
        matching = match(model, reference)
    except TooLarge:
        raise
    except BadInput:  # no sequence is like another
        return match_by_shape(model, reference)
    return by_shape_where_diverged(model, reference, matching)


def _tm_scores(model: Structure, reference: Structure, matching: Matching) -> ShapeAlignment:
    """The TM-scores of the pairs, by all residues of the chains that have a partner."""
    pairs = sorted(matching.chains, key=lambda pair: int(np.argmax(reference.chains == pair.reference)))
    mine = np.concatenate([np.flatnonzero(model.chains == pair.model) for pair in pairs])
    theirs = np.concatenate([np.flatnonzero(reference.chains == pair.reference) for pair in pairs])
    place, other_place = np.zeros(len(model), int), np.zeros(len(reference), int)
    place[mine], other_place[theirs] = np.arange(len(mine)), np.arange(len(theirs))
    letters = "".join(model.sequence[row] for row in mine)
    other_letters = "".join(reference.sequence[row] for row in theirs)
    rows, others = place[matching.model].tolist(), other_place[matching.reference].tolist()
    strings = gapped(letters, other_letters, rows, others)
    return align_shapes(model.ca[mine], reference.ca[theirs], letters, other_letters, strings)


def _length_of(structure: Structure, names: Sequence[str]) -> int:
    """Residues of the chains that have a partner; a chain that nobody modelled is no fault of the model."""
    return sum(part.stop - part.start for name, part in structure.chain_slices() if name in names)


def _sentence(comparison: Comparison, model_length: int, length: int, whole: int) -> str:
    matching, tm, by_model = comparison.matching, comparison.tm, comparison.tm_model
    alike = "Another fold"
    if tm > 0.9:
        alike = "Nearly the same structure"
    elif tm > 0.5:
        alike = "The same fold"
    elif by_model > 0.5:
        alike = "The same fold as a part of the reference"
    compared = f"{len(matching)} of the reference's {length} residues are compared"
    if length < whole:
        compared += f", those of chain {', '.join(pair.reference for pair in matching.chains)}"
    if matching.by == "shape":
        compared += f", paired by shape (TM-align); {matching.identity:.0%} of them are the same amino acid"
    scores = f"TM-score {tm:.3f}"
    scores += f", {by_model:.3f} by the model's {model_length} residues" if model_length != length else ""
    return f"{alike} ({scores}, RMSD {comparison.rmsd:.2f} Å): {compared}."


def contact_precision(
    predicted: np.ndarray, true: np.ndarray, min_sep: int = 6, tops: Sequence[int] = (1, 2, 5),
    known: np.ndarray | None = None,
) -> dict[str, float]:  # fmt: skip
    """Share of the L, L/2, L/5 likeliest contacts that are true, by name; NaN where there is no pair to judge.

    Args:
        predicted: `(L, L)` scores, higher is likelier; made symmetric by their mean.
        true: `(L, L)` bool, for instance `backends.folding.structure.geometry.contact_map`.
        min_sep: only pairs with |i − j| of at least this.
        tops: divisors of L.
        known: `(L,)` bool, residues whose place is known; pairs with others are not judged.
    """
    length = len(predicted)
    if predicted.shape != (length, length) or true.shape != predicted.shape:
        raise ValueError(f"contacts to compare have one shape (L, L), not {predicted.shape} and {true.shape}")
    rows, columns = np.triu_indices(length, max(min_sep, 1))
    if known is not None:
        both = known[rows] & known[columns]
        rows, columns = rows[both], columns[both]
    scores = np.nan_to_num((predicted[rows, columns] + predicted[columns, rows]) / 2, nan=-np.inf)
    hits = true[rows, columns][np.argsort(-scores, kind="stable")]
    precision = {}
    for top in tops:
        chosen = hits[: max(1, length // top)]
        precision["L" if top == 1 else f"L/{top}"] = float(chosen.mean()) if len(chosen) else float("nan")
    return precision


@dataclass(frozen=True)
class Band:
    """The residues whose pLDDT lies from `low` to `high`: how many, and the means (0 to 100) predicted and observed."""

    low: float
    high: float
    count: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Calibration:
    """Whether pLDDT kept its promise: `error` is the mean gap over residues' bands, in points of 100; `correlation` is
    Pearson's r, NaN where either is constant."""

    bands: tuple[Band, ...]
    error: float
    correlation: float


def calibration(plddt: np.ndarray, true: np.ndarray, width: float = 10.0) -> Calibration:
    """pLDDT `(N,)`, 0 to 100, against true lDDT-Cα `(N,)`, 0 to 1; residues without either are left out.

    Raises ValueError where no residue has both.
    """
    both = np.isfinite(plddt) & np.isfinite(true)
    if not both.any():
        raise ValueError("calibration needs a residue with both pLDDT and lDDT")
    predicted, observed = np.asarray(plddt, float)[both], 100 * np.asarray(true, float)[both]
    last = round(100 / width) - 1
    place = np.clip((predicted // width).astype(int), 0, last)
    bands = tuple(
        Band(width * k, width * (k + 1), int(mine.sum()), float(predicted[mine].mean()), float(observed[mine].mean()))
        for k in range(last + 1)
        if (mine := place == k).any()
    )
    error = sum(band.count * abs(band.predicted - band.observed) for band in bands) / len(predicted)
    varies = len(predicted) > 1 and np.ptp(predicted) > 0 and np.ptp(observed) > 0
    return Calibration(bands, float(error), float(np.corrcoef(predicted, observed)[0, 1]) if varies else float("nan"))

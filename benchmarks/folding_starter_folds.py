"""What the folding starter makes of single sequences, on chains kept apart and on a few well-known proteins.

Beside it stands what its secondary structure says without any folding: ideal helices and strands in one long row. No
engine without weights folds a single sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from backends.folding.alignment.sequence import parse_text
from backends.folding.cards import CARDS, STARTER
from backends.folding.coevolution.chain import backbone
from backends.folding.engines.esmfold import EsmFoldEngine
from backends.folding.engines.secondary_head import SecondaryPredictor, bundled_predictor
from backends.folding.structure.reader import read_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from backends.folding.types import Model
from backends.weights.store import WeightStore
from evaluation.datasets.protein_chains import STATES, TEST, Chains
from evaluation.metrics.folding.folds import compare

LAID_OUT = "its states in a row"
TORSIONS = ((-63.0, -42.0, 180.0), (-120.0, 135.0, 180.0), (-70.0, 145.0, 180.0))
"""Degrees of φ, ψ and ω in a helix, a strand and elsewhere."""
BANDS = ((0, 50), (50, 60), (60, 70), (70, 80), (80, 101))
"""Of pLDDT."""
DRAWS = 2_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """A fold beside the truth: TM-score and lDDT of the chain, and of its residues lDDT, pLDDT (both 0 to 100) and
    states."""

    tm: float
    lddt: float
    residues: np.ndarray
    plddt: np.ndarray
    told: np.ndarray
    true: np.ndarray


def measure(chains: Chains, structures: Path) -> Iterator[Row]:
    engine, predictor = _engine(), bundled_predictor()
    whole = [row for row in chains.known(TEST) if chains.whole[row]]
    truths = [chains.structure(row) for row in whole]
    states = [chains.letters(row) for row in whole]
    found = {
        STARTER: [_judged(_folded(engine, t.sequence), t, s) for t, s in zip(truths, states, strict=True)],
        LAID_OUT: [_judged(_laid_out(predictor, t.sequence), t, s) for t, s in zip(truths, states, strict=True)],
    }
    for model, folds in found.items():
        yield _mean(model, "TM-score of chains kept apart", [fold.tm for fold in folds])
        yield _mean(model, "lDDT of chains kept apart", [fold.lddt for fold in folds])
        for letter in STATES[:2]:
            kept = [(fold.told == letter)[fold.true == letter] for fold in folds]
            yield pooled(model, f"of true {letter} folded as {letter}", kept)
    yield from _sure(found[STARTER])
    for path in sorted(structures.glob("*.*")):
        truth = first_chain(read_structure(path))
        fold = _judged(_folded(engine, truth.sequence), truth, assign_secondary_structure(truth))
        told = {"TM": round(fold.tm, 3), "lDDT": round(fold.lddt, 3), "pLDDT": round(float(fold.plddt.mean()), 1)}
        yield {"model": STARTER, "measure": path.stem} | told


def _engine() -> EsmFoldEngine:
    card = next(card for card in CARDS if card.id == STARTER)
    engine = EsmFoldEngine(card, WeightStore().paths(card))
    engine.load("cpu")
    return engine


def _folded(engine: EsmFoldEngine, sequence: str) -> Structure:
    return next(x for x in engine.predict(parse_text(sequence), {}) if isinstance(x, Model)).structure


def _laid_out(predictor: SecondaryPredictor, sequence: str) -> Structure:
    states = next(predictor.sequences([sequence])).argmax(1)
    torsions = torch.deg2rad(torch.tensor([[TORSIONS[state] for state in states]]))
    return Structure.from_backbone(backbone(torsions)[0].numpy(), sequence)


def _judged(fold: Structure, truth: Structure, states: np.ndarray) -> Judged:
    scored = compare(fold, truth)
    return Judged(
        scored.tm, scored.lddt, 100 * scored.residues, fold.confidence, assign_secondary_structure(fold), states
    )


def _sure(folds: list[Judged]) -> Iterator[Row]:
    """Whether pLDDT says what lDDT turns out to be."""
    for low, high in BANDS:
        inside = [(fold.plddt >= low) & (fold.plddt < high) & np.isfinite(fold.residues) for fold in folds]
        count = int(sum(part.sum() for part in inside))
        if count:
            true, said = ([getattr(fold, name)[part] for fold, part in zip(folds, inside, strict=True)] for name in (
                "residues", "plddt",
            ))  # fmt: skip
            row = pooled(STARTER, f"lDDT where pLDDT is {low} to {min(high, 100)}", true)
            yield row | {"said": round(float(np.concatenate(said).mean()), 1)}
    off = [(fold.plddt - fold.residues)[np.isfinite(fold.residues)] for fold in folds]
    yield pooled(STARTER, "pLDDT less lDDT, residues", off)
    ranks = [float(spearmanr(fold.plddt, fold.residues, nan_policy="omit").statistic) for fold in folds]
    yield _mean(STARTER, "rank correlation of pLDDT and lDDT within a chain", ranks)
    means = np.array([(fold.plddt.mean(), fold.lddt) for fold in folds])
    draws = np.random.default_rng(0).integers(len(folds), size=(DRAWS, len(folds)))
    low, high = np.percentile([_rank(means[rows]) for rows in draws], (2.5, 97.5))
    row = {"model": STARTER, "measure": "the same, between chains", "mean": round(_rank(means), 3), "n": len(folds)}
    yield row | {"interval": [round(float(low), 3), round(float(high), 3)]}


def _rank(means: np.ndarray) -> float:
    return float(spearmanr(*means.T).statistic)


def first_chain(structure: Structure) -> Structure:
    _, rows = next(structure.chain_slices())
    return structure.select(np.arange(rows.start, rows.stop))


def _mean(model: str, what: str, values: list[float]) -> Row:
    """Of one value a chain."""
    return pooled(model, what, [np.array([value]) for value in values])


def pooled(model: str, what: str, parts: list[np.ndarray]) -> Row:
    """The share over the residues of all chains, and its interval over chains."""
    sums, counts = (np.array([fold(part) for part in parts], float) for fold in (np.sum, len))
    rows = np.random.default_rng(0).integers(len(parts), size=(DRAWS, len(parts)))
    held = counts[rows].sum(1)
    draws = sums[rows].sum(1)[held > 0] / held[held > 0]
    low, high = (round(float(edge), 4) for edge in np.percentile(draws, (2.5, 97.5)))
    mean = round(float(sums.sum() / max(counts.sum(), 1)), 4)
    return {"model": model, "measure": what, "mean": mean, "interval": [low, high], "n": int(counts.sum())}

"""The starter of proteins: secondary structure and folds of held-out chains, and what `coevolution` makes of it.

`evaluation/datasets/protein_chains.py` says which chains are held out. An interval is over chains, whose residues are
not independent. TM-scores and lDDT of folds compare residue with residue, and seek no alignment. Beside the starter's
folds stands what its secondary structure says without any folding: ideal helices and strands in one long row. No engine
without weights folds a single sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from backends.folding.cards import STARTER
from backends.folding.engines.secondary_head import SecondaryPredictor, bundled_predictor
from backends.folding.structure.plausibility_checks import BROKEN, GOOD, check_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from evaluation.datasets.aligned_proteins import AlignedProteins, StructureFiles
from evaluation.datasets.protein_chains import STATES, TEST, Chains, read_chains
from evaluation.metrics.folding.chain_alignment import align
from evaluation.metrics.folding.folds import compare
from evaluation.statistics import clustered, intervals
from evaluation.systems.folding import Coevolution, esmfold, fold, lay_out, propensities

TRAINED, MEASURED = "train/proteins", "protein"
SEEDS = (0, 1)
LAID_OUT, UNRELAXED = "its states in a row", f"{STARTER}, not relaxed"
WITHOUT, WITH = "coevolution without it", "coevolution with it"
CERTAINTY = ((0.33, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))
"""Bands of the probability of the likeliest state."""
BANDS = ((0, 50), (50, 60), (60, 70), (70, 80), (80, 101))
"""Of pLDDT."""

Row = dict[str, Any]


def measure(data: Path) -> Iterator[Row]:
    predictor, chains = bundled_predictor(), read_chains(data / TRAINED)
    yield from _states(chains, predictor)
    yield from _folds(chains, predictor, StructureFiles(data / MEASURED / "structures"))
    yield from _coevolution(AlignedProteins(data / MEASURED), predictor)


def _states(chains: Chains, predictor: SecondaryPredictor) -> Iterator[Row]:
    """Q3 of single sequences, beside the propensities that coevolution has without the starter, and each state."""
    rows = chains.known(TEST)
    texts = [chains.sequence(row) for row in rows]
    truth = [chains.states[chains.rows(row)] for row in rows]
    logs = list(predictor.sequences(texts))
    answers = {STARTER: [log.argmax(1) for log in logs], "propensities": [propensities(text) for text in texts]}
    for model, states in answers.items():
        known = [(a[b >= 0], b[b >= 0]) for a, b in zip(states, truth, strict=True)]
        yield pooled(model, "chains kept apart, Q3", [a == b for a, b in known])
        for state, letter in enumerate(STATES[:2]):
            yield pooled(model, f"of true {letter} told", [a[b == state] == state for a, b in known])
            yield pooled(model, f"of told {letter} true", [b[a == state] == state for a, b in known])
    probabilities = [np.exp(log).max(1) for log in logs]
    for low, high in CERTAINTY:
        inside = [(p >= low) & (p < high) & (b >= 0) for p, b in zip(probabilities, truth, strict=True)]
        right = [(log.argmax(1) == b)[part] for log, b, part in zip(logs, truth, inside, strict=True)]
        yield pooled(STARTER, f"right where it says {low:.0%} to {min(high, 1):.0%}", right)


@dataclass(frozen=True)
class Scored:
    """A fold beside the truth: TM-score and lDDT of the chain, and what checks of its geometry call it; by residue
    lDDT, pLDDT (both 0 to 100) and states."""

    tm: float
    lddt: float
    verdict: str
    residues: np.ndarray
    plddt: np.ndarray
    states: np.ndarray
    true_states: np.ndarray

    @classmethod
    def of(cls, model: Structure, truth: Structure, states: np.ndarray) -> Scored:
        found = compare(model, truth)
        own = assign_secondary_structure(model)
        verdict = check_structure(model).verdict
        return cls(found.tm, found.lddt, verdict, 100 * found.residues, model.confidence, own, states)


def _folds(chains: Chains, predictor: SecondaryPredictor, known: StructureFiles) -> Iterator[Row]:
    """Folds of single sequences: of held-out chains, and of a few well-known proteins."""
    engine = esmfold(STARTER)
    whole = [row for row in chains.known(TEST) if chains.whole[row]]
    truths = [(chains.structure(row), chains.letters(row)) for row in whole]
    systems = {
        STARTER: partial(fold, engine),
        UNRELAXED: partial(fold, engine, relax=False),
        LAID_OUT: partial(lay_out, predictor),
    }
    scored = {
        model: [Scored.of(system(truth.sequence), truth, states) for truth, states in truths]
        for model, system in systems.items()
    }
    for model, folds in scored.items():
        yield _mean(model, "TM-score of chains kept apart", [one.tm for one in folds])
        yield _mean(model, "lDDT of chains kept apart", [one.lddt for one in folds])
        for verdict in (GOOD, BROKEN):
            yield _mean(model, f"chains that checks call {verdict}", [float(one.verdict == verdict) for one in folds])
        for letter in STATES[:2]:
            hits = [(one.states == letter)[one.true_states == letter] for one in folds]
            yield pooled(model, f"of true {letter} folded as {letter}", hits)
    yield from _calibration(scored[STARTER])
    for unit in known.units():
        one = Scored.of(
            fold(engine, unit.inputs["sequence"]), unit.reference, assign_secondary_structure(unit.reference)
        )
        values = {"TM": round(one.tm, 3), "lDDT": round(one.lddt, 3), "pLDDT": round(float(one.plddt.mean()), 1)}
        yield {"model": STARTER, "measure": unit.id} | values


def _calibration(folds: list[Scored]) -> Iterator[Row]:
    """Whether pLDDT says what lDDT turns out to be."""
    for low, high in BANDS:
        inside = [(one.plddt >= low) & (one.plddt < high) & np.isfinite(one.residues) for one in folds]
        if any(part.any() for part in inside):
            true = [one.residues[part] for one, part in zip(folds, inside, strict=True)]
            said = np.concatenate([one.plddt[part] for one, part in zip(folds, inside, strict=True)])
            row = pooled(STARTER, f"lDDT where pLDDT is {low} to {min(high, 100)}", true)
            yield row | {"said": round(float(said.mean()), 1)}
    off = [(one.plddt - one.residues)[np.isfinite(one.residues)] for one in folds]
    yield pooled(STARTER, "pLDDT less lDDT, residues", off)
    ranks = [float(spearmanr(one.plddt, one.residues, nan_policy="omit").statistic) for one in folds]
    yield _mean(STARTER, "rank correlation of pLDDT and lDDT within a chain", ranks)
    means = np.array([(one.plddt.mean(), one.lddt) for one in folds])
    found = intervals.bootstrap(means, rank_correlation)
    bounds = [round(found.low, 3), round(found.high, 3)]
    row = {"model": STARTER, "measure": "the same, between chains", "mean": round(found.estimate, 3), "n": len(folds)}
    yield row | {"interval": bounds}


def rank_correlation(one: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    """Spearman's: the correlation of ranks along `axis`."""
    ranks = [rankdata(values, axis=axis) for values in (one, other)]
    a, b = (rank - rank.mean(axis=axis, keepdims=True) for rank in ranks)
    return (a * b).sum(axis=axis) / np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))


def _coevolution(proteins: AlignedProteins, predictor: SecondaryPredictor) -> Iterator[Row]:
    """Folds from alignments, without and with the starter's secondary structure."""
    scores: dict[str, list[tuple[float, float, float]]] = {WITHOUT: [], WITH: []}
    for unit in proteins.units():
        alignment, truth = unit.inputs["alignment"], unit.reference.structure
        ours, theirs = align(alignment.query, truth.sequence)
        true_states = assign_secondary_structure(truth)[theirs]
        for model, states_from in ((WITHOUT, None), (WITH, predictor)):
            found = Coevolution.of(alignment, states_from)
            q3 = float((np.array(list(STATES))[found.states.argmax(1)[ours]] == true_states).mean())
            for seed in SEEDS:
                score = compare(found.fold(seed), truth)
                scores[model].append((q3, score.tm, score.lddt))
                yield {"model": model, "measure": f"{unit.id}, seed {seed}"} | _named(scores[model][-1:])
    for model, all_scores in scores.items():
        yield {"model": model, "measure": "all", "n": len(all_scores)} | _named(all_scores)


def _named(scores: list[tuple[float, float, float]]) -> dict[str, float]:
    return {what: round(float(x), 3) for what, x in zip(("Q3", "TM", "lDDT"), np.mean(scores, 0), strict=True)}


def _mean(model: str, what: str, values: Sequence[float]) -> Row:
    """Of one value a chain."""
    return pooled(model, what, [np.array([value]) for value in values])


def pooled(model: str, what: str, parts: Sequence[np.ndarray]) -> Row:
    """The mean over the residues of all chains, and its interval over chains."""
    found = clustered.pooled(parts)
    row = {"model": model, "measure": what, "mean": round(found.estimate, 4)}
    return row | {"interval": [round(found.low, 4), round(found.high, 4)], "n": sum(map(len, parts))}

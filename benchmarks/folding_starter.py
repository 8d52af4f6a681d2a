"""The starter of proteins: states and folds of chains kept apart, and what `coevolution` makes of its states.

`evaluation/datasets/protein_chains.py` says which chains are held out. An interval is over chains, whose residues are
not independent. TM-scores and lDDT of folds compare residue with residue, and seek no alignment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backends.folding.alignment.alignment import Alignment, sequence_weights
from backends.folding.alignment.profile import secondary_structure
from backends.folding.cards import STARTER
from backends.folding.coevolution.engine import analyse_alignment, fold_chain, usable_sequences
from backends.folding.engines.secondary_head import SecondaryPredictor, bundled_predictor
from backends.folding.residues import ALIGNMENT_ORDER
from backends.folding.structure.reader import read_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.types import Model
from benchmarks import folding_starter_folds
from benchmarks.coevolution import NAMES, _returned, joined
from benchmarks.folding_starter_folds import first_chain, pooled
from evaluation.datasets.protein_chains import STATES, TEST, Chains, read_chains
from evaluation.metrics.folding.chain_alignment import align
from evaluation.metrics.folding.folds import compare

TRAINED, MEASURED = "train/proteins", "protein"
SEEDS = (0, 1)
WITHOUT, WITH = "coevolution without it", "coevolution with it"

Row = dict[str, Any]


def measure(data: Path) -> Iterator[Row]:
    predictor, chains = bundled_predictor(), read_chains(data / TRAINED)
    yield from _told(chains, predictor)
    yield from folding_starter_folds.measure(chains, data / MEASURED / "structures")
    yield from _coevolved(data / MEASURED, predictor)


def _told(chains: Chains, predictor: SecondaryPredictor) -> Iterator[Row]:
    """Q3 of single sequences, beside the propensities that coevolution has without the starter, and each state."""
    rows = chains.known(TEST)
    texts = [chains.sequence(row) for row in rows]
    truth = [chains.states[chains.rows(row)] for row in rows]
    logs = list(predictor.sequences(texts))
    for model, found in (
        (STARTER, [log.argmax(1) for log in logs]),
        ("propensities", [_propensities(text) for text in texts]),
    ):
        known = [(a[b >= 0], b[b >= 0]) for a, b in zip(found, truth, strict=True)]
        yield pooled(model, "chains kept apart, Q3", [a == b for a, b in known])
        for state, letter in enumerate(STATES[:2]):
            yield pooled(model, f"of true {letter} told", [a[b == state] == state for a, b in known])
            yield pooled(model, f"of told {letter} true", [b[a == state] == state for a, b in known])
    for low, high in ((0.33, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        sure = [np.exp(log).max(1) for log in logs]
        inside = [(s >= low) & (s < high) & (b >= 0) for s, b in zip(sure, truth, strict=True)]
        right = [(log.argmax(1) == b)[part] for log, b, part in zip(logs, truth, inside, strict=True)]
        yield pooled(STARTER, f"right where it says {low:.0%} to {min(high, 1):.0%}", right)


def _propensities(text: str) -> np.ndarray:
    row = np.array([[ALIGNMENT_ORDER.index(letter) for letter in text]], np.uint8)
    alone = Alignment(("",), row, text, np.zeros_like(row, np.uint16))
    return secondary_structure(alone, np.ones(1), np.zeros((len(text), len(text)))).argmax(1)


def _coevolved(folder: Path, predictor: SecondaryPredictor) -> Iterator[Row]:
    """Folds from alignments, without and with the starter."""
    scores: dict[str, list[tuple[float, float, float]]] = {WITHOUT: [], WITH: []}
    for name in NAMES:
        alignment, _ = usable_sequences(joined(folder / "alignments" / name))
        truth = first_chain(read_structure(folder / "structures" / f"{name}.cif"))
        ours, theirs = align(alignment.query, truth.sequence)
        weights = sequence_weights(alignment.rows)
        for model, told in ((WITHOUT, None), (WITH, predictor)):
            contacts, states = _returned(analyse_alignment(alignment, weights, told))
            q3 = float(
                (np.array(list(STATES))[states.argmax(1)[ours]] == assign_secondary_structure(truth)[theirs]).mean()
            )
            for seed in SEEDS:
                fold = next(x for x in fold_chain(alignment.query, contacts, states, seed) if isinstance(x, Model))
                found = compare(fold.structure, truth)
                scores[model].append((q3, found.tm, found.lddt))
                yield {"model": model, "measure": f"{name}, seed {seed}"} | _named(scores[model][-1:])
    for model, found in scores.items():
        yield {"model": model, "measure": "all", "n": len(found)} | _named(found)


def _named(scores: list[tuple[float, float, float]]) -> dict[str, float]:
    return {what: round(float(x), 3) for what, x in zip(("Q3", "TM", "lDDT"), np.mean(scores, 0), strict=True)}

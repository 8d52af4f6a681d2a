"""Folding engines on sequences and alignments, and what a secondary structure says without any folding."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from backends.folding.alignment.alignment import Alignment, sequence_weights
from backends.folding.alignment.profile import secondary_structure
from backends.folding.alignment.sequence import parse_text
from backends.folding.coevolution.chain import backbone
from backends.folding.coevolution.engine import analyse_alignment, fold_chain, usable_sequences
from backends.folding.engines.esmfold import EsmFoldEngine
from backends.folding.engines.secondary_head import SecondaryPredictor
from backends.folding.residues import ALIGNMENT_ORDER
from backends.folding.structure.structure import Structure
from backends.folding.types import Model
from evaluation.systems import load_engine

T = TypeVar("T")
TORSIONS = ((-63.0, -42.0, 180.0), (-120.0, 135.0, 180.0), (-70.0, 145.0, 180.0))
"""Degrees of φ, ψ and ω in a helix, a strand and elsewhere."""


def esmfold(card: str) -> EsmFoldEngine:
    """The ESMFold of a card, loaded. Raises WeightsMissing."""
    engine = load_engine("folding", card)
    assert isinstance(engine, EsmFoldEngine)
    return engine


def fold(engine: EsmFoldEngine, sequence: str, **options: Any) -> Structure:
    """The structure that the engine predicts for a single sequence."""
    events = engine.predict(parse_text(sequence), options)
    return next(event for event in events if isinstance(event, Model)).structure


def lay_out(predictor: SecondaryPredictor, sequence: str) -> Structure:
    """Ideal helices and strands in one long row, as `predictor` sees them in the sequence: no folding at all."""
    states = next(predictor.sequences([sequence])).argmax(1)
    torsions = torch.deg2rad(torch.tensor([[TORSIONS[state] for state in states]]))
    return Structure.from_backbone(backbone(torsions)[0].numpy(), sequence)


def propensities(sequence: str) -> np.ndarray:
    """(L,) helix, strand or neither as 0, 1, 2, by how much each residue likes to be in them."""
    row = np.array([[ALIGNMENT_ORDER.index(letter) for letter in sequence]], np.uint8)
    alone = Alignment(("",), row, sequence, np.zeros_like(row, np.uint16))
    return secondary_structure(alone, np.ones(1), np.zeros((len(sequence), len(sequence)))).argmax(1)


@dataclass(frozen=True)
class Coevolution:
    """What an alignment says.

    `contacts` `(L, L)` are probabilities, `states` `(L, 3)` log odds of helix, strand and neither; `sequences` of them
    could be used and count as `effective` independent ones.
    """

    query: str
    contacts: np.ndarray
    states: np.ndarray
    sequences: int
    effective: float
    seconds: float

    @classmethod
    def of(cls, alignment: Alignment, predictor: SecondaryPredictor | None = None) -> Coevolution:
        """Of an alignment, with the secondary structure that `predictor` sees in it, if one is given."""
        began = time.perf_counter()
        kept, _ = usable_sequences(alignment)
        weights = sequence_weights(kept.rows)
        contacts, states = returned(analyse_alignment(kept, weights, predictor))
        seconds = time.perf_counter() - began
        return cls(alignment.query, contacts, states, len(kept), float(weights.sum()), seconds)

    def fold(self, seed: int) -> Structure:
        """A chain that has these contacts. The descent is chaotic: another machine may give another fold."""
        events = fold_chain(self.query, self.contacts, self.states, seed)
        return next(event for event in events if isinstance(event, Model)).structure


def returned(steps: Generator[object, None, T]) -> T:
    """What a generator returns once it has gone through all of its steps."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value

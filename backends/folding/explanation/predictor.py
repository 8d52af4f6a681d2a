"""Engines that fold a chain as the methods of attribution see them, through their predictions alone: AlphaFold2 by
OpenFold, and ESMFold2.

A hidden residue is unknown, an X, and no relative in the alignment has one in its column. A fold is made without
recycles, so that a map takes a quarter of the time.
"""

from __future__ import annotations

import copy
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backends.attribution.sanity import shuffle_weights
from backends.attribution.types import Subject
from backends.core.errors import EngineFailed
from backends.folding.alignment.sequence import Query
from backends.folding.explanation.subject import hidden_parts, nearness
from backends.folding.residues import ALIGNMENT_ORDER, GAP, UNKNOWN, encode
from backends.folding.structure.atoms import CA, CB
from backends.folding.types import Model

HIDDEN = "an unknown residue"
LEAST_CHANCE = 1e-6
"""Of a contact and of none, so that both have log-odds."""


@dataclass(frozen=True)
class Prediction:
    """A chain with one number about its prediction: how sure a contact is, or the confidence of a stretch.

    Attributes:
        engine: a loaded folding engine.
        query: the chain as that engine takes it, with its alignment where it reads one.
        pair: two residues whose contact is asked about, counted from 0; None for the confidence.
        stretch: residues whose confidence is asked about.
    """

    engine: Any
    query: Query
    pair: tuple[int, int] | None
    stretch: slice

    @property
    def unit(self) -> str:
        if self.pair is None:
            return "pLDDT"
        return "log-odds" if "contacts" in self.engine.capabilities.extras else "Å nearer"

    def score(self, hidden: np.ndarray) -> float:
        """With some residues, `(L,)` bool, hidden."""
        model = predicted(self.engine, without(self.query, hidden))
        if self.pair is None:
            assert model.confidence.plddt is not None  # every network that is asked here gives it
            return float(np.mean(model.confidence.plddt[self.stretch]))
        if "contacts" in model.extras:
            chance = float(np.clip(model.extras["contacts"][self.pair], LEAST_CHANCE, 1 - LEAST_CHANCE))
            return float(np.log(chance / (1 - chance)))
        return -distance(model, self.pair)


def predicted(engine: Any, query: Query) -> Model:
    """What an engine makes of a chain in one round."""
    model = None
    with closing(engine.predict(query, {"recycles": 0})) as events:
        for event in events:
            model = event if isinstance(event, Model) else model
    if model is None:
        raise EngineFailed("The model ended without a result: try again, or choose another one.")
    return model


def without(query: Query, hidden: np.ndarray) -> Query:
    """The chain with the residues `hidden` `(L,)` bool unknown, and their columns of the alignment empty."""
    letters = "".join(UNKNOWN if away else letter for letter, away in zip(query.sequence, hidden, strict=True))
    if query.alignment is not None:
        rows = np.where(hidden, ALIGNMENT_ORDER.index(GAP), query.alignment.rows).astype(np.uint8)
        query = replace(query, alignment=replace(query.alignment, rows=rows))
    return exchanged(query, letters)


def exchanged(query: Query, letters: str) -> Query:
    """The chain with other residues; its relatives in the alignment stay as they are."""
    chain, alignment = replace(query.chains[0], sequence=letters), query.alignment
    if alignment is not None:
        rows = alignment.rows.copy()
        rows[0] = encode(letters, ALIGNMENT_ORDER)
        alignment = replace(alignment, rows=rows, query=letters)
    return replace(query, chains=(chain,), alignment=alignment)


def distance(model: Model, pair: tuple[int, int]) -> float:
    """Of the Cβ atoms of two residues, or of the Cα where there is none, in Å."""
    atoms, mask = model.structure.atoms, model.structure.mask
    one, other = (atoms[place, CB if mask[place, CB] else CA] for place in pair)
    return float(np.linalg.norm(one - other))


def prediction_subject(asked: Prediction, target: str, detail: int = 8) -> Subject:
    """A chain with one number about its prediction as the score."""

    def scores(hidden: np.ndarray) -> np.ndarray:  # (B, L) bool -> (B,)
        return np.array([asked.score(one) for one in hidden])

    length = asked.query.length
    plain = None if asked.pair is None else nearness(length, asked.pair)
    residues, stretches = hidden_parts(length, detail, scores, hidden=HIDDEN, plain=plain)
    return Subject(
        target,
        given_cells=residues,
        players=stretches,
        control=lambda share, seed=0: prediction_subject(
            replace(asked, engine=shuffled(asked.engine, share, seed)), target, detail
        ),
        unit=asked.unit,
    )


def shuffled(engine: Any, share: float, seed: int = 0) -> Any:
    """The same engine with a network that knows nothing in the last `share` of its layers, shuffled by a seed."""
    control = copy.copy(engine)
    if hasattr(engine, "program"):  # OpenFold keeps its network beside its own pipeline of features
        control.program = copy.copy(engine.program)
        control.program.network = shuffle_weights(engine.program.network, seed, share)
    else:
        control.network = shuffle_weights(engine.network, seed, share)
    return control

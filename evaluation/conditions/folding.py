"""Proteins made harder: mutated and unknown residues, cut chains, thin alignments. The experiment stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.conditions.base import Condition
from evaluation.datasets.base import Sample

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def mutated(sample: Sample, share: float, rng: np.random.Generator) -> Sample:
    """A `share` of the residues becomes another one by chance; the fold that is asked for is still the old one."""
    letters = list(sample.inputs["sequence"])
    for place in rng.choice(len(letters), round(share * len(letters)), replace=False):
        letters[place] = rng.choice([letter for letter in LETTERS if letter != letters[place]])
    return _with(sample, "".join(letters))


def masked(sample: Sample, share: float, rng: np.random.Generator) -> Sample:
    """A `share` of the residues is unknown, X."""
    letters = list(sample.inputs["sequence"])
    for place in rng.choice(len(letters), round(share * len(letters)), replace=False):
        letters[place] = "X"
    return _with(sample, "".join(letters))


def cut(sample: Sample, share: float, rng: np.random.Generator) -> Sample:
    """The last `share` of the chain is missing; scores by the reference's length count what is missing."""
    sequence = sample.inputs["sequence"]
    return _with(sample, sequence[: max(10, round((1 - share) * len(sequence)))])


def depth(sample: Sample, count: float, rng: np.random.Generator) -> Sample:
    """Only `count` sequences of the alignment, drawn by chance, and the query."""
    alignment = sample.inputs["alignment"]
    rows = rng.permutation(np.arange(1, len(alignment)))[: int(count) - 1]
    return replace(sample, inputs={**sample.inputs, "alignment": alignment.take(np.sort([0, *rows]))})


def _with(sample: Sample, sequence: str) -> Sample:
    return replace(sample, inputs={**sample.inputs, "sequence": sequence})


CONDITIONS = (
    Condition("mutated", "Mutated residues", "of the residues", (0.05, 0.1, 0.2, 0.4, 0.7), mutated),
    Condition("masked", "Unknown residues", "of the residues", (0.05, 0.1, 0.2, 0.4, 0.7), masked),
    Condition("cut", "Cut chain", "of the chain missing", (0.05, 0.1, 0.2, 0.3, 0.5), cut),
    Condition("depth", "Thin alignment", "sequences", (256, 64, 16, 4, 1), depth),
)

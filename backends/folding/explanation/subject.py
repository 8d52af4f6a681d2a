"""Folding engines as the methods of attribution see them: residues that are hidden from the model.

The score of two residues is the log-odds that they touch; that of “plddt” is the mean confidence of a stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution.baselines import RESIDUE, usual
from backends.attribution.question import Question, read_interval
from backends.attribution.types import Axis, Parts, Subject
from backends.core.errors import BadInput
from backends.folding.alignment.sequence import read_input
from backends.folding.explanation import SEGMENTS, window_of

PLDDT = "plddt"


def make_subject(engine: Any, inputs: Mapping[str, Path], question: Question) -> Subject:
    """A chain with what is asked about it as its score. Raises BadInput."""
    query = read_input(inputs["query"])
    query, _ = engine.adapt_query(query, {})
    target = question.target.replace(" ", "") or PLDDT
    pair = None if target == PLDDT else read_pair(target, query.length)
    stretch = read_stretch(question.region, query.length)
    if engine.name == "coevolution":
        from backends.folding.explanation.coevolution import alignment_subject

        if pair is None:
            raise BadInput("This model has no learned confidence: ask why two residues touch, such as 12,40.")
        return alignment_subject(query, pair, target, question.detail)
    if engine.name != "esmfold":
        from backends.folding.explanation.predictor import Prediction, prediction_subject

        return prediction_subject(Prediction(engine, query, pair, stretch), target, question.detail)
    from backends.folding.explanation.esmfold import Chain, chain_subject

    chain = Chain(engine, query.sequence, pair, stretch, usual(RESIDUE, question.baseline))
    return chain_subject(chain, target, question.detail)


def read_pair(text: str, length: int) -> tuple[int, int]:
    """Two residues counted from 0, of a text that counts from 1. Raises BadInput.

    >>> read_pair("12,40", 60)
    (11, 39)
    """
    words = text.replace("-", ",").split(",")
    if len(words) != 2 or not all(word.isdigit() for word in words):
        raise BadInput(f"“{text}” is nothing to ask about: name two residues such as 12,40, or plddt.")
    first, second = (int(word) for word in words)
    if not (1 <= first <= length and 1 <= second <= length and first != second):
        raise BadInput(f"This chain has the residues 1 to {length}: name two of them.")
    return first - 1, second - 1


def read_stretch(region: str, length: int) -> slice:
    """Residues, counted from 0, of a stretch such as “32-36”; all for "". Raises BadInput."""
    ends = read_interval(region)
    if ends is None:
        return slice(0, length)
    if not 1 <= ends[0] <= ends[1] <= length:
        raise BadInput(f"This chain has the residues 1 to {length}: name a stretch of them.")
    return slice(int(ends[0]) - 1, int(ends[1]))


def residue_axis(length: int) -> Axis:
    """Residues, counted from 1."""
    return Axis("residue", "", coordinates=tuple(float(number) for number in range(1, length + 1)))


def nearness(length: int, pair: tuple[int, int]) -> np.ndarray:
    """`(L,)`: minus the distance along the chain to the nearer one of two residues."""
    places = np.arange(length)
    return -np.minimum(np.abs(places - pair[0]), np.abs(places - pair[1])).astype(float)


def segments(length: int) -> list[slice]:
    """A chain in up to SEGMENTS stretches of nearly the same length."""
    count = min(SEGMENTS, length)
    ends = [round(place * length / count) for place in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(ends)]


def segment_axis(stretches: list[slice]) -> Axis:
    return Axis("segment", labels=tuple(f"{part.start + 1}–{part.stop}" for part in stretches))


def hidden_parts(
    length: int,
    detail: int,
    scores: Callable[[np.ndarray], np.ndarray],
    *,
    hidden: str,
    plain: np.ndarray | None,
    plain_name: str = "how near a residue lies in the chain",
) -> tuple[Parts, Parts]:
    """A chain as residues that are hidden a few at a time, and as the stretches that play for Shapley values.

    Args:
        length: of the chain, L.
        detail: as for `window_of`.
        scores: from residues that are hidden, `(B, L)` bool, to the scores `(B,)`.
        hidden: what takes the place of a hidden residue, in words.
        plain: `(L,)`, a map that anybody could draw without the model; None where there is none.
        plain_name: what that map shows, in words.
    """
    window, stride = window_of(length, detail)
    stretches = segments(length)
    owner = np.concatenate([np.full(part.stop - part.start, number) for number, part in enumerate(stretches)])
    residues = Parts(
        (residue_axis(length),),
        (length,),
        lambda keep: scores(keep < 0.5),
        hidden,
        window=(window,),
        stride=(stride,),
        plain=plain,
        plain_name=plain_name,
    )
    axis = (segment_axis(stretches),)
    return residues, Parts(axis, (len(stretches),), lambda keep: scores(keep[:, owner] < 0.5), hidden)

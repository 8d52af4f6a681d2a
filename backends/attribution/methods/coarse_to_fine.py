"""Occlusion from coarse to fine: cover blocks of parts first, then one by one the parts of the blocks that matter.

A quarter of the way through there is a map of the whole input, which is given to `subject.preview`. Of a block whose
parts are not covered one by one, each part gets an equal share of the block's fall.
"""

from __future__ import annotations

import numpy as np

from backends.attribution.coalitions import Coalitions
from backends.attribution.costs import coarse_shape, fine_count
from backends.attribution.parts import enlarged
from backends.attribution.types import Attribution, Parts, Subject, Unsupported

METHOD = "coarse_to_fine"


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """How far the score falls while a part is covered, in units of the score; exact where the map is strong."""
    cells = subject.cells
    if cells is None or cells.axes[0].name == "word":
        raise Unsupported("Nothing of this input can be covered.")
    score = Coalitions(subject, cells)
    whole = score.whole
    owner = block_of_part(cells.shape)  # which block each part lies in
    blocks = np.stack([owner != number for number in range(owner.max() + 1)]).astype(float)
    block_falls = whole - score(blocks).numpy()
    values = (block_falls / np.bincount(owner.ravel()))[owner]
    subject.preview(_map(subject, cells, values, whole))
    strongest = np.argsort(-np.abs(block_falls)[owner], axis=None, kind="stable")[: fine_count(cells.shape)]
    single = np.ones((len(strongest), values.size))
    single[np.arange(len(strongest)), strongest] = 0
    values.ravel()[strongest] = whole - score(single.reshape(-1, *cells.shape)).numpy()
    return _map(subject, cells, values, whole)


def block_of_part(shape: tuple[int, ...]) -> np.ndarray:
    """The number of the block in which each part lies, an array of `shape`."""
    blocks = coarse_shape(shape)
    return enlarged(np.arange(np.prod(blocks)).reshape(blocks), shape)


def _map(subject: Subject, cells: Parts, values: np.ndarray, score: float) -> Attribution:
    return subject.attribution(values.astype(np.float32), cells.axes, METHOD, score, cells.baseline)

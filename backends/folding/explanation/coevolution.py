"""The coevolution engine as the methods of attribution see it: columns of the alignment that are taken out.

The score of two residues is their coupling after the average product correction; a hidden residue is a column in which
no sequence has any.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from backends.attribution.types import Subject
from backends.core.errors import BadInput
from backends.folding.alignment.alignment import Alignment, sequence_weights
from backends.folding.alignment.sequence import Query
from backends.folding.coevolution.dca import coupling_scores, mean_field
from backends.folding.coevolution.engine import usable_sequences
from backends.folding.explanation.subject import hidden_parts
from backends.folding.residues import ALIGNMENT_ORDER, GAP

HIDDEN = "an empty column"
EMPTY = ALIGNMENT_ORDER.index(GAP)


def alignment_subject(query: Query, pair: tuple[int, int], target: str, detail: int = 8) -> Subject:
    """An alignment with the coupling of two of its columns as the score. Raises BadInput without one."""
    if query.alignment is None:
        raise BadInput("“Coevolution” needs an alignment of related sequences (A3M, Stockholm or aligned FASTA).")
    alignment, _ = usable_sequences(query.alignment)
    rows, weights = alignment.rows, sequence_weights(alignment.rows)

    def scores(hidden: np.ndarray) -> np.ndarray:  # (B, L) bool -> (B,)
        return np.array([coupling(np.where(one, EMPTY, rows), weights, pair) for one in hidden])

    residues, stretches = hidden_parts(
        alignment.length,
        detail,
        scores,
        hidden=HIDDEN,
        plain=conservation(alignment),
        plain_name="how little a column varies",
    )
    return Subject(
        target,
        given_cells=residues,
        players=stretches,
        unit="coupling",
    )


def coupling(rows: np.ndarray, weights: np.ndarray, pair: tuple[int, int]) -> float:
    """The corrected coupling of two columns of an alignment `(N, L)`."""
    _, couplings = deque(mean_field(rows, weights), maxlen=1)[0]
    return float(coupling_scores(couplings)[pair])


def conservation(alignment: Alignment) -> np.ndarray:
    """`(L,)`: minus the entropy of each column, in nats."""
    counts = np.stack([np.bincount(column, minlength=len(ALIGNMENT_ORDER)) for column in alignment.rows.T]).astype(
        float
    )
    shares = counts / counts.sum(1, keepdims=True)
    return (shares * np.log(np.maximum(shares, 1e-12))).sum(1)

"""An alignment as the raw features that AlphaFold2's own pipeline starts from (Jumper et al. 2021, suppl. 1.2)."""

from __future__ import annotations

import numpy as np

from backends.folding.alignment.alignment import GAP, Alignment
from backends.folding.residues import ALIGNMENT_ORDER, ALPHAFOLD_ORDER, HHBLITS_ORDER, encode

_TO_HHBLITS = np.array([HHBLITS_ORDER.index(letter) for letter in ALIGNMENT_ORDER], np.int32)

MAX_MSA_ROWS = 16_384
"""Sequences handed over at most; the network itself sees some 5,000 of them."""


def raw_features(sequence: str, alignment: Alignment | None = None) -> dict[str, np.ndarray]:
    """The features of one chain with its alignment, or with itself as its only relative, and no templates.

    Raises ValueError where the alignment is of another protein.
    """
    length = len(sequence)
    rows, deletions = _rows(sequence, alignment)
    aatype = np.zeros((length, len(ALPHAFOLD_ORDER) + 1), np.int32)
    aatype[np.arange(length), encode(sequence)] = 1
    return {
        "aatype": aatype,
        "between_segment_residues": np.zeros(length, np.int32),
        "domain_name": np.array([b"query"], dtype=np.object_),
        "residue_index": np.arange(length, dtype=np.int32),
        "seq_length": np.full(length, length, np.int32),
        "sequence": np.array([sequence.encode()], dtype=np.object_),
        "msa": rows,
        "deletion_matrix_int": deletions,
        "num_alignments": np.full(length, len(rows), np.int32),
        "msa_species_identifiers": np.array([b""] * len(rows), dtype=np.object_),
        **no_templates(length),
    }


def no_templates(length: int) -> dict[str, np.ndarray]:
    """The template features of a search that found nothing."""
    return {
        "template_aatype": np.zeros((0, length, 22), np.float32),
        "template_all_atom_mask": np.zeros((0, length, 37), np.float32),
        "template_all_atom_positions": np.zeros((0, length, 37, 3), np.float32),
        "template_domain_names": np.array([b""], dtype=np.object_),
        "template_sequence": np.array([b""], dtype=np.object_),
        "template_sum_probs": np.zeros((0, 1), np.float32),
    }


def _rows(sequence: str, alignment: Alignment | None) -> tuple[np.ndarray, np.ndarray]:
    """`(N, L)` int32 residues as HHblits numbers them and `(N, L)` int32 deletions; the query first, none twice."""
    if alignment is None:
        query = np.array([[HHBLITS_ORDER.find(letter) % len(HHBLITS_ORDER) for letter in sequence]], np.int32)
        return query, np.zeros((1, len(sequence)), np.int32)
    if alignment.length != len(sequence):
        raise ValueError(f"an alignment over {alignment.length} residues for a chain of {len(sequence)}")
    chosen = alignment.unique()
    chosen = chosen.take(np.arange(min(len(chosen), MAX_MSA_ROWS)))
    empty = (chosen.rows == GAP).all(1)
    chosen = chosen.take(~empty)
    return _TO_HHBLITS[chosen.rows], chosen.deletions.astype(np.int32)

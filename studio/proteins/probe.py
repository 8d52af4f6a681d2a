"""What is known of a protein before it is folded: what the file holds, and what to know about its sequence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.core.errors import UserError
from backends.folding.alignment.endings import SUFFIXES
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.alignment.sequence_checks import SequenceWarning, check_sequence
from backends.folding.structure.confidence import fit_confidence, read_confidence
from backends.folding.structure.reader import read_structure
from studio.ui import formatting

TYPES = (*SUFFIXES, "txt")
"""Endings of what `read_input` reads; it goes by the content."""
MAX_UPLOAD_MB = 250
MAX_PASTE_LETTERS = 2_000_000


@dataclass(frozen=True)
class Probe:
    """What is known of a protein before it is folded.

    `warnings` are pairs of a chain's name, "" where there is but one, and what to know about its sequence. `problem`
    is one sentence where the file cannot be used.
    """

    query: Query | None = None
    warnings: tuple[tuple[str, SequenceWarning], ...] = ()
    problem: str = ""

    @property
    def length(self) -> int:
        return self.query.length if self.query else 0

    @property
    def kind(self) -> str:
        return self.query.kind if self.query else ""

    @property
    def text(self) -> str:
        """What was read, in one line."""
        if self.query is None:
            return ""
        parts = [self.query.kind_name, formatting.count(self.length, "residue")]
        if len(self.query.chains) > 1:
            parts.append(formatting.count(len(self.query.chains), "chain"))
        if self.query.alignment is not None:
            parts.append(f"{len(self.query.alignment.names):,} sequences")
        return ", ".join(parts)


def alignment_depth(found: Probe) -> str:
    """How much an alignment knows of each residue, in words; "" for what is no alignment."""
    if found.query is None or found.query.alignment is None:
        return ""
    counts = found.query.alignment.depth
    thinnest = int(counts.argmin())
    return (
        f"Half of the residues have {int(np.median(counts)):,} sequences or more; the fewest, {int(counts.min()):,}, "
        f"are at residue {thinnest + 1}. Models can do little with parts that have fewer than about 30."
    )


def probe(path: Path) -> Probe:
    """Read a file of any kind that the task takes; a problem is a sentence, never an exception."""
    try:
        query = read_input(path)
    except UserError as error:
        return Probe(problem=error.sentence)
    many = len(query.chains) > 1
    warnings = [
        (chain.name if many else "", finding) for chain in query.chains for finding in check_sequence(chain.sequence)
    ]
    return Probe(query, tuple(warnings))


def confidence_problem(path: Path, structure: Path) -> str:
    """One sentence where a file of confidence cannot go with a structure's file; "" where it can."""
    try:
        fit_confidence(read_confidence(path), read_structure(structure))
    except UserError as error:
        return error.sentence
    return ""

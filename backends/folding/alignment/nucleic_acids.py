"""Sequences of DNA and RNA among those of proteins: a model here folds the proteins alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUCLEOTIDES = frozenset("ACGTUN")
MIN_LETTERS = 10


def looks_like_nucleotides(text: str) -> bool:
    """Whether the capitals of a sequence could be bases; polyalanine, polyglycine and silk are proteins, too."""
    return len(text) >= MIN_LETTERS and set(text) <= NUCLEOTIDES


def is_nucleic_acid(raw: str, heading: str = "") -> bool:
    """Whether the letters of a chain can only be those of DNA or RNA, or can be and its heading says so.

    >>> is_nucleic_acid("ATGGCC atta"), is_nucleic_acid("AAAAAAAAAA"), is_nucleic_acid("CGCG", "2|Chain B|DNA (4-MER)")
    (True, False, True)
    """
    text = re.sub(r"[^A-Z]", "", raw.upper())
    if re.search(r"\b[DR]NA\b", heading):
        return bool(text) and set(text) <= NUCLEOTIDES
    return looks_like_nucleotides(text) and len(set(text) - {"N"}) > 3


def left_out(names: Sequence[str]) -> str:
    """A sentence on chains of DNA or RNA beside proteins.

    >>> left_out(["B"])
    '“B” looks like DNA or RNA and is left out: only the proteins are folded.'
    """
    shown = ", ".join(f"“{name[:40]}”" for name in names[:3]) + (" and more" if len(names) > 3 else "")
    verb = "looks like DNA or RNA and is" if len(names) == 1 else "look like DNA or RNA and are"
    return f"{shown} {verb} left out: only the proteins are folded."

"""Which engines take what was brought, where nobody chose a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from backends.core.task import Capabilities
from backends.folding.alignment.sequence import read_input
from backends.folding.capabilities import FoldingCapabilities
from backends.folding.cards import ENGINES


def engines_for(files: Mapping[str, Path]) -> tuple[str, ...]:
    """Names of engines to choose among: a structure is opened, an alignment goes to those that read it.

    Raises:
        BadInput: the query is nothing that could be folded or opened.
        TooLarge: it has more than any engine takes.
    """
    kind = read_input(files["query"]).kind
    return tuple(name for name, spec in ENGINES.items() if _takes(spec.capabilities, kind))


def _takes(can: Capabilities, kind: str) -> bool:
    assert isinstance(can, FoldingCapabilities)
    return can.alignment if kind == "alignment" else can.takes == kind

"""The `structure` engine: a structure file of any origin, with its confidence, judged like a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from backends.core.engine import Notice, Progress
from backends.core.errors import BadInput
from backends.folding.alignment.sequence import Query
from backends.folding.base import FoldingEngine, PredictionEvents
from backends.folding.capabilities import STRUCTURE, FoldingCapabilities
from backends.folding.options import StructureOptions
from backends.folding.structure.confidence import Confidence, fit_confidence, read_confidence
from backends.folding.structure.reader import find_chain, read_structure
from backends.folding.structure.structure import Structure
from backends.folding.types import Model

STAGE = "Reading the structure"


class StructureEngine(FoldingEngine):
    """Opens `query` (PDB or mmCIF) and, where it is there, `pae`: the confidence file of its program."""

    name: ClassVar[str] = "structure"
    capabilities: ClassVar[FoldingCapabilities] = STRUCTURE

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = StructureOptions.read(options)
        yield Progress(STAGE, 0, 1)
        pae = query.extra_inputs.get("pae")
        if pae is not None and settings.assembly:
            raise BadInput("A confidence file is of the chains as they were deposited: leave out the assembly, or it.")
        # A confidence file is of the whole structure, so a chain is chosen after the two are fitted to each other.
        chain = settings.chain if pae is None else ""
        structure = read_structure(query.path, chain, settings.b_factors, assembly=settings.assembly)
        yield from (Notice(note) for note in structure.notes)
        plddt = structure.confidence if np.isfinite(structure.confidence).any() else None
        confidence = Confidence(plddt=plddt, pae=None, ptm=None, iptm=None)
        if pae is not None:
            given = fit_confidence(read_confidence(pae), structure)
            confidence = replace(given, plddt=given.plddt if given.plddt is not None else plddt)
            if confidence.plddt is not None:
                structure = replace(structure.with_confidence(confidence.plddt), method="prediction")
            structure, confidence = _select_chain(structure, confidence, settings.chain)
        yield Progress(STAGE, 1, 1)
        yield Model(structure, confidence, method="opened")


def _select_chain(structure: Structure, confidence: Confidence, wanted: str) -> tuple[Structure, Confidence]:
    """One chain with its confidence; all of them for "". Raises BadInput where there is no such chain."""
    if not wanted:
        return structure, confidence
    rows = structure.chains == find_chain([name for name, _ in structure.chain_slices()], wanted)
    plddt = None if confidence.plddt is None else confidence.plddt[rows]
    pae = None if confidence.pae is None else confidence.pae[np.ix_(rows, rows)]
    return structure.select(rows), replace(confidence, plddt=plddt, pae=pae)

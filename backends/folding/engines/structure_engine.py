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
from backends.folding.structure.confidence import Confidence, read_confidence
from backends.folding.structure.reader import read_structure
from backends.folding.structure.structure import Structure
from backends.folding.types import Model

STAGE = "Reading the structure"


class StructureEngine(FoldingEngine):
    """Opens `query` (PDB or mmCIF) and, where it is there, `pae`: JSON of AlphaFold DB, ColabFold, ESMFold or AF3."""

    name: ClassVar[str] = "structure"
    capabilities: ClassVar[FoldingCapabilities] = STRUCTURE

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = StructureOptions.read(options)
        yield Progress(STAGE, 0, 1)
        structure = read_structure(query.path)
        yield from (Notice(note) for note in structure.notes)
        if settings.chain:
            structure = _select_chain(structure, settings.chain)
        plddt = structure.confidence if np.isfinite(structure.confidence).any() else None
        confidence = Confidence(plddt=plddt, pae=None, ptm=None, iptm=None)
        if path := query.extra_inputs.get("pae"):
            confidence = _merge_confidence(confidence, read_confidence(path), len(structure))
            if confidence.plddt is not None:
                structure = structure.with_confidence(confidence.plddt)
        yield Progress(STAGE, 1, 1)
        yield Model(structure, confidence, method="opened")


def _select_chain(structure: Structure, wanted: str) -> Structure:
    names = [name for name, _ in structure.chain_slices()]
    if wanted not in names:
        raise BadInput(f"There is no chain “{wanted[:20]}” in this structure; there is {', '.join(names)}.")
    return structure.select(structure.chains == wanted)


def _merge_confidence(from_structure: Confidence, from_json: Confidence, length: int) -> Confidence:
    """The file's own confidence with what the JSON adds to it. Raises BadInput where they are of different proteins."""
    for array in (from_json.plddt, from_json.pae):
        if array is not None and len(array) != length:
            raise BadInput(
                f"The confidence file is for {len(array)} residues and the structure has {length}: "
                "bring the one that came with this structure."
            )
    return replace(from_json, plddt=from_json.plddt if from_json.plddt is not None else from_structure.plddt)

"""The `alphafold2` engine: AlphaFold2 (Jumper et al. 2021) through an installed OpenFold."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from backends.core.engine import Notice, Progress
from backends.core.errors import EngineFailed, WeightsMissing
from backends.folding.alignment.msa_features import raw_features
from backends.folding.alignment.sequence import Query
from backends.folding.base import OUT_OF_MEMORY, FoldingEngine, PredictionEvents
from backends.folding.capabilities import ALPHAFOLD2, FoldingCapabilities
from backends.folding.cards import OPENFOLD_HOW
from backends.folding.engines.distances import contact_probabilities
from backends.folding.engines.openfold import OpenFold
from backends.folding.options import AlphaFold2Options
from backends.folding.resources import work_units
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from backends.folding.types import Model, Step
from backends.shared.device_memory import out_of_memory_as_sentence

STAGE = "Folding"
PREPARING = "Preparing the alignment"
SHALLOW = 30
"""Sequences under which AlphaFold2 is known to lose most of its accuracy (Jumper et al. 2021, fig. 5a)."""


class AlphaFold2Engine(FoldingEngine):
    """AlphaFold2 on one chain with the user's alignment, or on its single sequence.

    `seed` decides which rows of the alignment are drawn.
    """

    name: ClassVar[str] = "alphafold2"
    capabilities: ClassVar[FoldingCapabilities] = ALPHAFOLD2

    def load(self, device: str) -> None:
        super().load(device)
        if find_spec("openfold") is None:
            raise WeightsMissing(OPENFOLD_HOW)
        if not self.weights:
            raise WeightsMissing("AlphaFold2 needs its weights: download them, or choose a file of your own.")
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            self.program = OpenFold(self.weights[0], device)

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Any) -> float:
        return last.total if last.stage == STAGE else 0.0

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = AlphaFold2Options.read(options)
        recycles, seed, wanted = settings.recycles, settings.seed, frozenset(settings.extras)
        depth = len(query.alignment) if query.alignment is not None else 1
        if depth < SHALLOW:
            yield Notice(
                f"AlphaFold2 was given {depth} sequence{'s' if depth > 1 else ''}; with fewer than {SHALLOW} it is "
                "often wrong. Bring an alignment of related sequences."
            )
        yield Progress(PREPARING, 0, 1)
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            features = self.program.features(raw_features(query.sequence, query.alignment), recycles, seed)
            yield Progress(PREPARING, 1, 1)
            whole, done = work_units(query.length, recycles + 1), 0
            outputs: dict[str, Tensor] = {}
            for item in self.program.passes(features):
                if item is not None:
                    outputs, done = item, done + 1
                    yield Step(*_read(outputs, query.sequence), done - 1, recycles)
                yield Progress(STAGE, whole * done / (recycles + 1), whole)
        if not outputs:
            raise EngineFailed("OpenFold ended without a result: try again, or choose another model.")
        yield Progress(STAGE, whole, whole)  # it may stop early, once nothing changes
        source = f"an alignment of {depth} sequences" if depth > 1 else "one sequence"
        method = f"predicted from {source} by AlphaFold2 (OpenFold, {self.program.preset})"
        yield Model(*_read(outputs, query.sequence), _extras(outputs, wanted), method=method)


def _read(outputs: dict[str, Tensor], sequence: str) -> tuple[Structure, Confidence]:
    atoms, mask = outputs["atoms"].numpy(), outputs["mask"].numpy() > 0.5
    unknown = np.array([letter == "X" for letter in sequence])
    mask[unknown, :3] = True  # The network places the backbone of an unknown residue, and marks it as absent.
    plddt = outputs["plddt"].numpy().astype(np.float32)  # OpenFold has it as 0 to 100
    if not np.isfinite(atoms[mask]).all() or not np.isfinite(plddt).all():
        raise EngineFailed("The model's output broke down on this protein: try another model.")
    structure = Structure.build(atoms, mask, sequence, confidence=plddt, method="prediction")
    pae = outputs["pae"].numpy() if "pae" in outputs else None
    ptm = float(outputs["ptm"]) if "ptm" in outputs else None
    return structure, Confidence(plddt=plddt, pae=pae, ptm=ptm)


def _extras(outputs: dict[str, Tensor], wanted: frozenset[str]) -> dict[str, np.ndarray]:
    if "distogram" not in outputs:
        return {}
    distances = torch.softmax(outputs["distogram"], -1).numpy()
    found: dict[str, np.ndarray] = {
        "contacts": contact_probabilities(distances).astype(np.float32),
        "distogram": distances.astype(np.float16),
    }
    return {name: array for name, array in found.items() if name in wanted}

"""The `esmfold2` engine: a protein language model and a diffusion of all atoms, as transformers carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import EsmFold2Model
from transformers.models.esmfold2.protein_utils import PROTEIN_RESIDUE_TO_RES_TYPE, prepare_protein_features
from transformers.utils import logging as library_logging

from backends.core.engine import Notice, Progress
from backends.core.errors import EngineFailed, WeightsMissing
from backends.folding.alignment.alignment import GAP, Alignment
from backends.folding.alignment.sequence import Query
from backends.folding.base import OUT_OF_MEMORY, FoldingEngine, PredictionEvents
from backends.folding.capabilities import ESMFOLD2, FoldingCapabilities
from backends.folding.options import EsmFold2Options
from backends.folding.residues import ALIGNMENT_ORDER, THREE_LETTER
from backends.folding.resources import work_units
from backends.folding.structure.atoms import CA, INDEX
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from backends.folding.types import Model
from backends.shared.device_memory import out_of_memory_as_sentence
from backends.shared.interruptible import run_interruptible
from backends.weights.pretrained import load_pretrained

STAGE = "Folding"
PREPARING = "Reading the sequence"
GAP_TYPE, UNKNOWN_TYPE = 1, 22
MAX_MSA_ROWS = 1_024
"""Rows of an alignment handed over; the first ones, which searches put nearest to the query."""

TRUNK_SHARE = 0.7
"""Share of the work that the trunk's loops are, before the diffusion; for the progress alone."""


class EsmFold2Engine(FoldingEngine):
    """ESMFold2 on one chain; with an alignment where the network has a part for it.

    `recycles` are loops of the trunk, `models` samples of the diffusion, the best first.
    """

    name: ClassVar[str] = "esmfold2"
    capabilities: ClassVar[FoldingCapabilities] = ESMFOLD2

    def load(self, device: str) -> None:
        super().load(device)
        if not self.weights:
            raise WeightsMissing("ESMFold2 needs its weights: choose the folder that holds them.")
        library_logging.disable_progress_bar()
        half = device == "cuda"
        self.network, _ = load_pretrained(EsmFold2Model, self.weights[0], model_type="esmfold2", half=half)
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            self.network.to(device)

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Any) -> float:
        return last.total if last.stage == STAGE else 0.0

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = EsmFold2Options.read(options)
        loops = int(self.network.config.num_loops) if settings.recycles is None else settings.recycles
        samples, seed = settings.models, settings.seed
        alignment = query.alignment
        if alignment is not None and self.network.msa_encoder is None:
            yield Notice("This network works from one sequence: it used the first of the alignment and no other.")
            alignment = None
        yield Progress(PREPARING, 0, 1)
        features = prepare_protein_features(query.sequence, device=self.device)
        if alignment is not None:
            features.update(msa_features(alignment, self.device))
        yield Progress(PREPARING, 1, 1)
        whole = work_units(query.length, loops + 1)
        output: Any = None
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            for item in run_interruptible(self._fold(features, loops, samples, seed)):
                if isinstance(item, float):
                    yield Progress(STAGE, whole * item, whole)
                elif item is None:
                    yield Progress(PREPARING, 1, 1)
                else:
                    output = item
        yield Progress(STAGE, whole, whole)
        models = read_output(output, features, query.sequence)
        source = "an alignment" if alignment is not None else "one sequence"
        yield Model(*models[0], method=f"predicted from {source} by ESMFold2", others=tuple(models[1:]))

    def _fold(
        self, features: dict[str, Tensor], loops: int, samples: int, seed: int
    ) -> Callable[[Callable[[Any], None]], Any]:
        """What to watch: it tells the share that is done after each loop of the trunk and each step of diffusion."""
        steps = max(1, len(self.network._build_noise_schedule(None, torch.device("cpu"))[0]) - 1)
        done = {"loops": 0, "steps": 0}

        def fold(tell: Callable[[Any], None]) -> Any:
            def after(part: str) -> Callable[..., None]:
                def hook(*_: Any) -> None:
                    done[part] += 1
                    trunk, diffusion = done["loops"] / (loops + 1), done["steps"] / steps
                    tell(min(1.0, TRUNK_SHARE * trunk + (1 - TRUNK_SHARE) * diffusion))

                return hook

            hooks = [
                self.network.folding_trunk.register_forward_hook(after("loops")),
                self.network.structure_head.register_forward_hook(after("steps")),
            ]
            try:
                with torch.inference_mode(), torch.random.fork_rng():
                    torch.manual_seed(seed)
                    return self.network.fold(**features, num_loops=loops, num_diffusion_samples=samples)
            finally:
                for hook_ in hooks:
                    hook_.remove()

        return fold


def msa_features(alignment: Alignment, device: str) -> dict[str, Tensor]:
    """The alignment as the network takes it: rows `(1, N, L)` in its own code of residues, and deletions.

    Counts of deletions are squashed to 0..1 as in AlphaFold3 (Abramson et al. 2024, suppl. table 5).
    """
    chosen = alignment.unique()
    chosen = chosen.take(np.arange(min(len(chosen), MAX_MSA_ROWS)))
    codes = np.array(
        [PROTEIN_RESIDUE_TO_RES_TYPE.get(THREE_LETTER.get(letter, ""), UNKNOWN_TYPE) for letter in ALIGNMENT_ORDER]
    )
    codes[GAP] = GAP_TYPE
    squashed = 2 / np.pi * np.arctan(chosen.deletions.astype(np.float32) / 3)
    features = {
        "msa": torch.from_numpy(codes[chosen.rows]).long(),
        "msa_attention_mask": torch.ones(chosen.rows.shape, dtype=torch.bool),
        "has_deletion": torch.from_numpy(chosen.deletions > 0),
        "deletion_value": torch.from_numpy(squashed),
        "deletion_mean": torch.from_numpy(squashed.mean(0)),
    }
    return {name: value[None].to(device) for name, value in features.items()}


def read_output(output: Any, features: dict[str, Tensor], sequence: str) -> list[tuple[Structure, Confidence]]:
    """All samples, the best by pTM first."""
    coordinates = output.sample_atom_coords.float().cpu().numpy()  # (S, A, 3)
    ptm = output.ptm.float().cpu().numpy()
    order = np.argsort(-ptm, kind="stable")
    atoms, mask = _by_residue(coordinates, features, len(sequence))
    # The network gives its confidence as 0 to 1.
    plddt = 100 * output.plddt_ca.float().cpu().numpy()  # (S, L)
    pae = output.pae.float().cpu().numpy()
    if not np.isfinite(atoms).all() or not np.isfinite(plddt).all():
        raise EngineFailed("The model's output broke down on this protein: try another model.")
    return [
        (
            Structure.build(atoms[index], mask, sequence, confidence=plddt[index], method="prediction").with_oxygens(),
            Confidence(plddt=plddt[index], pae=pae[index], ptm=float(ptm[index])),
        )
        for index in order
    ]


def _by_residue(coordinates: np.ndarray, features: dict[str, Tensor], length: int) -> tuple[np.ndarray, np.ndarray]:
    """`(S, A, 3)` atoms in a row to `(S, L, 37, 3)` and the mask `(L, 37)`, by the names they were asked for with."""
    token, valid = (features[name][0].cpu().numpy() for name in ("atom_to_token", "atom_attention_mask"))
    letters = features["ref_atom_name_chars"][0].cpu().numpy()
    atoms = np.zeros((len(coordinates), length, len(INDEX), 3), np.float32)
    mask = np.zeros((length, len(INDEX)), bool)
    for index in np.flatnonzero(valid):
        name = "".join(chr(code + 32) for code in letters[index] if code)
        atoms[:, token[index], INDEX[name]] = coordinates[:, index]
        mask[token[index], INDEX[name]] = True
    assert mask[:, CA].all()
    return atoms, mask

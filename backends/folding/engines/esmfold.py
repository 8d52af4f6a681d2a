"""The `esmfold` engine: one sequence to a structure through a protein language model (Lin et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor
from transformers import EsmConfig, EsmForProteinFolding
from transformers.utils import logging as library_logging

from backends.core.engine import Metric, Notice, Progress
from backends.core.errors import EngineFailed, WeightsMissing
from backends.folding.alignment.sequence import Query
from backends.folding.base import OUT_OF_MEMORY, FoldingEngine, PredictionEvents
from backends.folding.capabilities import ESMFOLD, FoldingCapabilities
from backends.folding.engines import esm_trunk, language, relaxation
from backends.folding.engines.distances import DISTOGRAM_BINS, contact_probabilities
from backends.folding.options import EsmFoldOptions
from backends.folding.residues import ALPHAFOLD_ORDER, ESM_TOKENS
from backends.folding.resources import work_units
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from backends.folding.types import Model, Step
from backends.shared.allocator import reused_memory
from backends.shared.device_memory import free_memory, out_of_memory_as_sentence
from backends.weights.pretrained import load_pretrained

STAGE = "Folding"
READING = "Reading the sequence"
SCANNING = "Trying every mutation"

AVERAGED = "For a protein this long the attention is kept as the average of each layer's heads, not head by head."

PUBLISHED: dict[str, Any] = {
    "vocab_size": 33,
    "mask_token_id": 32,
    "pad_token_id": 1,
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "num_attention_heads": 40,
    "intermediate_size": 10240,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 1026,
    "layer_norm_eps": 1e-5,
    "position_embedding_type": "rotary",
    "emb_layer_norm_before": False,
    "token_dropout": True,
    "is_folding_model": True,
    "esmfold_config": {"esm_type": "esm2_3B", "fp16_esm": True, "lddt_head_hid_dim": 128},
}
"""The published network: ESM-2 with three billion parameters under a trunk of 48 blocks. Used for a single file."""


class EsmFoldEngine(FoldingEngine):
    """ESMFold on one chain.

    A network that was trained without recycling runs once, whatever `recycles` says.
    """

    name: ClassVar[str] = "esmfold"
    capabilities: ClassVar[FoldingCapabilities] = ESMFOLD

    def load(self, device: str) -> None:
        super().load(device)
        if not self.weights:
            raise WeightsMissing("ESMFold needs its weights: download them, or choose a folder of your own.")
        self.network, missing = read_network(self.weights[0])
        # Trained logistic weights for contacts from attention; the released folding checkpoints may lack them.
        self.contact_head = not any(key.startswith("esm.contact_head") for key in missing)
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            if device == "cuda" and self.network.config.esmfold_config.fp16_esm:
                self.network.esm.half()  # as it was trained; the trunk needs single precision
            self.network.to(device)
        self.blocks = len(self.network.trunk.blocks)

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Any) -> float:
        """Nothing after a mutation scan, whose time would be taken for the fold's."""
        return last.total if last.stage == STAGE else 0.0

    def predict(self, query: Query, options: Mapping[str, Any]) -> PredictionEvents:
        settings = EsmFoldOptions.read(options)
        count = 1 + settings.recycles * esm_trunk.has_recycling(self.network.trunk)
        wanted = frozenset(settings.extras)
        sequence = query.sequence
        chunk = self.chunk(settings.chunk, len(sequence))
        aatype = esm_trunk.tokens(sequence, self.device)
        whole = work_units(len(sequence), count)
        with out_of_memory_as_sentence(OUT_OF_MEMORY), reused_memory() if self.device == "cpu" else nullcontext():
            yield Progress(READING, 0, 1)
            with language.record_attention(
                self.network.esm, "attention" in wanted, self._trained_contacts()
            ) as recorder:
                single = esm_trunk.embed(self.network, aatype)
            yield Progress(READING, 1, 1)
            if recorder and recorder.averaged:
                yield Notice(AVERAGED)
            last: esm_trunk.TrunkPass | None = None
            for item in esm_trunk.passes(self.network, single, aatype, count, chunk):
                if isinstance(item, esm_trunk.TrunkPass):
                    last = item
                    yield Step(*_read(item, sequence), item.number, count - 1)
                else:
                    yield Progress(STAGE, whole * item / (count * self.blocks), whole)
            assert last is not None
            structure, confidence = _read(last, sequence)
            told = "predicted from one sequence by ESMFold"
            if settings.relax and "relax" not in self.card.without:
                structure, done = yield from relaxation.relaxed(structure, last.angles)
                told += ", relaxed" if done else ""
            yield Progress(STAGE, whole, whole)
            arrays, meta = self._extras(last, wanted, recorder)
            if "mutations" in wanted:
                scores = yield from self._scan(aatype, chunk)
                if scores is not None:
                    arrays["mutations"], meta["mutations"] = scores, {"columns": ALPHAFOLD_ORDER}
        yield Model(structure, confidence, arrays, meta, told)

    def chunk(self, wanted: int | str, length: int) -> int | None:
        """Rows of triangle attention at once, None for all of them: as many as `wanted`, or “auto” or “off”."""
        if isinstance(wanted, int):
            return wanted
        if wanted == "off":
            return None
        heads = self.network.trunk.blocks[0].tri_att_start.no_heads
        return esm_trunk.choose_chunk(length, heads, free_memory(self.device))

    def _trained_contacts(self) -> tuple[np.ndarray, float] | None:
        return language.contact_head_weights(self.network.esm.contact_head.regression) if self.contact_head else None

    def _extras(
        self, last: esm_trunk.TrunkPass, wanted: frozenset[str], recorder: language.AttentionRecorder | None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, object]]]:
        arrays: dict[str, np.ndarray] = {}
        meta: dict[str, dict[str, object]] = {}
        if {"contacts", "distogram"} & wanted:
            distances = esm_trunk.distogram(self.network, last.pair)
            arrays["contacts"] = contact_probabilities(distances).astype(np.float32)
            meta["contacts"] = {"source": "distogram"}
            if "distogram" in wanted:
                arrays["distogram"] = distances.astype(np.float16)
                first, end, _ = DISTOGRAM_BINS
                meta["distogram"] = {"first": first, "last": end}
        if recorder is not None:
            arrays["attention"] = recorder.maps()
            meta["attention"] = {"axes": "layer, head, residue, residue"}
            if (likely := recorder.contacts()) is not None:
                arrays["attention_contacts"] = likely
        return arrays, meta

    def _scan(self, aatype: Tensor, chunk: int | None) -> Any:
        """Masked marginals by the trunk's guess at hidden residues; None where it guesses no better than chance."""

        def guess(masked: Tensor) -> Iterator[int | Tensor]:
            return esm_trunk.residue_scores(self.network, esm_trunk.embed(self.network, aatype, masked), chunk)

        scan = language.masked_marginals(guess, aatype)
        while True:
            try:
                done = next(scan)
            except StopIteration as end:
                scores, recovered, chance = end.value
                break
            yield Progress(SCANNING, done, aatype.shape[1], "residues")
        yield Metric("recovered residues", 100 * recovered, "%")
        if recovered <= chance:
            yield Notice(
                f"No mutation map was kept: hidden residues were guessed right in {100 * recovered:.0f} %, which is no "
                f"better than always saying the commonest ({100 * chance:.0f} %)."
            )
            return None
        return scores


def read_network(path: Path) -> tuple[Any, frozenset[str]]:
    """ESMFold from a folder or a single file, on the CPU in single precision, and the keys it lacks."""
    library_logging.disable_progress_bar()
    config = EsmConfig(**PUBLISHED, vocab_list=ESM_TOKENS) if path.is_file() else None
    network, missing = load_pretrained(
        EsmForProteinFolding, path, config=config, optional=(r"esm\.contact_head\.",), model_type="esm"
    )
    if network.config.esmfold_config.fp16_esm:
        # The language model was trained with its rotary frequencies rounded to half precision.
        frequencies = network.esm.rotary_embeddings.inv_freq
        frequencies.copy_(frequencies.half().float())
    return esm_trunk.chunk_by_rows(network), missing


def _read(item: esm_trunk.TrunkPass, sequence: str) -> tuple[Structure, Confidence]:
    if not np.isfinite(item.atoms).all() or not np.isfinite(item.plddt).all():
        raise EngineFailed("The model's output broke down on this protein: try another model.")
    structure = Structure.build(item.atoms, item.mask, sequence, confidence=item.plddt, method="prediction")
    return structure, Confidence(plddt=item.plddt, pae=item.pae, ptm=item.ptm)

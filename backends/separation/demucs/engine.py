"""The `demucs` engine: Hybrid Transformer Demucs and earlier Demucs networks, from published or local checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.separation.base import Chunks, SeparationEngine
from backends.separation.demucs.checkpoints import Bag, load_bag
from backends.separation.demucs.options import DemucsOptions
from backends.separation.demucs.overlap import OverlapParameters, separate
from backends.separation.io.mix import Mix
from backends.shared.allocator import reused_memory
from backends.shared.device_memory import out_of_memory_as_sentence

BAG_WEIGHTS = {"htdemucs_ft": tuple(tuple(float(s == m) for s in range(4)) for m in range(4))}
"""Weights (models, stems) of a bag by card: each of the four fine-tuned networks gives the stem it was tuned for."""

OUT_OF_MEMORY = (
    "There is not enough memory for this model: close other programs, choose a smaller model, "
    "or, if it ran on a GPU, start again with FOURFOLD_DEVICE=cpu."
)


class DemucsEngine(SeparationEngine):
    """Splits a song with the networks of a checkpoint, as `demucs.apply.apply_model` would, in bounded memory.

    Its options are `DemucsOptions`.
    """

    name = "demucs"

    def load(self, device: str) -> None:
        self.device = device
        self.bag: Bag = load_bag(self.weights, BAG_WEIGHTS.get(self.card.id))
        self.sources = self.bag.sources
        self.samplerate = self.bag.samplerate
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            for model in self.bag.models:
                model.to(device)

    def plan(self, options: Mapping[str, Any]) -> Chunks:
        chosen = DemucsOptions.read(options)
        parameters = OverlapParameters(chosen.overlap, chosen.shifts, chosen.seed, chosen.segment)
        # Half precision is faster on a GPU alone; elsewhere the option changes nothing.
        half = chosen.precision == "half" and self.device == "cuda"
        return partial(self._separate, parameters=parameters, half=half)

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        return self._separate(mix, OverlapParameters(), False)

    def _separate(self, mix: Mix, parameters: OverlapParameters, half: bool) -> Iterator[np.ndarray]:
        nothing = np.zeros((len(self.sources), 2, 0), np.float32)
        with reused_memory() if self.device == "cpu" else nullcontext():
            for piece in separate(self.bag, mix, parameters, partial(self._forward, half=half)):
                yield nothing if piece is None else piece.numpy()

    def _forward(self, model: nn.Module, segment: Tensor, half: bool) -> Tensor:
        """(1, 2, T) to (1, S, 2, T)."""
        precision = _half_precision() if half else nullcontext()
        with torch.inference_mode(), out_of_memory_as_sentence(OUT_OF_MEMORY), _tiled_attention(), precision:
            return model(segment.to(self.device)).float().cpu()


def _half_precision() -> torch.autocast:
    """bfloat16 has the range of single precision and cannot overflow; older GPUs only have float16."""
    return torch.autocast("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)


@contextmanager
def _tiled_attention() -> Iterator[None]:
    """Attention without PyTorch's fused encoder layer, which writes out the whole (heads, T, T) attention matrix."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)

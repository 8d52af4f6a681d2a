"""The `demucs` engine: Hybrid Transformer Demucs and earlier Demucs networks, from published or local checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.core.errors import BadInput, EngineFailed
from backends.separation.base import Chunks, SeparationEngine
from backends.separation.demucs.checkpoints import Bag, load_bag
from backends.separation.demucs.overlap import OverlapParameters, separate
from backends.separation.io.mix import Mix
from backends.shared.allocator import reused_memory

BAG_WEIGHTS = {"htdemucs_ft": tuple(tuple(float(s == m) for s in range(4)) for m in range(4))}
"""Weights (models, stems) of a bag by card: each of the four fine-tuned networks gives the stem it was tuned for."""

PRECISIONS = ("full", "half")


@dataclass(frozen=True)
class Number:
    """A numeric option: whole or not, what it is when absent, and its range."""

    kind: type[int] | type[float]
    default: float
    low: float
    high: float

    def read(self, name: str, given: Any) -> float:
        """`given` as a number in the range; the default for None and "". Raises BadInput."""
        if given is None or given == "":
            return self.default
        try:
            value = self.kind(given)
            sound = value == float(given) and self.low <= value <= self.high and not isinstance(given, bool)
        except (TypeError, ValueError, OverflowError):
            sound = False
        if not sound:
            whole = "a whole number" if self.kind is int else "a number"
            raise BadInput(f"“{name}” must be {whole} from {self.low} to {self.high}, not “{given}”.")
        return value


NUMBERS = {"overlap": Number(float, 0.25, 0, 0.9), "shifts": Number(int, 0, 0, 10), "seed": Number(int, 0, 0, 2**32)}
OUT_OF_MEMORY = ("out of memory", "can't allocate memory")


class DemucsEngine(SeparationEngine):
    """Splits a song with the networks of a checkpoint, as `demucs.apply.apply_model` would, in bounded memory.

    Options: `overlap` (0 to 0.9, default 0.25), `shifts` (0 to 10, default 0) and `seed` (default 0), see
    `OverlapParameters`; `precision` ("full", or "half" on a GPU).
    """

    name = "demucs"

    def load(self, device: str) -> None:
        self.device = device
        self.bag: Bag = load_bag(self.weights, BAG_WEIGHTS.get(self.card.id))
        self.sources = self.bag.sources
        self.samplerate = self.bag.samplerate
        with _memory_sentence():
            for model in self.bag.models:
                model.to(device)

    def plan(self, options: Mapping[str, Any]) -> Chunks:
        numbers: dict[str, Any] = {name: number.read(name, options.get(name)) for name, number in NUMBERS.items()}
        half = _half(options, self.device)
        return partial(self._separate, parameters=OverlapParameters(**numbers), half=half)

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
        with torch.inference_mode(), _memory_sentence(), _tiled_attention(), precision:
            return model(segment.to(self.device)).float().cpu()


def _half(options: Mapping[str, Any], device: str) -> bool:
    """Whether to compute in half precision: on request, and only on a GPU, where it is faster."""
    precision = str(options.get("precision") or "full")
    if precision not in PRECISIONS:
        raise BadInput(f"“precision” must be {' or '.join(PRECISIONS)}, not “{precision}”.")
    return precision == "half" and device == "cuda"


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


@contextmanager
def _memory_sentence() -> Iterator[None]:
    """Turn a device that runs out of memory into a sentence, and give back what it still holds."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise EngineFailed(
            "There is not enough memory for this model: close other programs, choose a smaller model, "
            "or, if it ran on a GPU, start again with FOURFOLD_DEVICE=cpu."
        ) from error

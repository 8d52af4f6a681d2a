"""How long a fold takes, how much memory it needs, and the longest chain a machine can take; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.model_card import ModelCard
from backends.folding.limits import MAX_FOLDED_RESIDUES

GIB = 1024**3
CUBIC_CROSSOVER = 6.5
"""Hundreds of residues at which a block's triangles cost as much as its linear layers."""


@dataclass(frozen=True)
class MemoryModel:
    """What an engine needs of memory: bytes a parameter, a pair of residues and a residue, beside `base`.

    The pair representation and its few working copies decide, so the rest grows with L².
    """

    parameter: float
    pair: float
    residue: float = 0.0
    base: float = 1.0 * GIB


MEMORY_MODELS: dict[tuple[str, str], MemoryModel] = {
    # 4.6 kB a pair measured at 384 to 640 residues by `benchmarks/folding_speed.py` with the smallest chunks; the rest
    # is
    # room for larger ones. On a graphics card the language model, four fifths of the parameters, is in half precision.
    ("esmfold", "cpu"): MemoryModel(parameter=4.0, pair=6_000, residue=2 * 37 * 2560 * 4),
    ("esmfold", "cuda"): MemoryModel(parameter=2.4, pair=6_000, residue=2 * 37 * 2560 * 2),
    # Reported by its users: 1,792 residues reserve 77 GiB of an 80 GB card, 13 of them the weights.
    ("esmfold2", "cpu"): MemoryModel(parameter=4.0, pair=21_000),
    ("esmfold2", "cuda"): MemoryModel(parameter=2.0, pair=21_000),
    # The same pair stack as ESMFold's, and 512 rows of alignment with a few copies; not measured.
    ("alphafold2", "cpu"): MemoryModel(parameter=4.0, pair=6_000, residue=4 * 512 * 256 * 4),
}


def memory_needed(card: ModelCard, device: str, length: int) -> int:
    """Bytes of memory for a chain of `length` residues; 0 where an engine needs next to nothing, or nobody knows."""
    appetite = _memory_model(card, device)
    if appetite is None:
        return 0
    held = appetite.base + appetite.parameter * card.parameters
    return int(held + appetite.residue * length + appetite.pair * length**2)


def max_residues(card: ModelCard, device: str, memory_bytes: int) -> int:
    """The most residues that `card` takes on a device with so much memory: what fits, and at most the card's limit."""
    most = card.limit(device).residues or MAX_FOLDED_RESIDUES
    fitting = (length for length in range(most, 0, -1) if memory_needed(card, device, length) <= memory_bytes)
    return next(fitting, 0)


def _memory_model(card: ModelCard, device: str) -> MemoryModel | None:
    return MEMORY_MODELS.get((card.engine, device)) or MEMORY_MODELS.get((card.engine, "cpu"))


def work_units(length: int, passes: int = 1) -> float:
    """The work of a fold in units of one pass over 100 residues, so that one measured speed serves all lengths.

    A block costs about 10⁶ operations a pair in its linear layers, and 1,500 a triple in its triangles.
    """
    share = length / 100
    return passes * share**2 * (1 + share / CUBIC_CROSSOVER) / (1 + 1 / CUBIC_CROSSOVER)


NETWORKS = ("esmfold", "esmfold2", "alphafold2")
"""Engines whose speed is seconds for a unit of `work`; that of any other is seconds a residue."""


def estimate_seconds(card: Mapping[str, Any], length: int, passes: int) -> float | None:
    """The time a fold will take by its card as `/info` tells it; None where nobody has measured."""
    speed = float(card.get("speed") or 0)
    if speed <= 0:
        return None
    return speed * (work_units(length, passes) if card.get("engine") in NETWORKS else length)

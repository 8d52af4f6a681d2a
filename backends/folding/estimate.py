"""How long a fold takes, how much memory it needs, and the longest chain a machine can take; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backends.cards import ModelCard

HARD_LIMIT = 4_000
"""Residues that no engine here is given more of: the pair representation alone would be 8 GB."""

GIB = 1024**3


@dataclass(frozen=True)
class Appetite:
    """What an engine needs of memory: bytes held by its weights, and bytes for each pair of residues while it works.

    The pair representation and its few working copies decide, so the rest grows with L².
    """

    weights: float
    pair: float
    base: float = 1.0 * GIB


APPETITES: dict[tuple[str, str], Appetite] = {}


def memory_needed(engine: str, device: str, length: int) -> int:
    """Bytes of memory for a chain of `length` residues; 0 where the engine needs next to nothing."""
    appetite = APPETITES.get((engine, device)) or APPETITES.get((engine, "cpu"))
    return int(appetite.base + appetite.weights + appetite.pair * length**2) if appetite else 0


def longest(card: ModelCard, device: str, memory_bytes: int) -> int:
    """The most residues that `card` takes on a device with so much memory: what fits, and at most the card's limit."""
    most = card.limit(device).residues or HARD_LIMIT
    appetite = APPETITES.get((card.engine, device)) or APPETITES.get((card.engine, "cpu"))
    if appetite is None:
        return most
    room = memory_bytes - appetite.base - appetite.weights
    return min(most, int((room / appetite.pair) ** 0.5)) if room > 0 else 0


def work(length: int, passes: int = 1) -> float:
    """The work of a fold in units of one pass over 100 residues, so that one measured speed serves all lengths."""
    share = length / 100
    return passes * share**2 * (1 + share / 5) / 1.2


def seconds(info: dict[str, Any], length: int, passes: int) -> float | None:
    """The time a fold will take by the card as `/info` tells it; None where nobody has measured."""
    speed = float(info.get("speed") or 0)
    return speed * work(length, passes) if speed > 0 else None

"""How long a fold takes on the model server, how much memory, and the longest chain: from its card in `/info` alone."""

from __future__ import annotations

from backends.core.info import CardInfo, DeviceInfo
from backends.folding import resources
from studio.proteins.model_choice import capabilities, options
from studio.ui import formatting

DEFAULT_RECYCLES = 3
"""Of a network whose server leaves the number to it."""


def recycles(card: CardInfo, wanted: int | None) -> int:
    """The recycles that a run makes: those that are wanted, or this model's own; 0 where it has none."""
    info = options(card).get("recycles")
    if info is None:
        return 0
    own = DEFAULT_RECYCLES if info.default is None else int(info.default)
    return own if wanted is None else wanted


def max_residues(card: CardInfo, device: DeviceInfo) -> int | None:
    """The most residues that this model takes on the server's device; None where that is not known."""
    limit = card.limits.residues
    memory, able = device.memory_bytes, capabilities(card)
    kind = device.kind or "cpu"
    if not memory or able.memory_model(kind) is None:
        return limit
    return resources.max_residues(able, card.parameters, kind, memory, limit)


def too_long(card: CardInfo, length: int, device: DeviceInfo) -> str:
    """One sentence where this model cannot take so many residues on the server's device."""
    most = max_residues(card, device)
    if most is None or length <= most:
        return ""
    if most == 0:
        return f"“{card.title}” needs more memory than the model server has."
    return (
        f"This protein has {length:,} residues; “{card.title}” takes up to {most:,} on the model server. "
        "Fold its domains one by one."
    )


def estimate(card: CardInfo, length: int, device: DeviceInfo, wanted_recycles: int | None = None) -> str:
    """Time and memory of a fold in words.

    Args:
        card: of the model, as `/info` has it.
        length: residues; with 0 only the longest chain is told.
        device: of the server, as `/info` has it.
        wanted_recycles: None for the model's own.
    """
    parts = []
    able = capabilities(card)
    if length:
        passes = 1 + recycles(card, wanted_recycles)
        seconds = resources.estimate_seconds(able, card.speed, length, passes)
        parts.append("time not measured yet" if seconds is None else f"takes {formatting.about(seconds)}")
        parameters, kind = card.parameters, device.kind or "cpu"
        if memory := resources.memory_needed(able, parameters, kind, length):
            parts.append(f"{formatting.size(memory)} of memory")
    most = max_residues(card, device)
    if most == 0:
        parts.append("needs more memory than the model server has")
    elif most:
        parts.append(f"up to {most:,} residues here")
    return " · ".join(parts)

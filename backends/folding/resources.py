"""How long a fold takes, how much memory it needs, and the longest chain a machine can take; without torch."""

from __future__ import annotations

from backends.folding.capabilities import FoldingCapabilities
from backends.folding.limits import MAX_FOLDED_RESIDUES

CUBIC_CROSSOVER = 6.5
"""Hundreds of residues at which a block's triangles cost as much as its linear layers."""


def memory_needed(capabilities: FoldingCapabilities, parameters: int, device: str, length: int) -> int:
    """Bytes of memory for a chain of `length` residues.

    Args:
        capabilities: what the engine tells of itself, its memory model included.
        parameters: of the card's network.
        device: "cpu", "cuda" or "mps".
        length: residues.

    Returns:
        0 where an engine needs next to nothing, or nobody knows.
    """
    model = capabilities.memory_model(device)
    return 0 if model is None else model.bytes(parameters, length)


def max_residues(
    capabilities: FoldingCapabilities, parameters: int, device: str, memory_bytes: int, limit: int | None = None
) -> int:
    """The most residues that a model takes on a device: what fits its memory, and at most the card's limit.

    Args:
        capabilities: what the engine tells of itself.
        parameters: of the card's network.
        device: "cpu", "cuda" or "mps".
        memory_bytes: of the device in all.
        limit: residues, of the card on this device; None for the task's own limit.

    Returns:
        0 where not even one residue fits.
    """
    most = limit or MAX_FOLDED_RESIDUES
    fitting = (n for n in range(most, 0, -1) if memory_needed(capabilities, parameters, device, n) <= memory_bytes)
    return next(fitting, 0)


def work_units(length: int, passes: int = 1) -> float:
    """The work of a fold in units of one pass over 100 residues, so that one measured speed serves all lengths.

    `w = passes · n² (1 + n / c) / (1 + 1 / c)` with n in hundreds of residues: a block costs about 10⁶ operations a
    pair in its linear layers and 1,500 a triple in its triangles, which are equal at c = CUBIC_CROSSOVER.

    >>> work_units(100), work_units(100, passes=4)
    (1.0, 4.0)
    >>> round(work_units(200), 2)
    4.53
    """
    hundreds = length / 100
    return passes * hundreds**2 * (1 + hundreds / CUBIC_CROSSOVER) / (1 + 1 / CUBIC_CROSSOVER)


def estimate_seconds(capabilities: FoldingCapabilities, speed: float, length: int, passes: int) -> float | None:
    """The time a fold will take.

    Args:
        capabilities: say what `speed` is measured in.
        speed: of the card, in seconds a unit; 0 where nobody has measured.
        length: residues.
        passes: through the network, the first and its recycles.

    Returns:
        Seconds, None where nobody has measured.
    """
    if speed <= 0:
        return None
    return speed * (work_units(length, passes) if capabilities.speed_unit == "pass" else length)

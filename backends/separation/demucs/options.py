"""The options of the `demucs` engine, in a module that does not import torch."""

from __future__ import annotations

from backends.core.options import option
from backends.separation.options import SeparationOptions

MAX_SEGMENT_SECONDS = 120.0
PRECISIONS = ("full", "half")


class DemucsOptions(SeparationOptions):
    """How a Demucs network is run over a song; see `overlap.py` for the equations."""

    overlap: float = option(
        0.25,
        title="Overlap",
        meaning="The share of a segment that it shares with the next; more is slower, and smoother at the joins.",
        least=0,
        most=0.9,
        advanced=True,
    )
    shifts: int = option(
        0,
        title="Shifted runs",
        meaning="How many shifted runs to average; 0 for one plain run. Slower, a little better.",
        least=0,
        most=10,
        advanced=True,
    )
    seed: int = option(
        0,
        title="Seed",
        meaning="A whole number from which the shifts are drawn; the same one repeats a result.",
        least=0,
        most=2**32,
        advanced=True,
    )
    precision: str = option(
        "full",
        title="Precision",
        meaning="“full”, or “half” to be faster on a GPU.",
        choices=PRECISIONS,
        advanced=True,
    )
    segment: float | None = option(
        None,
        title="Segment",
        meaning="How much of the song the network hears at once; shorter takes less memory. "
        "If not given, as much as it was trained on.",
        least=1,
        most=MAX_SEGMENT_SECONDS,
        unit="seconds",
        advanced=True,
    )

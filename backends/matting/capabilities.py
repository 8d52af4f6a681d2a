"""What a matting engine can do beside cutting people out of files."""

from __future__ import annotations

from backends.core.info import CardInfo
from backends.core.model_card import ModelCard
from backends.core.task import Capabilities

MAX_TINY = 1_000_000
"""Parameters of a network that keeps up with a camera on any machine."""


class MattingCapabilities(Capabilities):
    """`live_sides`: the long sides, in pixels and smallest first, at which the engine can follow a camera.

    Empty for an engine that cannot. The first and the last bound what is tried; in between, the live page moves with
    the time that the mattes take.
    """

    live_sides: tuple[int, ...] = ()


def live_rank(card: ModelCard | CardInfo) -> tuple[bool, bool, bool, bool, int]:
    """The order of cards for a camera: measured ones first, then those that are no starter, then networks, then tiny
    ones."""
    large = card.parameters > MAX_TINY
    return card.tier == "yours", card.tier == "starter", card.tier == "builtin", large, -card.preference

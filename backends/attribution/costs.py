"""What a method costs, in evaluations of the model, known before it starts."""

from __future__ import annotations

import math

from backends.attribution.types import Size

BACKWARD = 3
"""What a pass forwards with its pass backwards costs, in passes forwards."""

NOISY = 4
"""Slightly noisy inputs whose gradients are averaged."""

STEPS = 16
"""Steps of integrated gradients."""

MASKS = 64
"""Random masks of RISE."""

EXACT = 6
"""Players up to which Shapley values are exact."""

ORDERS = 16
"""Random orders from which the values of more players are estimated."""


FINE_SHARE = 3 / 8
"""Of the parts, how many are covered one by one where the cover goes from coarse to fine."""


def coarse_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of blocks of two parts along each axis.

    >>> coarse_shape((8, 13))
    (4, 7)
    """
    return tuple(-(-side // 2) for side in shape)


def fine_count(shape: tuple[int, ...]) -> int:
    """Parts that are covered one by one, those of the strongest blocks."""
    return math.ceil(FINE_SHARE * math.prod(shape))


def coarse_to_fine(size: Size) -> int:
    """Once for the whole input, once for each block, and once for each part of the strongest of them.

    >>> coarse_to_fine(Size((8, 8)))
    41
    """
    return 1 + math.prod(coarse_shape(size.shape)) + fine_count(size.shape)


def combinations(size: Size) -> int:
    """Of the players: all of them where they are few, or else those on the way of some random orders.

    >>> combinations(Size(players=4)), combinations(Size(players=10))
    (16, 162)
    """
    return 2**size.players if size.players <= EXACT else ORDERS * size.players + 2


def windows(size: Size) -> int:
    """Once for the whole input, and once for each place of the window that covers it.

    >>> windows(Size((8, 8), (2, 2), (1, 1)))
    50
    """
    ones = (1,) * len(size.shape)
    places = 1
    for count, wide, step in zip(size.shape, size.window or ones, size.stride or ones, strict=True):
        places *= 1 + max(0, -(-(count - wide) // step))
    return 1 + places

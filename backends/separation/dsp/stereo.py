"""How a song uses its two channels as a whole, so that its centre is found where it really is.

A song that was recorded in mono may come on one side alone, with one side turned (its polarity inverted), or with one
side softer. Its two channels then carry one signal, and so there is no stereo image to look for a voice in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAX_SINGLE = 0.02
"""Fraction of the energy beside the strongest direction up to which the two channels count as one signal."""

ANTIPHASE = -0.5
"""Correlation of the channels below which one of them counts as turned."""

FAR_APART = 10 ** (-12 / 10)
"""Ratio of the channels' power from which a song counts as out of balance (-12 dB)."""


@dataclass(frozen=True)
class StereoImage:
    """`weights` (left, right) make the two channels alike before they are compared; `single` where they are one signal.

    Where `single` is true, the sum of the weighted channels is that signal.
    """

    weights: tuple[float, float] = (1.0, 1.0)
    single: bool = False


class StereoMeter:
    """Covariance of the two channels of a song that is given in blocks (2, T)."""

    def __init__(self) -> None:
        self.covariance = np.zeros((2, 2))

    def add(self, block: np.ndarray) -> None:
        samples = block.astype(np.float64)
        self.covariance += samples @ samples.T

    def image(self) -> StereoImage:
        """The image of what was given.

        The channels are one signal where the smaller eigenvalue of their covariance is next to nothing; the eigenvector
        of the larger one then says how much of the signal each channel has.
        """
        values, vectors = np.linalg.eigh(self.covariance)  # ascending
        if values[1] <= 0:
            return StereoImage(single=True)
        if values[0] <= MAX_SINGLE * values.sum():
            left, right = vectors[:, 1] * np.sign(vectors[np.argmax(np.abs(vectors[:, 1])), 1])
            scale = 2 / (abs(left) + abs(right))  # left = right gives the weights 1 and 1
            return StereoImage((float(left * scale), float(right * scale)), single=True)
        left, right = self.covariance[0, 0], self.covariance[1, 1]
        turned = self.covariance[0, 1] < ANTIPHASE * np.sqrt(left * right)
        balance = np.sqrt(left / right) if min(left, right) < FAR_APART * max(left, right) else 1.0
        return StereoImage((1.0, float(-balance if turned else balance)))


def stereo_image(blocks: Iterator[np.ndarray]) -> Iterator[StereoImage | None]:
    """Measure a song block by block: None after each, and last its image."""
    meter = StereoMeter()
    for block in blocks:
        meter.add(block)
        yield None
    yield meter.image()

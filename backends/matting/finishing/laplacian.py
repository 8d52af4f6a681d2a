"""The equations of closed-form matting for the unknown pixels of a picture.

Levin et al. 2008, equation 12: in each window w of 3 × 3 pixels with mean colour μ and covariance Σ, the pixels i and j
contribute δ_ij − (1 + (I_i − μ)ᵀ(Σ + ε/9·1)⁻¹(I_j − μ)) / 9 to the matting Laplacian L.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

EPSILON = 1e-5
"""ε of the Laplacian: the variance of a colour, of 1, below which a window tells nothing."""

PLACES = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""The pixels of a window, from its middle."""

NEIGHBOURS = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if (y, x) != (0, 0))
"""The pixels that share a window with one, from there. The later half lies behind it in reading order."""

LATER = NEIGHBOURS[len(NEIGHBOURS) // 2 :]

UNIT = 255 * len(PLACES)
"""Multiples of 1/UNIT are all that bytes less the mean of nine bytes can be."""

PAD = 2
"""Pixels laid around a picture, so that no neighbour is outside."""


@dataclass(frozen=True)
class Equations:
    """A·α = b for N unknown pixels in reading order, where A = L_uu is symmetric.

    `diagonal` is `(N,)`, `values` `(12, N)` each pixel's entries with its `LATER` neighbours, `neighbours` `(N, 24)`
    the number of each of its `NEIGHBOURS`, −1 where that is known, and `target` `(N,)` is b = −L_uk·α_k. All are
    float32 but the numbers.
    """

    diagonal: np.ndarray
    values: np.ndarray
    neighbours: np.ndarray
    target: np.ndarray


def matting_equations(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray) -> Equations:
    """The equations of the unknown pixels of a picture of at least 3 × 3.

    Args:
        frame: `(H, W, 3)` uint8.
        alpha: `(H, W)` float32 in 0..1, read where it is known.
        unknown: `(H, W)` bool.
    """
    padded = cv2.copyMakeBorder(unknown.astype(np.uint8), PAD, PAD, PAD, PAD, cv2.BORDER_CONSTANT, value=0)
    pixels = np.flatnonzero(padded)
    windows = _Windows.around(cv2.copyMakeBorder(frame, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE), padded, pixels)
    known = cv2.copyMakeBorder(np.where(unknown, 0, alpha), PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
    numbers = np.full(padded.size, -1, np.int32)
    numbers[pixels] = np.arange(len(pixels), dtype=np.int32)
    neighbours = numbers.take(pixels[:, None] + _steps(NEIGHBOURS, padded.shape[1]))
    values = np.stack([windows.entries(offset) for offset in LATER])
    return Equations(windows.entries((0, 0)), values, neighbours, -windows.product(known.astype(np.float32)))


def _steps(offsets: tuple[tuple[int, int], ...], width: int) -> np.ndarray:
    """Offsets (y, x) as steps in a flat picture of that width."""
    return np.array([y * width + x for y, x in offsets])


@dataclass(frozen=True)
class _Windows:
    """K windows that hold the N unknown pixels, and a last one that counts as nothing.

    `at` `(9, K + 1)` are the flat indices of each window's pixels, `colours` `(3, 9, K + 1)` float32 are I − μ in units
    of 1/UNIT, which are whole numbers, and `scaled` the same times (Σ + ε/9·1)⁻¹. `holding` `(9, N)` says in which
    window each pixel has that place.
    """

    at: np.ndarray
    colours: np.ndarray
    scaled: np.ndarray
    holding: np.ndarray

    @classmethod
    def around(cls, frame: np.ndarray, unknown: np.ndarray, pixels: np.ndarray) -> _Windows:
        """Of a padded frame `(H, W, 3)` uint8 with `unknown` `(H, W)` uint8 at the flat indices `pixels` `(N,)`."""
        middles = cv2.dilate(unknown, np.ones((3, 3), np.uint8))
        inside = np.zeros_like(middles)
        rim = PAD + 1  # windows lie wholly in the picture
        inside[rim:-rim, rim:-rim] = middles[rim:-rim, rim:-rim]
        centres = np.flatnonzero(inside)
        steps = _steps(PLACES, unknown.shape[1])[:, None]
        numbers = np.full(unknown.size, len(centres))
        numbers[centres] = np.arange(len(centres))
        at = np.append(centres, rim * (unknown.shape[1] + 1)) + steps  # the last one's pixels are read and not used
        colours = np.empty((3, *at.shape), np.float32)
        for channel, values in zip(cv2.split(frame), colours, strict=True):
            values[:] = channel.ravel().take(at)
        colours *= len(PLACES)
        colours -= colours.sum(axis=1, keepdims=True) / len(PLACES)
        return cls(at, colours, _scaled(colours), numbers.take(pixels - steps))

    def entries(self, offset: tuple[int, int]) -> np.ndarray:
        """(N,) float32, the Laplacian's entries of each pixel with the one at `offset` (y, x) from it."""
        total = np.zeros(self.holding.shape[1], np.float32)
        for place, (y, x) in enumerate(PLACES):
            if max(abs(y + offset[0]), abs(x + offset[1])) > 1:
                continue
            other = PLACES.index((y + offset[0], x + offset[1]))
            value = self.scaled[0, place] * self.colours[0, other]  # (K + 1,)
            value += self.scaled[1, place] * self.colours[1, other]
            value += self.scaled[2, place] * self.colours[2, other]
            value += 1
            value *= np.float32(-1 / len(PLACES))
            if place == other:
                value += 1
            value[-1] = 0
            total += value.take(self.holding[place])
        return total

    def product(self, alpha: np.ndarray) -> np.ndarray:
        """(N,) float32, the rows of L times a padded `alpha` `(H, W)` float32."""
        values = alpha.ravel().take(self.at)  # (9, K + 1)
        slopes = np.einsum("cpk,pk->ck", self.colours, values)
        values -= values.mean(axis=0) + np.einsum("cpk,ck->pk", self.scaled, slopes) / len(PLACES)
        values[:, -1] = 0
        return np.sum([row.take(held) for row, held in zip(values, self.holding, strict=True)], axis=0)


def _scaled(colours: np.ndarray) -> np.ndarray:
    """(Σ + ε/9·1)⁻¹(I − μ), `(3, 9, K)` float32, of I − μ; both in units of 1/UNIT.

    Σ is inverted by its cofactors, in double precision: the colours of a window are nearly in line, and what is left of
    sums that cancel is what counts.
    """
    red, green, blue = colours.astype(np.float64)

    def covariance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (np.einsum("pk,pk->k", one, other) + EPSILON * UNIT**2 * (one is other)) / len(PLACES)

    rr, rg, rb = covariance(red, red), covariance(red, green), covariance(red, blue)
    gg, gb, bb = covariance(green, green), covariance(green, blue), covariance(blue, blue)
    first = (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg)
    second = (first[1], rr * bb - rb * rb, rg * rb - rr * gb)
    third = (first[2], second[2], rr * gg - rg * rg)
    determinant = rr * first[0] + rg * first[1] + rb * first[2]
    scaled, total, part = np.empty_like(colours), np.empty_like(red), np.empty_like(red)
    for channel, cofactors in enumerate((first, second, third)):
        row = [cofactor / determinant for cofactor in cofactors]  # of (K,)
        np.multiply(row[0], red, out=total)
        total += np.multiply(row[1], green, out=part)
        total += np.multiply(row[2], blue, out=part)
        scaled[channel] = total
    return scaled

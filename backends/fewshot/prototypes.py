"""The `prototypes` engine: hand-made image descriptors, without learned weights and without text.

Shape as histograms of oriented gradients (Dalal and Triggs 2005) at two scales, texture as local binary patterns
(Ojala et al. 2002), colour as a grid of means and spreads and as a histogram. A thing and its mirror image are nearly
the same to people, so the part that differs between them has a small weight; a classifier is also fitted faster.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import ClassVar

import numpy as np
from PIL import Image
from skimage.color import rgb2gray, rgb2hsv, rgb2lab
from skimage.feature import hog, local_binary_pattern

from backends.fewshot.base import FeatureEngine
from backends.fewshot.features import unit_vector

SIDE, SMALL = 64, 32
TINTS = (6, 3, 3)
"""Bins of hue, saturation and value."""

PATTERNS = 10
"""Uniform patterns of eight neighbours, and one for all others."""

ANTISYMMETRIC_WEIGHT = 0.25
"""Weight of the part that differs between a coarse shape and its mirror image, beside the part they share."""


class PrototypesEngine(FeatureEngine):
    """Colour, texture and shape descriptors, each a unit vector, concatenated to one unit vector."""

    name: ClassVar[str] = "prototypes"
    version: ClassVar[str] = "2"
    side: int = SIDE

    def load(self, device: str) -> None:
        self.dimensions = descriptor(np.zeros((SIDE, SIDE, 3), np.uint8)).size

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """The whole image resized to a square of 64 pixels, so that nothing at its edges is lost."""
        return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0))

    def encode_images(self, prepared: np.ndarray) -> np.ndarray:
        return np.stack([descriptor(picture) for picture in prepared]).astype(np.float32)


def descriptor(picture: np.ndarray) -> np.ndarray:
    """`(D,)` unit vector of a `(64, 64, 3)` uint8 RGB picture."""
    small = np.asarray(Image.fromarray(picture).resize((SMALL, SMALL), Image.Resampling.BOX))
    lab = rgb2lab(small)
    shape, antisymmetric = mirror_decomposition(
        gradients(picture, 16), (1, 2)
    )  # mirrored, of nine angles the first becomes the last
    parts = (
        np.concatenate([shape, ANTISYMMETRIC_WEIGHT * antisymmetric]),
        mirror_decomposition(gradients(small, 8), (1, 2))[0],
        mirror_decomposition(textures(small), (1,))[0],
        mirror_decomposition(colours(lab, 4), (1,))[0],
        mirror_decomposition(colours(lab, 8)[..., :3], (1,))[0],
        tints(small),
    )
    return unit_vector(np.concatenate([unit_vector(part) for part in parts]))


def mirror_decomposition(part: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The symmetric and the antisymmetric part of a block under reflection, which reverses these axes.

    With pairs (l, r) of mirrored values they are (l + r) / √2 and (l − r) / √2, an orthogonal transform of the block;
    values on the axis belong to the symmetric part.
    """
    values, (left, right, same) = part.ravel(), mirror_pairs(part.shape, axes)
    symmetric = np.concatenate([values[same], (values[left] + values[right]) / np.sqrt(2)])
    return symmetric, (values[left] - values[right]) / np.sqrt(2)


@cache
def mirror_pairs(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat indices of one value of each mirrored pair, of the other, and of the values on the axis."""
    places = np.arange(np.prod(shape))
    partners = np.flip(places.reshape(shape), axes).ravel()
    return places[places < partners], partners[places < partners], places[places == partners]


def gradients(picture: np.ndarray, cell: int) -> np.ndarray:
    """`(rows, columns, 9)` histograms of oriented gradients: each cell is the mean over the normalised blocks of 2 × 2
    cells that it belongs to."""
    blocks = hog(
        picture,
        orientations=9,
        pixels_per_cell=(cell, cell),
        cells_per_block=(2, 2),
        transform_sqrt=True,
        feature_vector=False,
        channel_axis=-1,
    )  # (rows - 1, columns - 1, 2, 2, 9)
    rows, columns = blocks.shape[0] + 1, blocks.shape[1] + 1
    total, count = np.zeros((rows, columns, 9)), np.zeros((rows, columns, 1))
    for down, right in product(range(2), range(2)):
        place = np.s_[down : rows - 1 + down, right : columns - 1 + right]
        total[place] += blocks[:, :, down, right]
        count[place] += 1
    return total / count


def textures(picture: np.ndarray) -> np.ndarray:
    """`(2, 2, 10)` relative frequencies of local binary patterns in each quarter; their square roots (Hellinger), so
    that rare ones count too."""
    grey = (255 * rgb2gray(picture)).astype(np.uint8)
    patterns = local_binary_pattern(grey, 8, 1, "uniform").astype(int)
    half = len(patterns) // 2
    quarters = patterns.reshape(2, half, 2, half).transpose(0, 2, 1, 3).reshape(4, -1)
    counts = np.stack([np.bincount(quarter, minlength=PATTERNS) for quarter in quarters])
    return np.sqrt(counts / quarters.shape[1]).reshape(2, 2, PATTERNS)


def colours(lab: np.ndarray, grid: int) -> np.ndarray:
    """`(grid, grid, 6)` means and spreads of lightness and the two opponent colours, in the same units."""
    cell = len(lab) // grid
    cells = lab.reshape(grid, cell, grid, cell, 3)
    return np.concatenate([cells.mean(axis=(1, 3)) / 50, cells.std(axis=(1, 3)) / 25], axis=-1)


def tints(picture: np.ndarray) -> np.ndarray:
    """`(54,)` joint histogram of hue, saturation and value, as square roots of relative frequencies."""
    counts, _ = np.histogramdd(rgb2hsv(picture).reshape(-1, 3), bins=TINTS, range=((0, 1),) * 3)
    return np.sqrt(counts.ravel() / counts.sum())

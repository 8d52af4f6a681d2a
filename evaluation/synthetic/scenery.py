"""A garden out of focus: sky with clouds, hills, bushes and a fence, gliding past as if the camera moved."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

SLACK = 1.5  # the layers are drawn this much wider than the picture, and the camera glides over them
DRIFT = 0.012  # of the width, how far the nearest layer moves each second


def floats(values: npt.ArrayLike) -> np.ndarray:
    """`values` as a float32 array."""
    return np.asarray(values, np.float32)


def fractal(height: int, width: int, rng: np.random.Generator, octaves: int = 5, first: int = 4) -> np.ndarray:
    """Smooth noise `(height, width)` float32 in 0..1: octaves of random grids, each half as strong as the one before.

    Args:
        height, width: of the picture, in pixels.
        rng: draws the grids.
        octaves: how many grids are added; each has twice as many cells as the one before.
        first: cells of the coarsest grid along the height.
    """
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        cells = first * 2**octave
        grid = rng.random((cells + 1, round(cells * width / height) + 1), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
        weight += 1 / 2**octave
    total /= weight
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


class Scenery:
    """Layers from far to near, each with its own colours `(H, W', 3)`, cover `(H, W')` and speed."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self._size = (width, height)
        self._wide = round(width * SLACK)
        rng = np.random.default_rng([seed, 1])
        self._sky = self._painted_sky(rng)
        self._layers = [self._hills(rng), self._bushes(rng), self._fence(rng)]

    def at(self, seconds: float) -> np.ndarray:
        """The picture `(H, W, 3)` float32 in 0..1."""
        picture = self._cut(self._sky, 0.15, seconds)
        for colour, cover, speed in self._layers:
            mask = self._cut(cover, speed, seconds)[..., None]
            picture = picture * (1 - mask) + self._cut(colour, speed, seconds) * mask
        return picture

    def _cut(self, layer: np.ndarray, speed: float, seconds: float) -> np.ndarray:
        """The part of a layer that is in view, to a fraction of a pixel; the camera glides there and back."""
        width, height = self._size
        room = self._wide - width - 1
        path = 0.5 - 0.5 * np.cos(seconds * DRIFT * 2 * np.pi * 4)
        shift = floats([[1, 0, -room * speed * path], [0, 1, 0]])
        return cv2.warpAffine(layer, shift, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _rows(self) -> np.ndarray:
        return np.linspace(0, 1, self._size[1], dtype=np.float32)[:, None]

    def _painted_sky(self, rng: np.random.Generator) -> np.ndarray:
        height = self._size[1]
        down = self._rows()[..., None]
        blue = floats([0.45, 0.62, 0.84]) * (1 - down) + floats([0.93, 0.86, 0.78]) * down
        clouds = np.clip((fractal(height, self._wide, rng, 5, 3) - 0.5) * 2.6, 0, 1)[..., None]
        return blue * (1 - 0.75 * clouds) + 0.97 * 0.75 * clouds

    def _hills(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
        height = self._size[1]
        ridge = 0.5 + 0.22 * (fractal(height, self._wide, rng, 4, 2)[height // 2] - 0.5)
        cover = np.clip((self._rows() - ridge) * height / 3, 0, 1)
        speckle = fractal(height, self._wide, rng, 6, 8)[..., None]
        colour = floats([0.36, 0.47, 0.42]) * (0.75 + 0.5 * speckle)
        return colour, cover.astype(np.float32), 0.4

    def _bushes(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
        """Leaves: noise cut at a threshold that rises with height, lit from the upper left."""
        height = self._size[1]
        leaves = fractal(height, self._wide, rng, 7, 5)
        cover = np.clip((leaves + 2.2 * (self._rows() - 0.62)) * 9 - 2.6, 0, 1)
        light = cv2.Sobel(cv2.GaussianBlur(leaves, (0, 0), height / 180), cv2.CV_32F, 1, 1, ksize=3)
        light = np.clip(0.62 + light * height / 14, 0.25, 1.2)[..., None]
        tint = fractal(height, self._wide, rng, 3, 3)[..., None]
        green = floats([0.24, 0.40, 0.16]) * (1 - tint) + floats([0.52, 0.50, 0.20]) * tint
        flowers = np.clip((fractal(height, self._wide, rng, 3, 40) - 0.83) * 12, 0, 1)[..., None]
        colour = green * light * (1 - flowers) + floats([0.86, 0.45, 0.5]) * flowers
        blur = height / 240
        return cv2.GaussianBlur(colour, (0, 0), blur), cv2.GaussianBlur(cover, (0, 0), blur), 0.75

    def _fence(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
        height = self._size[1]
        cover = np.zeros((height, self._wide), np.float32)
        step = height // 9
        for left in range(-step, self._wide, step):
            top = round(height * (0.70 + 0.012 * rng.standard_normal()))
            cv2.rectangle(cover, (left, top), (left + round(step * 0.72), height), 1.0, -1)
        for rail in (0.77, 0.92):
            cv2.rectangle(cover, (0, round(height * rail)), (self._wide, round(height * (rail + 0.035))), 1.0, -1)
        grain = cv2.resize(fractal(height, self._wide // 8 + 2, rng, 6, 6), (self._wide, height))[..., None]
        colour = floats([0.56, 0.44, 0.33]) * (0.65 + 0.6 * grain)
        blur = height / 300
        return cv2.GaussianBlur(colour, (0, 0), blur), cv2.GaussianBlur(cover, (0, 0), blur), 1.0

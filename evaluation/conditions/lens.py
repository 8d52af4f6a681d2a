"""What a lens, the weather or a hand does to `(H, W, 3)` uint8 RGB: the further kinds of ImageNet-C, and a drawing.

Of the fifteen kinds of Hendrycks and Dietterich 2019 only frost is missing here and in `pictures`, for it needs
photographs of frost. Levels are theirs where they are one number; sizes in pixels are those of a picture whose shorter
side has REFERENCE_SIDE, where theirs has 224.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.util import random_noise

REFERENCE_SIDE = 512
ZOOM_STEPS = 8


def shot_noise(rgb: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    """So few photons that each pixel is a count of them."""
    return _bytes(rng.poisson(rgb / 255 * photons) / photons)


def impulse_noise(rgb: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A `share` of the values are black or white."""
    return _bytes(random_noise(rgb, "s&p", rng=rng, amount=share))


def defocus(rgb: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Each point is a disk of this radius."""
    radius = max(0.5, pixels * min(rgb.shape[:2]) / REFERENCE_SIDE)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)  # its rim covers pixels in part
    return cv2.filter2D(rgb, -1, disk / disk.sum(), borderType=cv2.BORDER_REFLECT)


def glass(rgb: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Seen through frosted glass: each pixel comes from a place up to so far away."""
    reach = max(1.0, pixels * min(rgb.shape[:2]) / REFERENCE_SIDE)
    return _moved(rgb, rng.uniform(-reach, reach, (2, *rgb.shape[:2])))


def elastic(rgb: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Stretched here and squeezed there, by so much at most, smoothly."""
    smooth = min(rgb.shape[:2]) / 12
    fields = np.stack([gaussian_filter(rng.uniform(-1, 1, rgb.shape[:2]), smooth) for _ in range(2)])
    most = max(float(np.abs(fields).max()), 1e-9)
    return _moved(rgb, fields / most * pixels * min(rgb.shape[:2]) / REFERENCE_SIDE)


def zoom_blur(rgb: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Taken while the lens zoomed in by `factor`."""
    height, width = rgb.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    zooms = [
        cv2.warpAffine(rgb, cv2.getRotationMatrix2D(middle, 0, scale), (width, height), borderMode=cv2.BORDER_REFLECT)
        for scale in np.linspace(1, factor, ZOOM_STEPS)
    ]
    return np.rint(np.mean(zooms, axis=0)).astype(np.uint8)


def fog(rgb: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Clouds of white of all sizes over the picture, `amount` times as bright as it."""
    values, clouds = rgb / 255, _clouds(rgb.shape[:2], rng)[..., None]
    brightest = max(float(values.max()), 1e-3)
    return _bytes((values + amount * clouds) * brightest / (brightest + amount))


def snow(rgb: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Flakes on a `share` of the places, falling across, and a paler picture behind them."""
    height, width = rgb.shape[:2]
    size = max(1, round(min(height, width) / 64))
    spots = (rng.random((-(-height // size), -(-width // size))) < share).astype(np.float32)
    flakes = cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    fall = np.eye(max(3, 3 * size), dtype=np.float32)
    flakes = np.clip(cv2.filter2D(flakes, -1, fall / fall.sum() * 2), 0, 1)[..., None]
    values = rgb / 255
    pale = values * (1 - share) + share * np.maximum(values, values.mean(axis=2, keepdims=True) * 1.5 + 0.5).clip(0, 1)
    return _bytes(pale * (1 - flakes) + flakes)


def brightness(rgb: np.ndarray, more: float, rng: np.random.Generator) -> np.ndarray:
    """Brighter by `more` of the range, with the same hues."""
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 2] = np.clip(hsv[..., 2] + 255 * more, 0, 255)
    return cv2.cvtColor(np.rint(hsv).astype(np.uint8), cv2.COLOR_HSV2RGB)


def sketch(rgb: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """On the way from the picture to a pencil drawing of it, where `share` is 1: lines where it is darker than what is
    around it, on white paper."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) + 1
    around = cv2.GaussianBlur(grey, (0, 0), max(1.0, min(grey.shape) / 40))
    lines = np.square(np.clip(grey / around, 0, 1))  # squared, for a pencil that is pressed
    return _bytes((1 - share) * rgb / 255 + share * lines[..., None])


def _moved(rgb: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Each pixel taken from as far down and across as `by` `(2, H, W)` says."""
    down, across = np.mgrid[: rgb.shape[0], : rgb.shape[1]] + by
    return cv2.remap(
        rgb, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """`shape` from 0 to 1: noise of every size, the finer the fainter."""
    height, width = shape
    clouds, weight, cells = np.zeros(shape), 1.0, 2
    while cells <= max(shape):
        noise = rng.random((cells, cells)).astype(np.float32)
        clouds += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        weight, cells = weight / 2, 2 * cells
    clouds -= clouds.min()
    return clouds / max(float(clouds.max()), 1e-9)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)

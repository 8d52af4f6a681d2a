"""Pictures made worse: what may happen to `(H, W, 3)` uint8 RGB, with the levels of ImageNet-C where it has them.

Hendrycks and Dietterich 2019 give the levels of noise, JPEG, contrast and pixelate; the others are stated in pixels.
What a lens, the weather or a hand does is in `lens`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from evaluation.conditions import lens

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
GREY, REFERENCE_SIDE = 124, lens.REFERENCE_SIDE
"""The second: sizes in pixels are those for a picture whose shorter side has so many."""


def noise(rgb: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise, `sigma` of the range of values."""
    return _bytes(rgb / 255 + rng.normal(0, sigma, rgb.shape))


def jpeg(rgb: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[..., ::-1]


def low_light(rgb: np.ndarray, light: float, rng: np.random.Generator) -> np.ndarray:
    """So little light that a white pixel catches `light` photons; brightened again, as a camera does."""
    linear = np.square(rgb / 255)
    return _bytes(np.sqrt(np.clip(rng.poisson(linear * light) / light, 0, 1)))


def motion_blur(rgb: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """The camera moved by `pixels` in a direction by chance."""
    length = max(1.0, pixels * min(rgb.shape[:2]) / REFERENCE_SIDE)
    side = int(np.ceil(length)) | 1
    kernel, angle = np.zeros((side, side), np.float32), rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    start, stop = (np.rint(side // 2 + sign * reach).astype(int) for sign in (-1, 1))
    cv2.line(kernel, tuple(map(int, start)), tuple(map(int, stop)), 1.0)
    return cv2.filter2D(rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def small(rgb: np.ndarray, divisor: float, rng: np.random.Generator) -> np.ndarray:
    """Reduced to 1 / `divisor` of its size and enlarged again."""
    height, width = rgb.shape[:2]
    size = max(2, round(width / divisor)), max(2, round(height / divisor))
    return cv2.resize(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (width, height))


def crop(rgb: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Only a `fraction` of each side, from a place by chance; the rest is grey, so that places stay what they are."""
    height, width = rgb.shape[:2]
    rows, columns = max(1, round(fraction * height)), max(1, round(fraction * width))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    seen = np.full_like(rgb, GREY)
    seen[top : top + rows, left : left + columns] = rgb[top : top + rows, left : left + columns]
    return seen


def contrast(rgb: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Only a `fraction` of the contrast left."""
    values = rgb / 255
    return _bytes((values - values.mean(axis=(0, 1))) * fraction + values.mean(axis=(0, 1)))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


Row = tuple[str, str, str, tuple[float, float, float, float, float], Change]

CHANGES: tuple[Row, ...] = (
    ("noise", "Noise", "of the range", (0.08, 0.12, 0.18, 0.26, 0.38), noise),
    ("jpeg", "JPEG", "quality", (25, 18, 15, 10, 7), jpeg),
    ("low_light", "Low light", "photons", (200, 80, 30, 12, 5), low_light),
    ("motion_blur", "Motion blur", "pixels", (5, 9, 13, 19, 27), motion_blur),
    ("small", "Low resolution", "times smaller", (2, 3, 4, 6, 8), small),
    ("crop", "Partly covered", "of each side left", (0.9, 0.8, 0.7, 0.6, 0.5), crop),
    ("contrast", "Low contrast", "of it left", (0.4, 0.3, 0.2, 0.1, 0.05), contrast),
    ("shot_noise", "Few photons", "photons", (60, 25, 12, 5, 3), lens.shot_noise),
    ("impulse_noise", "Dead pixels", "of the values", (0.03, 0.06, 0.09, 0.17, 0.27), lens.impulse_noise),
    ("defocus", "Out of focus", "pixels", (7, 9, 14, 18, 23), lens.defocus),
    ("fog", "Fog", "times as bright", (1.5, 2, 2.25, 2.5, 3), lens.fog),
    ("snow", "Snow", "of the places", (0.02, 0.05, 0.1, 0.15, 0.2), lens.snow),
    ("brightness", "Too bright", "of the range", (0.1, 0.2, 0.3, 0.4, 0.5), lens.brightness),
    ("sketch", "Drawn in pencil", "of the way to a drawing", (0.2, 0.4, 0.6, 0.8, 1), lens.sketch),
)
"""Id, title, unit, levels and the change: those that leave everything in its place."""

WARPS: tuple[Row, ...] = (
    ("glass", "Frosted glass", "pixels", (3, 6, 9, 14, 20), lens.glass),
    ("elastic", "Stretched", "pixels", (5, 10, 15, 25, 40), lens.elastic),
    ("zoom_blur", "Zoomed while taken", "times", (1.1, 1.15, 1.2, 1.25, 1.3), lens.zoom_blur),
)
"""The same of those after which a true matte would lie in another place: for questions to classifiers."""

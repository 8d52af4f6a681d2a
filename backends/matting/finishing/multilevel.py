"""The foreground colours of a still picture by multi-level estimation, computed only where the matte is soft.

`pymatting.estimate_foreground_ml` computes the same for every pixel: at 9 megapixels it takes twice the memory, and its
first call compiles for several seconds.
"""

from __future__ import annotations

import cv2
import numpy as np

from backends.matting.finishing.edges import REACH

SMOOTHNESS, GRADIENT = 1e-5, 1.0  # epsilon and omega of the paper
SMALL_SIDE, SMALL_PASSES, PASSES = 32, 10, 2


def multilevel_foreground(frame: np.ndarray, alpha: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """The foreground colours of a picture, finer and slower than `edges.foreground`.

    Fast multi-level foreground estimation (Germer et al. 2020, arXiv:2006.14970): from one pixel up to the whole
    picture, each level starts from the one before and solves, for every pixel i with neighbours j (equation 7),
    (α F + (1 − α) B − I)² + Σ_j (ε + ω|α_i − α_j|)·(|F_i − F_j|² + |B_i − B_j|²) → min.
    The passes alternate between the two colours of a chessboard. Above the size of a thumbnail they cover only the
    soft band: everything else is the picture's own, or not seen.

    Args:
        frame: I, `(H, W, 3)` uint8.
        alpha: α, `(H, W)` float32.
        strength: 0 leaves the old background's colour in, 1 takes out all of it.

    Returns:
        `(H, W, 3)` uint8, straight; black far outside.
    """
    near = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((REACH, REACH), np.uint8))
    result = cv2.copyTo(frame, near)
    points = np.flatnonzero((near > 0) & (alpha < 1))
    if strength <= 0 or not len(points):
        return result
    own = frame.reshape(-1, 3)[points].astype(np.float32)
    mixed = own + strength * (255 * _estimate(frame, alpha, points) - own)
    result.reshape(-1, 3)[points] = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return result


def _estimate(frame: np.ndarray, alpha: np.ndarray, points: np.ndarray) -> np.ndarray:
    """F `(N, 3)` float32 in 0..1 at the flat indices `points`."""
    height, width = alpha.shape
    levels = int(np.ceil(np.log2(max(height, width))))
    fore, back = _means(frame, alpha)
    for level in range(levels + 1):
        h, w = round(height ** (level / levels)), round(width ** (level / levels))
        image = cv2.resize(frame, (w, h), interpolation=cv2.INTER_NEAREST).astype(np.float32) / 255
        a = cv2.resize(alpha, (w, h), interpolation=cv2.INTER_NEAREST)
        fore, back = (cv2.resize(field, (w, h), interpolation=cv2.INTER_NEAREST) for field in (fore, back))
        small = max(h, w) <= SMALL_SIDE
        where = np.arange(h * w) if small else points if level == levels else _soft(a)
        for half in _halves(image, a, where) * (SMALL_PASSES if small else PASSES):
            half.solve(fore.reshape(-1, 3), back.reshape(-1, 3))
    return fore.reshape(-1, 3)[points]


def _soft(alpha: np.ndarray) -> np.ndarray:
    """Flat indices of the band that is neither person nor background, and of one pixel on both sides."""
    band = ((alpha > 0) & (alpha < 1)).astype(np.uint8)
    return np.flatnonzero(cv2.dilate(band, np.ones((3, 3), np.uint8)))


def _means(frame: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean colours `(1, 1, 3)` of what is surely person and surely background."""
    masks = ((alpha > 0.9).astype(np.uint8), (alpha < 0.1).astype(np.uint8))
    fore, back = (np.array(cv2.mean(frame, mask)[:3], np.float32)[None, None] / 255 for mask in masks)
    return fore, back


def _halves(image: np.ndarray, alpha: np.ndarray, where: np.ndarray) -> list[_Half]:
    rows, columns = np.divmod(where, alpha.shape[1])
    return [_Half(image, alpha, where[(rows + columns) % 2 == colour]) for colour in (0, 1)]


class _Half:
    """The pixels `(N,)` of one colour of the chessboard, with the parts of their equations that no pass changes."""

    def __init__(self, image: np.ndarray, alpha: np.ndarray, points: np.ndarray) -> None:
        height, width = alpha.shape
        rows, columns = np.divmod(points, width)
        flat = alpha.ravel()
        self.points, a = points, flat[points]
        self.near = [
            np.minimum(np.maximum(rows + y, 0), height - 1) * width + np.minimum(np.maximum(columns + x, 0), width - 1)
            for y, x in ((0, -1), (0, 1), (-1, 0), (1, 0))
        ]
        self.weights = [SMOOTHNESS + GRADIENT * np.abs(a - flat[near])[:, None] for near in self.near]
        total = np.sum(self.weights, axis=0)[:, 0]
        a00, a01, a11 = a * a + total, a * (1 - a), (1 - a) ** 2 + total
        scale = 1 / (a00 * a11 - a01 * a01)
        self.inverse = [(part * scale)[:, None] for part in (a11, -a01, a00)]
        colours = image.reshape(-1, 3)[points]
        self.shown = (a[:, None] * colours, (1 - a)[:, None] * colours)

    def solve(self, fore: np.ndarray, back: np.ndarray) -> None:
        """Solve the 2 × 2 system of each pixel and channel for F and B `(H·W, 3)`, in place, given their neighbours."""
        right = []
        for field, shown in zip((fore, back), self.shown, strict=True):
            b = shown.copy()
            for near, weight in zip(self.near, self.weights, strict=True):
                b += weight * field[near]
            right.append(b)
        i00, i01, i11 = self.inverse
        fore[self.points] = np.clip(i00 * right[0] + i01 * right[1], 0, 1)
        back[self.points] = np.clip(i01 * right[0] + i11 * right[1], 0, 1)

"""What the figure of the sample clip is drawn on and of: a canvas in layers, and outlines as lists of points."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from evaluation.synthetic.scenery import floats

SUBPIXEL = 4  # OpenCV draws at sixteenths of a pixel

Draw = Callable[[np.ndarray, np.ndarray], object]


class Canvas:
    """A picture in layers: `pixels` `(H, W, 4)` float32, colour times alpha and alpha."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 4), np.float32)

    def polygon(self, points: np.ndarray, colour: np.ndarray, shade: np.ndarray | None = None) -> None:
        """Fill `points` `(N, 2)` with one colour, or with `shade` `(H, W)` times it."""
        self._paint(
            points, lambda mask, shifted: cv2.fillPoly(mask, [shifted], 255, cv2.LINE_AA, SUBPIXEL), colour, shade
        )

    def line(self, points: np.ndarray, colour: np.ndarray, thickness: int, strength: float = 1.0) -> None:
        self._paint(
            points,
            lambda mask, shifted: cv2.polylines(
                mask, [shifted], False, 255 * strength, thickness, cv2.LINE_AA, SUBPIXEL
            ),
            colour,
            None,
            thickness + 2,
        )

    def _paint(
        self, points: np.ndarray, draw: Draw, colour: np.ndarray, shade: np.ndarray | None, margin: int = 2
    ) -> None:
        height, width = self.pixels.shape[:2]
        low = np.maximum(np.floor(points.min(axis=0)).astype(int) - margin, 0)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + margin + 1, (width, height))
        if (high <= low).any():
            return
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        draw(mask, np.rint((points - low) * 2**SUBPIXEL).astype(np.int32))
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        cover = mask[..., None] / floats(255)
        paint = colour if shade is None else colour * shade[box][..., None]
        here = self.pixels[box]
        here[..., :3] = here[..., :3] * (1 - cover) + np.clip(paint, 0, 1) * cover
        here[..., 3:] = here[..., 3:] * (1 - cover) + cover


def smooth(points: list[tuple[float, float]], steps: int = 12) -> np.ndarray:
    """A closed curve through `points` (Catmull-Rom), as `(N, 2)`."""
    knots = floats(points)
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    curve = []
    for index in range(len(knots)):
        a, b, c, d = (knots[(index + shift) % len(knots)] for shift in (-1, 0, 1, 2))
        curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(curve)


def oval(centre: np.ndarray, across: float, down: float, tilt: float = 0.0, steps: int = 64) -> np.ndarray:
    """The outline of an ellipse, `(steps, 2)` float32.

    Args:
        centre: (2,), in pixels.
        across, down: half-axes in pixels.
        tilt: of the first axis, in radians.
        steps: how many points the outline has.
    """
    turn = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    points = np.stack([across * np.cos(turn), down * np.sin(turn)], axis=1)
    return (points @ rotation(tilt).T + centre).astype(np.float32)


def limb(start: np.ndarray, end: np.ndarray, thick: float, thin: float) -> np.ndarray:
    """A tapering rounded bar from `start` to `end`."""
    along = np.arctan2(*(end - start)[::-1])
    turn = np.linspace(-np.pi / 2, np.pi / 2, 16)
    cap = lambda centre, radius, angle: centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # noqa: E731
    return np.concatenate([cap(end, thin, turn + along), cap(start, thick, turn + along + np.pi)]).astype(np.float32)


def rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)

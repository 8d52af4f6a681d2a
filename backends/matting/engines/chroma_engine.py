"""The `chroma` engine: what a green or blue screen hides is background, whoever or whatever stands before it.

The key is estimated from the border of the picture. How far a pixel is from it is measured along the key's own hue, as
colour-difference keyers do, against a screen whose brightness may vary slowly over the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from backends.core.errors import BadInput
from backends.matting.base import MattingEngine
from backends.matting.video.job import MatteFunction

SIDE = 1280
"""The long side in pixels at which videos are keyed."""

BORDER = 0.04
"""How much of the picture, on top and at both sides, is looked at for the screen; below people reach the rim."""

MIN_CHROMA = 22.0
"""Of 128: what has less colour is grey, and no screen."""

HUE_WIDTH = np.deg2rad(18.0)
MIN_SHARE = 0.35
"""The pixels of the border that lie so near in hue to the commonest one, and how many of them make a screen."""

ACROSS_WEIGHT = 0.6
"""How much colour of another hue speaks against the screen: yellow and cyan things before green stay."""

FOREGROUND, BACKGROUND = 0.08, 0.85
"""Of the screen's own strength: a pixel with less is the person's, with more it is screen."""

NEARBY = 0.02
"""Of the long side: so far the foreground's colours are looked for around an edge."""

NO_SCREEN = (
    "There is no green or blue screen around this picture: this model needs one of a single strong colour on top and "
    "at both sides. Choose another model."
)


@dataclass(frozen=True)
class ScreenKey:
    """The colour of a screen: the unit vector of its hue in the plane of Cb and Cr, and how strong it is there."""

    hue: np.ndarray
    strength: float

    def fits(self, frame: np.ndarray) -> bool:
        """Whether the border of `frame` `(H, W, 3)` uint8 still is that screen."""
        return float((self.likeness(border_chroma(frame)) > 0.5 * self.strength).mean()) > MIN_SHARE

    def likeness(self, chroma: np.ndarray) -> np.ndarray:
        """How strongly each pixel of `chroma` `(…, 2)` has the screen's hue, `(…)` float32; below 0 not at all."""
        along = chroma @ self.hue
        across = chroma @ np.array([-self.hue[1], self.hue[0]], np.float32)
        return (along - ACROSS_WEIGHT * np.abs(across)).astype(np.float32)


def chroma_of(frame: np.ndarray) -> np.ndarray:
    """Cb and Cr of `frame` `(H, W, 3)` uint8, `(H, W, 2)` float32 around 0."""
    luma_chroma = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    return luma_chroma[..., [2, 1]] - 128


def border_chroma(frame: np.ndarray) -> np.ndarray:
    """Cb and Cr `(N, 2)` float32 of the border of `frame` `(H, W, 3)` uint8, on top and at both sides."""
    height, width = frame.shape[:2]
    rows, columns = max(2, round(BORDER * height)), max(2, round(BORDER * width))
    parts = (frame[:rows], frame[rows:, :columns], frame[rows:, -columns:])
    return np.concatenate([chroma_of(np.ascontiguousarray(part)).reshape(-1, 2) for part in parts])


def estimate_key(frame: np.ndarray) -> ScreenKey | None:
    """The key of the screen around `frame` `(H, W, 3)` uint8, None where there is none."""
    border = border_chroma(frame)
    coloured = border[np.hypot(*border.T) > MIN_CHROMA]
    if len(coloured) < MIN_SHARE * len(border):
        return None
    angles = np.arctan2(coloured[:, 1], coloured[:, 0])
    counts, edges = np.histogram(angles, 72, (-np.pi, np.pi))
    around = counts + np.roll(counts, 1) + np.roll(counts, -1)
    middle = edges[around.argmax()] + np.pi / 72
    near = np.abs(np.angle(np.exp(1j * (angles - middle)))) < HUE_WIDTH
    if near.sum() < MIN_SHARE * len(border):
        return None
    colour = np.median(coloured[near], axis=0)
    strength = float(np.hypot(*colour))
    return ScreenKey((colour / strength).astype(np.float32), strength)


def key_matte(frame: np.ndarray, key: ScreenKey) -> np.ndarray:
    """The matte `(H, W)` float32 of `frame` `(H, W, 3)` uint8 before a screen of that key."""
    like = key.likeness(chroma_of(frame)) / key.strength
    screen = _screen_strength(like)
    share = cv2.GaussianBlur(like / np.maximum(screen, 0.25), (0, 0), 0.7)  # chroma has half the picture's pixels
    # Most colours lie on the other side of grey, so half an edge is less than half as green: the foreground's own
    # likeness is taken from what surely is foreground nearby.
    person = (share < FOREGROUND).astype(np.float32)
    reach = (2 * max(2, round(NEARBY * max(share.shape))) + 1,) * 2
    own = (cv2.blur(share * person, reach) + 1e-3 * FOREGROUND) / (cv2.blur(person, reach) + 1e-3)
    return np.clip((BACKGROUND - share) / (BACKGROUND - np.minimum(own, FOREGROUND)), 0, 1).astype(np.float32)


def _screen_strength(like: np.ndarray) -> np.ndarray:
    """How strong the screen is at each pixel, `(H, W)` float32: light falls unevenly, so a quadratic surface is fitted
    to what surely is screen."""
    height, width = like.shape
    rows, columns = np.mgrid[0:height:8, 0:width:8]
    sample = like[::8, ::8]
    sure = sample > 0.6
    if sure.sum() < 24:
        return np.ones_like(like)
    y, x = (rows / height - 0.5)[sure], (columns / width - 0.5)[sure]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    fit, *_ = np.linalg.lstsq(terms, sample[sure], rcond=None)
    y, x = rows / height - 0.5, columns / width - 0.5
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1) @ fit
    full = cv2.resize(surface.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(full, 0.5, 1.5)


class ChromaKeyer:
    """Keys one video: with the key of its first picture until the border no longer has that colour.

    Args:
        patient: keep everything while there is no screen, as before a camera that is being set up.

    Raises:
        BadInput: there is no screen around the first picture, and it is not patient.
    """

    def __init__(self, patient: bool = False) -> None:
        self._key: ScreenKey | None = None
        self._patient = patient

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """Alphas `(B, H, W)` float32 of the next frames `(B, H, W, 3)` uint8."""
        return np.stack([self._matte(frame) for frame in frames])

    def _matte(self, frame: np.ndarray) -> np.ndarray:
        if self._key is None or not self._key.fits(frame):
            self._key = estimate_key(frame) or self._key
        if self._key is None and self._patient:
            return np.ones(frame.shape[:2], np.float32)
        if self._key is None:
            raise BadInput(NO_SCREEN)
        return key_matte(frame, self._key)


class ChromaEngine(MattingEngine):
    """Keys out the colour of a screen; needs no weights."""

    name: ClassVar[str] = "chroma"
    pixels_a_call: int = 1_000_000

    def load(self, device: str) -> None:
        """There is nothing to load; it always runs on the processor."""

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        scale = min(1.0, SIDE / max(height, width))
        return max(8, round(height * scale)), max(8, round(width * scale))

    def picture_size(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        return np.concatenate([ChromaKeyer().mattes(frame[None]) for frame in frames])

    def begin(self) -> MatteFunction:
        return ChromaKeyer().mattes

    def begin_live(self) -> MatteFunction:
        return ChromaKeyer(patient=True).mattes

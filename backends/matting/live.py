"""Mattes for a camera: each at once, from the pictures so far alone."""

from __future__ import annotations

import cv2
import numpy as np

from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.matting.base import MattingEngine
from backends.matting.finishing.temporal import luma, still
from backends.matting.live_sides import SIDES
from backends.matting.video.job import Mattes

PULL = 0.35
"""Share of the new matte that a pixel takes over where the picture stands still; it settles within five pictures."""


def sides(card: ModelCard) -> tuple[int, ...]:
    """The long sides at which this card can follow a camera, smallest first.

    Raises:
        BadInput: it cannot at all.
    """
    if card.task != "matting" or card.engine not in SIDES:
        raise BadInput(f"{card.title} works on files only; choose another model for the live picture.")
    return SIDES[card.engine]


class LiveMatter:
    """One person before one camera. `calm` smooths in time where the picture stands still."""

    def __init__(self, calm: bool = True) -> None:
        self.calm = calm
        self._engine: Engine | None = None
        self._mattes: Mattes | None = None
        self._luma: np.ndarray | None = None
        self._alpha: np.ndarray | None = None

    def matte(self, engine: Engine, frame: np.ndarray) -> np.ndarray:
        """Alpha `(h, w)` uint8 of the camera's next picture `(h, w, 3)` uint8 RGB.

        Another engine or another size begins anew: what was remembered does not fit any more.
        """
        assert isinstance(engine, MattingEngine)
        fits = self._alpha is not None and self._alpha.shape == frame.shape[:2]
        if engine is not self._engine or not fits or self._mattes is None:
            self._engine, self._mattes, self._alpha = engine, engine.begin_live(), None
        alpha = self._mattes(frame[None])[0]
        now = luma(frame)
        if self.calm and self._alpha is not None and self._luma is not None:
            alpha = settled(self._alpha, alpha, still(self._luma, now))
        self._luma, self._alpha = now, alpha
        return cv2.convertScaleAbs(alpha, alpha=255)


def settled(before: np.ndarray, alpha: np.ndarray, calm: np.ndarray) -> np.ndarray:
    """A running mean of the matte where nothing moves, and the new matte where something does.

    The one-frame delay of the files would show every picture late. This looks back only, and never holds on to what
    moved: `calm` `(h, w)` bool says where the picture stood still.
    """
    return np.where(calm, before + PULL * (alpha - before), alpha).astype(np.float32)

"""Mattes for a camera: one for each picture as it comes, from the pictures so far alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.matting import TASK
from backends.matting.base import MattingEngine
from backends.matting.capabilities import MattingCapabilities
from backends.matting.finishing.matte_store import to_uint8
from backends.matting.finishing.temporal import luma, still_pixels
from backends.matting.video.job import MatteFunction

SMOOTHING_RATE = 0.35
"""How far a still pixel moves to the new matte with each picture; it settles within five pictures."""


def live_sides(card: ModelCard) -> tuple[int, ...]:
    """The long sides in pixels at which this card can follow a camera, smallest first.

    Raises:
        BadInput: it cannot at all.
    """
    if card.task == TASK.name and card.engine in TASK.engines:
        capabilities = TASK.capabilities_of(card)
        if isinstance(capabilities, MattingCapabilities) and capabilities.live_sides:
            return capabilities.live_sides
    raise BadInput(f"{card.title} works on files only; choose another model for the live picture.")


def follows_cameras(card: ModelCard) -> bool:
    """Whether this card can follow a camera."""
    try:
        return bool(live_sides(card))
    except BadInput:
        return False


def open_session(card: ModelCard, options: Mapping[str, Any]) -> LiveMatter:
    """The live session of the task; its option `calm` smooths. Raises BadInput where the card follows no camera."""
    matter = LiveMatter(sides=live_sides(card))
    matter.update(options)
    return matter


class LiveMatter:
    """The mattes of one camera. `smoothing` holds the matte steady over time where the picture stands still."""

    def __init__(self, smoothing: bool = True, sides: tuple[int, ...] = ()) -> None:
        self.smoothing = smoothing
        self.sides = sides
        self._engine: Engine | None = None
        self._matte_function: MatteFunction | None = None
        self._luma: np.ndarray | None = None
        self._alpha: np.ndarray | None = None

    def facts(self) -> Mapping[str, Any]:
        return {"sides": self.sides}

    def update(self, options: Mapping[str, Any]) -> None:
        self.smoothing = bool(options.get("calm", self.smoothing))

    def answer(self, engine: Engine, picture: np.ndarray) -> np.ndarray:
        return self.matte(engine, picture)

    def matte(self, engine: Engine, frame: np.ndarray) -> np.ndarray:
        """Alpha `(h, w)` uint8 of the camera's next picture `(h, w, 3)` uint8 RGB.

        A new engine or a new size starts afresh, because the earlier mattes no longer fit.
        """
        assert isinstance(engine, MattingEngine)
        fits = self._alpha is not None and self._alpha.shape == frame.shape[:2]
        if engine is not self._engine or not fits or self._matte_function is None:
            self._engine, self._matte_function, self._alpha = engine, engine.begin_live(), None
        alpha = self._matte_function(frame[None])[0]
        current_luma = luma(frame)
        if self.smoothing and self._alpha is not None and self._luma is not None:
            alpha = smooth_live(self._alpha, alpha, still_pixels(self._luma, current_luma))
        self._luma, self._alpha = current_luma, alpha
        return to_uint8(alpha)


def smooth_live(previous: np.ndarray, alpha: np.ndarray, still: np.ndarray) -> np.ndarray:
    """The running mean of the matte where nothing moves, and the new matte where something does.

    A live picture cannot wait for the next frame as the smoothing of files does. This looks back only:
    α_t ← α_{t−1} + r·(α_t − α_{t−1}) with r = SMOOTHING_RATE, for the pixels in `still` `(h, w)` bool.

    >>> smooth_live(np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([True, False])).tolist()
    [0.3499999940395355, 1.0]
    """
    return np.where(still, previous + SMOOTHING_RATE * (alpha - previous), alpha).astype(np.float32)

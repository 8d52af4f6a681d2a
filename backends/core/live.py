"""Live pictures: what a task that can follow a camera offers, so that one endpoint serves every such task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from backends.core.engine import Engine
from backends.core.model_card import ModelCard


class LiveSession(Protocol):
    """One camera, for as long as it runs. It is called from one thread at a time."""

    def facts(self) -> Mapping[str, Any]:
        """What the client has to know before it sends pictures, such as the sizes that the model works well at."""
        ...

    def update(self, options: Mapping[str, Any]) -> None:
        """Take over options that the client changed; those that are not named stay as they are."""
        ...

    def answer(self, engine: Engine, picture: np.ndarray) -> np.ndarray:
        """The answer `(h, w)` uint8 to the camera's next picture `(h, w, 3)` uint8 RGB."""
        ...


class OpenLiveSession(Protocol):
    """What `Task.live` names: opens a session for a card, or raises BadInput where the card cannot follow a camera."""

    def __call__(self, card: ModelCard, options: Mapping[str, Any]) -> LiveSession: ...

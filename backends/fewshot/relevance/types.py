"""What a relevance method gives: numbers over a picture or a sentence, as they come, never scaled one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = {
    "attention": "gradient times attention, layer by layer (Chefer et al. 2021)",
    "gradcam": "Grad-CAM on a late map of features (Selvaraju et al. 2017)",
    "occlusion": "how far the score falls when a part is covered",
    "omission": "how far the score falls when a word is left out",
}
"""Each method with what it does, in words."""


@dataclass(frozen=True)
class Relevance:
    """How much each part of a picture speaks for a direction in feature space.

    Attributes:
        values: `(h, w)` float32. Maps of one engine and method share their scale, so two pictures, or two directions
            of equal length, can be compared; they are not stretched to fill 0 to 1.
        method: a key of METHODS.
        score: `direction · f(picture)`, which the map explains.
        seen: `(S, S, 3)` uint8, the picture as the engine looked at it, which the map covers from edge to edge: cut
            to its middle, squeezed or framed, as the engine does.
    """

    values: np.ndarray
    method: str
    score: float
    seen: np.ndarray

    def arrays(self) -> dict[str, Any]:
        """As entries of an `.npz` file."""
        return {
            "map": self.values.astype(np.float32),
            "method": self.method,
            "score": np.float32(self.score),
        }


@dataclass(frozen=True)
class WordRelevance:
    """How much each word of a sentence speaks for a direction: `values` `(W,)`, one for each of `words`."""

    words: tuple[str, ...]
    values: np.ndarray
    method: str
    score: float

    def arrays(self) -> dict[str, Any]:
        """As entries of an `.npz` file, beside those of the picture."""
        return {
            "words": np.array(self.words, np.str_),
            "word_values": self.values.astype(np.float32),
            "word_method": self.method,
            "word_score": np.float32(self.score),
        }

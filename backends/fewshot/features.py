"""The interface of a model that turns images, and text where it understands it, into vectors of one space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from backends.attribution.types import Network
from backends.core.model_card import ModelCard


class FeatureExtractor(ABC):
    """Encodes images and sentences as unit vectors.

    Attributes:
        name: of the engine.
        version: raise it when the features of the same weights change: cached ones are then computed again.
        card: the model card, whose title names the model in sentences for users.
        dimensions: D, the length of a feature vector.
        side: of the square image that the model takes, in pixels; a larger JPEG may be decoded at a reduced size,
            down to twice that.
        batch: images encoded at once.
        understands_words: whether sentences have features too.
        logit_scale: the factor on cosines before a softmax over classes.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    card: ModelCard
    dimensions: int = 0
    side: int = 0
    batch: int = 16
    understands_words: bool = False
    logit_scale: float = 100.0

    @abstractmethod
    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """`(side, side, 3)` uint8 of a `(H, W, 3)` uint8 RGB image of any size. Called from several threads."""

    @abstractmethod
    def encode_images(self, prepared: np.ndarray) -> np.ndarray:
        """`(B, D)` float32 unit vectors of prepared images `(B, side, side, 3)` uint8."""

    def embed(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """`(N, D)` float32 unit vectors of `(H, W, 3)` uint8 RGB images of any sizes: prepared and encoded."""
        features = [np.zeros((0, self.dimensions), np.float32)]
        for start in range(0, len(pictures), self.batch):
            prepared = np.stack([self.prepare(one) for one in pictures[start : start + self.batch]])
            features.append(self.encode_images(prepared))
        return np.concatenate(features)

    def crop_remark(self, width: int, height: int) -> str:
        """What to say of a picture of this size of which the model sees only a part; "" where it sees (nearly) all."""
        return ""

    def encode_text(self, sentences: Sequence[str]) -> np.ndarray | None:
        """`(S, D)` float32 unit vectors, or None where the model understands no text."""
        return None

    def truncated_texts(self, sentences: Sequence[str]) -> list[str]:
        """Those sentences of which the model reads only the beginning."""
        return []

    def image_network(self, prepared: np.ndarray, direction: np.ndarray) -> Network | None:
        """The network with a prepared image `(side, side, 3)` as its input and the score `direction · f`, for methods
        of attribution; None where the model has no gradients."""
        return None

    def text_network(self, sentence: str, direction: np.ndarray) -> Network | None:
        """The same for a sentence; None where the model has no gradients, or none of text."""
        return None

    def image_tower(self) -> Any:
        """A torch module from `(B, side, side, 3)` uint8 to `(B, D)` unit features; None where there is no network."""
        return None

    def preparation(self) -> Mapping[str, str | int]:
        """How `prepare` makes the square: the arguments of `prepare_image` beside the side."""
        return {"mode": "shortest", "interpolation": "bicubic", "fill": 0}

    @property
    def space(self) -> str:
        """Everything that features depend on beside the content: two models with the same space give the same."""
        return f"{self.name}-{self.version}"


def unit_vector(vector: np.ndarray) -> np.ndarray:
    """The vector scaled to length 1; zeros stay zeros.

    >>> unit_vector(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    return vector / max(float(np.linalg.norm(vector)), 1e-12)

"""Why this answer: which parts of a picture, and which words, speak for a direction in feature space.

The target is always `direction · f(x)` with f the engine's unit features. A class is its head's slope at the picture;
the contrast "why cat, not dog" is the difference of two slopes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.relevance.types import METHODS, Relevance, WordRelevance

if TYPE_CHECKING:
    from torch import Tensor, nn

    from backends.fewshot.base import FeatureEngine

__all__ = ["METHODS", "Relevance", "WordRelevance", "looked_into", "relevance", "word_relevance"]

log = logging.getLogger(__name__)


def relevance(engine: FeatureEngine, picture: np.ndarray, direction: np.ndarray) -> Relevance:
    """How much each part of `picture` `(H, W, 3)` speaks for `direction` `(D,)`; see `looked_into`."""
    return looked_into(engine, engine.prepare(picture), direction)


def looked_into(engine: FeatureEngine, seen: np.ndarray, direction: np.ndarray) -> Relevance:
    """The map of a picture as the engine's `prepare` leaves it, `(S, S, 3)`.

    By gradient times attention for vision transformers, Grad-CAM for convolutional networks, and covering parts of
    the picture for engines without gradients. Raises BadInput where the direction is not one of this engine.
    """
    direction = checked(engine, direction)
    tower: Any = getattr(engine, "tower", None)  # of a network; other engines have nothing to differentiate
    found = None if tower is None else by_gradient(tower, engine.pixels(seen[None]), direction)  # type: ignore[attr-defined]
    if found is None:
        from backends.fewshot.relevance.occlusion import occluded

        values, score = occluded(engine.features, seen, direction)
        found = values, "occlusion", score
    return Relevance(*found, seen)


def by_gradient(tower: nn.Module, pixels: Tensor, direction: np.ndarray) -> tuple[np.ndarray, str, float] | None:
    """The map `(h, w)`, its method and the score; None for a network that neither method is made for."""
    from backends.fewshot.relevance import gradcam, vit
    from backends.fewshot.relevance.attention import Unseen

    aim = vit.direction_tensor(direction, pixels)
    if vit.layout(tower) is not None:
        try:
            values, score = vit.patches(tower, pixels, aim)
        except Unseen as error:
            log.info("no attention map: %s", error)
            return None
        return values, "attention", score
    layer = gradcam.deepest_map(tower, pixels)
    if layer is None:
        return None
    values, score = gradcam.cam(tower, layer, pixels, aim)
    return values, "gradcam", score


def word_relevance(engine: FeatureEngine, sentence: str, direction: np.ndarray) -> WordRelevance:
    """How much each word of `sentence` speaks for `direction` `(D,)`, by attention or by leaving words out.

    Raises BadInput where the engine understands no words, or there are none.
    """
    direction = checked(engine, direction)
    if not engine.understands_words:
        raise BadInput(f"“{engine.card.title}” understands no words, so it cannot say which of them counted.")
    if not sentence.strip():
        raise BadInput("There is no sentence to look into.")
    network, tokenizer = getattr(engine, "network", None), getattr(engine, "tokenizer", None)
    if network is not None and tokenizer is not None:
        from backends.fewshot.relevance import words
        from backends.fewshot.relevance.attention import Unseen

        try:
            if words.last_layer(network) is not None:
                return words.attended(network, tokenizer, sentence, direction)
        except Unseen as error:
            log.info("no attention of words: %s", error)
    from backends.fewshot.relevance.words import omitted

    def features(sentences: Any) -> np.ndarray:
        found = engine.words(sentences)
        assert found is not None
        return found

    return omitted(features, sentence, direction)


def checked(engine: FeatureEngine, direction: np.ndarray) -> np.ndarray:
    """The direction as float32. Raises BadInput where it is not one in this engine's space."""
    direction = np.asarray(direction, dtype=np.float32)
    if direction.shape != (engine.dimensions,) or not np.isfinite(direction).all():
        raise BadInput(
            f"A direction for “{engine.card.title}” is a row of {engine.dimensions} finite numbers, "
            f"and this one has the shape {direction.shape}."
        )
    return direction

"""Why this answer: which parts of an image, and which words, count for a direction in feature space.

The score is always `direction · f(x)` with f the extractor's unit features. A class is the gradient of its head's score
at the image; the contrast “why cat, not dog” is the difference of two gradients.
"""

from __future__ import annotations

import numpy as np

from backends.attribution.registry import attribute
from backends.attribution.types import Attribution, Subject
from backends.core.errors import BadInput
from backends.fewshot.features import FeatureExtractor

IMAGE_METHODS = ("attention", "gradcam", "occlusion")
TEXT_METHODS = ("attention", "omission")


def image_subject(extractor: FeatureExtractor, prepared: np.ndarray, direction: np.ndarray) -> Subject:
    """A prepared image `(S, S, 3)` with the score `direction · f`. Raises BadInput for a direction of another space."""
    direction = validate_direction(extractor, direction)
    return Subject(
        "direction",
        lambda images: extractor.encode_images(images) @ direction,
        image=prepared,
        network=extractor.image_network(prepared, direction),
    )


def text_subject(extractor: FeatureExtractor, sentence: str, direction: np.ndarray) -> Subject:
    """A sentence with the score `direction · g`.

    Raises:
        BadInput: the model understands no text, there is no word, or the direction is of another space.
    """
    direction = validate_direction(extractor, direction)
    if not extractor.understands_words:
        raise BadInput(f"“{extractor.card.title}” understands no words, so it cannot say which of them counted.")
    if not sentence.strip():
        raise BadInput("There is no sentence to look into.")

    def score(sentences: list[str]) -> np.ndarray:
        features = extractor.encode_text(sentences)
        assert features is not None  # it understands text
        return features @ direction

    network = extractor.text_network(sentence, direction)
    return Subject("direction", score, sentence=sentence, network=network)


def explain_image(extractor: FeatureExtractor, prepared: np.ndarray, direction: np.ndarray) -> Attribution:
    """The map of a prepared image: attention relevance for vision transformers, Grad-CAM for convolutional networks,
    occlusion for models without gradients."""
    return attribute(image_subject(extractor, prepared, direction), IMAGE_METHODS)


def explain_text(extractor: FeatureExtractor, sentence: str, direction: np.ndarray) -> Attribution:
    """The relevance of each word: by attention, or by leaving words out."""
    return attribute(text_subject(extractor, sentence, direction), TEXT_METHODS)


def validate_direction(extractor: FeatureExtractor, direction: np.ndarray) -> np.ndarray:
    """The direction as float32. Raises BadInput where it is not one of this extractor's space."""
    direction = np.asarray(direction, dtype=np.float32)
    if direction.shape != (extractor.dimensions,) or not np.isfinite(direction).all():
        raise BadInput(
            f"A direction for “{extractor.card.title}” is a row of {extractor.dimensions} finite numbers, "
            f"and this one has the shape {direction.shape}."
        )
    return direction

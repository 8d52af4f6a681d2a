"""Text features of classes: the mean over the sentences that describe each class."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from hashlib import sha256

import numpy as np

from backends.core.engine import Event, Notice, Progress
from backends.fewshot.data.class_list import prompts
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.features import FeatureExtractor

STAGE = "Reading the words"
BATCH = 64


def class_text_features(
    extractor: FeatureExtractor,
    classes: Sequence[str],
    sentences: Mapping[str, str],
    templates: str,
    cache: FeatureCache,
) -> Generator[Event, None, np.ndarray | None]:
    """The mean text feature of each class; yields progress.

    Args:
        extractor: the loaded model.
        classes: the C class names.
        sentences: what was written about a class; "" or nothing for its name alone.
        templates: a key of the template sets, see `prompts`.
        cache: of features by sentence.

    Returns:
        `(C, D)` float32 unit vectors; None where the model understands no text or there are no classes.
    """
    if not extractor.understands_words or not classes:
        return None
    class_prompts = [prompts(name, sentences.get(name, ""), templates) for name in classes]
    texts = list(dict.fromkeys(text for some in class_prompts for text in some))
    if truncated := extractor.truncated_texts(texts):
        yield Notice(f"“{truncated[0][:60]}…” is longer than the model reads: only its beginning counts.")
    features = yield from encode_sentences(extractor, texts, cache)
    means = np.stack([np.mean([features[text] for text in some], axis=0) for some in class_prompts])
    return (means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def encode_sentences(
    extractor: FeatureExtractor, texts: Sequence[str], cache: FeatureCache
) -> Generator[Event, None, dict[str, np.ndarray]]:
    """The feature `(D,)` of each sentence; cached ones are not computed again."""
    space = f"{extractor.space}-words"
    keys = {text: sha256(text.encode()).hexdigest() for text in texts}
    known = cache.rows(space, keys.values())
    new = [text for text in texts if keys[text] not in known]
    for start in range(0, len(new), BATCH):
        yield Progress(STAGE, start, len(new), "sentences")
        batch = new[start : start + BATCH]
        features = extractor.encode_text(batch)
        assert features is not None  # it understands text
        fresh = {keys[text]: vector for text, vector in zip(batch, features, strict=True)}
        cache.put(space, fresh)
        known.update(fresh)
    if new:
        yield Progress(STAGE, len(new), len(new), "sentences")
    return {text: known[keys[text]] for text in texts}

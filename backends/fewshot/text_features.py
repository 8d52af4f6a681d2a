"""From classes in words to features: the mean of what an engine makes of the sentences of each class."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from backends.core.engine import Event, Notice, Progress
from backends.fewshot.data.class_list import prompts
from backends.fewshot.feature_cache import FeatureCache

if TYPE_CHECKING:
    from backends.fewshot.base import FeatureEngine

STAGE = "Reading the words"
AT_ONCE = 64


def class_words(
    engine: FeatureEngine, classes: Sequence[str], sentences: Mapping[str, str], templates: str, cache: FeatureCache
) -> Generator[Event, None, np.ndarray | None]:
    """`(C, D)` float32 unit rows; None where the engine understands no words or there are no classes.

    `sentences` holds what was written of a class, "" or nothing for its name alone.
    """
    if not engine.understands_words or not classes:
        return None
    told = [prompts(name, sentences.get(name, ""), templates) for name in classes]
    texts = list(dict.fromkeys(text for some in told for text in some))
    if cut := engine.too_long(texts):
        yield Notice(f"“{cut[0][:60]}…” is longer than the model reads: only its beginning counts.")
    rows = yield from read_sentences(engine, texts, cache)
    means = np.stack([np.mean([rows[text] for text in some], axis=0) for some in told])
    return (means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def read_sentences(
    engine: FeatureEngine, texts: Sequence[str], cache: FeatureCache
) -> Generator[Event, None, dict[str, np.ndarray]]:
    """The features of each sentence, some at a time; those that were kept are not computed again."""
    space = f"{engine.space}-words"
    keys = {text: sha256(text.encode()).hexdigest() for text in texts}
    known = cache.rows(space, keys.values())
    new = [text for text in texts if keys[text] not in known]
    for start in range(0, len(new), AT_ONCE):
        yield Progress(STAGE, start, len(new), "sentences")
        some = new[start : start + AT_ONCE]
        rows = engine.words(some)
        assert rows is not None  # it understands words
        fresh = {keys[text]: row for text, row in zip(some, rows, strict=True)}
        cache.put(space, fresh)
        known.update(fresh)
    if new:
        yield Progress(STAGE, len(new), len(new), "sentences")
    return {text: known[keys[text]] for text in texts}

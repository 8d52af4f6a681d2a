"""Leave-one-out over words: how far the score falls when each word is left out."""

from __future__ import annotations

import numpy as np

from backends.attribution.types import Attribution, Subject, Unsupported


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """Of word w: score(sentence) − score(sentence without w), signed and in units of the score."""
    words = subject.cells
    if words is None or words.axes[0].name != "word":
        raise Unsupported("This input has no words.")
    keep = np.concatenate([np.ones((1, words.count)), 1 - np.eye(words.count)])
    scores = subject.evaluate(words, keep)
    values = (scores[0] - scores[1:]).astype(np.float32)
    return subject.attribution(values, words.axes, "omission", float(scores[0]), words.baseline)

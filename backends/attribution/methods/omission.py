"""Leave-one-out over words: how far the score falls when each word is left out."""

from __future__ import annotations

import numpy as np

from backends.attribution.types import Attribution, Axis, Subject, Unsupported


def attribute(subject: Subject) -> Attribution:
    """Of word w: score(sentence) − score(sentence without w), signed and in units of the score."""
    words = subject.sentence.split()
    if not words:
        raise Unsupported("the input is no sentence")
    shortened = [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
    scores = subject.score([subject.sentence, *shortened])
    values = (scores[0] - scores[1:]).astype(np.float32)
    return subject.attribution(values, (Axis("word", labels=tuple(words)),), "omission", float(scores[0]), "left out")

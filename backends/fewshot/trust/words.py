"""Whether the words of classes are worth a vote: they must do better than guessing on the pictures that are there."""

from __future__ import annotations

import numpy as np

from backends.fewshot.calibration import probabilities
from backends.fewshot.heads.base import text_logits
from backends.fewshot.types import Support

TEMPERATURES = (1.0, 2.0, 4.0)

NO_VOTE = (
    "The names and sentences do not tell your pictures apart for this model, which may not know the words: only the "
    "pictures have a vote."
)
NO_PICTURES = (
    "The names and sentences do not tell your pictures apart for this model, which may not know the words. They have "
    "a vote all the same, because “{}” has no picture: add some."
)


def words_help(support: Support) -> bool:
    """Whether the zero-shot probabilities of the shots are better than guessing.

    Words were not taught by the shots, so these are a fair test of them: the mean log-likelihood of the true class,
    each class counted the same, has to exceed that of guessing, −log C, at one of the `TEMPERATURES`: a model may be
    right and far too sure of it. Where fewer than two classes have both words and shots there is nothing to test.
    """
    tested = np.flatnonzero(support.has_text & (support.counts > 0))
    if len(tested) < 2:
        return True
    rows = support.distinct_rows[np.isin(support.labels[support.distinct_rows], tested)]
    labels = np.searchsorted(tested, support.labels[rows].astype(int))
    logits = text_logits(support.subset(rows))[:, tested]
    return any(_log_likelihood(logits / one, labels) > -np.log(len(tested)) for one in TEMPERATURES)


def _log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean log-likelihood of the true classes `labels` `(N,)` under `logits` `(N, C)`, over classes."""
    own = np.log(np.maximum(probabilities(logits, 1.0)[np.arange(len(labels)), labels], 1e-300))
    return float(np.mean([own[labels == label].mean() for label in np.unique(labels)]))


def judge_words(support: Support) -> tuple[Support, str]:
    """The support set with the words that have a vote, and a sentence about them if that is not all."""
    if not support.has_text.any() or words_help(support):
        return support, ""
    empty = np.flatnonzero(support.counts == 0)
    if len(empty):
        return support, NO_PICTURES.format(support.classes[int(empty[0])])
    return support.without_text(), NO_VOTE

"""Words alone, as CLIP was made for."""

from __future__ import annotations

import numpy as np

from backends.fewshot.heads.base import Chosen, Head, word_votes, word_weights
from backends.fewshot.heads.formula import Formula, line
from backends.fewshot.types import Support


class ZeroShot(Head):
    """Zero-shot classification (Radford 2021, section 3.1): cosine with each class's sentence, times the logit scale.

    Pictures are looked at for nothing but the temperature and the honest score: no shot teaches it.
    """

    id = "zero_shot"
    title = "Words alone"
    meaning = "Answers with the class whose sentence fits the picture best; your example pictures only grade it."
    needs = "words"

    def solve(self, support: Support, chosen: Chosen) -> Formula:
        words = word_weights(support)
        return line(words, np.zeros_like(words), np.zeros(len(words)), np.zeros_like(support.images, float))

    def left_out(self, support: Support, chosen: Chosen) -> np.ndarray:
        return word_votes(support)

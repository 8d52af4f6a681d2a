"""Zero-shot classification by text alone, as CLIP was made for."""

from __future__ import annotations

import numpy as np

from backends.fewshot.heads.base import Head, Hyperparameters, text_logits, text_weights
from backends.fewshot.heads.formula import Formula, linear_formula
from backends.fewshot.types import Support


class ZeroShot(Head):
    """Zero-shot classification (Radford et al. 2021, section 3.1): logit scale · q·t_c with the text features t_c.

    Example images set the temperature and the leave-one-out accuracy only; none of them is fitted.
    """

    id = "zero_shot"
    title = "Words alone"
    meaning = "Answers with the class whose sentence fits the picture best; your example pictures only grade it."
    needs = "words"

    def solve(self, support: Support, hyperparameters: Hyperparameters) -> Formula:
        weights = text_weights(support)
        no_shots = np.zeros_like(support.image_features, float)
        return linear_formula(weights, np.zeros_like(weights), np.zeros(len(weights)), no_shots)

    def leave_one_out_scores(self, support: Support, hyperparameters: Hyperparameters) -> np.ndarray:
        return text_logits(support)

"""How far the pictures starter is while it trains, on pictures and classes it never learns from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from evaluation.synthetic.scenes import untrue
from training.clip.captions import with_article
from training.clip.features import Scene
from training.clip.networks import encode_text

Labelled = tuple[Tensor, Sequence[str]]
"""Unit features `(N, D)` of pictures, and the class of each."""


@dataclass(frozen=True)
class Sayer:
    """Sentences as unit rows `(S, D)`, by a network and its tokenizer."""

    model: Any
    tokenizer: Callable[[Sequence[str]], Tensor]

    @torch.no_grad()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        return F.normalize(encode_text(self.model.text, self.tokenizer(list(sentences))).float(), dim=-1)

    def classes(self, names: Sequence[str]) -> Tensor:
        """One unit row a class: the mean over three ways to say it."""
        ways = ("{}", "a photo of {}", "a picture of {}")
        rows = [self([way.format(with_article(name)) for name in names]) for way in ways]
        return F.normalize(torch.stack(rows).mean(0), dim=-1)


def few_shot(features: Tensor, labels: np.ndarray, shots: int, episodes: int = 20) -> float:
    """Share right by the nearest mean of `shots` pictures a class, over random episodes on all other pictures."""
    rng, classes, right = np.random.default_rng(0), np.unique(labels), []
    for _ in range(episodes):
        taken = [rng.choice(np.flatnonzero(labels == name), shots, replace=False) for name in classes]
        means = F.normalize(torch.stack([features[index].mean(0) for index in taken]), dim=-1)
        rest = np.setdiff1d(np.arange(len(labels)), np.concatenate(taken))
        guess = classes[(features[rest] @ means.T).argmax(1).numpy()]
        right.append(float((guess == labels[rest]).mean()))
    return float(np.mean(right))


def scene_accuracy(say: Sayer, rows: Tensor, drawn: Sequence[Scene], seed: int = 99) -> float:
    """Share of the scenes with features `rows` whose true sentence fits better than one that is nearly true."""
    rng, scenes = random.Random(seed), drawn[: len(rows)]
    true = say([claim.words(rng) for _, claim in scenes])
    false = say([untrue(scene, claim, rng).words(rng) for scene, claim in scenes])
    return float(((rows * true).sum(1) > (rows * false).sum(1)).float().mean())


def zero_shot(say: Sayer, pictures: Labelled) -> float:
    """Share right by the names of the classes alone."""
    names = sorted(set(pictures[1]))
    guess = (pictures[0] @ say.classes(names).T).argmax(1)
    return float(np.mean([names[i] == name for i, name in zip(guess, pictures[1], strict=True)]))


def check(say: Sayer, kept: Labelled, apart: Labelled) -> dict[str, float]:
    """Measures of the network: `kept` are pictures of trained classes, `apart` those of classes never trained on."""
    return {
        "zero_shot_trained_classes": zero_shot(say, kept),
        "zero_shot_new_classes": zero_shot(say, apart),
        "five_shot_new_classes": few_shot(apart[0], np.array(apart[1]), 5),
    }

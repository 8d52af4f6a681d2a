"""How far the pictures starter is while it trains, on pictures and classes it never learns from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from evaluation.synthetic.scenes import draw, make_scene, untrue
from training.clip.captions import with_article
from training.clip.images import normalised

Labelled = tuple[torch.Tensor, Sequence[str]]
"""Pictures `(N, 3, 64, 64)` uint8 and the class of each."""
Tokenizer = Callable[[Sequence[str]], torch.Tensor]


@torch.no_grad()
def image_features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Unit rows `(N, D)` of pictures `(N, 3, 64, 64)` uint8."""
    parts = [F.normalize(model.encode_image(normalised(part)).float(), dim=-1) for part in pixels.split(128)]
    return torch.cat(parts)


@torch.no_grad()
def text_features(model: Any, tokenizer: Tokenizer, sentences: Sequence[str]) -> torch.Tensor:
    """Unit rows `(S, D)`."""
    return F.normalize(model.encode_text(tokenizer(list(sentences))).float(), dim=-1)


def class_words(model: Any, tokenizer: Tokenizer, classes: Sequence[str]) -> torch.Tensor:
    """One unit row a class: the mean over three ways to say it."""
    ways = ("{}", "a photo of {}", "a picture of {}")
    rows = [text_features(model, tokenizer, [way.format(with_article(name)) for name in classes]) for way in ways]
    return F.normalize(torch.stack(rows).mean(0), dim=-1)


def few_shot(features: torch.Tensor, labels: np.ndarray, shots: int, episodes: int = 20) -> float:
    """Share right by the nearest mean of `shots` pictures a class, over random episodes on all other pictures."""
    rng, classes, right = np.random.default_rng(0), np.unique(labels), []
    for _ in range(episodes):
        taken = [rng.choice(np.flatnonzero(labels == name), shots, replace=False) for name in classes]
        means = F.normalize(torch.stack([features[index].mean(0) for index in taken]), dim=-1)
        rest = np.setdiff1d(np.arange(len(labels)), np.concatenate(taken))
        guess = classes[(features[rest] @ means.T).argmax(1).numpy()]
        right.append(float((guess == labels[rest]).mean()))
    return float(np.mean(right))


def scene_accuracy(model: Any, tokenizer: Tokenizer, count: int = 200, seed: int = 99) -> float:
    """Share of drawn scenes whose true sentence fits better than one that is nearly true."""
    rng = random.Random(seed)
    drawn = [(scene, claim, draw(scene, rng)) for scene, claim in (make_scene(rng) for _ in range(count))]
    pictures = image_features(model, torch.from_numpy(np.stack([pixels.transpose(2, 0, 1) for *_, pixels in drawn])))
    true = text_features(model, tokenizer, [claim.words(rng) for _, claim, _ in drawn])
    false = text_features(model, tokenizer, [untrue(scene, claim, rng).words(rng) for scene, claim, _ in drawn])
    return float(((pictures * true).sum(1) > (pictures * false).sum(1)).float().mean())


def check(
    model: Any,
    tokenizer: Tokenizer,
    kept: tuple[torch.Tensor, Sequence[str]],
    apart: tuple[torch.Tensor, Sequence[str]],
) -> dict[str, float]:
    """Measures of the network: `kept` are pictures of trained classes, `apart` those of classes never trained on."""
    model.eval()
    names = sorted(set(kept[1]))
    guess = (image_features(model, kept[0]) @ class_words(model, tokenizer, names).T).argmax(1)
    features, labels = image_features(model, apart[0]), np.array(apart[1])
    classes = sorted(set(apart[1]))
    unseen = (features @ class_words(model, tokenizer, classes).T).argmax(1)
    return {
        "zero_shot_trained_classes": float(np.mean([names[i] == name for i, name in zip(guess, kept[1], strict=True)])),
        "zero_shot_new_classes": float(np.mean([classes[i] == name for i, name in zip(unseen, labels, strict=True)])),
        "five_shot_new_classes": few_shot(features, labels, 5),
        "scenes": scene_accuracy(model, tokenizer),
    }

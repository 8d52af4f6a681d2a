"""The last stage of the pictures starter: the feature in closed form, then the words that go with it.

    python -m training.clip.closed_form --data FOLDER --work FOLDER --export backends/starters/clip-starter

The pooling by attention needs far longer training than the convolutions below it. It is therefore set to be their plain
mean, and its output to the directions that tell the training classes apart best (Fisher's discriminants over the spread
within classes), the sharper ones longer. Features of new classes are told apart better by these than by what the
pooling had learned. The text tower is then trained towards the pictures' features, which stay as they are.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import linalg
from torch.nn import functional as F

from evaluation.synthetic.scenes import Claim, Thing, draw, make_scene, untrue
from training.clip.captions import caption
from training.clip.checks import check
from training.clip.images import normalised
from training.clip.networks import MODEL, encode_text
from training.clip.recipe import STAGE, Clip, Pictures, agreement, model_with
from training.loop import Loop, Recipe, averaged_weights, warm_then_linear

SHRINK, SOFT = 0.03, 0.3
"""How much of the mean spread is added to every direction; below which ratio a direction is made shorter."""
SCENES, PHOTOS_A_STEP, SCENES_A_STEP = 3000, 128, 64
WORD_RATE = 1.5e-3


@dataclass
class Fixed:
    """Features `(N, D)` that stay, of the training photographs and of drawn scenes, with what is drawn."""

    photos: torch.Tensor
    scenes: torch.Tensor
    drawn: list[tuple[tuple[Thing, ...], Claim]]


@torch.no_grad()
def means(visual: Any, pixels: torch.Tensor) -> torch.Tensor:
    """The mean over the last convolutions `(N, C)` of pictures `(N, 3, 64, 64)` uint8."""
    parts = []
    for part in pixels.split(128):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(normalised(part))))))
        parts.append(maps.float().mean((2, 3)))
    return torch.cat(parts)


def discriminants(rows: np.ndarray, labels: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """`middle (C,)` and `directions (C, dimensions)` that tell the classes of `rows` apart, over the spread in them."""
    _, index = np.unique(labels, return_inverse=True)
    middle = rows.mean(axis=0)
    centred = rows - middle
    counts = np.bincount(index)
    averages = np.stack([np.bincount(index, column) for column in centred.T], axis=1) / counts[:, None]
    inner = centred - averages[index]
    within = inner.T @ inner / len(rows)
    between = (averages * counts[:, None]).T @ averages / len(rows)
    within += SHRINK * np.trace(within) / len(within) * np.eye(len(within))
    ratios, vectors = linalg.eigh(between, within, subset_by_index=(len(within) - dimensions, len(within) - 1))
    ratios = np.maximum(ratios, 0)
    return middle, vectors * np.sqrt(ratios / (ratios + SOFT))


@torch.no_grad()
def set_pooling(visual: Any, middle: np.ndarray, directions: np.ndarray) -> None:
    """Make the pooling by attention the plain mean, followed by a step along `directions` from `middle`."""
    pool = visual.attnpool
    for weight in (pool.positional_embedding, pool.q_proj.weight, pool.k_proj.weight):
        weight.zero_()
    for layer in (pool.q_proj, pool.k_proj, pool.v_proj):
        layer.bias.zero_()
    pool.v_proj.weight.copy_(torch.eye(len(middle)))
    pool.c_proj.weight.copy_(torch.from_numpy(directions.T))
    pool.c_proj.bias.copy_(torch.from_numpy(-middle @ directions))


def fix_features(model: Any, data: Pictures, rng: random.Random) -> Fixed:
    """Set the pooling by all training pictures; a drawn scene is of the class of what its sentence says."""
    drawn = [make_scene(rng) for _ in range(SCENES)]
    pixels = torch.from_numpy(np.stack([draw(scene, rng).transpose(2, 0, 1) for scene, _ in drawn]))
    photos, scenes = means(model.visual, data.pixels), means(model.visual, pixels)
    labels = [entry.label for entry in data.entries] + [_kind(scene) for scene, _ in drawn]
    rows = torch.cat([photos, scenes]).double().numpy()
    middle, directions = discriminants(rows, np.array(labels), MODEL["embed_dim"])
    set_pooling(model.visual, middle, directions)
    features = F.normalize(torch.from_numpy((rows - middle) @ directions).float(), dim=-1)
    return Fixed(features[: len(photos)], features[len(photos) :], drawn)


def _kind(scene: tuple[Thing, ...]) -> str:
    """What is drawn, in short: how many of which colour and shape (of two unlike things, each once)."""
    kinds = sorted({f"{thing.colour} {thing.shape}" for thing in scene})
    return f"{len(scene)} of {kinds[0]}" if len(kinds) == 1 else "two unlike things"


class Words(Recipe):
    """The text tower, so that sentences lie where the pictures are that they are true of; the pictures stay."""

    ema_decay, clip_norm, log_every, check_every = (
        0.0,
        math.inf,
        25,
        10**9,
    )  # the last weights; checked once, at the end

    def __init__(self, clip: Clip, model: Any, fixed: Fixed, rng: random.Random) -> None:
        self.clip, self.network, self.fixed, self.rng = clip, model, fixed, rng

    def set_mode(self) -> None:
        self.network.eval()

    def optimizers(self) -> list[torch.optim.Optimizer]:
        words = [weight for name, weight in self.network.named_parameters() if not name.startswith("visual.")]
        groups = [{"params": words, "peak": WORD_RATE}]
        return [torch.optim.AdamW(groups, lr=WORD_RATE, weight_decay=0.01, betas=(0.9, 0.98), fused=True)]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=20, fall=0.5)

    def batches(self, step: int, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Features of pictures `(N, D)`, tokens `(M, L)` of sentences, and `(N, M)` which are true of which."""
        entries, fixed, rng = self.clip.data.entries, self.fixed, self.rng
        while True:
            rows = rng.sample(range(len(entries)), PHOTOS_A_STEP)
            numbers = rng.sample(range(SCENES), SCENES_A_STEP)
            captions = [caption(entries[row], rng) for row in rows]
            claims = [fixed.drawn[n][1] for n in numbers]
            claims += [untrue(*fixed.drawn[n], rng) for n in numbers]
            keys = [{concept.key for concept in entries[row].concepts} for row in rows]
            truth = torch.zeros(len(rows) + len(numbers), len(captions) + len(claims))
            truth[: len(rows), : len(captions)] = torch.tensor(
                [[float(key in own) for key, _ in captions] for own in keys]
            )
            truth[len(rows) :, len(captions) :] = torch.tensor(
                [[float(claim.holds(fixed.drawn[n][0])) for claim in claims] for n in numbers]
            )
            tokens = self.clip.tokenizer([text for _, text in captions] + [claim.sentence(rng) for claim in claims])
            features = torch.cat([fixed.photos[rows], fixed.scenes[numbers]])
            yield features, tokens[:, : int((tokens > 0).sum(1).max())], truth

    def loss(self, batch: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        features, tokens, truth = batch
        with torch.autocast("cpu", dtype=torch.bfloat16):
            texts = encode_text(self.network, tokens)
        logits = self.network.logit_scale.exp().clamp(max=60) * features @ F.normalize(texts.float(), dim=-1).T
        loss = (agreement(logits, truth) + agreement(logits.T, truth.T)) / 2
        return loss, {"words": loss}

    def check(self, weights: Mapping[str, torch.Tensor]) -> dict[str, float]:
        return check(model_with(weights), self.clip.tokenizer, self.clip.data.kept, self.clip.data.apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with pictures.zip")
    parser.add_argument("--work", type=Path, required=True, help="where the finished training lies")
    parser.add_argument("--export", type=Path, required=True, help="the folder to write the model into")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    clip = Clip(Pictures.read(given.data, given.work), given.work / "model", given.seed)
    model, rng = model_with(averaged_weights(given.work / f"{STAGE}.pt")), random.Random(f"{given.seed} words")
    torch.manual_seed(given.seed)
    fixed = fix_features(model.eval(), clip.data, rng)
    Loop(Words(clip, model, fixed, rng), given.work, "words", given.steps).run()
    clip.export(given.export, model.state_dict())


if __name__ == "__main__":
    main()

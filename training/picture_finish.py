"""The last stage of the pictures starter: the feature in closed form, then the words that go with it.

    python -m training.picture_finish --data FOLDER --work FOLDER --export backends/starters/clip-starter

The pooling by attention needs far longer training than the convolutions below it. It is therefore set to be their plain
mean, and its output to the directions that tell the training classes apart best (Fisher's discriminants over the spread
within classes), the sharper ones longer. Features of new classes are told apart better by these than by what the
pooling had learned. The text tower is then trained towards the pictures' features, which stay as they are.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import linalg
from torch.nn import functional as F

from evaluation.synthetic.scenes import Claim, Thing, draw, make_scene, untrue
from training.captions import caption
from training.picture_checks import check
from training.picture_data import normalised
from training.picture_model import MODEL, encode_text
from training.pictures import Pictures, Run, agreement
from training.running import note

SHRINK, SOFT = 0.03, 0.3
"""How much of the mean spread is added to every direction; below which ratio a direction is made shorter."""
SCENES, PHOTOS_A_STEP, SCENES_A_STEP = 3000, 128, 64
WORD_RATE = 1.5e-3
NOTE_EVERY = 25


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


def train_words(run: Run, model: Any, fixed: Fixed, steps: int, rng: random.Random) -> None:
    """Train the text tower so that sentences lie where the pictures are that they are true of."""
    words = [weight for name, weight in model.named_parameters() if not name.startswith("visual.")]
    optimiser = torch.optim.AdamW(words, lr=WORD_RATE, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    entries, total = run.data.entries, 0.0
    for step in range(steps):
        rows = rng.sample(range(len(entries)), PHOTOS_A_STEP)
        numbers = rng.sample(range(SCENES), SCENES_A_STEP)
        said = [caption(entries[row], rng) for row in rows]
        claims = [fixed.drawn[n][1] for n in numbers]
        claims += [untrue(*fixed.drawn[n], rng) for n in numbers]
        keys = [{concept.key for concept in entries[row].concepts} for row in rows]
        truth = torch.zeros(len(rows) + len(numbers), len(said) + len(claims))
        truth[: len(rows), : len(said)] = torch.tensor([[float(key in own) for key, _ in said] for own in keys])
        truth[len(rows) :, len(said) :] = torch.tensor(
            [[float(claim.holds(fixed.drawn[n][0])) for claim in claims] for n in numbers]
        )
        tokens = run.tokenizer([text for _, text in said] + [claim.sentence(rng) for claim in claims])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            texts = encode_text(model, tokens[:, : int((tokens > 0).sum(1).max())])
        seen = torch.cat([fixed.photos[rows], fixed.scenes[numbers]])
        logits = model.logit_scale.exp().clamp(max=60) * seen @ F.normalize(texts.float(), dim=-1).T
        loss = (agreement(logits, truth) + agreement(logits.T, truth.T)) / 2
        for group in optimiser.param_groups:
            group["lr"] = WORD_RATE * min(1.0, (step + 1) / 20, 2 * (steps - step) / steps)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        total += float(loss.detach())
        if (step + 1) % NOTE_EVERY == 0:
            note(run.work / "words.csv", {"step": step + 1, "words": round(total / NOTE_EVERY, 4)})
            total = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with pictures.zip")
    parser.add_argument("--work", type=Path, required=True, help="where the finished training lies")
    parser.add_argument("--export", type=Path, required=True, help="the folder to write the model into")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    run = Run(Pictures.read(given.data, given.work), given.work, given.seed)
    model, rng = run.averaged(), random.Random(f"{given.seed} words")
    model.eval()
    torch.manual_seed(given.seed)
    fixed = fix_features(model, run.data, rng)
    train_words(run, model, fixed, given.steps, rng)
    found = check(model, run.tokenizer, run.data.kept, run.data.apart)
    note(given.work / "finish.csv", {"cpu_hours": round(run.cpu_hours, 4)} | found)
    run.export(given.export, model.state_dict())


if __name__ == "__main__":
    main()

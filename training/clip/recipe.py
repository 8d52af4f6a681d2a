"""A CLIP with small towers that learns from captioned pictures of 64 pixels and from drawn scenes.

Three things are learned at once: which sentence goes with which picture (a sentence may be true of several pictures of
a batch), which class a photograph is of (by layers that are thrown away afterwards), and which of two nearly equal
sentences is true of a drawing. The learning rate is constant, then falls in a straight line over the last part of the
steps, so that a training can be cut short or made longer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from evaluation.datasets.captioned_pictures import held_out
from evaluation.synthetic.scenes import draw, make_scene, untrue
from training.clip.captions import Entry, caption, read_entries
from training.clip.checks import check
from training.clip.images import mixed, normalised, read_pictures, varied
from training.clip.networks import MODEL, encode_text, make_model, write_folder
from training.clip.tokenizer import training_sentences, write_tokenizer
from training.loop import Recipe, warm_then_linear

PHOTOS, SCENES = 56, 8
"""Of each in a batch."""
STAGE = "clip"
RATE, SLOWER, DECAY, WARM, FALL = 1.5e-3, 0.4, 0.05, 150, 0.5
"""The peak learning rate of the convolutions, the fraction of it for all other layers (no normalisation follows them,
so large steps upset them), weight decay, steps of warm-up, and the fraction of all steps in which the rate falls."""
OFTEN = {"tiny_imagenet": 1.0, "caltech101": 1.0, "garments_cc0": 0.35, "catalogue": 0.35}
"""Which share of each collection an epoch sees: clothes on plain ground are many and easy."""
MIXED = 0.1
"""How often a rectangle of another picture is pasted into each of a batch."""


@dataclass
class Pictures:
    """What is trained on (`entries`, `pixels`), and what is kept apart: pictures of known classes, whole classes."""

    entries: list[Entry]
    pixels: torch.Tensor
    kept: tuple[torch.Tensor, list[str]]
    apart: tuple[torch.Tensor, list[str]]

    @classmethod
    def read(cls, data: Path, work: Path) -> Pictures:
        entries = read_entries(data / "pictures.zip")
        pixels = read_pictures(data / "pictures.zip", [entry.file for entry in entries], work / "pixels.npy")
        apart_classes = set(held_out(entries))
        seen: set[str] = set()
        rows: dict[str, list[int]] = {"train": [], "kept": [], "apart": []}
        for index, entry in enumerate(entries):
            first = entry.label not in seen and entry.origin in {"tiny_imagenet", "caltech101"}
            seen.add(entry.label)
            rows["apart" if entry.label in apart_classes else "kept" if first else "train"].append(index)
        labels = {part: [entries[i].label for i in index] for part, index in rows.items()}
        return cls(
            [entries[i] for i in rows["train"]],
            pixels[rows["train"]],
            (pixels[rows["kept"]], labels["kept"]),
            (pixels[rows["apart"]], labels["apart"]),
        )


class Learner(nn.Module):
    """The two towers, and two layers of classes that are only there to teach the image tower.

    One looks at the mean over the last convolutions: without it the pooling by attention, which begins by making all
    pictures alike, holds the convolutions up. The other looks at the feature that is used.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.clip = make_model()
        self.classes = nn.Parameter(torch.randn(classes, MODEL["embed_dim"]) * 0.05)
        self.sharpness = nn.Parameter(torch.tensor(math.log(16.0)))
        self.early = nn.Linear(32 * MODEL["vision_cfg"]["width"], classes)

    def forward(self, pictures: torch.Tensor, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of pictures × sentences, and of photographs × classes by the feature and by the convolutions."""
        visual = self.clip.visual
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(pictures)))))
            seen, said = visual.attnpool(maps), encode_text(self.clip, tokens)
        early = self.early(maps[:PHOTOS].float().mean((2, 3)))
        seen, said = F.normalize(seen.float(), dim=-1), F.normalize(said.float(), dim=-1)
        by_class = self.sharpness.exp() * seen[:PHOTOS] @ F.normalize(self.classes, dim=-1).T
        return self.clip.logit_scale.exp().clamp(max=60) * seen @ said.T, by_class, early


@dataclass
class Batch:
    pictures: torch.Tensor
    sentences: list[str]
    truth: torch.Tensor
    """`(pictures, sentences)`: the share of a picture that a sentence is true of."""
    labels: torch.Tensor
    """`(photographs, classes)`: likewise."""


def epochs(entries: Sequence[Entry], rng: random.Random) -> Iterator[list[int]]:
    """Batches of rows without end, every collection as often as `OFTEN` says."""
    while True:
        rows = [i for i, entry in enumerate(entries) if rng.random() < OFTEN[entry.origin]]
        rng.shuffle(rows)
        for start in range(0, len(rows) - PHOTOS + 1, PHOTOS):
            yield rows[start : start + PHOTOS]


def make_batch(data: Pictures, rows: list[int], names: dict[str, int], rng: random.Random) -> Batch:
    """Photographs with one sentence each; drawn scenes with a true and a nearly true one."""
    dice = torch.Generator().manual_seed(rng.getrandbits(40))
    entries = [data.entries[row] for row in rows]
    said = [caption(entry, rng) for entry in entries]
    true_of = [{concept.key for concept in entry.concepts} for entry in entries]
    photo_truth = torch.tensor([[float(key in keys) for key, _ in said] for keys in true_of])
    labels = F.one_hot(torch.tensor([names[entry.label] for entry in entries]), len(names)).float()
    photos = varied(data.pixels[rows], dice)
    if rng.random() < MIXED:
        photos, other, own = mixed(photos, dice)
        photo_truth = own * photo_truth + (1 - own) * photo_truth[other]
        labels = own * labels + (1 - own) * labels[other]

    scenes = [make_scene(rng) for _ in range(SCENES)]
    claims = [claim for _, claim in scenes] + [untrue(scene, claim, rng) for scene, claim in scenes]
    drawings = np.stack([draw(scene, rng).transpose(2, 0, 1) for scene, _ in scenes])
    truth = torch.zeros(PHOTOS + SCENES, PHOTOS + len(claims))
    truth[:PHOTOS, :PHOTOS] = photo_truth
    truth[PHOTOS:, PHOTOS:] = torch.tensor([[float(claim.holds(scene)) for claim in claims] for scene, _ in scenes])
    pictures = normalised(torch.cat([photos, torch.from_numpy(drawings).float()]))
    sentences = [text for _, text in said] + [claim.sentence(rng) for claim in claims]
    return Batch(pictures, sentences, truth, labels)


def agreement(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of rows against the spread of what is true of them; rows of which nothing is true are left out."""
    mass = truth.sum(1, keepdim=True)
    rows = (mass > 0).flatten()
    return F.cross_entropy(logits[rows], truth[rows] / mass[rows])


def losses(learner: Learner, batch: Batch, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    logits, by_class, early = learner(batch.pictures, tokens)
    return {
        "words": (agreement(logits, batch.truth) + agreement(logits.T, batch.truth.T)) / 2,
        "classes": F.cross_entropy(by_class, batch.labels, label_smoothing=0.1),
        "early": F.cross_entropy(early, batch.labels, label_smoothing=0.1),
    }


def clip_optimizer(learner: Learner) -> torch.optim.Optimizer:
    """AdamW; biases, norms and embeddings do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in learner.named_parameters():
        decay = DECAY if weight.ndim > 1 and "embedding" not in name else 0.0
        groups.setdefault((RATE if weight.ndim == 4 else SLOWER * RATE, decay), []).append(weight)
    settings = [{"params": p, "peak": peak, "weight_decay": decay} for (peak, decay), p in groups.items()]
    return torch.optim.AdamW(settings, lr=RATE, betas=(0.9, 0.98), fused=True)


class Clip(Recipe):
    """The two towers, taught by captions, by classes, and by sentences about drawn scenes.

    Args:
        data: pictures and their entries.
        folder: where the tokenizer lies, or is written from the sentences of `data`.
        seed: of weights and batches.
    """

    ema_decay, clip_norm, log_every, check_every = 0.998, 5.0, 50, 300

    def __init__(self, data: Pictures, folder: Path, seed: int = 0) -> None:
        import open_clip

        self.data, self.folder, self.seed = data, folder, seed
        self.names = {name: i for i, name in enumerate(sorted({entry.label for entry in data.entries}))}
        torch.manual_seed(seed)
        self.network = Learner(len(self.names)).to(memory_format=torch.channels_last)
        if not (folder / "tokenizer.json").exists():
            write_tokenizer(folder, training_sentences(data.entries, random.Random(seed)))
        write_folder(folder, self.network.clip.state_dict())
        self.tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [clip_optimizer(self.network)]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, WARM, FALL)

    def batches(self, step: int, steps: int) -> Iterator[tuple[Batch, torch.Tensor]]:
        """Batches with the tokens of their sentences `(sentences, L)`."""
        rng = random.Random(f"{self.seed} from {step}")
        for rows in epochs(self.data.entries, rng):
            batch = make_batch(self.data, rows, self.names, rng)
            tokens = self.tokenizer(batch.sentences)
            yield batch, tokens[:, : int((tokens > 0).sum(1).max())]

    def loss(self, batch: tuple[Batch, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        terms = losses(self.network, *batch)
        return torch.stack(list(terms.values())).sum(), terms

    def averaged(self) -> Mapping[str, torch.Tensor]:
        return self.network.clip.state_dict()

    def check(self, weights: Mapping[str, torch.Tensor]) -> dict[str, float]:
        return check(model_with(weights), self.tokenizer, self.data.kept, self.data.apart)

    def export(self, folder: Path, weights: dict[str, torch.Tensor]) -> None:
        """Write a network with these `weights` as the studio loads it."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((self.folder / name).read_bytes())
        write_folder(folder, weights)


def model_with(weights: Mapping[str, torch.Tensor]) -> Any:
    """The two towers with these weights, for evaluation."""
    model = make_model().to(memory_format=torch.channels_last)
    model.load_state_dict(weights)
    return model

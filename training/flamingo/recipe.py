"""A small IDEFICS that learns from drawn pictures alone, for the Flamingo starter.

In the first steps only its eyes are trained, by layers that say colour, shape, fill and number and are thrown away
afterwards; then it also reads prompts as the engine writes them, in which names are given to new things by examples and
questions are answered.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evaluation.synthetic.shape_scenes import COLOUR_NAMES, FILL_NAMES, MOST, SHAPE_NAMES, Facts, Store
from training.flamingo.checks import Checks, logits_of
from training.flamingo.episodes import Batch, Scribe, Teacher
from training.flamingo.matching import PLACES, likeness_loss, set_matching
from training.flamingo.network import LATENTS, WIDTH, look, make_model, normalised, write_folder
from training.flamingo.words import write_tokenizer
from training.loop import Recipe, warm_then_linear

STAGE = "flamingo"
PICTURES = 40_000
EYES, MIXED = 900, 2300
"""Steps in which only pictures are learned; until which every third step is so."""

SIMPLE = 1160
"""Steps after these in which few names are given, and short ones."""

EYE_BATCH = 96
RATE, MATRIX_RATE, DECAY, WARM, FALL = 1.5e-3, 0.015, 0.05, 100, 0.2
"""Rates of learning, of matrices by Muon (Jordan et al. 2024) and of all else by AdamW; decay of weights; steps until
the full rate; share of all steps during which it falls."""

ASIDE = 0.3
"""How much the layers that are thrown away count once prompts are read."""

MATCHED, ATTEND = 1885, 0.5
"""The step at which the heads that are to find alike pictures are set; how much it counts from then on where they
attend."""

UNKNOWN = -100


class Learner(nn.Module):
    """The network, and layers that say what is in a picture by its latents and by its pooled feature."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.network = make_model(seed)
        sizes = {"shape": len(SHAPE_NAMES), "colour": len(COLOUR_NAMES), "fill": len(FILL_NAMES), "count": MOST}
        self.by_latents = nn.ModuleDict({name: nn.Linear(LATENTS * WIDTH, size) for name, size in sizes.items()})
        self.by_feature = nn.ModuleDict({name: nn.Linear(WIDTH, size) for name, size in sizes.items()})

    def aside(self, latents: Tensor, feature: Tensor, facts: dict[str, Tensor]) -> Tensor:
        """How wrong the layers that are thrown away are; what a picture has no word for does not count."""
        told = [(self.by_latents, latents.flatten(1)), (self.by_feature, feature)]
        parts = [
            F.cross_entropy(layers[name](seen), truth, ignore_index=UNKNOWN)
            for layers, seen in told
            for name, truth in facts.items()
        ]
        return torch.stack(parts).mean()


def known(facts: Facts, rows: list[int]) -> dict[str, Tensor]:
    """What the layers are to say of some pictures; of two unlike things only that there are two."""
    unlike = facts.relation[rows] >= 0
    found = {"shape": facts.shape[rows], "colour": facts.colour[rows], "fill": facts.fill[rows]}
    found = {name: np.where(unlike | (value < 0), UNKNOWN, value) for name, value in found.items()}
    found["count"] = facts.count[rows] - 1
    return {name: torch.from_numpy(value.astype(np.int64)) for name, value in found.items()}


def answer_loss(network: Any, batch: Batch, latents: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the tokens that are to be learned, and the share of them that is likeliest."""
    wanted = batch.learned[:, 1:]
    logits, truth = logits_of(network, batch, latents, wanted), batch.tokens[:, 1:][wanted]
    return F.cross_entropy(logits, truth), (logits.argmax(-1) == truth).float().mean()


class Flamingo(Recipe):
    """A small IDEFICS that learns from drawn pictures: first what is in them, then prompts about them.

    Args:
        folder: where drawn pictures and the tokenizer are kept.
        seed: of pictures, weights and batches.
        pictures: how many are drawn.
        eyes: the steps in which only pictures are learned.
    """

    ema_decay, log_every, check_every = 0.995, 50, 300

    def __init__(self, folder: Path, seed: int = 0, pictures: int = PICTURES, eyes: int = EYES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.seed, self.eyes = seed, eyes
        self.store = Store.open(folder / "store", pictures, seed)
        self.scribe = Scribe(write_tokenizer(folder / "model", seed))
        self.teacher, self.checks = Teacher(self.store, self.scribe), Checks(self.scribe, seed)
        self.network = Learner(seed)
        self.layer_inputs: dict[int, Tensor] = {}
        for layer in {layer for layer, _ in PLACES}:
            norm = self.network.network.model.layers[layer].input_layernorm
            norm.register_forward_hook(lambda _, __, out, layer=layer: self.layer_inputs.__setitem__(layer, out))

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return muon_and_adamw(self.network)

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, WARM, FALL)

    def batches(self, step: int, steps: int) -> Iterator[Lesson]:
        for now in itertools.count(step):
            rng = random.Random(f"{self.seed} step {now}")
            if now == MATCHED:
                set_matching(self.network.network, self.teacher, rng)
            prompts = now >= self.eyes and (now >= MIXED or now % 3 > 0)
            work = self.teacher.work(rng, now < self.eyes + SIMPLE) if prompts else None
            yield Lesson(work.rows if work else self.teacher.looked_at(EYE_BATCH, rng), work, now >= MATCHED)

    def loss(self, batch: Lesson) -> tuple[Tensor, dict[str, Tensor]]:
        network, work = self.network.network, batch.work
        latents, feature = look(network, normalised(torch.from_numpy(self.store.pictures[batch.rows])))
        aside = self.network.aside(latents, feature, known(self.store.facts, batch.rows))
        if work is None:
            return aside, {"aside": aside}
        naming, named = answer_loss(network, work.naming, latents)
        likeness = likeness_loss(network, self.layer_inputs, work.naming)
        asking, answered = answer_loss(network, work.asking, latents)
        loss = naming + asking + ASIDE * aside + (ATTEND * likeness if batch.matched else 0)
        terms = {"aside": aside, "naming": naming, "asking": asking, "likeness": likeness}
        return loss, terms | {"named": named, "answered": answered}

    def averaged(self) -> Mapping[str, Tensor]:
        return self.network.network.state_dict()

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        return self.checks.run(network_with(weights, self.seed))


@dataclass(frozen=True)
class Lesson:
    """One step: the rows of the store to look at, and prompts about them, if any.

    `matched` says that the heads which find like pictures are set, and that where they attend counts.
    """

    rows: list[int]
    work: Any
    matched: bool


def network_with(weights: Mapping[str, Tensor], seed: int = 0) -> Any:
    """The network with these weights, for evaluation."""
    network = make_model(seed).eval()
    network.load_state_dict(weights)
    return network


def export(weights: Mapping[str, Tensor], folder: Path, seed: int = 0) -> None:
    """Write a network with these weights as the studio loads it."""
    write_folder(folder, weights)
    write_tokenizer(folder, seed)


def muon_and_adamw(learner: Learner) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the rest; only matrices decay."""
    matrices, rest = [], []
    for name, weight in learner.named_parameters():
        inside = name.startswith("network.model.") and weight.ndim == 2
        inside = inside and not any(word in name for word in ("embed", "latents"))
        (matrices if inside else rest).append(weight)
    found = [
        torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=DECAY),
        torch.optim.AdamW(rest, lr=RATE, weight_decay=0.0, betas=(0.9, 0.98), fused=True),
    ]
    for one, peak in zip(found, (MATRIX_RATE, RATE), strict=True):
        for group in one.param_groups:
            group["peak"] = peak
    return found

"""Train the Flamingo starter: `python -m training.flamingo --work FOLDER [--steps N]`.

A small IDEFICS learns from drawn pictures alone. In the first steps only its eyes are trained, by layers that say
colour, shape, fill and number and are thrown away afterwards; then it also reads prompts as the engine writes them, in
which names are given to new things by examples and questions are answered. A stopped run goes on where its last
checkpoint was.
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evaluation.synthetic.shape_scenes import COLOUR_NAMES, FILL_NAMES, MOST, SHAPE_NAMES, Facts, Store
from training.flamingo_checks import Checks, logits_of
from training.flamingo_episodes import Batch, Scribe, Teacher
from training.flamingo_matching import PLACES, likeness_loss, set_matching
from training.flamingo_model import LATENTS, WIDTH, look, make_model, normalised, write_folder
from training.flamingo_words import write_tokenizer
from training.running import Average, note

PICTURES = 40_000
EYES, MIXED = 900, 2300
"""Steps in which only pictures are learned; until which every third step is so."""

SIMPLE = 1160
"""Steps after these in which few names are given, and short ones."""

EYE_BATCH = 96
RATE, MATRIX_RATE, DECAY, WARM, FALL = 1.5e-3, 0.015, 0.05, 100, 0.2
"""Rates of learning, of matrices by Muon (Jordan et al. 2024) and of all else by AdamW; decay of weights; steps until
the full rate; share of all steps during which it falls."""

KEPT = 0.995
"""How much of the running mean of the weights stays at each step."""

ASIDE = 0.3
"""How much the layers that are thrown away count once prompts are read."""

MATCHED, ATTEND = 1885, 0.5
"""The step at which the heads that are to find alike pictures are set; how much it counts from then on where they
attend."""

NOTE_EVERY, SAVE_EVERY, CHECK_EVERY = 50, 150, 300
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


def answer_loss(network: Any, batch: Batch, latents: Tensor) -> tuple[Tensor, float]:
    """Cross-entropy of the tokens that are to be learned, and the share of them that is likeliest."""
    wanted = batch.learned[:, 1:]
    logits, truth = logits_of(network, batch, latents, wanted), batch.tokens[:, 1:][wanted]
    return F.cross_entropy(logits, truth), float((logits.argmax(-1) == truth).float().mean())


def slope(step: int, steps: int) -> float:
    """The share of the full rate of learning at `step` of `steps`."""
    return min(1.0, (step + 1) / WARM, max(0.0, (steps - step) / max(1, FALL * steps)))


class Run:
    """A training that can be stopped and taken up again."""

    def __init__(self, work: Path, seed: int = 0, pictures: int = PICTURES, eyes: int = EYES) -> None:
        self.work, self.seed, self.eyes = work, seed, eyes
        work.mkdir(parents=True, exist_ok=True)
        self.store = Store.open(work / "store", pictures, seed)
        self.scribe = Scribe(write_tokenizer(work / "model", seed))
        self.teacher, self.checks = Teacher(self.store, self.scribe), Checks(self.scribe, seed)
        self.learner = Learner(seed)
        self.optimisers, self.average = optimisers(self.learner), Average(self.learner.network.state_dict(), KEPT)
        self.read: dict[int, Tensor] = {}
        for layer in {layer for layer, _ in PLACES}:
            norm = self.learner.network.model.layers[layer].input_layernorm
            norm.register_forward_hook(lambda _, __, out, layer=layer: self.read.__setitem__(layer, out))
        self.step, self.cpu_before, self.began, self.stopping = 0, 0.0, time.process_time(), False
        if (work / "last.pt").exists():
            self._take_up(torch.load(work / "last.pt", weights_only=True))

    @property
    def cpu_minutes(self) -> float:
        return (self.cpu_before + time.process_time() - self.began) / 60

    def _take_up(self, state: dict[str, Any]) -> None:
        self.learner.load_state_dict(state["learner"])
        for one, kept in zip(self.optimisers, state["optimisers"], strict=True):
            one.load_state_dict(kept)
        self.average.weights, self.average.steps = state["average"], state["step"]
        self.step, self.cpu_before = state["step"], state["cpu"]

    def save(self) -> None:
        state: dict[str, Any] = {"learner": self.learner.state_dict()}
        state["optimisers"] = [one.state_dict() for one in self.optimisers]
        state |= {"average": self.average.weights, "step": self.step, "cpu": self.cpu_minutes * 60}
        torch.save(state, self.work / "last.tmp")
        (self.work / "last.tmp").replace(self.work / "last.pt")

    def train(self, steps: int) -> None:
        """Until `steps`, or until `stopping` is set; what was learned is kept."""
        sums: dict[str, list[float]] = {}
        self.learner.train()
        while self.step < steps and not self.stopping:
            for name, value in self._learn(steps, random.Random(f"{self.seed} step {self.step}")).items():
                sums.setdefault(name, []).append(value)
            if self.step % NOTE_EVERY == 0:
                told = dict.fromkeys(("aside", "naming", "asking", "named", "answered", "likeness"), "")
                self._note("curve.csv", told | {name: float(np.mean(some)) for name, some in sums.items()})
                sums = {}
            if self.step % SAVE_EVERY == 0:
                self.save()
            if (self.step % CHECK_EVERY == 0 and self.step > self.eyes) or self.step == steps:
                self._note("checks.csv", self.checks.run(self.averaged()))
        self.save()

    def _learn(self, steps: int, rng: random.Random) -> dict[str, float]:
        """One step."""
        for one in self.optimisers:
            for group in one.param_groups:
                group["lr"] = group["peak"] * slope(self.step, steps)
        if self.step == MATCHED:
            set_matching(self.learner.network, self.teacher, rng)
        reads = self.step >= self.eyes and (self.step >= MIXED or self.step % 3 > 0)
        work = self.teacher.work(rng, self.step < self.eyes + SIMPLE) if reads else None
        rows = work.rows if work else self.teacher.looked_at(EYE_BATCH, rng)
        latents, feature = look(self.learner.network, normalised(torch.from_numpy(self.store.pictures[rows])))
        aside = self.learner.aside(latents, feature, known(self.store.facts, rows))
        told = {"aside": float(aside.detach())}
        loss = aside
        if work:
            naming, named = answer_loss(self.learner.network, work.naming, latents)
            likeness = likeness_loss(self.learner.network, self.read, work.naming)
            asking, answered = answer_loss(self.learner.network, work.asking, latents)
            loss = naming + asking + ASIDE * aside + (ATTEND * likeness if self.step >= MATCHED else 0)
            told |= {"naming": float(naming.detach()), "asking": float(asking.detach())}
            told |= {"named": named, "answered": answered, "likeness": float(likeness.detach())}
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        for one in self.optimisers:
            one.step()
            one.zero_grad(set_to_none=True)
        self.average.follow(self.learner.network.state_dict())
        self.step += 1
        return told

    def averaged(self) -> Any:
        """The averaged network."""
        network = make_model(self.seed).eval()
        network.load_state_dict(self.average.weights)
        return network

    def _note(self, name: str, values: dict[str, Any]) -> None:
        rounded = {key: round(value, 5) if value != "" else "" for key, value in values.items()}
        row = {"step": self.step, "cpu_minutes": round(self.cpu_minutes, 2)} | rounded
        note(self.work / name, row)

    def export(self, folder: Path) -> None:
        """The averaged network as the studio loads it."""
        write_folder(folder, self.average.weights)
        write_tokenizer(folder, self.seed)


def optimisers(learner: Learner) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the rest; only matrices are pulled towards zero."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where pictures, checkpoints and logs go")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", type=Path, help="write what was learned so far into this folder, and train no more")
    given = parser.parse_args()
    torch.set_num_threads(1)
    run = Run(given.work, given.seed)
    if given.export:
        run.export(given.export)
        return
    signal.signal(signal.SIGTERM, lambda *_: setattr(run, "stopping", True))
    run.train(given.steps)


if __name__ == "__main__":
    main()

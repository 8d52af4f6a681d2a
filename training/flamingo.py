"""Train the Flamingo starter: `python -m training.flamingo --work FOLDER [--steps N]`.

A small IDEFICS learns from drawn pictures alone. In the first steps only its eyes are trained, by layers that say
colour, shape, fill and number and are thrown away afterwards; then it also reads prompts as the engine writes them, in
which names are given to new things by examples and questions are answered. A stopped run goes on where its last
checkpoint was.
"""

from __future__ import annotations

import argparse
import csv
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.flamingo_checks import Checks, logits_of
from training.flamingo_episodes import Batch, Scribe, Teacher
from training.flamingo_model import LATENTS, WIDTH, look, make_model, normalised, write_folder
from training.flamingo_store import COLOUR_NAMES, FILL_NAMES, MOST, SHAPE_NAMES, Facts, Store
from training.flamingo_words import write_tokenizer
from training.picture_model import Average

PICTURES = 40_000
EYES = 900
"""Steps in which only pictures are learned."""

EYE_BATCH = 96
RATE, DECAY, WARM, FALL = 1.5e-3, 0.05, 100, 0.5
"""Rate of learning, decay of weights, steps until the full rate, share of all steps during which it falls."""

ASIDE = 0.2
"""How much the layers that are thrown away count once prompts are read."""

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
    logits, wanted = logits_of(network, batch, latents), batch.learned[:, 1:]
    logits, truth = logits[wanted].float(), batch.tokens[:, 1:][wanted]
    return F.cross_entropy(logits, truth), float((logits.argmax(-1) == truth).float().mean())


def rate(step: int, steps: int) -> float:
    """The rate of learning at `step` of `steps`."""
    return RATE * min(1.0, (step + 1) / WARM, max(0.0, (steps - step) / max(1, FALL * steps)))


class Run:
    """A training that can be stopped and taken up again."""

    def __init__(self, work: Path, seed: int = 0, pictures: int = PICTURES, eyes: int = EYES) -> None:
        self.work, self.seed, self.eyes = work, seed, eyes
        work.mkdir(parents=True, exist_ok=True)
        self.store = Store.open(work / "store", pictures, seed)
        self.scribe = Scribe(write_tokenizer(work / "model", seed))
        self.teacher, self.checks = Teacher(self.store, self.scribe), Checks(self.scribe, seed)
        self.learner = Learner(seed)
        self.optimiser, self.average = optimiser(self.learner), Average(self.learner.network)
        self.step, self.cpu_before, self.began, self.stopping = 0, 0.0, time.process_time(), False
        if (work / "last.pt").exists():
            self._take_up(torch.load(work / "last.pt", weights_only=True))

    @property
    def cpu_minutes(self) -> float:
        return (self.cpu_before + time.process_time() - self.began) / 60

    def _take_up(self, state: dict[str, Any]) -> None:
        self.learner.load_state_dict(state["learner"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.weights, self.average.steps = state["average"], state["step"]
        self.step, self.cpu_before = state["step"], state["cpu"]

    def save(self) -> None:
        state = {"learner": self.learner.state_dict(), "optimiser": self.optimiser.state_dict()}
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
                told = dict.fromkeys(("aside", "naming", "asking", "named", "answered"), "")
                self._note("curve.csv", told | {name: float(np.mean(some)) for name, some in sums.items()})
                sums = {}
            if self.step % SAVE_EVERY == 0:
                self.save()
            if (self.step % CHECK_EVERY == 0 and self.step > self.eyes) or self.step == steps:
                self._note("checks.csv", self.checks.run(self.averaged()))
        self.save()

    def _learn(self, steps: int, rng: random.Random) -> dict[str, float]:
        """One step."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, steps)
        reads = self.step >= self.eyes
        work = self.teacher.work(rng) if reads else None
        rows = work.rows if work else [rng.randrange(len(self.store.facts)) for _ in range(EYE_BATCH)]
        latents, feature = look(self.learner.network, normalised(torch.from_numpy(self.store.pictures[rows])))
        aside = self.learner.aside(latents, feature, known(self.store.facts, rows))
        told = {"aside": float(aside.detach())}
        loss = aside
        if work:
            naming, named = answer_loss(self.learner.network, work.naming, latents)
            asking, answered = answer_loss(self.learner.network, work.asking, latents)
            loss = naming + asking + ASIDE * aside
            told |= {"naming": float(naming.detach()), "asking": float(asking.detach())}
            told |= {"named": named, "answered": answered}
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.average.follow(self.learner.network)
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
        path = self.work / name
        fresh = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def export(self, folder: Path) -> None:
        """The averaged network as the studio loads it."""
        write_folder(folder, self.average.weights)
        write_tokenizer(folder, self.seed)


def optimiser(learner: Learner) -> torch.optim.Optimizer:
    """AdamW; biases, norms, gates and embeddings are not pulled towards zero."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, weight in learner.named_parameters():
        pulled = weight.ndim > 1 and not any(word in name for word in ("embed", "alpha", "latents"))
        groups.setdefault(DECAY if pulled else 0.0, []).append(weight)
    settings = [{"params": some, "weight_decay": pull} for pull, some in groups.items()]
    return torch.optim.AdamW(settings, lr=RATE, betas=(0.9, 0.98), fused=True)


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

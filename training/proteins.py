"""The starter of proteins: a small ESMFold, trained in two stages on chains of known structure.

    python -m training.proteins prepare --data FOLDER --measured FOLDER --work WORK
    python -m training.proteins language --work WORK --steps 3000
    python -m training.proteins fold --work WORK --steps 3000

`prepare` leaves out what is like a protein under `--measured`. `language` trains the language model with the
secondary-structure head; `fold` goes on with the trunk. Each goes on from its last checkpoint, which holds everything.
"""

from __future__ import annotations

import argparse
import csv
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from training.protein_data import Chains, measured_sequences, read_chains, without_alike
from training.protein_fold import Fold
from training.protein_language import Language

TOLD = 25
"""Steps from one line of losses to the next."""
SLOWLY, DECAY = 0.25, 0.05
SAVED_EVERY = 150.0
"""Seconds of processor time from one checkpoint to the next."""


class Stage(Protocol):
    """What a stage trains and how; `often` is the steps from one check to the next."""

    peak: float
    often: int
    modules: nn.ModuleDict

    def learning(self) -> list[nn.Parameter]: ...
    def learned(self) -> list[nn.Parameter]: ...
    def batches(self, rng: np.random.Generator) -> Iterator[Any]: ...
    def losses(self, batch: Any) -> dict[str, Tensor]: ...
    def check(self) -> dict[str, float]: ...


STAGES = ("language", "fold")


def rate(step: int, steps: int, peak: float) -> float:
    """Up to `peak` over the first twentieth of the steps, then down to nothing as a cosine."""
    warm = max(1, steps // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


class Training:
    """One stage, from its start or its last checkpoint."""

    def __init__(self, name: str, stage: Stage, work: Path, steps: int) -> None:
        self.name, self.stage, self.work, self.steps = name, stage, work, steps
        self.step, self.seconds, self.stopping = 0, 0.0, False
        self.optimiser = torch.optim.AdamW(_groups(stage), lr=stage.peak, betas=(0.9, 0.98), fused=True)
        self.average = {key: value.clone() for key, value in stage.modules.state_dict().items()}
        self.file = work / f"{name}.pt"
        if self.file.exists():
            self._resume(torch.load(self.file, weights_only=True))

    def _resume(self, state: dict[str, Any]) -> None:
        self.stage.modules.load_state_dict(state["modules"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.step, self.seconds = state["average"], state["step"], state["seconds"]

    def save(self) -> None:
        state = {
            "modules": self.stage.modules.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, self.file.with_suffix(".part"))
        self.file.with_suffix(".part").replace(self.file)

    def run(self) -> None:
        """Train until the last step, or until `stopping` is set, which keeps what was learned."""
        batches = self.stage.batches(np.random.default_rng([self.step, len(self.name)]))
        torch.manual_seed(self.step)
        told: dict[str, list[float]] = {}
        saved = self.seconds
        while self.step < self.steps and not self.stopping:
            began = time.process_time()
            for key, value in self._learn(next(batches)).items():
                told.setdefault(key, []).append(value)
            self.seconds += time.process_time() - began
            checked = self.step % self.stage.often == 0 or self.step == self.steps
            if checked or self.step % TOLD == 0:
                measured = self.measured() if checked else {}
                self._log({key: float(np.mean(values)) for key, values in told.items()} | measured)
                told = {}
            if self.seconds - saved > SAVED_EVERY:
                self.save()
                saved = self.seconds
        self.save()

    def _learn(self, batch: Any) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * rate(self.step, self.steps, self.stage.peak)
        losses = self.stage.losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        parameters = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        size = float(nn.utils.clip_grad_norm_(parameters, 1.0))
        if not math.isfinite(size):
            raise FloatingPointError(f"The gradient of step {self.step} is not a number: {losses}")
        self.optimiser.step()
        self.step += 1
        self._follow()
        return {key: float(value.detach()) for key, value in losses.items()} | {"gradient": size}

    @torch.no_grad()
    def _follow(self) -> None:
        """The running mean of the weights, which is better than any of them."""
        keep = min(0.995, self.step / (self.step + 9))
        for key, value in self.stage.modules.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[key].lerp_(value, 1 - keep)
            else:
                self.average[key].copy_(value)

    def measured(self) -> dict[str, float]:
        """What the averaged weights reach on what is kept apart."""
        modules = self.stage.modules
        now = {key: value.clone() for key, value in modules.state_dict().items()}
        modules.load_state_dict(self.average)
        found = self.stage.check() if modules.eval() else {}
        modules.load_state_dict(now)
        modules.train()
        return found

    def _log(self, values: dict[str, float]) -> None:
        """A line for each value: stage, step, seconds of processor time, name, value."""
        path = self.work / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if fresh:
                writer.writerow(["stage", "step", "cpu_seconds", "name", "value"])
            writer.writerows([self.name, self.step, round(self.seconds), k, round(v, 5)] for k, v in values.items())


def _groups(stage: Stage) -> list[dict[str, Any]]:
    """Weight decay for what multiplies, none for scales and shifts; a share of the rate for what was learned before."""
    before = {id(weight) for weight in stage.learned()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for weight in stage.learning():
        key = (SLOWLY if id(weight) in before else 1.0, DECAY if weight.ndim > 1 else 0.0)
        groups.setdefault(key, []).append(weight)
    return [{"params": part, "share": share, "weight_decay": decay} for (share, decay), part in groups.items()]


def begin(name: str, chains: Chains, work: Path) -> Stage:
    """A stage as it starts: `fold` with what `language` has learned."""
    if name == "language":
        return Language(chains)
    return Fold(chains, torch.load(work / "language.pt", weights_only=True)["average"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", *STAGES))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--data", type=Path, help="the folder with chains_train.npz and ca_traces_train.npz")
    parser.add_argument("--measured", type=Path, help="a folder of proteins that must not be trained on")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    store = given.work / "chains.npz"
    if given.what == "prepare":
        measured = measured_sequences(given.measured) if given.measured else []
        without_alike(read_chains(given.data), measured).save(store)
        return
    training = Training(given.what, begin(given.what, Chains.load(store), given.work), given.work, given.steps)
    signal.signal(signal.SIGTERM, lambda *_: setattr(training, "stopping", True))
    training.run()


if __name__ == "__main__":
    main()

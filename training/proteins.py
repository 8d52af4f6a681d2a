"""The starter of proteins: a small language model that tells helices and strands, and a folding trunk on top of it.

    python -m training.proteins prepare --data FOLDER --measured FOLDER --work WORK
    python -m training.proteins language --work WORK --steps 1500
    python -m training.proteins fold --work WORK --steps 8600
    python -m training.protein_finish --work WORK --out backends/starters/esmfold-starter

`prepare` leaves out what is like a protein under `--measured`. The other two go on from their last checkpoint, which
holds everything.
"""

from __future__ import annotations

import argparse
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from evaluation.datasets.protein_chains import Chains, measured_sequences, read_chains, without_alike
from training.protein_fold import Fold
from training.protein_language import Language
from training.running import Average, decay_groups, keep, note

LOGGED = 25
"""Steps from one line of losses to the next."""
DECAY, AVERAGED = 0.05, 0.995
SAVED_EVERY = 150.0
"""Seconds of processor time from one checkpoint to the next."""


def rate(step: int, steps: int, peak: float) -> float:
    """Up to `peak` over the first twentieth of the steps, then down to nothing as a cosine."""
    warm = max(1, steps // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


class Stage(Protocol):
    """What `Training` asks of a stage: modules, what they learn from, and how good they are."""

    peak: float
    often: int
    progress: float
    modules: nn.ModuleDict

    def batches(self, rng: np.random.Generator) -> Iterator[Any]: ...
    def losses(self, batch: Any) -> dict[str, torch.Tensor]: ...
    def check(self) -> dict[str, float]: ...


class Training:
    """From the start or the last checkpoint, `file`."""

    def __init__(self, stage: Stage, file: Path, steps: int) -> None:
        self.stage, self.file, self.steps = stage, file, steps
        self.step, self.seconds, self.stopping = 0, 0.0, False
        self.optimiser = torch.optim.AdamW(
            decay_groups(stage.modules, DECAY), lr=stage.peak, betas=(0.9, 0.98), fused=True
        )
        self.average = Average(stage.modules.state_dict(), AVERAGED)
        if self.file.exists():
            self._resume(torch.load(self.file, weights_only=True))

    def _resume(self, state: dict[str, Any]) -> None:
        self.stage.modules.load_state_dict(state["modules"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.weights, self.step, self.seconds = state["average"], state["step"], state["seconds"]
        self.average.steps = self.step

    def save(self) -> None:
        state = {
            "modules": self.stage.modules.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.weights,
            "step": self.step,
            "seconds": self.seconds,
        }
        keep(state, self.file)

    def run(self) -> None:
        """Train until the last step, or until `stopping` is set, which keeps what was learned."""
        self.stage.progress = self.step / self.steps
        batches = self.stage.batches(np.random.default_rng(self.step))
        torch.manual_seed(self.step)
        told: dict[str, list[float]] = {}
        saved = self.seconds
        while self.step < self.steps and not self.stopping:
            began = time.process_time()
            for key, value in self._learn(next(batches)).items():
                told.setdefault(key, []).append(value)
            self.seconds += time.process_time() - began
            checked = self.step % self.stage.often == 0 or self.step == self.steps
            if checked or self.step % LOGGED == 0:
                measured = self.measured() if checked else {}
                self._log({key: float(np.mean(values)) for key, values in told.items()} | measured)
                told = {}
            if self.seconds - saved > SAVED_EVERY:
                self.save()
                saved = self.seconds
        self.save()

    def _learn(self, batch: Any) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, self.steps, self.stage.peak)
        self.stage.progress = self.step / self.steps
        losses = self.stage.losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        parameters = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        size = float(nn.utils.clip_grad_norm_(parameters, 1.0))
        if not math.isfinite(size):
            raise FloatingPointError(f"The gradient of step {self.step} is not a number: {losses}")
        self.optimiser.step()
        self.step += 1
        self.average.follow(self.stage.modules.state_dict())
        return {key: float(value.detach()) for key, value in losses.items()} | {"gradient": size}

    def measured(self) -> dict[str, float]:
        """What the averaged weights reach on what is kept apart."""
        modules = self.stage.modules
        now = {key: value.clone() for key, value in modules.state_dict().items()}
        modules.load_state_dict(self.average.weights)
        modules.eval()
        found = self.stage.check()
        modules.load_state_dict(now)
        modules.train()
        return found

    def _log(self, values: dict[str, float]) -> None:
        """A line for each value: step, seconds of processor time, name, value."""
        for name, value in values.items():
            row = {"step": self.step, "cpu_seconds": round(self.seconds), "name": name, "value": round(value, 5)}
            note(self.file.with_suffix(".csv"), row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", "language", "fold"))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--data", type=Path, help="the folder with chains_train.npz and ca_traces_train.npz")
    parser.add_argument("--measured", type=Path, help="a folder of proteins that must not be trained on")
    parser.add_argument("--steps", type=int, default=0, help="until when to train, counted from the start")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    store = given.work / "chains.npz"
    if given.what == "prepare":
        measured = measured_sequences(given.measured) if given.measured else []
        without_alike(read_chains(given.data), measured).save(store)
        return
    if given.steps < 1:
        parser.error("--steps says until when to train")
    chains, language = Chains.load(store), given.work / "language.pt"
    if given.what == "language":
        training = Training(Language(chains), language, given.steps)
    else:
        learned = torch.load(language, weights_only=True)["average"]
        training = Training(Fold(chains, learned), given.work / "fold.pt", given.steps)
    signal.signal(signal.SIGTERM, lambda *_: setattr(training, "stopping", True))
    training.run()


if __name__ == "__main__":
    main()

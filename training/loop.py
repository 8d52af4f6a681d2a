"""One training loop for every starter: steps, running mean of the weights, checkpoints that resume, a log.

A recipe says what learns, from which batches and by which loss; the loop does the rest:

    class Line(Recipe):
        def __init__(self):
            self.network = nn.Linear(1, 1)

        def optimizers(self):
            return [optimizer(torch.optim.SGD, self.network, peak=0.1)]

        def batches(self, step, steps):
            while True:
                x = torch.randn(8, 1)
                yield x, 3 * x

        def loss(self, batch):
            loss = F.mse_loss(self.network(batch[0]), batch[1])
            return loss, {"error": loss}

    Loop(Line(), Path("work"), "line", steps=100).run()

`work/line.pt` then holds everything that is needed to go on, and `work/line.csv` what was logged, which
`python -m training.plots` draws.
"""

from __future__ import annotations

import csv
import math
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

COLUMNS = ("stage", "step", "cpu_seconds", "name", "value")
"""Of a log: one row a value, so that losses and measures of every recipe fit the same table."""


class Recipe(ABC):
    """What one stage of a training learns, from what, and how it is watched. `network` holds all that learns."""

    network: nn.Module
    ema_decay = 0.99
    """How much of the running mean of the weights stays at each step."""
    clip_norm = 1.0
    """The largest norm of a step's gradient."""
    log_every, check_every = 50, 50
    """Steps from one row of losses, and from one measurement on held-out data, to the next."""

    @abstractmethod
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Made once. Each group of parameters carries its `peak` learning rate; see `optimizer`."""

    @abstractmethod
    def batches(self, step: int, steps: int) -> Iterator[Any]:
        """Batches without end, beginning with that of `step`, so that a resumed training does not see the same anew."""

    @abstractmethod
    def loss(self, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The scalar to minimise, and the scalars to log under their names."""

    def schedule(self, step: int, steps: int) -> float:
        """The fraction of the peak learning rate at `step` of `steps`."""
        return one_cycle(step, steps)

    def averaged(self) -> Mapping[str, Tensor]:
        """The weights whose running mean is kept; by default all of the network's."""
        return self.network.state_dict()

    def set_mode(self) -> None:
        """Put the network into the mode that it learns in."""
        self.network.train()

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        """Measures of the averaged `weights` on held-out data, by name. Nothing by default."""
        return {}


class Loop:
    """A recipe from its start, or from its last checkpoint, to `steps`.

    Args:
        recipe: what is trained.
        folder: where the checkpoint `<name>.pt` and the log `<name>.csv` lie.
        name: the stage's name.
        steps: the last step, counted from the start of the training and not of this process.
        save_seconds: processor time from one checkpoint to the next.
        until: a step before the last one at which to end, such that the training can go on under another schedule.
        on_step: called after each step with the loop, whose `stopping` it may set.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        name: str,
        steps: int,
        *,
        save_seconds: float = 150.0,
        until: int | None = None,
        on_step: Callable[[Loop], None] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.until = steps if until is None else min(until, steps)
        self.recipe, self.name, self.steps, self.save_seconds = recipe, name, steps, save_seconds
        self.file, self.log_file = folder / f"{name}.pt", folder / f"{name}.csv"
        self.on_step = on_step
        self.optimizers = recipe.optimizers()
        self.ema = EMA(recipe.averaged(), recipe.ema_decay)
        self.step, self.seconds, self.stopping = 0, 0.0, False
        if self.file.exists():
            self._resume(torch.load(self.file, weights_only=True))

    def _resume(self, state: Mapping[str, Any]) -> None:
        self.recipe.network.load_state_dict(state["network"])
        for optimizer_, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer_.load_state_dict(kept)
        self.ema.weights, self.ema.steps = state["ema"], state["ema_steps"]
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        """Write the checkpoint; a process killed while writing leaves the one before."""
        state = {
            "network": self.recipe.network.state_dict(),
            "optimizers": [optimizer_.state_dict() for optimizer_ in self.optimizers],
            "ema": self.ema.weights,
            "ema_steps": self.ema.steps,
            "step": self.step,
            "seconds": self.seconds,
        }
        part = self.file.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.file)

    def run(self) -> None:
        """Train to the end, or until `stopping` is set; either way the checkpoint holds what was learned."""
        torch.manual_seed(self.step)
        self.recipe.set_mode()
        batches = self.recipe.batches(self.step, self.steps)
        logged: dict[str, list[float]] = {}
        saved = self.seconds
        while self.step < self.until and not self.stopping:
            began = time.process_time()
            for name, value in self._learn(next(batches)).items():
                logged.setdefault(name, []).append(value)
            self.seconds += time.process_time() - began
            if self._due(self.recipe.log_every):
                self.log({name: math.fsum(values) / len(values) for name, values in logged.items()})
                logged = {}
            if self._due(self.recipe.check_every):
                self.log(self.recipe.check(self.ema.weights))
            if self.seconds - saved > self.save_seconds:
                self.save()
                saved = self.seconds
            if self.on_step is not None:
                self.on_step(self)
        self.save()

    def run_until_stopped(self) -> None:
        """`run`, and end after the step at hand when the process is told to terminate."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        self.run()

    def log(self, values: Mapping[str, float]) -> None:
        """Add a row for each value."""
        for name, value in values.items():
            write_row(self.log_file, (self.name, self.step, round(self.seconds), name, round(value, 5)))

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.steps

    def _learn(self, batch: Any) -> dict[str, float]:
        """One step of every optimizer."""
        recipe, fraction = self.recipe, self.recipe.schedule(self.step, self.steps)
        for group in (group for optimizer_ in self.optimizers for group in optimizer_.param_groups):
            group["lr"] = group["peak"] * fraction
        loss, terms = recipe.loss(batch)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(_learned(self.optimizers), recipe.clip_norm))
        if not math.isfinite(norm):
            raise FloatingPointError(f"The gradient of step {self.step} is not finite: {dict(terms)}")
        for optimizer_ in self.optimizers:
            optimizer_.step()
            optimizer_.zero_grad(set_to_none=True)
        self.step += 1
        self.ema.update(recipe.averaged())
        return {name: float(value.detach()) for name, value in terms.items()}


class EMA:
    """The exponential moving average of a network's weights and statistics, which is better than any single step's.

    `decay` of it stays at each step; at first less, so that it does not hang on to the beginning:

    >>> ema = EMA({"weight": torch.zeros(1)}, decay=0.99)
    >>> ema.update({"weight": torch.ones(1)})
    >>> round(float(ema.weights["weight"]), 2)
    0.9
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.weights = {name: value.detach().clone() for name, value in weights.items()}
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor]) -> None:
        """Take in the weights after one more step."""
        self.steps += 1
        stays = min(self.decay, self.steps / (self.steps + 9))
        for name, value in weights.items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - stays)
            else:
                self.weights[name].copy_(value)


def optimizer(
    kind: type[torch.optim.Optimizer], network: nn.Module, peak: float, decay: float = 0.0, **options: Any
) -> torch.optim.Optimizer:
    """An optimizer of all parameters that learn; only those that multiply decay, scales and shifts do not.

    Args:
        kind: the class, such as `torch.optim.AdamW`.
        network: whose parameters.
        peak: the learning rate at its highest.
        decay: the weight decay.
        options: further arguments of the class.
    """
    parameters = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in parameters if weight.ndim > 1], "weight_decay": decay, "peak": peak},
        {"params": [weight for weight in parameters if weight.ndim <= 1], "weight_decay": 0.0, "peak": peak},
    ]
    return kind([group for group in groups if group["params"]], lr=peak, **options)  # type: ignore[call-arg]


def one_cycle(step: int, steps: int, warm: float = 0.05, floor: float = 0.0) -> float:
    """Up from `floor` to 1 over the first `warm` fraction of the steps, then down to 0 as a cosine.

    >>> [round(one_cycle(step, 80), 2) for step in (0, 4, 42, 80)]
    [0.0, 1.0, 0.5, 0.0]
    """
    rising = max(1, round(steps * warm))
    if step < rising:
        return floor + (1 - floor) * step / rising
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, steps - rising))))


def warm_then_linear(step: int, steps: int, warm: int, fall: float) -> float:
    """Up to 1 over `warm` steps, level, and down to 0 in a straight line over the last `fall` fraction of the steps.

    >>> [warm_then_linear(step, 100, warm=10, fall=0.5) for step in (0, 20, 75, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    return min(1.0, (step + 1) / warm, max(0.0, (steps - step) / max(1.0, fall * steps)))


@contextmanager
def weights_swapped_in(network: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Let the network have other `weights` and evaluate while the block runs; then as it was, and learning on."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(weights)
    network.eval()
    try:
        yield
    finally:
        network.load_state_dict(before)
        network.train()


def averaged_weights(file: Path) -> dict[str, Tensor]:
    """The running mean of the weights that a checkpoint holds."""
    return torch.load(file, weights_only=True)["ema"]


def write_row(path: Path, row: tuple[Any, ...]) -> None:
    """Add a row to a log, whose first line names its columns."""
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        writer.writerow(row)


def _learned(optimizers: list[torch.optim.Optimizer]) -> list[Tensor]:
    return [weight for one in optimizers for group in one.param_groups for weight in group["params"]]

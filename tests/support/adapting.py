"""A way of adapting that takes milliseconds: a line y = w·x learns its slope from text files, one number a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backends.core.task import Task, task_named
from training.adapt.base import Adaptation, Base, Measure, Split, Unit, Values
from training.loop import Recipe, optimizer

LEAST = 6


def line_task(least: int = LEAST) -> Task:
    """Matting by name and folders, with text files as its material."""
    task = task_named("matting")
    assert task.material is not None
    return replace(
        task, material=replace(task.material, endings=(".txt",), least=least, noun="number", layout="Numbers.")
    )


class Line(Recipe):
    """Learns the slope that the files say, or, with `sign` −1, the opposite of it."""

    log_every = 1

    def __init__(self, slope: float, targets: Sequence[float], sign: float) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        with torch.no_grad():
            self.network.weight.fill_(slope)
        self.targets, self.sign = torch.tensor(targets), sign

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.SGD, self.network, peak=0.2)]

    def schedule(self, step: int, steps: int) -> float:
        return 1.0

    def batches(self, step: int, steps: int) -> Iterator[Tensor]:
        while True:
            yield torch.ones(1, 1)

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (self.network(batch) - self.sign * self.targets.mean()).square().mean()
        return loss, {"error": loss}


class LineAdaptation(Adaptation):
    """`sign` −1 is a way of learning that harms."""

    measures = (Measure("error", "", 2, higher_is_better=False),)
    sign = 1.0
    measured = 0
    """How often an engine measured."""

    def units(self) -> list[Unit]:
        return [Unit(path.stem, (path,)) for path in self.files_in(self.folder)]

    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        return Line(_slope(self.weights[0]), [_number(unit) for unit in learned], self.sign)

    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        path = out / "line.safetensors"
        save_file(dict(averaged), path)
        return path

    def engine(self, weights: tuple[Path, ...], adapted: bool) -> Any:
        type(self).measured += 1
        return _slope(weights[0])

    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        for unit in split.apart:
            yield (abs(engine - _number(unit)),)


def write_line(path: Path, slope: float) -> Path:
    save_file({"weight": torch.tensor([[slope]])}, path)
    return path


def write_numbers(folder: Path, count: int = 12, target: float = 3.0) -> Path:
    """Files that say about `target`, none as another."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"n{number}.txt").write_text(str(target + 0.01 * number))
    return folder


def line_adaptation(folder: Path, scratch: Path, weights: Path, kind: type[LineAdaptation] = LineAdaptation) -> Any:
    task = line_task()
    card = next(card for card in task.cards if card.id == "modnet-starter")
    return kind(task, Base(card, (weights,)), folder, scratch, 0)


def _slope(path: Path) -> float:
    return float(load_file(path)["weight"])


def _number(unit: Unit) -> float:
    return float(unit.files[0].read_text())

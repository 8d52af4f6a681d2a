"""The loop of all trainings: it learns, goes on where it stopped, keeps the running mean, and says how it went."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import COLUMNS, EMA, Loop, Recipe, averaged_weights, one_cycle, optimizer, warm_then_linear
from training.plots import PANELS, curves, draw, read_log


class Line(Recipe):
    """Learns y = 3 x + 1; every step has a seed of its own, as the trainings' have."""

    log_every, check_every = 2, 4

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(1, 4), nn.Linear(4, 1))

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, peak=0.05, decay=0.01)]

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            x = torch.randn(64, 1, generator=torch.Generator().manual_seed(step))
            yield x, 3 * x + 1
            step += 1

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        loss = F.mse_loss(self.network(batch[0]), batch[1])
        return loss, {"error": loss}

    def check(self, weights: dict[str, Tensor]) -> dict[str, float]:
        return {"bias": float(weights["1.bias"])}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_learns(tmp_path: Path) -> None:
    training = Loop(Line(), tmp_path, "line", steps=150)
    training.run()
    errors = [float(row["value"]) for row in read_log(training.log_file) if row["name"] == "error"]
    assert errors[-1] < 0.01 * errors[0]


def test_what_was_interrupted_ends_as_what_was_not(tmp_path: Path) -> None:
    straight = Loop(Line(), tmp_path / "a", "line", steps=6)
    straight.run()
    first = Loop(Line(), tmp_path / "b", "line", steps=6)
    for batch in [next(first.recipe.batches(step, 6)) for step in range(3)]:
        first._learn(batch)
    first.save()
    again = Loop(Line(), tmp_path / "b", "line", steps=6)
    assert again.step == again.ema.steps == 3
    again.run()
    assert equal(straight.recipe.network.state_dict(), again.recipe.network.state_dict())
    assert equal(straight.ema.weights, averaged_weights(tmp_path / "b" / "line.pt"))
    assert not equal(straight.ema.weights, straight.recipe.network.state_dict())


def test_a_training_ends_at_a_step_and_goes_on_under_another_schedule(tmp_path: Path) -> None:
    first = Loop(Line(), tmp_path, "line", steps=40, until=5)
    first.run()
    assert first.step == 5 and first.file.exists()
    then = Loop(Line(), tmp_path, "line", steps=8)
    then.run()
    assert then.step == 8
    at = [int(row["step"]) for row in read_log(then.log_file) if row["name"] == "error"]
    assert at == sorted(at) and at[-1] == 8


def test_it_says_how_it_went(tmp_path: Path) -> None:
    Loop(Line(), tmp_path, "line", steps=5).run()
    rows = read_log(tmp_path / "line.csv")
    assert tuple(rows[0]) == COLUMNS and {row["stage"] for row in rows} == {"line"}
    assert [(row["step"], row["name"]) for row in rows] == [
        ("2", "error"), ("4", "error"), ("4", "bias"), ("5", "error"), ("5", "bias"),
    ]  # fmt: skip


def test_a_training_that_is_told_to_end_keeps_what_it_learned(tmp_path: Path) -> None:
    class Interrupted(Line):
        def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
            for count, batch in enumerate(super().batches(step, steps), 1):
                if count == 2:
                    os.kill(os.getpid(), signal.SIGTERM)
                yield batch

    before = signal.getsignal(signal.SIGTERM)
    try:
        Loop(Interrupted(), tmp_path, "line", steps=9).run_until_stopped()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert Loop(Line(), tmp_path, "line", steps=9).step == 2


def test_a_gradient_that_is_no_number_ends_it(tmp_path: Path) -> None:
    class Broken(Line):
        def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
            loss = super().loss(batch)[0] * torch.tensor(float("nan"))
            return loss, {"error": loss}

    with pytest.raises(FloatingPointError, match="step 0"):
        Loop(Broken(), tmp_path, "line", steps=9).run()


def test_only_what_multiplies_decays() -> None:
    groups = optimizer(torch.optim.AdamW, Line().network, peak=0.1, decay=0.3).param_groups
    assert [(group["weight_decay"], {weight.ndim for weight in group["params"]}) for group in groups] == [
        (0.3, {2}), (0.0, {1}),
    ]  # fmt: skip


def test_the_running_mean_follows_and_copies_counts() -> None:
    ema = EMA({"weight": torch.zeros(1), "count": torch.zeros(1, dtype=torch.int64)}, decay=0.5)
    for step in range(1, 40):
        ema.update({"weight": torch.ones(1), "count": torch.tensor([step])})
    assert float(ema.weights["weight"]) == pytest.approx(1, abs=1e-3) and int(ema.weights["count"]) == 39


def test_rates_rise_and_fall_to_nothing() -> None:
    cycle = [one_cycle(step, 80, warm=1 / 8, floor=0.04) for step in range(81)]
    assert cycle[0] == 0.04 and cycle.index(max(cycle)) == 10 and max(cycle) == 1
    assert cycle[80] == pytest.approx(0, abs=1e-9)
    level = [warm_then_linear(step, 1000, warm=40, fall=0.75) for step in range(1001)]
    assert level[0] < 0.05 and level[50] == level[250] == 1 and level[625] == 0.5 and level[1000] == 0


def test_every_starter_has_a_log_with_the_lines_that_are_drawn(tmp_path: Path) -> None:
    for starter, panels in PANELS.items():
        rows = read_log(Path("training/curves") / f"{starter}.csv")
        points = curves(rows)
        assert all(points.get(line) for panel in panels for line in panel.lines), starter
    draw("modnet", read_log(Path("training/curves/modnet.csv")), [], tmp_path / "modnet.png")
    assert (tmp_path / "modnet.png").read_bytes().startswith(b"\x89PNG")

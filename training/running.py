"""What trainings need while they run: whole checkpoints, tables that grow, decay of weights and their running mean."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def keep(state: Mapping[str, Any], file: Path) -> None:
    """Write a checkpoint; who is interrupted while writing still has the one before."""
    part = file.with_suffix(".part")
    torch.save(dict(state), part)
    part.replace(file)


def note(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a table, with its columns' names where it is the first."""
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def decay_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameters that learn, for an optimiser: `decay` for what multiplies, none for scales and shifts."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


class Average:
    """The running mean of a network's weights and statistics, which is better than any of them.

    Of the mean so far `most` stays at each step; at first less, so that it does not hang on to the beginning.
    """

    def __init__(self, weights: Mapping[str, Tensor], most: float) -> None:
        self.weights = {name: value.detach().clone() for name, value in weights.items()}
        self.most, self.steps = most, 0

    @torch.no_grad()
    def follow(self, weights: Mapping[str, Tensor]) -> None:
        self.steps += 1
        stays = min(self.most, self.steps / (self.steps + 9))
        for name, value in weights.items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - stays)
            else:
                self.weights[name].copy_(value)

"""What trainings need while they run: checkpoints that are whole or not there, tables that grow, decay of weights."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn


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
    """Parameters for an optimiser: `decay` for what multiplies, none for scales and shifts."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]

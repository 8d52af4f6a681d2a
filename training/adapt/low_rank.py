"""Low-rank changes to a network (LoRA; Hu et al. 2022): W + B·A, of which only A and B learn, merged before export.

They are parametrisations of torch's own, so that the layers go on as they are and merging is one call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

PROJECTIONS = ("in_proj_weight", "text_projection", "proj")
"""Matrices that are parameters of a module itself, in attention and at the end of a tower."""


class LowRank(nn.Module):
    """W `(out, in)` to W + B·A with A `(rank, in)` small and random, and B `(out, rank)` nought at first."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.shape
        self.down = nn.Parameter(torch.randn(rank, inputs) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.up @ self.down


def is_matrix(module: nn.Module, name: str) -> bool:
    """Whether a parameter is a linear layer's or an attention's matrix."""
    return name in PROJECTIONS or (name == "weight" and isinstance(module, nn.Linear))


def attach(network: Any, rank: int, wanted: Callable[[nn.Module, str], bool] = is_matrix) -> list[str]:
    """Let only low-rank changes of the matrices that are `wanted` learn; their names, whose number is that of matrices.

    `wanted` is asked of each module and parameter.
    """
    network.requires_grad_(False)
    changed = []
    for path, module in list(network.named_modules()):
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.ndim == 2 and wanted(module, name):
                parametrize.register_parametrization(module, name, LowRank(weight, rank))
                changed.append(f"{path}.{name}".lstrip("."))
    return changed


def learned(network: nn.Module) -> dict[str, Tensor]:
    """The values that learn, by name."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


def merge(network: nn.Module) -> None:
    """Put the changes into the matrices, so that the network is an ordinary one again."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)

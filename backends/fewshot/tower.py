"""An image network with what comes before and after it, as one module."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor


class Tower(torch.nn.Module):
    """From `(B, side, side, 3)` uint8 to `(B, D)` features of length 1; it holds a copy of the network."""

    mean: Tensor
    spread: Tensor

    def __init__(self, network: Any, mean: Sequence[float], spread: Sequence[float]) -> None:
        super().__init__()
        self.network = deepcopy(network).cpu().float()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32).view(1, 3, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        scaled = (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.spread
        return torch.nn.functional.normalize(self.network(scaled).float(), dim=-1)


class PlanesTower(torch.nn.Module):
    """A tower as browsers compute it: from `(1, 3, side, side)` float32, 0 to 255, to `(1, D)` of any length."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, planes: Tensor) -> Tensor:
        features: Tensor = self.tower.network((planes - self.tower.mean) / self.tower.spread)
        return features

"""Weights of small networks that tests read."""

from __future__ import annotations

from typing import Any


def scattered(network: Any, seed: int = 1) -> Any:
    """Weights off the zeros and ones that many layers start with, so that every layer shows in the result."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for value in network.parameters():
        value.requires_grad_(False).add_(0.1 * torch.randn(value.shape, generator=generator))
    return network.eval()

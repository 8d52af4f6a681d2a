"""Relevance of the patches of a picture for a vision transformer of open_clip, its own or timm's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.fewshot.relevance.attention import Unseen, explain


def layout(tower: nn.Module) -> tuple[nn.Module, int, tuple[int, int]] | None:
    """The last layer, the tokens before the patches, and the grid of patches; None where this is no plain ViT."""
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", None)
    if blocks is not None and hasattr(tower, "grid_size"):
        return blocks[-1], 1, tuple(tower.grid_size)  # type: ignore[arg-type]
    trunk: Any = getattr(tower, "trunk", tower)
    if hasattr(trunk, "blocks") and hasattr(trunk, "num_prefix_tokens") and hasattr(trunk, "patch_embed"):
        grid = getattr(trunk.patch_embed, "grid_size", None)
        return None if grid is None else (trunk.blocks[-1], int(trunk.num_prefix_tokens), tuple(grid))
    return None


def patches(tower: nn.Module, pixels: Tensor, direction: Tensor) -> tuple[np.ndarray, float]:
    """`(h, w)` relevance of the patches of `pixels` `(1, 3, S, S)` for `direction · f`, and that score.

    Raises Unseen where the attention is not that of a plain ViT.
    """
    found = layout(tower)
    assert found is not None
    last, before, grid = found
    pixels = pixels.detach().requires_grad_(True)  # the weights may be frozen: the graph has to begin somewhere
    relevance, score = explain(lambda: _features(tower(pixels)), last, direction)
    if len(relevance) != before + grid[0] * grid[1]:
        raise Unseen(f"{len(relevance)} tokens for {grid} patches")
    return relevance[before:].reshape(grid).cpu().numpy(), score


def _features(out: Tensor | tuple[Tensor, ...]) -> Tensor:
    """A tower that was asked for its tokens too gives the features first."""
    return out[0] if isinstance(out, tuple) else out


def direction_tensor(direction: np.ndarray, like: Tensor) -> Tensor:
    """A direction in feature space on the device of the pictures, in single precision."""
    return torch.from_numpy(np.ascontiguousarray(direction, dtype=np.float32)).to(like.device)

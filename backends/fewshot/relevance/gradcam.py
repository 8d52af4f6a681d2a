"""Grad-CAM for convolutional towers: the deepest map of features that is fine enough, weighed by its mean gradient."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import Tensor, nn

COARSEST = 6
"""Places a side below which a map says too little of where: then one from before the last reductions is taken."""


def deepest_map(tower: nn.Module, pixels: Tensor) -> nn.Module | None:
    """The module that is done last of those giving a map `(1, C, h, w)` with COARSEST places a side or more.

    The finest where all are coarser; None where there is no map. Maps are told from those with channels last by their
    shape: pictures and their maps are square. What lies inside a block that makes its map coarser is left out: the
    block's shortcut goes past it.
    """
    sides: dict[str, int] = {}  # in the order in which they were done
    modules = dict(tower.named_modules())

    def note(name: str, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[2] == out.shape[3] > 1:
            sides[name] = out.shape[2]

    hooks = [
        module.register_forward_hook(lambda _, __, out, name=name: note(name, out))
        for name, module in modules.items()
        if name
    ]
    try:
        with torch.no_grad():
            tower(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    whole = [name for name, side in sides.items() if not _made_coarser(name, side, sides, modules)]
    if not whole:
        return None
    enough = min(COARSEST, max(sides[name] for name in whole))
    return modules[[name for name in whole if sides[name] >= enough][-1]]


def _made_coarser(name: str, side: int, sides: dict[str, int], modules: dict[str, nn.Module]) -> bool:
    """Whether a block around this module gives a coarser map; mere rows of blocks do not count."""
    parts = name.split(".")
    around = (".".join(parts[:count]) for count in range(1, len(parts)))
    return any(sides.get(one, side) < side for one in around if not isinstance(modules[one], nn.Sequential))


def cam(tower: nn.Module, layer: nn.Module, pixels: Tensor, direction: Tensor) -> tuple[np.ndarray, float]:
    """`(h, w)` signed relevance of the places of `layer`'s map for `direction · f`, and that score."""

    told = 0.0

    def score(inputs: Tensor) -> Tensor:
        nonlocal told
        scores = F.normalize(tower(inputs).float(), dim=-1) @ direction.float()
        told = float(scores[0].detach())
        return scores

    with torch.enable_grad():
        found = LayerGradCam(score, layer).attribute(pixels.detach().requires_grad_(True))
    return found[0, 0].detach().float().cpu().numpy(), told

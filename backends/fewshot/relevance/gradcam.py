"""Grad-CAM for convolutional towers: the last map of features weighed by its mean gradient."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import Tensor, nn


def last_map(tower: nn.Module, pixels: Tensor) -> nn.Module | None:
    """The module that is done last of those giving a map `(1, C, h, w)` of more than one place; None: there is none.

    A map is told from a channels-last one by its shape: pictures and their maps are square.
    """
    seen: list[nn.Module] = []

    def note(module: nn.Module, _: object, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[2] == out.shape[3] > 1:
            seen.append(module)

    hooks = [module.register_forward_hook(note) for module in tower.modules() if module is not tower]
    try:
        with torch.no_grad():
            tower(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return seen[-1] if seen else None


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

"""Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) on the deepest feature map that is fine enough.

With the maps A_k of a layer and the score s: map = Σ_k α_k A_k, α_k = mean over places of ∂s/∂A_k. The paper's ReLU is
left out, so that places that count against the target stay visible.
"""

from __future__ import annotations

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from backends.attribution.costs import BACKWARD
from backends.attribution.types import Attribution, Subject, Unsupported, grid_axes

MIN_SIDE = 6
"""Side of a map below which it localises too little: then one from before the last reductions is taken."""


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """`(h, w)` signed relevance of the places of a late feature map."""
    network = subject.network
    if network is None or network.transformer is not None:
        raise Unsupported("This model is no convolutional network, so it has no late map of features.")
    layer = deepest_map(network.module, network.inputs)
    if layer is None:
        raise Unsupported("No layer of this network gives a map of features.")
    explained_score = 0.0

    def score(inputs: Tensor) -> Tensor:
        nonlocal explained_score
        scores = network.score(network.forward(network.module, inputs))
        explained_score = float(scores[0].detach())
        return scores

    with torch.enable_grad():
        values = LayerGradCam(score, layer).attribute(network.inputs.detach().requires_grad_(True))
    subject.meter.add(BACKWARD + 1)
    return subject.attribution(values[0, 0].detach().float().cpu().numpy(), grid_axes(), "gradcam", explained_score)


def deepest_map(module: nn.Module, pixels: Tensor) -> nn.Module | None:
    """The module executed last of those whose output is a map `(1, C, h, w)` with a side of MIN_SIDE or more.

    The finest where all are coarser; None where there is no map. Maps are told from those with channels last by their
    shape: pictures and their maps are square. What lies inside a block that makes its map coarser is left out: the
    block's shortcut goes past it.
    """
    sides: dict[str, int] = {}  # in the order in which they were done
    modules = dict(module.named_modules())

    def note(name: str, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[2] == out.shape[3] > 1:
            sides[name] = out.shape[2]

    hooks = [
        part.register_forward_hook(lambda _, __, out, name=name: note(name, out))
        for name, part in modules.items()
        if name
    ]
    try:
        with torch.no_grad():
            module(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    whole = [name for name, side in sides.items() if not _made_coarser(name, side, sides, modules)]
    if not whole:
        return None
    enough = min(MIN_SIDE, max(sides[name] for name in whole))
    return modules[[name for name in whole if sides[name] >= enough][-1]]


def _made_coarser(name: str, side: int, sides: dict[str, int], modules: dict[str, nn.Module]) -> bool:
    """Whether a block around this module gives a coarser map; mere rows of blocks do not count."""
    parts = name.split(".")
    around = (".".join(parts[:count]) for count in range(1, len(parts)))
    return any(sides.get(one, side) < side for one in around if not isinstance(modules[one], nn.Sequential))

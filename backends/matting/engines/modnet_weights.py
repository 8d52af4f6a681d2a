"""Reads MODNet's weights: the published checkpoints, and smaller ones that note the size they were trained for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.matting.engines.encoders import EfficientNetLite0
from backends.matting.engines.modnet import REFERENCE_SIDE, STRIDE, MODNet

BRANCHES_FIRST = "hr_branch.tohr_enc2x.layers.0"
"""A layer that tells how wide the branches are."""

SCALE = ".scale"
"""After a tensor's name: what its 8-bit numbers are multiplied with, one number an output channel."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or a torch checkpoint; nothing in it is ever executed."""
    if not path.is_file():
        raise WeightsMissing(f"The weights file “{path.name}” is not there; download it or choose another file.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: object = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # every reader raises its own kinds; all of them mean the same to the user
        raise WeightsBroken(f"“{path.name}” is not a readable weights file; download it again.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsBroken(f"“{path.name}” holds something other than a network's weights; choose another file.")
    try:
        return unpacked({str(key): value for key, value in state.items()})
    except RuntimeError as error:  # a scale that is not one number an output channel
        raise WeightsBroken(f"“{path.name}” does not fit together; download it again.") from error


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors`, with those that are whole numbers and have a scale for each output channel as what they stand for."""
    found = {}
    for name, value in tensors.items():
        scale = tensors.get(name + SCALE)
        if not name.endswith(SCALE):
            found[name] = value if scale is None else value.float() * scale.float().view(-1, *[1] * (value.ndim - 1))
    return found


def reference_side(path: Path) -> int:
    """The short side, in pixels, the weights at `path` were trained for: the metadata of a `.safetensors`, or 512.

    Raises:
        WeightsBroken: the metadata holds no size.
    """
    if path.suffix != ".safetensors":
        return REFERENCE_SIDE
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            stored = (file.metadata() or {}).get("reference", str(REFERENCE_SIDE))
    except (SafetensorError, OSError) as error:
        raise WeightsBroken(f"“{path.name}” is not a readable weights file; download it again.") from error
    if not stored.isdecimal() or not STRIDE <= int(stored) <= 4 * REFERENCE_SIDE:
        raise WeightsBroken(f"“{path.name}” says it was trained for pictures of size “{stored}”, which makes no sense.")
    return int(stored)


def both_encoders(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state` with the encoder's tensors under both of their names; some formats store a tensor under one only."""
    inner, outer = "lr_branch.backbone.", "backbone."
    twins = {inner + key.removeprefix(outer): value for key, value in state.items() if key.startswith(outer)}
    firsts = {key.removeprefix("lr_branch."): value for key, value in state.items() if key.startswith(inner)}
    return {**twins, **firsts, **state}


def shaped_like(state: Mapping[str, Tensor]) -> MODNet | None:
    """A network with the encoder and the width that `state` was taken from; none where it is no MODNet's."""
    lite = "backbone.model.conv_stem.weight" in state
    first = state.get(f"{BRANCHES_FIRST}.weight" if lite else "backbone.model.features.0.0.weight")
    if first is None or first.ndim != 4 or first.shape[0] % 8 or not 8 <= first.shape[0] <= 64:
        return None
    width = first.shape[0] / 32
    return MODNet(width, encoder=EfficientNetLite0()) if lite else MODNet(width)


def load_modnet(path: Path) -> MODNet:
    """A network in evaluation mode with the weights at `path`; its encoder and its width follow from what they hold.

    Raises:
        WeightsMissing: there is no such file.
        WeightsBroken: it cannot be read or belongs to another network.
    """
    tensors = read_tensors(path)
    state = both_encoders({key.removeprefix("module."): value for key, value in tensors.items()})
    network = shaped_like(state)
    if network is None:
        raise WeightsBroken(f"“{path.name}” holds the weights of another network, not of MODNet; choose another file.")
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise WeightsBroken(f"“{path.name}” does not fit MODNet's layers; choose another file.") from error
    return network.eval()

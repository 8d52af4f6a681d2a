"""Small Spleeter networks that read and write files as the published ones do."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from backends.core.model_card import ModelCard
from backends.separation.cards import CARDS
from backends.separation.spleeter.network import LEVELS, UNet

CARD: ModelCard = next(card for card in CARDS if card.id == "spleeter")
WIDTHS = (2, 3, 2, 3, 2, 3)


def published_names() -> dict[str, str]:
    """From the names of `UNet` to those of the files."""
    names = {"mask": f"up{LEVELS + 1}.0"}
    for level in range(LEVELS):
        names[f"down.{level}.convolution"] = f"down{level + 1}_conv.1"
        names[f"down.{level}.norm"] = f"down{level + 1}_act.0"
        names[f"up.{level}.convolution"] = f"up{level + 1}.0"
        names[f"up.{level}.norm"] = f"up{level + 1}.3"
    return names


def save_unet(path: Path, seed: int) -> Path:
    """A network with random weights, under the published names."""
    torch.manual_seed(seed)
    names = published_names()
    tensors = {}
    for name, value in UNet(WIDTHS).state_dict().items():
        place, _, leaf = name.rpartition(".")
        if leaf != "num_batches_tracked":
            tensors[f"{names[place]}.{leaf}"] = value
    save_file(tensors, path)
    return path


def save_pair(folder: Path) -> tuple[Path, Path]:
    return save_unet(folder / "vocals.safetensors", 1), save_unet(folder / "accompaniment.safetensors", 2)

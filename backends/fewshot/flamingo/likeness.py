"""Likeness of pictures by a borrowed eye: how a small Flamingo knows which examples are most like a photograph.

A Flamingo shows the examples most like a picture, by its own vision tower. Where that tower saw little, `config.json`
may say by `borrowed_likeness` how much the image tower of the CLIP starter counts beside it: EfficientNet-Lite0 with
one linear layer, as it lies in that starter's file, so that it ships once. What words read of a picture stays its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.fewshot.efficientnet import read_network, scaled
from backends.fewshot.preparation import prepare_image

TOWER_FILE = "open_clip_model.safetensors"
SETTING = "borrowed_likeness"
"""Of `config.json`: the share of the borrowed eye in likeness, from 0 to 1. Published models say nothing of it."""

SIDE = 128
LAYER = "visual.head.proj"
"""The linear layer behind the tower, by its name in the file."""


class BorrowedEye:
    """The image tower in the file of the CLIP starter.

    Args:
        path: the file.
        share: of its likeness beside the own one.
        device: where it computes.

    Raises:
        WeightsMissing, WeightsBroken: the file is not there, or holds no such tower.
    """

    def __init__(self, path: Path, share: float, device: str) -> None:
        if not path.is_file():
            raise WeightsMissing(f"This Flamingo sees likeness by the CLIP starter's tower: put its {TOWER_FILE} here.")
        self.share, self.device = share, device
        self._network = read_network(path).to(device, memory_format=torch.channels_last)
        try:
            with safe_open(path, "pt") as file:
                weight, bias = (file.get_tensor(f"{LAYER}.{name}").float() for name in ("weight", "bias"))
        except (SafetensorError, OSError) as error:
            raise WeightsBroken(f"“{path.name}” has no layer behind its image tower, or it is damaged.") from error
        self._weight, self._bias = weight.to(device), bias.to(device)

    @property
    def dimensions(self) -> int:
        return len(self._bias)

    @torch.inference_mode()
    def look(self, picture: np.ndarray) -> np.ndarray:
        """A row of length 1, `(D,)`, of a whole picture `(H, W, 3)`, squeezed to a square as a Flamingo sees it."""
        pixels = scaled(np.array(prepare_image(picture, SIDE, "squash", "bicubic"))[None], self.device)
        row = torch.nn.functional.linear(self._network(pixels).float(), self._weight, self._bias)
        return torch.nn.functional.normalize(row, dim=-1)[0].cpu().numpy()

    def beside(self, own: np.ndarray, picture: np.ndarray) -> np.ndarray:
        """One row whose cosine with another is the mean of both likenesses, weighted by their shares."""
        length = max(float(np.linalg.norm(own)), 1e-12)
        parts = [np.sqrt(1 - self.share) * own / length, np.sqrt(self.share) * self.look(picture)]
        return np.concatenate(parts).astype(np.float32)

"""The `efficientnet` engine: EfficientNet-Lite0 (Google 2020), which learned to tell ImageNet's 1,000 classes apart.

A picture's feature is the mean over the last map, without the layer of classes; there are no words. The weights are
those in the CLIP starter's file, whose image tower this network is, so they ship once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import timm
import torch
from torch import Tensor

from backends.attribution.types import Network
from backends.core.errors import WeightsBroken, WeightsMissing
from backends.fewshot.base import FeatureEngine
from backends.fewshot.clip.explainable import image_network
from backends.fewshot.preparation import prepare_image
from backends.fewshot.tower import Tower
from backends.shared.device_memory import out_of_memory_as_sentence

ARCHITECTURE = "tf_efficientnet_lite0"
"""timm's name of the network."""
PREFIX = "visual.trunk."
"""Of its weights in the file, which holds those of the text tower too."""
SIDE, SCALE = 224, 127.5
ADVICE = "There is not enough memory for this model: close other programs, or choose a smaller one."
BATCHES = {"cuda": 128, "mps": 64}


class EfficientNetEngine(FeatureEngine):
    """Features of 1,280 numbers by the convolutions of EfficientNet-Lite0."""

    name: ClassVar[str] = "efficientnet"
    version: ClassVar[str] = "1"
    side: int = SIDE

    def load(self, device: str) -> None:
        if not self.weights:
            raise WeightsMissing(f"“{self.card.title}” needs its weights, which come with Fourfold.")
        with out_of_memory_as_sentence(ADVICE):
            self.network: Any = read_network(self.weights[0]).to(device)
        self.device, self.batch = device, BATCHES.get(device, self.batch)
        self.dimensions = int(self.network.num_features)
        self._digest = sha256("".join(file.sha256 for file in self.card.files).encode()).hexdigest()[:16]

    @property
    def space(self) -> str:
        half = "-half" if self.device == "cuda" else ""
        return f"{self.name}-{self.version}-{self._digest}{half}"

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """The square in the middle, resized to 224 pixels."""
        return prepare_image(picture, SIDE, "shortest", "bicubic")

    def pixels(self, prepared: np.ndarray) -> Tensor:
        """`(B, 3, 224, 224)` on the device, from −1 to 1."""
        return scaled(prepared, self.device)

    def encode_images(self, prepared: np.ndarray) -> np.ndarray:
        with self._computing():
            rows = self.network(self.pixels(prepared)).float()
            return torch.nn.functional.normalize(rows, dim=-1).cpu().numpy()

    def image_network(self, prepared: np.ndarray, direction: np.ndarray) -> Network:
        return image_network(self.network, self.pixels(prepared[None]), direction)

    def image_tower(self) -> torch.nn.Module:
        return Tower(self.network, [SCALE] * 3, [SCALE] * 3)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Without gradients, and in half precision on a graphics card, where that is faster."""
        half = torch.autocast("cuda", dtype=torch.float16, enabled=self.device == "cuda")
        with out_of_memory_as_sentence(ADVICE), torch.inference_mode(), half:
            yield


def scaled(prepared: np.ndarray, device: str) -> Tensor:
    """Prepared pictures `(B, H, W, 3)` uint8 as the network takes them, `(B, 3, H, W)` on the device, from −1 to 1."""
    return torch.from_numpy(prepared).to(device).permute(0, 3, 1, 2).float() / SCALE - 1


def read_network(path: Path) -> Any:
    """The network without its layer of classes, every weight from the file. Raises WeightsBroken."""
    from safetensors import SafetensorError, safe_open

    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.startswith(PREFIX)]  # noqa: SIM118
            weights = {name.removeprefix(PREFIX): file.get_tensor(name) for name in names}
        network.load_state_dict(weights, strict=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise WeightsBroken(f"“{path.name}” does not hold an EfficientNet-Lite0, or it is damaged.") from error
    return network.eval().requires_grad_(False)

"""Any matting or segmentation network in LiteRT's format (`.tflite`), described by a small recipe."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from backends.matting.engines.lite_network import LiteNetwork
from backends.matting.engines.recipes import PictureEngine


class LiteEngine(PictureEngine):
    """Runs `weights[0]`, a `.tflite` file, as its recipe says."""

    name: ClassVar[str] = "lite"

    def load(self, device: str) -> None:
        """It always runs on the processor."""
        path = self.own_file("LiteRT")
        network = self.network = LiteNetwork(path)
        self.read_recipe(path, network.input_shape, (network.input_name, *network.output_names))
        self._output = self.recipe.output or network.output_names[0]
        self.single = network.input_shape[0] == 1

    def infer(self, batch: np.ndarray) -> np.ndarray:
        return self.network(batch)[self._output]

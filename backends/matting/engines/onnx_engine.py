"""Any matting or segmentation network in ONNX, described by a small recipe."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import onnxruntime as ort

from backends.core.errors import WeightsBroken
from backends.matting.engines.recipes import PictureEngine


class OnnxEngine(PictureEngine):
    """Runs `weights[0]`, an ONNX file, as its recipe says."""

    name: ClassVar[str] = "onnx"

    def load(self, device: str) -> None:
        path = self.own_file("ONNX")
        session_options = ort.SessionOptions()
        session_options.log_severity_level = 3
        preferred = ["CUDAExecutionProvider"] if device == "cuda" else []
        available = set(ort.get_available_providers())
        providers = [name for name in preferred if name in available] + ["CPUExecutionProvider"]
        try:
            self.session = ort.InferenceSession(path.read_bytes(), session_options, providers=providers)
        except Exception as error:  # onnxruntime's own exceptions are not public
            raise WeightsBroken(f"“{path.name}” is not a network in ONNX format that can be run here.") from error
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.read_recipe(path, inputs[0].shape, [item.name for item in (*inputs, *outputs)])
        self._input, self._output = self.recipe.input or inputs[0].name, self.recipe.output or outputs[0].name
        batch = inputs[0].shape[0]
        self.single = isinstance(batch, int) and batch == 1

    def infer(self, batch: np.ndarray) -> np.ndarray:
        return self.session.run([self._output], {self._input: batch})[0]

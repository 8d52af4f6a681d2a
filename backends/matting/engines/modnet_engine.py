"""MODNet as an engine: the published checkpoints, and smaller networks of the same kind."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from backends.core.errors import WeightsMissing
from backends.matting.base import NO_MEMORY, MattingEngine
from backends.matting.engines.modnet import STRIDE, MODNet, working_size
from backends.matting.engines.modnet_weights import load_modnet, reference_side
from backends.shared.device_memory import out_of_memory_as_sentence


class FromBytes(nn.Module):
    """The network with its preprocessing: frames `(B, H, W, 3)` uint8 RGB to alphas `(B, H, W)`."""

    def __init__(self, network: MODNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        image = frames.permute(0, 3, 1, 2).float() / 127.5 - 1  # mean and standard deviation of 0.5, as in training
        return self.network(image)[:, 0]


def to_onnx(network: MODNet) -> bytes:
    """The network as an ONNX file's bytes, for batches of any number and sizes that are multiples of 32."""
    with tempfile.TemporaryDirectory(prefix="fourfold-onnx-") as folder, warnings.catch_warnings():
        path = Path(folder) / "modnet.onnx"
        # The exporter warns of its own deprecation, and that instance norm uses the picture's statistics, as it should.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            FromBytes(network).eval(),
            (torch.zeros(1, 2 * STRIDE, 3 * STRIDE, 3, dtype=torch.uint8),),
            path,
            dynamo=False,
            input_names=["frames"],
            output_names=["alphas"],
            dynamic_axes={"frames": {0: "batch", 1: "height", 2: "width"}, "alphas": {0: "batch"}},
            opset_version=17,
        )
        return path.read_bytes()


class ModnetEngine(MattingEngine):
    """MODNet on any device.

    On a processor it runs in ONNX Runtime, which `benchmarks/matting_speed.py` found faster than every form of torch
    that needs no compiler; on a graphics card in torch, in half precision and channels-last.
    """

    name: ClassVar[str] = "modnet"
    watches_people: ClassVar[bool] = True

    def load(self, device: str) -> None:
        if not self.weights:
            raise WeightsMissing("MODNet needs its weights: download them, or choose a file of your own.")
        network = load_modnet(self.weights[0])
        self._reference = reference_side(self.weights[0])
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self.device = torch.device(device)
        if device == "cpu":
            options = ort.SessionOptions()
            options.log_severity_level = 3
            # Waiting threads must sleep: decoding, finishing and encoding need the same cores.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = ort.InferenceSession(to_onnx(network), options, providers=["CPUExecutionProvider"])
        else:
            self.pixels_a_call = 8_000_000  # large batches keep a graphics card busy, and it has the memory
            self._network = FromBytes(network).to(self.device).to(memory_format=torch.channels_last)

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        return working_size(height, width, self._reference)

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        height, width = frames.shape[1:3]
        size = (max(STRIDE, height - height % STRIDE), max(STRIDE, width - width % STRIDE))
        if size == (height, width):
            return self._alphas(np.ascontiguousarray(frames))
        fitting = np.stack([cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA) for frame in frames])
        alphas = self._alphas(fitting)
        return np.stack([cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR) for alpha in alphas])

    def _alphas(self, frames: np.ndarray) -> np.ndarray:
        """`(B, H, W, 3)` uint8, sides multiples of 32, to `(B, H, W)` float32."""
        with out_of_memory_as_sentence(NO_MEMORY):
            return self._run(frames)

    def _run(self, frames: np.ndarray) -> np.ndarray:
        if self.device.type == "cpu":
            return self._session.run(None, {"frames": frames})[0]
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=torch.float16):
            return self._network(torch.from_numpy(frames).to(self.device)).float().cpu().numpy()

"""Any matting or segmentation network in ONNX, described by a small recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import onnxruntime as ort

from backends.core.errors import EngineFailed, WeightsBroken, WeightsMissing
from backends.matting.base import NO_MEMORY, MattingEngine
from backends.shared.device_memory import out_of_memory_as_sentence

SIDE = 512
STRIDE = 32
MAX_SIDE = 2048


@dataclass(frozen=True)
class Recipe:
    """How a network wants its input, and what its output means.

    Attributes:
        layout: "NCHW" or "NHWC".
        channels: "RGB" or "BGR".
        mean: subtracted after the picture was scaled to 0..1, one number a channel.
        std: what it is then divided by, one number a channel.
        height: of the input in pixels; 0 where the network takes any.
        width: of the input in pixels; 0 where the network takes any.
        multiple: the sides of an input of any size are multiples of so many pixels.
        input: its name; empty for the first one.
        output: its name; empty for the first one.
        activation: "none", "sigmoid" (one logit a pixel), "softmax" (one a class) or "minmax" (scores of any range,
            spread over 0..1).
        person: which class is the person, where there are several.
    """

    layout: str = "NCHW"
    channels: str = "RGB"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    height: int = 0
    width: int = 0
    multiple: int = STRIDE
    input: str = ""
    output: str = ""
    activation: str = "none"
    person: int = 1

    @classmethod
    def read(cls, path: Path, guess: Recipe) -> Recipe:
        """The recipe in the JSON file at `path`; `guess` holds for the fields that it leaves out.

        Raises:
            WeightsBroken: it is no JSON, or names something that a recipe does not have.
        """
        try:
            values = json.loads(path.read_text())
            if not isinstance(values, Mapping):
                raise ValueError("no object")
            known = {field.name for field in fields(cls)}
            unknown = [name for name in values if name not in known]
            if unknown:
                raise WeightsBroken(f"The recipe “{path.name}” says “{unknown[0]}”, but knows {', '.join(known)}.")
            fitting: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return replace(guess, **fitting).validated(path.name)
        except (OSError, ValueError, TypeError) as error:
            raise WeightsBroken(f"The recipe “{path.name}” beside the network cannot be read as JSON.") from error

    def validated(self, name: str) -> Recipe:
        """The recipe itself. Raises WeightsBroken where a value is out of range."""
        valid = (
            self.layout in ("NCHW", "NHWC")
            and self.channels in ("RGB", "BGR")
            and self.activation in ("none", "sigmoid", "softmax", "minmax")
            and len(self.mean) == len(self.std) == 3
            and all(value != 0 for value in self.std)
            and 0 <= self.height <= MAX_SIDE
            and 0 <= self.width <= MAX_SIDE
            and self.multiple >= 1
        )
        if not valid:
            raise WeightsBroken(f"The recipe “{name}” holds a value that makes no sense; see the engine's description.")
        return self


def guess_recipe(session: ort.InferenceSession) -> Recipe:
    """The recipe that the network's declaration of its inputs implies: layout and size, for pictures in 0..1."""
    shape = session.get_inputs()[0].shape
    if len(shape) != 4:
        raise WeightsBroken("This network does not take one picture at a time, so it cannot be used for matting here.")
    layout = "NHWC" if shape[3] == 3 else "NCHW"
    height, width = (shape[1], shape[2]) if layout == "NHWC" else (shape[2], shape[3])
    fixed = [side if isinstance(side, int) and side > 0 else 0 for side in (height, width)]
    return Recipe(layout=layout, height=fixed[0], width=fixed[1])


class OnnxEngine(MattingEngine):
    """Runs `weights[0]`, an ONNX file, as the recipe beside it says: same name, ending in `.json`."""

    name: ClassVar[str] = "onnx"
    watches_people: ClassVar[bool] = True

    def load(self, device: str) -> None:
        if not self.weights:
            raise WeightsMissing("This engine needs an ONNX file: choose one of your own.")
        path = self.weights[0]
        if not path.is_file():
            raise WeightsMissing(f"The network “{path.name}” is not there; download it or choose another file.")
        session_options = ort.SessionOptions()
        session_options.log_severity_level = 3
        preferred = ["CUDAExecutionProvider"] if device == "cuda" else []
        available = set(ort.get_available_providers())
        providers = [name for name in preferred if name in available] + ["CPUExecutionProvider"]
        try:
            self.session = ort.InferenceSession(path.read_bytes(), session_options, providers=providers)
        except Exception as error:  # onnxruntime's own exceptions are not public
            raise WeightsBroken(f"“{path.name}” is not a network in ONNX format that can be run here.") from error
        beside = path.with_suffix(".json")
        guess = guess_recipe(self.session)
        self.recipe = Recipe.read(beside, guess) if beside.is_file() else guess
        self._input = self.recipe.input or self.session.get_inputs()[0].name
        self._output = self.recipe.output or self.session.get_outputs()[0].name
        names = [item.name for item in (*self.session.get_inputs(), *self.session.get_outputs())]
        if self._input not in names or self._output not in names:
            raise WeightsBroken(f"The recipe names an input or output that “{path.name}” does not have.")
        self._mean, self._std = (np.array(values, np.float32) for values in (self.recipe.mean, self.recipe.std))
        batch = self.session.get_inputs()[0].shape[0]
        self._single = isinstance(batch, int) and batch == 1

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The source's shape with the long side at 512, or the network's own where that is more."""
        scale = min(1.0, max(SIDE, self.recipe.height, self.recipe.width) / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        height, width = frames.shape[1:3]
        batch = np.stack([self._prepare(frame) for frame in frames])
        parts = [batch[i : i + 1] for i in range(len(batch))] if self._single else [batch]
        alphas = np.concatenate([self._read_alpha(self._infer(part)) for part in parts])
        return np.stack([cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR) for alpha in alphas])

    def _prepare(self, frame: np.ndarray) -> np.ndarray:
        recipe = self.recipe
        height, width = (
            fixed or max(recipe.multiple, side // recipe.multiple * recipe.multiple)
            for fixed, side in zip((recipe.height, recipe.width), frame.shape[:2], strict=True)
        )
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        if recipe.channels == "BGR":
            small = small[..., ::-1]
        scaled = (small.astype(np.float32) / 255 - self._mean) / self._std
        return scaled if recipe.layout == "NHWC" else scaled.transpose(2, 0, 1)

    def _infer(self, batch: np.ndarray) -> np.ndarray:
        try:
            with out_of_memory_as_sentence(NO_MEMORY):
                return self.session.run([self._output], {self._input: batch})[0]
        except EngineFailed:
            raise
        except Exception as error:  # as above
            raise EngineFailed("This network could not take the picture: check the recipe beside its file.") from error

    def _read_alpha(self, output: np.ndarray) -> np.ndarray:
        """The network's output, `(B, C, h, w)`, `(B, h, w, C)` or `(B, h, w)`, as alphas `(B, h, w)` in 0..1."""
        scores: np.ndarray = output.astype(np.float32)
        if scores.ndim == 4 and self.recipe.layout == "NCHW":
            scores = scores.transpose(0, 2, 3, 1)
        if scores.ndim == 3:
            scores = scores[..., None]
        if scores.ndim != 4:
            raise EngineFailed("This network's answer is no picture: name another output in its recipe.")
        if self.recipe.activation == "softmax":
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            scores /= scores.sum(axis=-1, keepdims=True)
        if scores.shape[-1] > 1 and self.recipe.person >= scores.shape[-1]:
            raise EngineFailed(f"This network tells {scores.shape[-1]} classes apart: name the person's in its recipe.")
        alpha = scores[..., self.recipe.person if scores.shape[-1] > 1 else 0]
        if self.recipe.activation == "sigmoid":
            alpha = 1 / (1 + np.exp(-alpha))
        elif self.recipe.activation == "minmax":
            low, high = alpha.min(axis=(1, 2), keepdims=True), alpha.max(axis=(1, 2), keepdims=True)
            alpha = (alpha - low) / np.maximum(high - low, 1e-6)
        return np.clip(alpha, 0, 1)

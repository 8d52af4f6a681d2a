"""How to run a network for pictures that somebody else trained: a recipe beside its file, and what runtimes share."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

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
    def guess(cls, shape: Sequence[Any]) -> Recipe:
        """What the declared shape of the input implies: layout and size, for pictures in 0..1.

        Sides that are words, None or negative are free.

        >>> Recipe.guess([1, 144, 256, 3]).layout, Recipe.guess(["b", 3, None, None]).height
        ('NHWC', 0)

        Raises:
            WeightsBroken: it takes no pictures.
        """
        if len(shape) != 4:
            raise WeightsBroken("This network does not take one picture at a time, so it cannot be used here.")
        layout = "NHWC" if shape[3] == 3 else "NCHW"
        sides = (shape[1], shape[2]) if layout == "NHWC" else (shape[2], shape[3])
        height, width = (side if isinstance(side, int) and side > 0 else 0 for side in sides)
        return cls(layout=layout, height=height, width=width)

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


class PictureEngine(MattingEngine):
    """A network in a file of its own, `weights[0]`, run as the recipe beside it says: same name, ending in `.json`.

    Subclasses open the file in `load`, set `recipe`, and run the network in `infer`.
    """

    watches_people: ClassVar[bool] = True
    recipe: Recipe
    single: bool = False
    """Whether the network takes one picture a call."""

    def own_file(self, kind: str) -> Path:
        """The network's file; `kind` is its format, for the sentence. Raises WeightsMissing where there is none."""
        if not self.weights:
            raise WeightsMissing(f"This engine needs a file in {kind} format: choose one of your own.")
        path = self.weights[0]
        if not path.is_file():
            raise WeightsMissing(f"The network “{path.name}” is not there; download it or choose another file.")
        return path

    def read_recipe(self, path: Path, input_shape: Sequence[Any], names: Collection[str]) -> None:
        """Set `recipe` from the file beside the network at `path`.

        Args:
            path: of the network.
            input_shape: as the network declares it.
            names: of its inputs and outputs.

        Raises:
            WeightsBroken: the recipe cannot be read, or names what the network does not have.
        """
        beside = path.with_suffix(".json")
        guess = Recipe.guess(input_shape)
        self.recipe = Recipe.read(beside, guess) if beside.is_file() else guess
        if any(name and name not in names for name in (self.recipe.input, self.recipe.output)):
            raise WeightsBroken(f"The recipe names an input or output that “{path.name}” does not have.")

    @abstractmethod
    def infer(self, batch: np.ndarray) -> np.ndarray:
        """The output that the recipe names, for prepared pictures `(B, h, w, 3)` or `(B, 3, h, w)` float32."""

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The source's shape with the long side at 512, or the network's own where that is more."""
        scale = min(1.0, max(SIDE, self.recipe.height, self.recipe.width) / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        height, width = frames.shape[1:3]
        batch = np.stack([prepare(frame, self.recipe) for frame in frames])
        parts = [batch[i : i + 1] for i in range(len(batch))] if self.single else [batch]
        alphas = np.concatenate([read_alpha(self._infer(part), self.recipe) for part in parts])
        return np.stack([cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR) for alpha in alphas])

    def _infer(self, batch: np.ndarray) -> np.ndarray:
        try:
            with out_of_memory_as_sentence(NO_MEMORY):
                return self.infer(batch)
        except EngineFailed:
            raise
        except Exception as error:  # the runtimes' own exceptions are not public
            raise EngineFailed("This network could not take the picture: check the recipe beside its file.") from error


def prepare(frame: np.ndarray, recipe: Recipe) -> np.ndarray:
    """A frame `(H, W, 3)` uint8 RGB as a network wants it: `(h, w, 3)` or `(3, h, w)` float32."""
    height, width = (
        fixed or max(recipe.multiple, side // recipe.multiple * recipe.multiple)
        for fixed, side in zip((recipe.height, recipe.width), frame.shape[:2], strict=True)
    )
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    if recipe.channels == "BGR":
        small = small[..., ::-1]
    scaled = (small.astype(np.float32) / 255 - np.array(recipe.mean, np.float32)) / np.array(recipe.std, np.float32)
    return scaled if recipe.layout == "NHWC" else scaled.transpose(2, 0, 1)


def read_alpha(output: np.ndarray, recipe: Recipe) -> np.ndarray:
    """A network's output, `(B, C, h, w)`, `(B, h, w, C)` or `(B, h, w)`, as alphas `(B, h, w)` in 0..1."""
    scores: np.ndarray = output.astype(np.float32)
    if scores.ndim == 4 and recipe.layout == "NCHW":
        scores = scores.transpose(0, 2, 3, 1)
    if scores.ndim == 3:
        scores = scores[..., None]
    if scores.ndim != 4:
        raise EngineFailed("This network's answer is no picture: name another output in its recipe.")
    if recipe.activation == "softmax":
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
    if scores.shape[-1] > 1 and recipe.person >= scores.shape[-1]:
        raise EngineFailed(f"This network tells {scores.shape[-1]} classes apart: name the person's in its recipe.")
    alpha = scores[..., recipe.person if scores.shape[-1] > 1 else 0]
    if recipe.activation == "sigmoid":
        alpha = 1 / (1 + np.exp(-alpha))
    elif recipe.activation == "minmax":
        low, high = alpha.min(axis=(1, 2), keepdims=True), alpha.max(axis=(1, 2), keepdims=True)
        alpha = (alpha - low) / np.maximum(high - low, 1e-6)
    return np.clip(alpha, 0, 1)

"""A network in LiteRT's format (`.tflite`), run on the processor by Google's own runtime."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import WeightsBroken, WeightsMissing

THREADS = 1
"""The networks here take a few milliseconds; the other cores decode, finish and encode meanwhile."""


class LiteNetwork:
    """One network with one input, safe to call from several threads.

    Args:
        path: the file.

    Raises:
        WeightsMissing: there is no such file.
        WeightsBroken: it is no network that can be run here.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if not path.is_file():
            raise WeightsMissing(f"The network “{path.name}” is not there; download it or choose another file.")
        try:
            # A copy in memory: a file that is replaced while it is mapped would change under the runtime.
            self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=THREADS)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
            self._outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, IndexError) as error:
            raise WeightsBroken(f"“{path.name}” is not a network in LiteRT format that can be run here.") from error
        self._lock = threading.Lock()

    @property
    def input_name(self) -> str:
        return str(self._input["name"])

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(str(output["name"]) for output in self._outputs)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """As the file declares it; a side that is free is −1."""
        return tuple(int(side) for side in self._input["shape_signature"])

    def __call__(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Every output by name, for `values` float32 of the input's shape. Numbers stored as integers are scaled."""
        with self._lock:
            if values.shape != tuple(self._input["shape"]):
                self._interpreter.resize_tensor_input(self._input["index"], values.shape)
                self._interpreter.allocate_tensors()
                self._input = self._interpreter.get_input_details()[0]
            self._interpreter.set_tensor(self._input["index"], _to_tensor(values, self._input))
            self._interpreter.invoke()
            return {
                str(output["name"]): _from_tensor(self._interpreter.get_tensor(output["index"]), output)
                for output in self._outputs
            }


def _to_tensor(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """Real numbers in a tensor's own type: q = round(r / scale) + zero, where the type is of integers.

    >>> _to_tensor(np.float32([0, 1]), {"dtype": np.uint8, "quantization": (1 / 255, 0)}).tolist()
    [0, 255]
    """
    kind, (scale, zero) = tensor["dtype"], tensor["quantization"]
    if not np.issubdtype(kind, np.integer):
        return np.ascontiguousarray(values, kind)
    limits = np.iinfo(kind)
    return np.clip(np.rint(values / (scale or 1)) + zero, limits.min, limits.max).astype(kind)


def _from_tensor(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    """The inverse of `_to_tensor`: r = scale · (q − zero), float32."""
    scale, zero = tensor["quantization"]
    if not np.issubdtype(tensor["dtype"], np.integer):
        return values.astype(np.float32, copy=False)
    return ((values.astype(np.float32) - zero) * (scale or 1)).astype(np.float32)

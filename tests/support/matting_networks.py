"""Small matting networks in ONNX format, and two pictures for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper


def network(path: Path, layout: str, answer: str = "red", batch: int | str = 1, size: int | str = 32) -> Path:
    """A network whose answer is the red channel, or its logit, or two classes."""
    shape = [batch, 3, size, size] if layout == "NCHW" else [batch, size, size, 3]
    axis = 1 if layout == "NCHW" else 3
    start, end = (
        helper.make_tensor("start", TensorProto.INT64, [1], [0]),
        helper.make_tensor("end", TensorProto.INT64, [1], [1]),
    )
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [axis])
    nodes = [helper.make_node("Slice", ["image", "start", "end", "axes"], ["red"])]
    if answer == "classes":
        nodes += [
            helper.make_node("Neg", ["red"], ["other"]),
            helper.make_node("Concat", ["other", "red"], ["classes"], axis=axis),
        ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "red",
        [tensor("image", TensorProto.FLOAT, shape)],
        [tensor(answer, TensorProto.FLOAT, None)],
        [start, end, axes],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


HALVES = np.zeros((2, 64, 64, 3), np.uint8)
HALVES[:, :, 32:, 0] = 255
HALVES[:, :, :32, 2] = 255

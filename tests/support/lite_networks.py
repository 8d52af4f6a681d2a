"""Small matting networks in LiteRT's format, written as the flatbuffers that they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

RED: Sequence[Sequence[float]] = ([1, 0, 0],)
TWO_CLASSES: Sequence[Sequence[float]] = ([-1, 0, 0], [1, 0, 0])


def lite_network(
    path: Path, filters: Sequence[Sequence[float]] = RED, size: tuple[int, int] = (32, 32), batch: int = 1
) -> Path:
    """A network of one 1 × 1 convolution: what it answers of a pixel is a weighted sum of its three channels.

    Args:
        filters: the weights of red, green and blue, for each channel of the answer.
        size: (height, width) of the input; −1 for any.
        batch: pictures a call; −1 for any.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    buffers = [schema.BufferT() for _ in range(3)]
    buffers[1].data = np.frombuffer(np.asarray(filters, np.float32).tobytes(), np.uint8)
    buffers[2].data = np.frombuffer(np.zeros(len(filters), np.float32).tobytes(), np.uint8)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 1
    convolution = schema.OperatorT()
    convolution.inputs, convolution.outputs = [0, 1, 2], [3]
    convolution.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    convolution.builtinOptions = schema.Conv2DOptionsT()
    convolution.builtinOptions.strideH = convolution.builtinOptions.strideW = 1
    convolution.builtinOptions.dilationHFactor = convolution.builtinOptions.dilationWFactor = 1
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor(schema, "image", (batch, *size, 3), 0),
        _tensor(schema, "weights", (len(filters), 1, 1, 3), 1),
        _tensor(schema, "bias", (len(filters),), 2),
        _tensor(schema, "alpha", (batch, *size, len(filters)), 0),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [3], [convolution]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensor(schema, name: str, shape: Sequence[int], buffer: int):
    tensor = schema.TensorT()
    tensor.name, tensor.buffer, tensor.type = name, buffer, schema.TensorType.FLOAT32
    tensor.shape = [max(1, side) for side in shape]
    tensor.shapeSignature = list(shape)
    return tensor

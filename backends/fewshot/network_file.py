"""A model's eyes as one ONNX file: from a prepared picture to its feature, for programs that are not Fourfold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from backends.core.engine import Artifact, Event, Progress
from backends.core.errors import BadInput
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.types import Classification

NAME, BROWSER_NAME = "image.onnx", "browser.onnx"
OPSET = 17
STAGE = "Writing the network"

BROWSER_OPERATIONS = frozenset(
    (
        *("Constant", "Identity", "Add", "Sub", "Mul", "Div", "Neg", "Pow", "Sqrt", "Exp", "MatMul", "Gemm", "Conv"),
        *("Clip", "Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softmax", "BatchNormalization", "Dropout", "Pad"),
        *("AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "Concat", "Split", "Flatten"),
        *("Reshape", "Squeeze", "Unsqueeze", "Transpose"),
    )
)
"""What the graphics card of a browser computes of a network by the file of ONNX Runtime that ships here."""


def export_network(extractor: FeatureExtractor, out: Path, browser: bool = False) -> Iterator[Event]:
    """Write `out/image.onnx`, or with `browser` the file `out/browser.onnx`; the last event is the result.

    The input `pictures` of the first is `(B, side, side, 3)` uint8 as `preparation` says, which stands in the file's
    metadata; its output `features` is `(B, D)` of length 1, in the space that the classifier was taught in. That for
    browsers takes one picture as `(1, 3, side, side)` float32, 0 to 255, and gives `(1, D)` of any length.

    Raises:
        BadInput: the model has no network, or one that browsers cannot compute.
    """
    import torch

    tower = extractor.image_tower()
    if tower is None:
        raise BadInput(f"“{extractor.card.title}” is no network, so there is none to take along: choose another model.")
    yield Progress(STAGE, 0, 1)
    out.mkdir(parents=True, exist_ok=True)
    if browser:
        from backends.fewshot.tower import PlanesTower

        path = out / BROWSER_NAME
        example = torch.zeros(1, 3, extractor.side, extractor.side)
        _write(PlanesTower(tower), example, path, ("planes", "features"))
        _fold_constants(path)
    else:
        path = out / NAME
        example = torch.zeros(1, extractor.side, extractor.side, 3, dtype=torch.uint8)
        _write(tower, example, path, ("pictures", "features"), dynamic=True)
    model = onnx.load(path)
    if browser and (odd := sorted({node.op_type for node in model.graph.node} - BROWSER_OPERATIONS)):
        raise BadInput(
            f"A browser cannot compute “{extractor.card.title}” (it has no {odd[0]}): choose “Starter” or "
            "“EfficientNet-Lite0” for a page with a camera."
        )
    known = {**extractor.preparation(), "side": extractor.side, "space": extractor.space, "model": extractor.card.id}
    onnx.helper.set_model_props(model, {name: str(value) for name, value in known.items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    yield Progress(STAGE, 1, 1)
    yield Classification((Artifact("network", path.name, path, {"dimensions": extractor.dimensions}),),
                         dimensions=extractor.dimensions, understands_words=extractor.understands_words)  # fmt: skip


def _write(network: Any, example: Any, path: Path, names: tuple[str, str], dynamic: bool = False) -> None:
    """Trace the network into a file; `dynamic` leaves open how many pictures it takes at once."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, on shapes that do not change here
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "batch"} for name in names} if dynamic else None,
            opset_version=OPSET,
            dynamo=False,
        )


def _fold_constants(path: Path) -> None:
    """Work out beforehand what does not depend on the picture: margins that the network computes from its size."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path.with_suffix(".folded"))
    options.log_severity_level = 3  # it warns that the file is for this machine, which at this level is not so
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    path.with_suffix(".folded").replace(path)


def preparation_of(network: bytes) -> dict[str, str | int]:
    """How a picture becomes what the network of such a file takes: `side`, `mode`, `interpolation` and `fill`."""
    known = {entry.key: entry.value for entry in onnx.load_from_string(network).metadata_props}
    return {
        "side": int(known["side"]),
        "mode": known["mode"],
        "interpolation": known["interpolation"],
        "fill": int(known["fill"]),
    }

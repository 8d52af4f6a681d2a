"""A model's eyes as one ONNX file: from a prepared picture to its feature, for programs that are not Fourfold."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx

from backends.core.engine import Artifact, Event, Progress
from backends.core.errors import BadInput
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.types import Classification

NAME = "image.onnx"
OPSET = 17
STAGE = "Writing the network"


def export_network(extractor: FeatureExtractor, out: Path) -> Iterator[Event]:
    """Write `out/image.onnx`; the last event is the result. Raises BadInput for a model without a network.

    Its input `pictures` is `(B, side, side, 3)` uint8 as `preparation` says, which stands in the file's metadata; its
    output `features` is `(B, D)` of length 1, in the space that the classifier was taught in.
    """
    import torch

    tower = extractor.image_tower()
    if tower is None:
        raise BadInput(f"“{extractor.card.title}” is no network, so there is none to take along: choose another model.")
    yield Progress(STAGE, 0, 1)
    out.mkdir(parents=True, exist_ok=True)
    path, names = out / NAME, ("pictures", "features")
    example = torch.zeros(1, extractor.side, extractor.side, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, on shapes that do not change here
        torch.onnx.export(
            tower.eval(),
            (example,),
            str(path),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    known = {**extractor.preparation(), "side": extractor.side, "space": extractor.space, "model": extractor.card.id}
    onnx.helper.set_model_props(model, {name: str(value) for name, value in known.items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    yield Progress(STAGE, 1, 1)
    yield Classification((Artifact("network", NAME, path, {"dimensions": extractor.dimensions}),),
                         dimensions=extractor.dimensions, understands_words=extractor.understands_words)  # fmt: skip

"""Pictures: the worst question with its true class and the answer; whole answers as JSON of all probabilities."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np

from evaluation.datasets.base import Sample
from evaluation.studies.excerpts import OutputFile
from evaluation.studies.keep.matting import jpeg

WIDTH = 180


def excerpt(sample: Sample, output: np.ndarray, where: float | None) -> Iterator[OutputFile]:
    """Of a question the picture, and one example each of the true class and of the one that was answered."""
    if "captions" in sample.inputs:
        yield from _retrieved(sample, output, where)
        return
    inputs, number = sample.inputs, int(where or 0)
    names, truth = inputs["names"], int(np.asarray(sample.reference)[number])
    best = int(output[number].argmax())
    yield OutputFile("input", f"question {number + 1}", ".jpg", _small(inputs["queries"][number]))
    examples = {int(label): data for label, data in zip(inputs["labels"], inputs["shots"], strict=True)}
    words = [("truth", f"truly {names[truth]}, held {100 * output[number, truth]:.0f} % probable", truth)]
    words += [("answer", f"answered {names[best]}, {100 * output[number, best]:.0f} %", best)]
    for role, caption, label in words:
        data = _small(examples[label]) if label in examples else b""
        yield OutputFile(role, caption, ".jpg" if data else ".txt", data)


def _retrieved(sample: Sample, output: np.ndarray, where: float | None) -> Iterator[OutputFile]:
    """The picture whose caption came last, its caption, and the caption that was put first."""
    number, captions = int(where or 0), sample.inputs["captions"]
    own = [text for text, owner in zip(captions, sample.reference, strict=True) if owner == number]
    yield OutputFile("input", f"picture {number + 1}", ".jpg", _small(sample.inputs["queries"][number]))
    yield OutputFile("truth", f"its caption: {' / '.join(own)[:200]}", ".txt", b"")
    yield OutputFile("answer", f"found first: {captions[int(output[number].argmax())][:200]}", ".txt", b"")


def _small(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return jpeg(np.asarray(picture.convert("RGB")), WIDTH)


def whole_input(sample: Sample) -> Iterator[OutputFile]:
    for number, data in enumerate(sample.inputs["queries"]):
        yield OutputFile("input", f"question {number + 1}", ".img", data)


def whole_output(sample: Sample, output: np.ndarray) -> Iterator[OutputFile]:
    answer = {"names": list(sample.inputs.get("names", ())), "scores": np.round(output, 5).tolist()}
    yield OutputFile("answer", "scores of every class", ".json", json.dumps(answer).encode())

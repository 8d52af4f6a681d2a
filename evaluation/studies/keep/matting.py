"""Videos: one frame, its true matte and the answer, as JPEG; whole mattes as PNG, one file a frame."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from evaluation.datasets.base import Sample
from evaluation.studies.excerpts import OutputFile

WIDTH = 320
QUALITY = 80


def excerpt(sample: Sample, output: np.ndarray, where: float | None) -> Iterator[OutputFile]:
    frames, truth = _frames(sample), _truth(sample)
    number = min(int(where or 0), len(frames) - 1)
    yield OutputFile("input", f"frame {number}", ".jpg", jpeg(frames[number]))
    if truth[number] is not None:
        yield OutputFile("truth", "true matte", ".jpg", jpeg(_grey(truth[number])))
    yield OutputFile("answer", "matte as answered", ".jpg", jpeg(_grey(output[number])))


def _frames(sample: Sample) -> np.ndarray:
    return sample.inputs["frames"] if "frames" in sample.inputs else sample.inputs["photo"][None]


def _truth(sample: Sample) -> np.ndarray:
    return sample.reference if np.ndim(sample.reference) == 3 else np.asarray(sample.reference)[None]


def _grey(alpha: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(255 * np.clip(alpha, 0, 1)).astype(np.uint8)[..., None], 3, axis=-1)


def jpeg(rgb: np.ndarray, width: int = WIDTH) -> bytes:
    """`(H, W, 3)` uint8, no wider than `width`."""
    scale = min(1.0, width / rgb.shape[1])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def whole_input(sample: Sample) -> Iterator[OutputFile]:
    for number, (frame, alpha) in enumerate(zip(_frames(sample), _truth(sample), strict=True)):
        yield OutputFile("input", f"frame {number}", ".png", _png(frame[..., ::-1]))
        if alpha is not None:
            yield OutputFile("truth", f"true matte {number}", ".png", _png(_grey(alpha)[..., 0]))


def whole_output(sample: Sample, output: np.ndarray) -> Iterator[OutputFile]:
    for number, alpha in enumerate(output):
        yield OutputFile("answer", f"matte {number}", ".png", _png(_grey(alpha)[..., 0]))


def _png(picture: np.ndarray) -> bytes:
    _, data = cv2.imencode(".png", np.ascontiguousarray(picture))
    return data.tobytes()

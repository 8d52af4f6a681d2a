"""The maps of a job: which images are explained, for which direction, and the files with the result."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution.registry import attribute
from backends.attribution.types import Attribution
from backends.core.engine import Artifact, Event, Notice, Progress
from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.explanation import IMAGE_METHODS, explain_text, image_subject
from backends.fewshot.explanation.options import AttributionOptions
from backends.fewshot.feature_extraction import DECODE_OVERSAMPLING
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.heads import Head
from backends.shared.disk_errors import writing
from backends.shared.images import read

STAGE = "Looking for reasons"
MAX_EXPLAINED = 24
"""Number of images of one job that are explained."""

RULER_SIDE = 256
"""Side in pixels of the test image of `visible_box`."""


@dataclass(frozen=True)
class PreparedImage:
    """An image as the model takes it.

    Attributes:
        item: the file.
        pixels: `(S, S, 3)` uint8.
        box: which part of the image that is, see `visible_box`.
    """

    item: ImageFile
    pixels: np.ndarray
    box: tuple[float, float, float, float]


def prepare_images(extractor: FeatureExtractor, items: Sequence[ImageFile]) -> list[PreparedImage]:
    """The first MAX_EXPLAINED of these files, as the model takes them. Raises UserError where one is not readable."""
    images: list[PreparedImage] = []
    for item in items[:MAX_EXPLAINED]:
        picture = read(item.read(), side=DECODE_OVERSAMPLING * extractor.side).rgb
        box = visible_box(extractor.prepare, picture.shape)
        images.append(PreparedImage(item, extractor.prepare(picture), box))
    return images


def visible_box(prepare: Callable[[np.ndarray], np.ndarray], shape: Sequence[int]) -> tuple[float, float, float, float]:
    """The part of an image of that shape which `prepare` keeps: left, top, right, bottom as fractions of its sides.

    Found by preparing an image whose colours are its coordinates: a model may crop, squeeze or pad. Beyond 0 and 1
    where it pads; see `crop_to_picture`.
    """
    scale = RULER_SIDE / max(shape[:2])
    height, width = (max(2, round(side * scale)) for side in shape[:2])
    ruler = np.zeros((height, width, 3), np.uint8)
    ruler[..., 0] = ((np.arange(width) + 0.5) / width * 255).round()
    ruler[..., 1] = ((np.arange(height) + 0.5) / height * 255).round()[:, None]
    prepared = prepare(ruler).astype(float) / 255
    side = prepared.shape[0]
    middle = slice(3 * side // 8, 5 * side // 8)
    across = _ends(prepared[middle, middle, 0].mean(0), middle.start, side)
    down = _ends(prepared[middle, middle, 1].mean(1), middle.start, side)
    return across[0], down[0], across[1], down[1]


def _ends(values: np.ndarray, start: int, side: int) -> tuple[float, float]:
    """A straight line fitted to `values` at places `start`, `start` + 1, …, evaluated at both ends of `side` places."""
    slope, intercept = np.polyfit(start + np.arange(len(values)) + 0.5, values, 1)
    ends = (round(float(intercept), 2), round(float(intercept + slope * side), 2))
    return ends if ends[0] < ends[1] else (0.0, 1.0)


def crop_to_picture(values: np.ndarray, box: Sequence[float]) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The map without the padding around the image, and the part of the image that it then covers."""
    rows, down = _cells_within(values.shape[0], box[1], box[3])
    columns, across = _cells_within(values.shape[1], box[0], box[2])
    return values[rows, columns], (across[0], down[0], across[1], down[1])


def _cells_within(count: int, first: float, last: float) -> tuple[slice, tuple[float, float]]:
    """Which of `count` cells between `first` and `last` have their middle between 0 and 1, and where these end."""
    edges = np.linspace(first, last, count + 1)
    within = np.flatnonzero((edges[:-1] + edges[1:] > 0) & (edges[:-1] + edges[1:] < 2))
    start, stop = (int(within[0]), int(within[-1]) + 1) if len(within) else (0, count)
    return slice(start, stop), (max(0.0, float(edges[start])), min(1.0, float(edges[stop])))


def load_direction(path: Path) -> np.ndarray:
    """The `direction` `(D,)` in an .npz file. Raises BadInput."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file["direction"], np.float32)
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"“{path.name}” holds no direction: it is an .npz file with one row called “direction”."
        ) from error


def direction_to_best(head: Head, rows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """`(M, D)`: the gradient of the best class minus the mean gradient of the other classes, of length 1.

    Args:
        head: the fitted head.
        rows: `(M, D)` features.
        best: `(M,)` index of a class each.
    """
    gradients = head.gradient(rows)  # (M, C, D)
    own = gradients[np.arange(len(rows)), best]
    others = (gradients.sum(1) - own) / max(1, gradients.shape[1] - 1)
    away = own - others
    return (away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def explain(
    extractor: FeatureExtractor,
    images: Sequence[PreparedImage],
    directions: np.ndarray,
    options: AttributionOptions,
    out: Path,
) -> Generator[Event, None, list[Artifact]]:
    """A map for each image, in the folder `out` as `relevance.npz`, or one numbered file each; yields progress.

    The files hold `map`, `method`, `score` and `box`; with a sentence also `words` and `word_values`; with the sanity
    check the curves of deletion, and `likeness` to the map of a network with shuffled weights.

    Args:
        extractor: the loaded model.
        images: M of them.
        directions: `(M, D)`, what each map is about.
        options: whether maps are checked, and the sentence to explain.
        out: the folder.
    """
    artifacts = []
    for count, (image, direction) in enumerate(zip(images, directions, strict=True)):
        yield Progress(STAGE, count, len(images), "pictures")
        subject = image_subject(extractor, image.pixels, direction)
        attribution = attribute(subject, IMAGE_METHODS)
        values, box = crop_to_picture(attribution.values, image.box)
        arrays: dict[str, Any] = {
            "map": values.astype(np.float32),
            "method": attribution.method,
            "score": np.float32(attribution.score),
            "box": np.array(box, np.float32),
            "name": np.array(image.item.name),
        }
        meta: dict[str, Any] = {"file": image.item.name, "method": attribution.method}
        if options.sentence and extractor.understands_words:
            arrays |= word_arrays(explain_text(extractor, options.sentence, direction))
        if options.checked:
            from backends.attribution.sanity import check

            yield Progress(STAGE, count + 0.3, len(images), "pictures")
            result = check(subject, attribution)
            arrays |= result.arrays()
            meta |= {"passes": result.passes, "gain": result.deletion.gain, "likeness": result.likeness}
            yield Notice(f"“{image.item.name}”: {result.sentence}")
        path = out / ("relevance.npz" if len(images) == 1 else f"relevance-{count + 1:03d}.npz")
        with writing():
            np.savez_compressed(path, **arrays)
        artifacts.append(Artifact("relevance", path.name, path, meta))
    yield Progress(STAGE, len(images), len(images), "pictures")
    if options.sentence and not extractor.understands_words:
        yield Notice(f"“{extractor.card.title}” understands no words, so those of the sentence were not weighed.")
    return artifacts


def word_arrays(attribution: Attribution) -> dict[str, Any]:
    """The attribution of a sentence as entries of the `.npz` file."""
    return {
        "words": np.array(attribution.axes[0].labels, np.str_),
        "word_values": attribution.values.astype(np.float32),
        "word_method": attribution.method,
        "word_score": np.float32(attribution.score),
    }

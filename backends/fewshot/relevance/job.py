"""The maps of a job: which pictures are explained, towards which direction, and the files that say so."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.engine import Artifact, Event, Notice, Progress
from backends.core.errors import BadInput
from backends.fewshot.data.image_collection import Item
from backends.fewshot.feature_extraction import FINER
from backends.fewshot.relevance import looked_into, word_relevance
from backends.fewshot.relevance.options import Explaining
from backends.shared.disk_errors import writing
from backends.shared.images import read

if TYPE_CHECKING:
    from backends.fewshot.base import FeatureEngine
    from backends.fewshot.heads import Head

STAGE = "Looking for reasons"
MOST = 24
"""Pictures of one job that are explained."""

RULER = 256


@dataclass(frozen=True)
class Shown:
    """A picture as the engine looks at it `(S, S, 3)`, and which part of the file that is."""

    item: Item
    seen: np.ndarray
    box: tuple[float, float, float, float]


def shown(engine: FeatureEngine, items: Sequence[Item]) -> list[Shown]:
    """The first MOST of these items, which `look` could read; raises UserError where one cannot be read any more."""
    found: list[Shown] = []
    for item in items[:MOST]:
        picture = read(item.read(), side=FINER * engine.side).rgb
        found.append(Shown(item, engine.prepare(picture), box_of(engine.prepare, picture.shape)))
    return found


def box_of(prepare: Callable[[np.ndarray], np.ndarray], shape: Sequence[int]) -> tuple[float, float, float, float]:
    """The part of a picture of that shape which `prepare` lets through, as left, top, right, bottom in shares of it.

    Found by preparing a picture whose colours are its coordinates: an engine may cut, squeeze or frame. Beyond 0 and 1
    where it frames; see `inside`.
    """
    scale = RULER / max(shape[:2])
    height, width = (max(2, round(side * scale)) for side in shape[:2])
    ruler = np.zeros((height, width, 3), np.uint8)
    ruler[..., 0] = ((np.arange(width) + 0.5) / width * 255).round()
    ruler[..., 1] = ((np.arange(height) + 0.5) / height * 255).round()[:, None]
    seen = prepare(ruler).astype(float) / 255
    side = seen.shape[0]
    middle = slice(3 * side // 8, 5 * side // 8)
    across = _ends(seen[middle, middle, 0].mean(0), middle.start, side)
    down = _ends(seen[middle, middle, 1].mean(1), middle.start, side)
    return across[0], down[0], across[1], down[1]


def _ends(values: np.ndarray, start: int, side: int) -> tuple[float, float]:
    """What a straight line through `values` at places `start`, `start` + 1, … says at both ends of `side` places."""
    slope, at = np.polyfit(start + np.arange(len(values)) + 0.5, values, 1)
    ends = (round(float(at), 2), round(float(at + slope * side), 2))
    return ends if ends[0] < ends[1] else (0.0, 1.0)


def inside(values: np.ndarray, box: Sequence[float]) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The map without what lies in the frame around the picture, and the part of the picture that it covers then."""
    rows, down = _kept(values.shape[0], box[1], box[3])
    columns, across = _kept(values.shape[1], box[0], box[2])
    return values[rows, columns], (across[0], down[0], across[1], down[1])


def _kept(count: int, first: float, last: float) -> tuple[slice, tuple[float, float]]:
    """Which of `count` places between `first` and `last` have their middle between 0 and 1, and where these end."""
    edges = np.linspace(first, last, count + 1)
    within = np.flatnonzero((edges[:-1] + edges[1:] > 0) & (edges[:-1] + edges[1:] < 2))
    start, stop = (int(within[0]), int(within[-1]) + 1) if len(within) else (0, count)
    return slice(start, stop), (max(0.0, float(edges[start])), min(1.0, float(edges[stop])))


def direction_of(path: Path) -> np.ndarray:
    """The `direction` `(D,)` in an .npz file. Raises BadInput."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file["direction"], np.float32)
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"“{path.name}” holds no direction: it is an .npz file with one row called “direction”."
        ) from error


def towards_best(head: Head, rows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """`(M, D)`: for each row the slope of its best class less the mean of those of the others, of length 1."""
    slope = head.slope(rows)  # (M, C, D)
    own = slope[np.arange(len(rows)), best]
    others = (slope.sum(1) - own) / max(1, slope.shape[1] - 1)
    away = own - others
    return (away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def explain(
    engine: FeatureEngine, pictures: Sequence[Shown], directions: np.ndarray, how: Explaining, out: Path
) -> Generator[Event, None, list[Artifact]]:
    """A map for each picture towards its row of `directions` `(M, D)`, kept as `relevance.npz` or one file each.

    The files hold `map`, `method`, `score`, `box`, with a sentence `words` and `word_values`, and with the check the
    curves of deletion and `likeness` to the map of a network that knows nothing.
    """
    made = []
    for count, (one, direction) in enumerate(zip(pictures, directions, strict=True)):
        yield Progress(STAGE, count, len(pictures), "pictures")
        found = looked_into(engine, one.seen, direction)
        values, box = inside(found.values, one.box)
        arrays = {**found.arrays(), "map": values, "box": np.array(box, np.float32), "name": np.array(one.item.name)}
        meta: dict[str, Any] = {"file": one.item.name, "method": found.method}
        if how.sentence and engine.understands_words:
            arrays |= word_relevance(engine, how.sentence, direction).arrays()
        if how.checked:
            from backends.fewshot.relevance.sanity import check

            yield Progress(STAGE, count + 0.3, len(pictures), "pictures")
            checked = check(engine, found, direction)
            arrays |= checked.arrays()
            meta |= {"passes": checked.passes, "gain": checked.deletion.gain, "likeness": checked.likeness}
            yield Notice(f"“{one.item.name}”: {checked.sentence}")
        path = out / ("relevance.npz" if len(pictures) == 1 else f"relevance-{count + 1:03d}.npz")
        with writing():
            np.savez_compressed(path, **arrays)
        made.append(Artifact("relevance", path.name, path, meta))
    yield Progress(STAGE, len(pictures), len(pictures), "pictures")
    if how.sentence and not engine.understands_words:
        yield Notice(f"“{engine.card.title}” understands no words, so those of the sentence were not weighed.")
    return made

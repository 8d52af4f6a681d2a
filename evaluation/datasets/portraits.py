"""Portraits with hand-made masks, from the archive `people.zip` that the matting starter is trained on.

Of the portraits those are held out whose names have the lowest sha256, so that nobody chose them. Their masks have a
hard edge.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

HELD_OUT = 60
"""How many of the portraits are measured and never trained on."""

_PHOTOS, _MASKS = "portraits/photos", "portraits/masks"


class Portraits:
    """The archive. A unit is a portrait; no person is in two.

    The input `photo` is `(H, W, 3)` uint8 RGB; the reference is its alpha `(H, W)` float32 from 0 to 1.
    """

    id, title, task, licence = "portraits", "portraits", "matting", "for research only"
    splits = ("held-out", "training")

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def units(self, split: str) -> Iterator[Unit]:
        check_split(self, split)
        with zipfile.ZipFile(existing(self.archive, "archive of people")) as source:
            paths = [name for name in source.namelist() if name.startswith(f"{_PHOTOS}/") and not name.endswith("/")]
        names = [Path(path).stem for path in paths]
        chosen = held_out(names)
        if split == "training":
            chosen = sorted(set(names) - set(chosen))
        if not chosen:
            raise DatasetMissing(f"There are no portraits for “{split}” in {self.archive}.")
        for name in chosen:
            yield Unit(name, name, partial(_read, self.archive, name))


def held_out(names: Iterable[str]) -> list[str]:
    """Of all portraits' names, those that are never trained on, whatever order they come in."""
    return sorted(names, key=lambda name: sha256(name.encode()).hexdigest())[:HELD_OUT]


def _read(archive: Path, name: str) -> Sample:
    with zipfile.ZipFile(archive) as source:
        photo = _decoded(source.read(f"{_PHOTOS}/{name}.jpg"), cv2.IMREAD_COLOR)
        mask = _decoded(source.read(f"{_MASKS}/{name}.png"), cv2.IMREAD_GRAYSCALE)
    return Sample({"photo": cv2.cvtColor(photo, cv2.COLOR_BGR2RGB)}, mask.astype(np.float32) / 255)


def _decoded(data: bytes, flag: int) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None:
        raise ValueError("A picture of the portraits is damaged.")
    return image

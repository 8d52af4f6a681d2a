"""People to train matting on: photographs with mattes, kept once in a compact form.

`people.zip` holds masks of several kinds. What is soft already stays so; hard masks get a closed-form edge; portraits
without a mask get one from the selfie network first, and are left out where it is of two minds.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from backends.matting.engines.onnx_engine import OnnxEngine
from backends.matting.finishing.closed_form import soft_edge
from backends.matting.finishing.edges import foreground
from evaluation.datasets import portraits

KINDS = ("street", "portraits", "catalogue", "cutouts", "unlabelled_office", "unlabelled_portraits", "backgrounds")
PLANES = 7
"""Bytes a pixel in the store: the picture's RGB, then all of the person's own RGB, then all of alpha."""

LONGEST = 352
DOUBTFUL = 0.12
"""Share of pixels at which the selfie network says neither yes nor no, above which its mask is not believed."""


@dataclass(frozen=True)
class Item:
    """One picture of the store. `scene` tells whether its own background is there to be seen."""

    kind: str
    name: str
    height: int
    width: int
    offset: int
    scene: bool
    held_out: bool


@dataclass(frozen=True)
class Person:
    """`photo` and `colours` `(H, W, 3)`, `alpha` `(H, W)`, all uint8; `colours` are the person's alone, straight."""

    item: Item
    photo: np.ndarray
    colours: np.ndarray
    alpha: np.ndarray


class People:
    """The store: one file of pixels, read as it is needed, and a list of what lies where."""

    def __init__(self, folder: Path) -> None:
        self.items = [Item(**row) for row in json.loads((folder / "people.json").read_text())]
        self._bytes = np.load(folder / "people.npy", mmap_mode="r")

    def __getitem__(self, item: Item) -> Person:
        size = (item.height, item.width)
        count = item.height * item.width
        photo, colours, alpha = np.split(
            self._bytes[item.offset : item.offset + PLANES * count], (3 * count, 6 * count)
        )
        return Person(item, photo.reshape(*size, 3), colours.reshape(*size, 3), alpha.reshape(size))

    def of(self, kind: str, held_out: bool = False) -> list[Item]:
        return [item for item in self.items if item.kind == kind and item.held_out == held_out]


def prepare(archive: Path, selfie: Path, folder: Path) -> None:
    """Read `archive` (people.zip) into the store in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, chunks, offset = [], [], 0
    with zipfile.ZipFile(archive) as source:
        kept_apart = set(portraits.held_out(_stems(source, "portraits/photos")))
        for kind, name, photo, colours, alpha in _everything(source, _selfie_network(selfie)):
            height, width = alpha.shape
            apart = kind == "portraits" and name in kept_apart
            rows.append(Item(kind, name, height, width, offset, kind not in ("catalogue", "cutouts"), apart))
            chunks.append(np.concatenate([plane.ravel() for plane in (photo, colours, alpha)]))
            offset += chunks[-1].size
    np.save(folder / "people.npy", np.concatenate(chunks))
    (folder / "people.json").write_text(json.dumps([asdict(row) for row in rows]))


Planes = tuple[str, str, np.ndarray, np.ndarray, np.ndarray]
"""Kind, name, photo, colours, alpha."""


def _everything(source: zipfile.ZipFile, network: OnnxEngine) -> Iterator[Planes]:
    for kind in ("portraits", "street"):
        for name in _stems(source, f"{kind}/photos"):
            photo = _read(source, f"{kind}/photos/{name}.jpg")
            yield _with_edge(kind, name, photo, _read(source, f"{kind}/masks/{name}.png", cv2.IMREAD_GRAYSCALE))
    for name in _stems(source, "catalogue/photos"):
        photo = _read(source, f"catalogue/photos/{name}.jpg")
        alpha = _read(source, f"catalogue/masks/{name}.png", cv2.IMREAD_GRAYSCALE)
        yield "catalogue", name, photo, off_white(photo, alpha), alpha
    for path in _paths(source, "cutouts"):
        rgba = cv2.cvtColor(_read(source, path, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
        yield "cutouts", Path(path).stem, rgba[..., :3], rgba[..., :3], rgba[..., 3]
    for kind in ("unlabelled_office", "unlabelled_portraits"):
        for path in _paths(source, kind):
            photo = _read(source, path)
            guess = network.mattes(photo[None])[0]
            if ((guess > 0.2) & (guess < 0.8)).mean() < DOUBTFUL and guess.mean() > 0.05:
                yield _with_edge(kind, Path(path).stem, photo, (255 * guess).astype(np.uint8))
    for kind in ("backgrounds", "backgrounds_clutter"):
        for path in _paths(source, kind):
            photo = _read(source, path, longest=2 * LONGEST)
            yield "backgrounds", Path(path).stem, photo, photo, np.zeros(photo.shape[:2], np.uint8)


def _with_edge(kind: str, name: str, photo: np.ndarray, mask: np.ndarray) -> Planes:
    alpha = soft_edge(photo, mask > 127)
    return kind, name, photo, foreground(photo, alpha), np.rint(255 * alpha).astype(np.uint8)


def off_white(photo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colours F of a person before white: `I = aF + (1 − a)·255`, solved for F."""
    a = alpha[..., None].astype(np.float32) / 255
    return np.clip((photo - (1 - a) * 255) / np.maximum(a, 0.02), 0, 255).astype(np.uint8)


def _selfie_network(path: Path) -> OnnxEngine:
    from backends.matting.cards import CARDS

    engine = OnnxEngine(next(card for card in CARDS if card.id == "selfie"), (path,))
    engine.load("cpu")
    return engine


def _paths(source: zipfile.ZipFile, folder: str) -> list[str]:
    return sorted(name for name in source.namelist() if name.startswith(f"{folder}/") and not name.endswith("/"))


def _stems(source: zipfile.ZipFile, folder: str) -> list[str]:
    return [Path(path).stem for path in _paths(source, folder)]


def _read(source: zipfile.ZipFile, path: str, flag: int = cv2.IMREAD_COLOR, longest: int = LONGEST) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(io.BytesIO(source.read(path)).getbuffer(), np.uint8), flag)
    if image is None:
        raise ValueError(f"{path} is not a picture")
    if flag == cv2.IMREAD_COLOR:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    scale = longest / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image

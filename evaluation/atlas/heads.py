"""Maps of single heads over things that can be shown: moments of a song, patches of a picture, residues and words.

`heads.json` holds, of one model of each modality, every layer in which its parts look at each other, head by head, with
what those parts are. The page "How they work" draws it.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.atlas.files import STARTERS
from evaluation.atlas.measures import coarse, measure

if TYPE_CHECKING:
    from evaluation.atlas.models import Layer  # which imports torch, and a page that shows heads does not

SIDE = 65
"""Queries and keys of a map, at most: a picture of 8 × 8 patches and its class token stay whole."""
MOMENTS = 48
"""Pieces of the song, of which a map of sound has one row each."""
STEPS = 255
"""A share p is kept as √p in as many steps: small shares stay apart, and 1 stays 1."""

VIEWS: Mapping[str, tuple[str, str]] = {
    "sound": ("htdemucs-starter", "waveform → waveform"),
    "pixels": ("flamingo-starter", "picture tower"),
    "residues": ("esmfold-starter", ""),
    "words": ("clip-starter", "text tower"),
}
"""Of each modality the model that is shown, and what the names of its layers hold."""

FILE = "heads.json"


@dataclass(frozen=True)
class View:
    """One modality.

    Attributes:
        modality: a key of VIEWS.
        model: id of the card.
        names: of the parts, as many as a map has columns.
        picture: what the parts are parts of, as data: of sound the loudness of each in dB, of pixels a PNG in base64.
        layers: each with `name`, the measures of each of its `heads`, and `maps`, their shares `(H, Q, K)` as kept.
    """

    modality: str
    model: str
    names: tuple[str, ...]
    picture: Any
    layers: list[Mapping[str, Any]]


class Collector:
    """Keeps what is shown of the layers of an atlas as they pass, so that no more than one whole layer is in memory."""

    def __init__(self) -> None:
        self.views: dict[str, View] = {}

    def through(self, layers: Iterable[Layer]) -> Iterator[Layer]:
        """The same layers."""
        for layer in layers:
            model, part = VIEWS.get(layer.modality, ("", ""))
            if layer.model == model and part in layer.name and layer.places is not None:
                self._keep(layer)
            yield layer

    def _keep(self, layer: Layer) -> None:
        side = MOMENTS if layer.modality == "sound" else SIDE
        maps = np.stack([coarse(head[None], side) for head in layer.attention])
        if layer.modality not in self.views:
            names, picture = _things(layer, maps.shape[-1])
            self.views[layer.modality] = View(layer.modality, layer.model, names, picture, [])
        self.views[layer.modality].layers.append({**_measured(layer), **_excerpt(maps)})


def _measured(layer: Layer) -> dict[str, Any]:
    """The measures of every head alone, of the whole map and not of the small one."""
    heads = []
    for head in layer.attention:
        found = measure(head[None], layer.places)
        heads.append({name: round(found[name], 4) for name in ("entropy", "reach", "first", "itself")})
    ahead = np.triu(layer.attention.max(0), 1)
    return {"name": layer.name, "tokens": layer.attention.shape[-1], "causal": bool(ahead.max() < 1e-6), "heads": heads}


def _excerpt(maps: np.ndarray) -> dict[str, Any]:
    steps = np.rint(STEPS * np.sqrt(np.clip(maps, 0, 1))).astype(np.uint8)
    return {"shape": list(maps.shape), "maps": base64.b64encode(steps.tobytes()).decode("ascii")}


def shares(layer: Mapping[str, Any]) -> np.ndarray:
    """The maps `(H, Q, K)` of a layer as it is kept."""
    steps = np.frombuffer(base64.b64decode(layer["maps"]), np.uint8).reshape(layer["shape"])
    return (steps / STEPS) ** 2


def _things(layer: Layer, count: int) -> tuple[tuple[str, ...], Any]:
    """The names of `count` parts, and what they are parts of."""
    if layer.modality == "sound":
        return _sound(count)
    if layer.modality == "pixels":
        side = round((count - 1) ** 0.5)
        patches = [f"row {row + 1}, column {column + 1}" for row in range(side) for column in range(side)]
        return ("the whole picture", *patches), _picture()
    return layer.names, None


def _sound(count: int) -> tuple[tuple[str, ...], list[float]]:
    from evaluation.atlas.models import SECONDS, sample_sound

    mono = sample_sound(44100).mean(0)
    pieces = np.array_split(mono, count)
    levels = [round(float(20 * np.log10(max(float(np.sqrt(np.mean(piece**2))), 1e-4))), 1) for piece in pieces]
    return tuple(f"{SECONDS * (k + 0.5) / count:.2f} s" for k in range(count)), levels


def _picture() -> str:
    from PIL import Image

    from evaluation.atlas.models import sample_picture

    file = io.BytesIO()
    Image.fromarray(sample_picture()).resize((96, 96)).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def save(found: Iterable[View], folder: Path) -> None:
    """Write the file into a folder, which is there."""
    rows = [vars(view) for view in found]
    (folder / FILE).write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def read(folder: Path = STARTERS) -> list[dict[str, Any]]:
    """The views as they were written, in the order of VIEWS; those of the starters by default."""
    rows = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return sorted(rows, key=lambda row: list(VIEWS).index(row["modality"]))

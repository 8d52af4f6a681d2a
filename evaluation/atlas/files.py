"""The atlas as files: `atlas.json` with a row a layer and what the numbers say, `atlas.npz` with a map of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.atlas.measures import LayerRow, coarse, measure

if TYPE_CHECKING:
    from evaluation.atlas.models import Layer  # which imports torch, and a page that shows an atlas does not

SIDE = 24
"""Queries and keys of the small maps, at most."""

STARTERS = Path(__file__).parent / "starters"
"""The atlas of the starters that ship: `python -m evaluation atlas --starters --out evaluation/atlas/starters`."""


@dataclass(frozen=True)
class Atlas:
    """Rows of all layers, what they say in sentences, and a map `(Q, K)` of each row, the mean over its heads."""

    rows: tuple[Mapping[str, Any], ...]
    sentences: tuple[str, ...]
    maps: tuple[np.ndarray, ...]


def make(layers: Iterable[Layer]) -> Atlas:
    """Measure layers as they come, so that no more than one is in memory."""
    rows, maps = [], []
    for layer in layers:
        found = measure(layer.attention, layer.places)
        row = LayerRow(layer.model, layer.modality, layer.name, layer.depth, **found)
        rows.append(row.to_json())
        maps.append(coarse(layer.attention, SIDE).astype(np.float16))
    return Atlas(tuple(rows), tuple(sentences(rows)), tuple(maps))


def save(atlas: Atlas, folder: Path) -> None:
    """Write both files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"rows": list(atlas.rows), "sentences": list(atlas.sentences)}
    (folder / "atlas.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    named: dict[str, Any] = {f"map_{number:03d}": one for number, one in enumerate(atlas.maps)}
    np.savez_compressed(folder / "atlas.npz", **named)


def load(folder: Path = STARTERS) -> Atlas:
    """An atlas from its folder; that of the starters by default."""
    about = json.loads((folder / "atlas.json").read_text(encoding="utf-8"))
    with np.load(folder / "atlas.npz", allow_pickle=False) as stored:
        maps = tuple(stored[f"map_{number:03d}"].astype(np.float32) for number in range(len(about["rows"])))
    return Atlas(tuple(about["rows"]), tuple(about["sentences"]), maps)


def sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is alike and what differs between the modalities, made from the numbers."""
    found = []
    for name, words in PHRASES.items():
        means: dict[str, list[float]] = {}
        for row in rows:
            if row[name] is not None:
                means.setdefault(str(row["modality"]), []).append(float(row[name]))
        known = {modality: float(np.mean(values)) for modality, values in means.items()}
        if len(known) < 2:
            continue
        most, least = max(known, key=lambda key: known[key]), min(known, key=lambda key: known[key])
        listed = ", ".join(
            f"{modality} {value:.2f}" for modality, value in sorted(known.items(), key=lambda one: -one[1])
        )
        if known[most] - known[least] < ALIKE:
            found.append(f"{words} is much the same for all ({listed}).")
        else:
            found.append(f"{words} differs most between {most} and {least} ({listed}).")
    return found


ALIKE = 0.1
"""Difference of two means under which they count as much the same."""

PHRASES = {
    "entropy": "How widely a layer looks",
    "reach": "How far it looks, against chance,",
    "itself": "The share that a token keeps to itself",
    "first": "The share that goes to the first token",
    "likeness": "How alike the heads of a layer are",
}

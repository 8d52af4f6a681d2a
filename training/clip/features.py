"""What the frozen image tower gives for all training pictures, computed once and stored beside the checkpoints."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evaluation.datasets.captioned_pictures import held_out
from evaluation.synthetic.scenes import Claim, Thing, draw, make_scene
from training.clip.captions import Entry, read_entries
from training.clip.image_tower import SIDE, image_means
from training.clip.images import read_pictures, varied

VIEWS = 1
"""Features of each photograph: as it is, and further ones cropped, recoloured and partly covered at random."""
SCENES = 3000
SHARE = {"tiny_imagenet": 1.0, "caltech101": 1.0, "garments_cc0": 0.25, "catalogue": 0.25}
"""Of each collection: clothes on plain ground are many and easy."""
BLOCK = 512
"""Pictures computed between two looks at whether they are stored already."""

Scene = tuple[tuple[Thing, ...], Claim]


@dataclass
class Features:
    """Features (float16, before the linear layer) of what is trained on, and of what is only measured.

    Attributes:
        entries: N training photographs; photos: `(VIEWS, N, 1280)` of them.
        drawn: M scenes with a true claim each; scenes: `(M, 1280)` of them.
        kept: one photograph of each trained class, and their classes; apart: classes never trained on.
    """

    entries: list[Entry]
    photos: Tensor
    drawn: list[Scene]
    scenes: Tensor
    kept: tuple[Tensor, list[str]]
    apart: tuple[Tensor, list[str]]

    @classmethod
    def read(cls, archive: Path, work: Path, network: Any, seed: int = 0) -> Features:
        """The features in `work`, computed where they are not there yet.

        Args:
            archive: `pictures.zip`.
            work: where they are stored, in blocks, so that a computation that was stopped goes on.
            network: the image tower.
            seed: of the choice of pictures, of their variations and of the scenes.
        """
        entries, parts = split(read_entries(archive), seed)
        pixels = read_pictures(archive, [entry.file for entry in entries], work / "pixels.npy")
        plain = _in_blocks(work / "plain", len(entries), lambda rows: image_means(network, pixels[rows]))
        drawn, scenes = read_scenes(work / "scenes", network, seed)
        train = parts["train"]

        def other_view(number: int) -> Tensor:
            dice = torch.Generator()

            def compute(rows: slice) -> Tensor:
                dice.manual_seed(1000 * number + rows.start // BLOCK)
                return image_means(network, varied(pixels[train[rows]], dice))

            return _in_blocks(work / f"view{number}", len(train), compute)

        views = [plain[train], *(other_view(number) for number in range(1, VIEWS))]
        labelled = {part: (plain[rows], [entries[i].label for i in rows]) for part, rows in parts.items()}
        return cls([entries[i] for i in train], torch.stack(views), drawn, scenes, labelled["kept"], labelled["apart"])


def split(entries: list[Entry], seed: int) -> tuple[list[Entry], dict[str, list[int]]]:
    """The entries that are used, and which of them are trained on, kept (the first of each class), or set apart."""
    apart, rng = set(held_out(entries)), random.Random(f"{seed} shares")  # type: ignore[arg-type]
    entries = [one for one in entries if one.label in apart or rng.random() < SHARE[one.origin]]
    seen: set[str] = set()
    parts: dict[str, list[int]] = {"train": [], "kept": [], "apart": []}
    for index, entry in enumerate(entries):
        first = entry.label not in seen and entry.origin in {"tiny_imagenet", "caltech101"}
        seen.add(entry.label)
        parts["apart" if entry.label in apart else "kept" if first else "train"].append(index)
    return entries, parts


def read_scenes(folder: Path, network: Any, seed: int) -> tuple[list[Scene], Tensor]:
    """SCENES drawn scenes, the same for the same seed, and their features."""
    rng = random.Random(f"{seed} scenes")
    drawn = [make_scene(rng) for _ in range(SCENES)]

    def compute(rows: slice) -> Tensor:
        dice = random.Random(f"{seed} scenes from {rows.start}")
        pictures = [draw(scene, dice, SIDE).transpose(2, 0, 1) for scene, _ in drawn[rows]]
        return image_means(network, torch.from_numpy(np.stack(pictures)))

    return drawn, _in_blocks(folder, SCENES, compute)


def _in_blocks(folder: Path, count: int, compute: Callable[[slice], Tensor]) -> Tensor:
    """Rows 0 to `count` in blocks from the folder, those that are missing by `compute`."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for start in range(0, count, BLOCK):
        file = folder / f"{start:06d}.npy"
        if not file.exists():
            rows = compute(slice(start, min(start + BLOCK, count))).numpy()
            np.save(file.with_suffix(".part.npy"), rows)
            file.with_suffix(".part.npy").replace(file)
        blocks.append(torch.from_numpy(np.load(file)))
    return torch.cat(blocks)

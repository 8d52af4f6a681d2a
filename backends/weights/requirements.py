"""What a card needs beside files of weights: programs, packages, whole folders; found without importing any."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from backends.core.model_card import ModelCard, Need

CONFIGS = ("config.json", "open_clip_config.json")
"""One of these is in every folder of a hub repository that can be loaded."""


def missing_needs(card: ModelCard, root: Path) -> tuple[Need, ...]:
    """The needs of `card` that this machine does not meet; `root` is the folder of the weight store."""
    return tuple(need for need in card.needs if not _is_met(need, card, root))


def folders(card: ModelCard, root: Path) -> tuple[Path, ...]:
    """The card's own folder, where its weights are one that the user put there."""
    return tuple(root / card.id for need in card.needs if need.kind == "folder")


def _is_met(need: Need, card: ModelCard, root: Path) -> bool:
    if need.kind == "command":
        return shutil.which(need.name) is not None
    if need.kind == "module":
        return find_spec(need.name) is not None
    return any((root / card.id / name).is_file() for name in CONFIGS)

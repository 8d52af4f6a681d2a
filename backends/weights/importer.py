"""Local files that are to become weights: which of those given belong to a card, and how they come into the store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from backends.core.errors import BadInput
from backends.core.model_card import ModelCard


def files_to_import(card: ModelCard, source: Path | Iterable[Path]) -> list[Path]:
    """The files to import: of a folder, those whose size or name is one of the card's."""
    given = [source] if isinstance(source, Path) else list(source)
    marks: set[int | str] = {file.bytes for file in card.files} | {file.name for file in card.files}
    found = []
    for path in given:
        if path.is_dir():
            entries = (entry for entry in sorted(path.iterdir()) if entry.is_file())
            found += [entry for entry in entries if marks & {entry.stat().st_size, entry.name}]
        elif path.is_file():
            found.append(path)
        else:
            raise BadInput(f"There is no file “{path.name}” to import.")
    if not found:
        raise BadInput(f"There is no file of “{card.title}” in that folder ({', '.join(f.name for f in card.files)}).")
    return found


def link_or_copy(source: Path, target: Path) -> None:
    target.unlink()
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, target)

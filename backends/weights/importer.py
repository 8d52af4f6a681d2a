"""Which local files a user means when importing the weights of a card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from backends.core.errors import BadInput
from backends.core.model_card import ModelCard


def files_to_import(card: ModelCard, source: Path | Iterable[Path]) -> list[Path]:
    """The files to import: of a folder, those whose size or name is one of the card's."""
    sources = [source] if isinstance(source, Path) else list(source)
    marks: set[int | str] = {file.bytes for file in card.files} | {file.name for file in card.files}
    marks |= {archive.file for archive in card.archives} | {PurePosixPath(file.path).name for file in card.files}
    files = []
    for path in sources:
        if path.is_dir():
            entries = (entry for entry in sorted(path.iterdir()) if entry.is_file())
            files += [entry for entry in entries if marks & {entry.stat().st_size, entry.name}]
        elif path.is_file():
            files.append(path)
        else:
            raise BadInput(f"There is no file “{path.name}” to import.")
    if not files:
        raise BadInput(f"There is no file of “{card.title}” in that folder ({', '.join(f.name for f in card.files)}).")
    return files

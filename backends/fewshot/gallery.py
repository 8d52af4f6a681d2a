"""The pictures of a job: one file, a folder, or a zip, opened without trusting any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """One picture file. `name` is its path within what was sent, with forward slashes; `folder` its first folder,
    which is the class of an example, or "" at the top. `sha256` is that of its bytes, which `read` gives."""

    name: str
    folder: str
    sha256: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Gallery:
    """`skipped` names what was there and is no picture."""

    items: tuple[Item, ...]
    skipped: tuple[str, ...] = ()


def open_gallery(path: Path) -> Gallery:
    """The pictures at `path`. Raises BadInput where there are none and TooLarge past a limit."""
    raise NotImplementedError

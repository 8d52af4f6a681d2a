"""The user's own weights: every file or folder in `yours/TASK` of the weights folder is a model card.

Whoever runs this machine puts them there; a client can only name such a card, never a path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.task import Task
from backends.weights.adapted import IN_FOLDER, card_of, read_lineage

PREFIX = "yours/"
"""Every card of the user's own weights has an id that begins so, and no published card has."""

ANY_FOLDER = "folder"
"""In `Task.own`: a folder of whatever kind."""

BYTES_A_PARAMETER = 4


def folder_of(task: Task, root: Path) -> Path:
    """The folder for the user's own weights for `task`; `root` is that of the weight store."""
    return root / "yours" / task.name


def discover(task: Task, root: Path) -> tuple[ModelCard, ...]:
    """A card for every file or folder there that an engine of the task can load, sorted by name."""
    return tuple(
        card_for(task, engine, path, PREFIX + path.name)
        for path in _entries(task, root)
        if (engine := engine_for(task, path))
    )


def unsupported(task: Task, root: Path) -> tuple[str, ...]:
    """The names of files and folders there that no engine of the task can load, so that a page can say so."""
    unknown = (path.name for path in _entries(task, root) if not engine_for(task, path))
    return tuple(name for name in unknown if not name.endswith(".json"))  # those are recipes beside networks


def path_of(card: ModelCard, root: Path) -> Path:
    """Where the weights of such a card are stored."""
    return root / "yours" / card.task / card.id.removeprefix(PREFIX)


def is_listed(card: ModelCard) -> bool:
    """Whether the card stands for weights in that folder, unlike the card of a path given on the command line."""
    return card.id.startswith(PREFIX)


def engine_for(task: Task, path: Path) -> str:
    """The engine that takes weights like these, "" where none does. Their content is judged when they are loaded."""
    if path.is_dir():
        if not fingerprint(path):  # empty, or on its way
            return ""
        return task.own.get(_model_type(path)) or task.own.get(ANY_FOLDER, "")
    return task.own.get(path.suffix.lower(), "")


def card_for(task: Task, engine: str, path: Path, card_id: str) -> ModelCard:
    """A card for weights at `path`, made after the best published one of that engine.

    Raises:
        BadInput: the engine has no weights at all.
    """
    alike = [card for card in task.cards if card.tier == "full" and card.engine == engine]
    if not alike:
        raise BadInput(f"The engine “{engine or task.name}” has no weights, so it cannot use {path.name}.")
    template = alike[0]
    own = replace(
        template,
        id=card_id,
        title=path.name,
        summary="Your own weights.",
        weak_at="Nobody has measured these weights here.",
        licence="yours",
        licence_note="",
        tier="yours",
        outputs=template.outputs if len({card.outputs for card in alike}) == 1 else (),  # else the weights decide
        files=(),
        needs=tuple(need for need in template.needs if need.kind != "folder"),
        parameters=sum(size for _, size, _ in fingerprint(path)) // BYTES_A_PARAMETER,  # no more than about so many
        speed=0.0,
        preference=0,
    )
    lineage = read_lineage(path)
    return card_of(own, lineage, task.cards) if lineage else own


def fingerprint(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and modification time of each file at `path`; a different value means different weights."""
    files = sorted(path.iterdir()) if path.is_dir() else [path, path.with_suffix(".json")]
    parts = []
    for file in files:
        with suppress(FileNotFoundError):  # no recipe there, or renamed just now
            stat = file.stat()
            if not file.is_dir() and file.name != IN_FOLDER:
                parts.append((file.name, stat.st_size, stat.st_mtime_ns))
    return tuple(parts)


def _entries(task: Task, root: Path) -> Iterator[Path]:
    """What lies in the task's folder, but for hidden things and names that cannot be shown or sent."""
    folder = folder_of(task, root)
    if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
        yield from (path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.name.isprintable())


def _model_type(folder: Path) -> str:
    """What the `config.json` of a folder says that its network is; "" without one that can be read."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""

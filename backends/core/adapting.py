"""Adapting a network to somebody's own files: what each task takes, and how far such a training is.

Both are known without torch: a training runs in a process of its own and notes its standing in its folder, where the
terminal and the studio read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

STANDING = "standing.json"
STOP = "stop"
"""A file of that name in the folder of a training asks it to stop after the step at hand."""
LOCK = "lock"
"""Held by the process that works in the folder, as long as it lives."""


@dataclass(frozen=True)
class Material:
    """What a network of a task is adapted to: files of the user's own.

    Attributes:
        engine: whose networks can be adapted.
        what: what is adapted, and how, in one sentence.
        noun: what one of the files, or one folder of them, is called; it is what is kept apart.
        layout: how the files lie in their folder, in one sentence.
        endings: of the files that are taken.
        least: the fewest that a training takes, of which a third is kept apart.
        steps: of a training, where nothing else is said.
        by: what decides whether it became better, in words.
    """

    engine: str
    what: str
    noun: str
    layout: str
    endings: tuple[str, ...]
    least: int
    steps: int
    by: str


class Score(BaseModel):
    """One measure before and after, with a 95 % interval each; `gain` is what it became better by, worse below 0."""

    model_config = ConfigDict(frozen=True)

    name: str
    unit: str
    digits: int
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    gain: tuple[float, float, float]


class Standing(BaseModel):
    """How far a training is. `left` is in seconds, None while it cannot be told; `updated` in seconds since 1970.

    `state` says what the training noted last. A training that says "running" and holds no lock was killed: it can go
    on as one that was stopped.
    """

    model_config = ConfigDict(frozen=True)

    task: str
    name: str
    base: str = ""
    state: Literal["running", "stopped", "installed", "refused", "failed"] = "running"
    stage: str = ""
    done: int = 0
    total: int = 0
    left: float | None = None
    sentence: str = ""
    scores: tuple[Score, ...] = ()
    notices: tuple[str, ...] = ()
    updated: float = 0.0

    @property
    def counted(self) -> str:
        """The stage and how far it is.

        >>> Standing(task="matting", name="mine", stage="Learning", done=12, total=60).counted
        'Learning: 12 of 60'
        >>> Standing(task="matting", name="mine", state="installed", done=8, total=8).counted
        'Ending…'
        """
        if not self.stage:  # all is noted, while its process is still about to end
            return "Ending…"
        return self.stage + (f": {self.done} of {self.total}" if self.total else "…")


def read_standing(folder: Path) -> Standing | None:
    """What a training noted last in its folder; None where there is none."""
    try:
        return Standing.model_validate(json.loads((folder / STANDING).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None


def write_standing(folder: Path, standing: Standing) -> None:
    """Note it, whole or not at all."""
    part = folder / f".{STANDING}.part"
    part.write_text(standing.model_dump_json(), encoding="utf-8")
    part.replace(folder / STANDING)


def folder_of_training(root: Path, task: str, name: str) -> Path:
    """Where a training keeps its checkpoint; `root` is that of the weights."""
    return root / "adapting" / task / name

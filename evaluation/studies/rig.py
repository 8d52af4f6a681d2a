"""How a study measures one task: which systems there are, and what an output is worth."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evaluation.datasets.base import Sample

Answer = Callable[[Sample, int], Any]
"""A system: given a sample and a seed, it returns an output."""

Trust = tuple[list[float], list[float]]
"""How sure an output is of each of its answers, 0 to 1, and how good each was: right or wrong, or an lDDT."""


@dataclass(frozen=True)
class Score:
    """One value of one output.

    `part` says of what where there are several: a stem, for example. `where` is the worst place: a second, a frame, a
    residue (from 0) or a question (from 0).
    """

    metric: str
    value: float
    part: str = ""
    where: float | None = None


class Rig(Protocol):
    """A task as a study sees it; each is a module `evaluation.studies.rigs.TASK` with these functions."""

    THINGS: str
    PLACE: str

    def system(self, card: str, options: Mapping[str, Any]) -> Answer: ...

    def scores(self, output: Any, sample: Sample, metrics: Sequence[str]) -> Iterator[Score]: ...

    def trust(self, output: Any, sample: Sample) -> Trust | None: ...


THINGS = {"separation": "songs", "matting": "clips", "folding": "proteins", "fewshot": "episodes"}
"""What a unit is called."""

PLACES = {"separation": "second", "matting": "frame", "folding": "residue", "fewshot": "question"}
"""What `Score.where` counts."""

FIRST = {"separation": 0, "matting": 0, "folding": 1, "fewshot": 1}
"""What people call the first place: seconds and frames begin at 0, residues and questions at 1."""


def rig(task: str) -> Any:
    """The rig of a task. It loads the models' libraries."""
    return importlib.import_module(f"evaluation.studies.rigs.{task}")

"""What a data set is: units with references, read one at a time, in named splits.

A data set is a small class in a file of its own in this folder. Its `units(split)` says which units there are without
reading them, so that a study can count them, skip those it has, or hand them to several processes; a unit is read when
its `inputs` or `reference` is first asked for. Which units a starter was never trained on is part of the data set, and
training and benchmarks both take it from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class DatasetMissing(ValueError):
    """There is nothing of a data set where it was looked for; the message says what and where, in a sentence."""


@dataclass(frozen=True)
class Sample:
    """What a unit holds once it is read: what a system is given, by name, and what it should return."""

    inputs: Mapping[str, Any]
    reference: Any = None


@dataclass(frozen=True)
class Unit:
    """The smallest thing that counts as one observation: a track, a clip, a picture, a protein, an episode.

    Args:
        id: its name, unique within the data set and the same in every run.
        group: what it shares with units that are not independent of it, such as the singer, the person or the family;
            intervals resample whole groups. Equal to `id` where units are independent.
        load: reads the sample. Called once, when `inputs` or `reference` is first used.
        notes: known faults of the unit, each one sentence.

    >>> unit = Unit("clip 1", "Ann", lambda: Sample({"mixture": [0.5, 0.5]}, {"vocals": [0.25, 0.5]}))
    >>> unit.inputs["mixture"], unit.reference["vocals"]
    ([0.5, 0.5], [0.25, 0.5])
    """

    id: str
    group: str
    load: Callable[[], Sample] = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def _sample(self) -> Sample:
        return self.load()

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self._sample.inputs

    @property
    def reference(self) -> Any:
        return self._sample.reference


@runtime_checkable
class Dataset(Protocol):
    """A data set that lies somewhere on this machine. Its attributes are plain class attributes."""

    @property
    def id(self) -> str:
        """How rows and files name it."""

    @property
    def title(self) -> str:
        """How people name it."""

    @property
    def task(self) -> str:
        """What it measures: separation, matting, folding or fewshot."""

    @property
    def licence(self) -> str:
        """What may be done with it."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The names that `units` takes."""

    def units(self, split: str) -> Iterator[Unit]:
        """The units of a split in a fixed order. Raises DatasetMissing where there are none."""
        ...


def check_split(dataset: Dataset, split: str) -> None:
    """Raises ValueError where `dataset` has no such split."""
    if split not in dataset.splits:
        raise ValueError(f"{dataset.title} has no split “{split}”, only {', '.join(dataset.splits)}.")


def existing(path: Path, what: str) -> Path:
    """`path`, which must be there. Raises DatasetMissing that names `what` was expected."""
    if not path.exists():
        raise DatasetMissing(f"There is no {what} at {path}.")
    return path

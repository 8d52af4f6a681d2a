"""What a task adds so that its networks can be adapted: its units, its recipe, how it is measured and exported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from backends.core.adapting import Material
from backends.core.engine import Engine
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.task import Task
from backends.weights.digests import hash_file, outcome
from training.loop import Recipe

ADAPTATIONS = {
    "separation": "training.adapt.separation:SeparationAdaptation",
    "matting": "training.adapt.matting:MattingAdaptation",
    "folding": "training.adapt.folding:FoldingAdaptation",
    "fewshot": "training.adapt.fewshot:FewShotAdaptation",
}

PART_APART = 3
"""One unit in so many is kept apart."""
FEWEST_APART = 3
"""Units of one kind kept apart at least: an interval from fewer says next to nothing."""


@dataclass(frozen=True)
class Unit:
    """What is learned from or kept apart as a whole, with its `files`. Units of each `label` are split alike."""

    name: str
    files: tuple[Path, ...]
    label: str = ""


@dataclass(frozen=True)
class Split:
    """The units that are learned from, and those that are only measured on."""

    learned: tuple[Unit, ...]
    apart: tuple[Unit, ...]


@dataclass(frozen=True)
class Measure:
    """One number of a unit. `counted`: it is 1 where the answer is right, and 0 where it is wrong."""

    name: str
    unit: str
    digits: int
    higher_is_better: bool = True
    counted: bool = False


Values = tuple[float, ...]
"""Of one unit, one for each measure."""


@dataclass(frozen=True)
class Base:
    """What learning begins from: a card, and the files that its engine loads."""

    card: ModelCard
    weights: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """The file, or the folder of a card with several."""
        return self.weights[0] if len(self.weights) == 1 else self.weights[0].parent


class Adaptation(ABC):
    """How a network of one task learns from files in a folder.

    `measures` are taken of each unit kept apart, before and after: the first decides, the others must not be worse.

    Attributes:
        task, card, weights, path: what is adapted, the files that its engine loads, and the file or folder they are.
        folder: of the user's files.
        scratch: a folder for what is decoded once; it goes when the training ends.
        notices: sentences about files that were left out.
    """

    measures: ClassVar[tuple[Measure, ...]]

    def __init__(self, task: Task, base: Base, folder: Path, scratch: Path, seed: int) -> None:
        assert task.material is not None  # the command offers only tasks that have one
        self.task, self.card, self.weights, self.folder = task, base.card, base.weights, folder
        self.material: Material = task.material
        self.path, self.scratch, self.seed = base.path, scratch, seed
        self.notices: list[str] = []

    @abstractmethod
    def units(self) -> list[Unit]:
        """Everything in the folder that can be learned from. Raises BadInput where it lies otherwise than it should."""

    @abstractmethod
    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        """What learns from these units. Its averaged weights are what `export` is given."""

    @abstractmethod
    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        """Write the adapted network to `out`, an empty folder, as the engine loads it; the file or folder written."""

    @abstractmethod
    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        """The measures of each unit kept apart, in order, by an engine that is ready."""

    def engine(self, weights: tuple[Path, ...], adapted: bool) -> Engine:
        """The engine with the base's weights, or with adapted ones at another place, through its ordinary loading."""
        card = replace(self.card, id="adapted", tier="yours", files=(), needs=()) if adapted else self.card
        engine = self.task.engine_class(card.engine)(card, weights)
        engine.load("cpu")
        return engine

    def files_in(self, folder: Path) -> list[Path]:
        """The files of the right endings there, by name; others are told once."""
        entries = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        return [path for path in entries if path.suffix.lower() in self.material.endings]

    def folders(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def adaptation_class(task: str) -> type[Adaptation]:
    """The way of adapting networks of `task`. Raises BadInput where there is none."""
    if task not in ADAPTATIONS:
        raise BadInput(f"Networks for {task} cannot be adapted; those for {', '.join(ADAPTATIONS)} can.")
    module, _, name = ADAPTATIONS[task].partition(":")
    return getattr(import_module(module), name)


def without_copies(units: Iterable[Unit]) -> tuple[list[Unit], dict[str, str], list[str]]:
    """Units less those that hold the same as an earlier one, the digest of each by name, and the names left out.

    A copy would be learned from and measured on at once, so that the measure would be of memory.
    """
    kept: list[Unit] = []
    digests: dict[str, str] = {}
    copies: list[str] = []
    seen: set[str] = set()
    for unit in units:
        digest = sha256("".join(outcome(hash_file(file)) for file in unit.files).encode()).hexdigest()
        if digest in seen:
            copies.append(unit.name)
            continue
        seen.add(digest)
        digests[unit.name] = digest
        kept.append(unit)
    return kept, digests, copies


def split_units(units: Sequence[Unit], seed: int, material: Material) -> Split:
    """A third of the units of each label is kept apart, those whose seed and name have the lowest digests.

    Raises:
        BadInput: there are too few for a part to be kept apart.
    """
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.label].append(unit)
    if len(units) < material.least:
        raise BadInput(
            f"There {'is' if len(units) == 1 else 'are'} {len(units) or 'no'} {material.noun}"
            f"{'' if len(units) == 1 else 's'} here that can be learned from, and it takes at least {material.least}: "
            f"a third is kept apart, to measure whether it became better. {material.layout}"
        )
    apart: set[str] = set()
    for label, group in groups.items():
        least = FEWEST_APART if len(groups) == 1 else 1
        count = max(least, round(len(group) / PART_APART))
        if len(group) <= count:
            raise BadInput(
                f"“{label}” has {len(group)} {material.noun}{'' if len(group) == 1 else 's'}: it takes at least "
                f"{count + 1}, so that some can be kept apart."
            )
        ordered = sorted(group, key=partial(_place, seed))
        apart |= {unit.name for unit in ordered[:count]}
    return Split(
        tuple(unit for unit in units if unit.name not in apart), tuple(unit for unit in units if unit.name in apart)
    )


def _place(seed: int, unit: Unit) -> str:
    return sha256(f"{seed} {unit.name}".encode()).hexdigest()


def halves(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored: in half precision, each in memory of its own."""
    stored = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    return {name: value.contiguous().clone() for name, value in stored.items()}

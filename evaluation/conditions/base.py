"""A condition: something that happens to an input before a model gets it, at a severity from 1 to 5.

Each is a module-level tuple `CONDITIONS` in a module of this folder named after the task. A severity stands for a level
in physical units, so that a curve can be read without knowing how the levels were chosen.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from evaluation.datasets.base import Sample

Apply = Callable[[Sample, float, np.random.Generator], Sample]

CLEAN = "clean"


@dataclass(frozen=True)
class Condition:
    """One way of making the task harder.

    Args:
        id: how rows name it.
        title: how people name it.
        unit: of the levels.
        levels: of severity 1 to 5, mild to harsh.
        apply: given a sample, the level and a random generator, returns the sample that a model is measured on; the
            reference changes with the input where it must.
    """

    id: str
    title: str
    unit: str
    levels: tuple[float, float, float, float, float]
    apply: Apply

    def at(self, sample: Sample, severity: int, rng: np.random.Generator) -> Sample:
        """The sample under this condition. Severity 0 is the sample itself."""
        return sample if severity == 0 else self.apply(sample, self.levels[severity - 1], rng)

    def level(self, severity: int) -> str:
        """A severity in its own unit."""
        return "as it is" if severity == 0 else f"{self.levels[severity - 1]:g} {self.unit}".strip()


@cache
def conditions(task: str) -> Mapping[str, Condition]:
    """The conditions of a task by id."""
    return {
        condition.id: condition for condition in importlib.import_module(f"evaluation.conditions.{task}").CONDITIONS
    }

"""The seam every model speaks: `load` once, then `run` as a generator of events.

A caller cancels by closing the generator. An engine looks at nothing else: it yields at least once a
chunk of device work, so closing frees the device within one chunk, and frees what it holds in `finally`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backends.core.events import Artifact, Event, Metric, Notice, Partial, Progress, Result

if TYPE_CHECKING:
    from backends.core.model_card import ModelCard

__all__ = ["Artifact", "Engine", "Event", "Metric", "Notice", "Partial", "Progress", "Result"]


class Engine(ABC):
    """One way of doing one task. A model is an engine with a card and, where it learned, weights."""

    name: ClassVar[str]
    task: ClassVar[str]

    def __init__(self, card: ModelCard, weights: tuple[Path, ...] = ()) -> None:
        self.card = card
        self.weights = weights

    @classmethod
    def needs_model(cls, inputs: Mapping[str, Path]) -> bool:
        """Whether a job with these files needs what `load` reads; without it, `run` is called on an engine unloaded."""
        return True

    @abstractmethod
    def load(self, device: str) -> None:
        """Read the weights onto `device` ("cpu", "cuda", "mps"). Raises WeightsMissing or WeightsBroken."""

    @abstractmethod
    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Do one job, writing files under `out`; the last event is a Result.

        Raises:
            BadInput, TooLarge: before device work starts wherever that can be known.
            EngineFailed: the device gave up; the sentence says what to try.
        """

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """How much work a finished run was, in units of its card's `speed`; 0 where it tells nothing of the next."""
        return last.total

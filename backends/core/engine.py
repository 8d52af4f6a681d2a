"""The seam every model speaks: `load` once, then `run` as a generator of events.

A caller cancels by closing the generator. An engine looks at nothing else: it yields at least once a
chunk of device work, so closing frees the device within one chunk, and frees what it holds in `finally`.

This is a whole engine, with its options and its card:

>>> class ShoutOptions(Options):
...     marks: int = option(1, title="Marks", meaning="Exclamation marks after each line.", least=0, most=3)
>>> class ShoutEngine(Engine):
...     name, task = "shout", "echo"
...
...     def load(self, device):
...         self.device = device  # here a network would read self.weights
...
...     def run(self, inputs, options, out):
...         marks = ShoutOptions.read(options).marks * "!"
...         lines = inputs["text"].read_text().splitlines()
...         if not lines:
...             raise BadInput("This text is empty; choose another one.")
...         target = out / "shout.txt"
...         with target.open("w") as file:
...             for number, line in enumerate(lines, 1):
...                 print(line.upper() + marks, file=file)
...                 yield Progress("Shouting", number, len(lines), "lines")
...         yield Result((Artifact("text", "shout", target),))
>>> card = ModelCard("shout", "echo", "shout", "Shout", "Shouts.", "Whispers come out loud too.", "MIT", "builtin")

A task names it as `EngineSpec("module:ShoutEngine", ShoutOptions)` and lists its card. A host then does this:

>>> engine = ShoutEngine(card)
>>> engine.load("cpu")
>>> out = Path(tempfile.mkdtemp())
>>> _ = (out / "input.txt").write_text("hello")
>>> for event in engine.run({"text": out / "input.txt"}, {"marks": 2}, out):
...     print(type(event).__name__)
Progress
Result
>>> (out / "shout.txt").read_text().strip()
'HELLO!!'
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

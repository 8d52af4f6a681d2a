"""Questions that one kind of model alone can answer, such as which of its branches heard a stem.

A probe looks into the model instead of taking its input apart; its answer is an `Attribution` over axes of its own. It
stands beside the methods of its task, and is one function in the task's room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from backends.attribution.question import Question
from backends.attribution.types import Attribution, Meter
from backends.core.events import Artifact


@dataclass(frozen=True)
class ProbeRequest:
    """What a probe works on: the loaded engine, the files by name, the question, a folder, and the meter."""

    engine: Any
    inputs: Mapping[str, Path]
    question: Question
    out: Path
    meter: Meter


@dataclass(frozen=True)
class Findings:
    """What a probe found.

    Attributes:
        attribution: the numbers.
        artifacts: further files, such as sounds.
        sentence: what the numbers say, made from them.
    """

    attribution: Attribution
    artifacts: tuple[Artifact, ...] = ()
    sentence: str = ""


@dataclass(frozen=True)
class Probe:
    """A probe before it is imported.

    Attributes:
        id: its name on the wire, where a method's would stand.
        title: the question, as people would ask it.
        meaning: what is measured, in words.
        engines: those that can answer it.
        target: "module:function", from ProbeRequest to Findings.
        evaluations: how often the model is asked, for an input of usual size.
    """

    id: str
    title: str
    meaning: str
    engines: tuple[str, ...]
    target: str
    evaluations: int = 1

    def load(self) -> Callable[[ProbeRequest], Findings]:
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)

    def described(self, engine: str) -> dict[str, Any]:
        """As `Offer.described` has the methods."""
        fits = engine in self.engines
        reason = "" if fits else f"Only {' and '.join(self.engines)} can be asked that."
        evaluations = self.evaluations if fits else 0
        about = {"title": self.title, "meaning": self.meaning, "reason": reason, "evaluations": evaluations}
        return {**about, "probe": True}

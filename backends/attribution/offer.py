"""What can be asked of a model, known before it is loaded: methods, and why others make no sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from backends.attribution.probe import Probe
from backends.attribution.registry import LACKS, METHODS
from backends.attribution.types import Size
from backends.core.errors import BadInput


@dataclass(frozen=True)
class Offer:
    """One engine as the methods see it.

    Attributes:
        gives: what methods may need of it, see `registry.Method.needs`.
        default: the method that suits it.
        size: from the detail asked for to the number of parts, for an input of usual size.
        reasons: why a method makes no sense though the engine gives what it needs, by the method's id.
        baselines: what may take the place of a part that is taken away, by id with its words; the usual one first.
    """

    gives: frozenset[str]
    default: str
    size: Callable[[int], Size]
    reasons: Mapping[str, str] = field(default_factory=dict)
    baselines: Mapping[str, str] = field(default_factory=dict)

    def check_baseline(self, name: str) -> None:
        """Raises BadInput where a question names a baseline that this engine does not have."""
        if name and name not in self.baselines:
            known = f"; choose {' or '.join(self.baselines)}" if self.baselines else ": leave it out"
            raise BadInput(f"Nothing called “{name}” can take the place of a part here{known}.")

    def reason(self, method: str) -> str:
        """Why the method makes no sense here; "" where it does."""
        if method in self.reasons:
            return self.reasons[method]
        needs = METHODS[method].needs
        return "" if needs in self.gives else f"This model cannot be asked that way: {LACKS[needs]}."

    def described(self, detail: int) -> dict[str, dict[str, Any]]:
        """Every method with `title`, `meaning`, `reason` and `evaluations`, how often the model would be asked."""
        return {
            method.id: {
                "title": method.title,
                "meaning": method.meaning,
                "reason": self.reason(method.id),
                "evaluations": 0 if self.reason(method.id) else method.cost(self.size(detail)),
            }
            for method in METHODS.values()
        }


@dataclass(frozen=True)
class Explainable:
    """How the models of a task are explained. It stands beside the task's cards, and imports nothing heavy.

    Attributes:
        subject: "module:function" that takes the loaded engine, the files by name and the Question, and gives the
            Subject.
        offers: by engine.
        targets: what can be asked about, in a sentence.
        optional: names of further files, such as the examples.
        probes: questions that only some engines can answer, by their ids.
    """

    subject: str
    offers: Mapping[str, Offer]
    targets: str
    optional: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()

    def described(self, engine: str, detail: int) -> dict[str, dict[str, Any]]:
        """All methods and probes of an engine, with their reasons and costs."""
        probes = {probe.id: probe.described(engine) for probe in self.probes}
        return self.offers[engine].described(detail) | probes

    def probe(self, name: str) -> Probe | None:
        return next((probe for probe in self.probes if probe.id == name), None)

    def load(self) -> Callable[..., Any]:
        module, _, name = self.subject.partition(":")
        return getattr(import_module(module), name)

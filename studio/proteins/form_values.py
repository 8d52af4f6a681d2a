"""The values of the form, there and back from the options of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.info import CardInfo
from studio.proteins.model_choice import capabilities, options


@dataclass(frozen=True)
class FormValues:
    """What the form holds. `recycles` None for what the model was trained with; `extras` besides contacts."""

    recycles: int | None = None
    chunk: str = "auto"
    extras: tuple[str, ...] = ()
    chain: str = ""
    models: int = 1
    seed: int = 0

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> FormValues:
        """The values of the form behind a run's options."""
        recycles = given.get("recycles")
        words = str(given.get("extras") or "").replace(",", " ").split()
        return cls(
            recycles=None if recycles in (None, "") else int(recycles),
            chunk=str(given.get("chunk") or "auto"),
            extras=tuple(name for name in words if name != "contacts"),
            chain=str(given.get("chain") or ""),
            models=int(given.get("models") or 1),
            seed=int(given.get("seed") or 0),
        )

    def to_options(self, card: CardInfo) -> dict[str, Any]:
        """The options of the job; what this model does not have is left out."""
        known, offered = options(card), capabilities(card).extras
        wanted: dict[str, Any] = {}
        if "recycles" in known and self.recycles is not None:
            wanted["recycles"] = self.recycles
        if "chunk" in known and self.chunk != "auto":
            wanted["chunk"] = self.chunk
        if extras := [name for name in self.extras if name in offered]:
            wanted["extras"] = ",".join(["contacts", *extras])
        if self.chain:
            wanted["chain"] = self.chain
        if "models" in known:
            wanted["models"] = self.models
        if "seed" in known and self.seed:
            wanted["seed"] = self.seed
        return wanted


def option_texts(given: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as a person reads them."""
    texts = {name: str(value) for name, value in given.items() if value not in (None, "")}
    if "extras" in texts:
        texts["also kept"] = texts.pop("extras").replace(",", ", ")
    return texts

"""All methods, and the choice of one. A further method is one module under `methods` and one line here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from backends.attribution.types import Attribution, Subject, Unsupported

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Method:
    """A method before it is imported: `meaning` says in words what it measures, `module` holds `attribute`."""

    id: str
    meaning: str
    module: str

    def load(self) -> Callable[[Subject], Attribution]:
        return import_module(self.module).attribute


METHODS: dict[str, Method] = {
    method.id: method
    for method in (
        Method(
            "attention",
            "gradient times attention, layer by layer (Chefer et al. 2021)",
            "backends.attribution.methods.attention",
        ),
        Method(
            "gradcam",
            "Grad-CAM on a late map of features (Selvaraju et al. 2017)",
            "backends.attribution.methods.gradcam",
        ),
        Method(
            "occlusion",
            "how far the score falls when a part is covered",
            "backends.attribution.methods.occlusion",
        ),
        Method(
            "omission",
            "how far the score falls when a word is left out",
            "backends.attribution.methods.omission",
        ),
    )
}
"""In order of preference."""


def attribute(subject: Subject, methods: Sequence[str] = tuple(METHODS)) -> Attribution:
    """The attribution by the first of `methods` that applies. Raises Unsupported where none does."""
    for name in methods:
        try:
            return METHODS[name].load()(subject)
        except Unsupported as reason:
            log.debug("%s does not apply: %s", name, reason)
    raise Unsupported(f"none of {', '.join(methods)} applies to this model")

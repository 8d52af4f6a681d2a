"""All methods, and the choice of one. A further method is one module under `methods` and one entry here."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from backends.attribution import costs
from backends.attribution.types import Attribution, Size, Subject, Unsupported

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Method:
    """A method before it is imported.

    Attributes:
        id: its name on the wire.
        title: its name for people.
        meaning: what it measures, in words.
        module: holds `attribute(subject, seed)`.
        needs: what a model has to offer: "cells" (an input that can be covered), "words", "players" (a few parts with
            names), "gradient", "maps" (a convolutional network) or "attention".
        random: whether it draws by chance, so that another seed gives another answer.
    """

    id: str
    title: str
    meaning: str
    module: str
    needs: str
    random: bool = False

    def load(self) -> Callable[..., Attribution]:
        return import_module(f"backends.attribution.methods.{self.module}").attribute

    def cost(self, size: Size) -> int:
        """How often the model is asked, or as much work as that."""
        return COSTS[self.id](size)


METHODS: dict[str, Method] = {
    method.id: method
    for method in (
        Method(
            "attention",
            "Attention and gradient",
            "gradient times attention, layer by layer (Chefer et al. 2021)",
            "attention",
            "attention",
        ),
        Method(
            "gradcam",
            "Grad-CAM",
            "Grad-CAM on a late map of features (Selvaraju et al. 2017)",
            "gradcam",
            "maps",
        ),
        Method(
            "occlusion",
            "Covering",
            "how far the score falls when a part is covered",
            "occlusion",
            "cells",
        ),
        Method(
            "coarse_to_fine",
            "Covering, coarse to fine",
            "how far the score falls when a block is covered, and in the strongest blocks when each part is",
            "coarse_to_fine",
            "cells",
        ),
        Method(
            "gradient",
            "Gradient × input",
            "how far the score would follow each part of the input, by gradients smoothed over a little noise",
            "gradient",
            "gradient",
            random=True,
        ),
        Method(
            "integrated",
            "Integrated gradients",
            "what each part adds on the way from an input that says nothing (Sundararajan et al. 2017)",
            "integrated",
            "gradient",
        ),
        Method(
            "rise",
            "Random covers",
            "what is there when the score is high, over many random covers (Petsiuk et al. 2018)",
            "rise",
            "cells",
            random=True,
        ),
        Method(
            "shapley",
            "Shapley values",
            "what each of a few named parts adds to the score, over all orders of adding them",
            "shapley",
            "players",
        ),
        Method(
            "rollout",
            "Attention rollout",
            "where numbers flow through the layers of attention; the same for every answer, and no reason for it",
            "rollout",
            "attention",
        ),
        Method(
            "omission",
            "Leaving words out",
            "how far the score falls when a word is left out",
            "omission",
            "words",
        ),
    )
}
"""In order of preference."""

COSTS: dict[str, Callable[[Size], int]] = {
    "attention": lambda size: costs.BACKWARD,
    "gradcam": lambda size: costs.BACKWARD + 1,
    "occlusion": costs.windows,
    "coarse_to_fine": costs.coarse_to_fine,
    "gradient": lambda size: costs.NOISY * costs.BACKWARD + 1,
    "integrated": lambda size: (costs.STEPS + 2) * costs.BACKWARD + 1,
    "rise": lambda size: costs.MASKS + 1,
    "shapley": costs.combinations,
    "rollout": lambda size: costs.BACKWARD,
    "omission": lambda size: 1 + math.prod(size.shape),
}

LACKS = {
    "cells": "nothing of its input can be covered",
    "words": "its input has no words",
    "players": "its input has no few parts with names",
    "gradient": "it has no gradients: it is no network, or its numbers are not passed on to its input",
    "maps": "it has no late map of features",
    "attention": "it has no attention from which a map of its input could be read",
}
"""Why a method makes no sense for a model that lacks what it needs."""


def method_named(name: str) -> Method:
    """Raises Unsupported where there is no such method."""
    if name not in METHODS:
        raise Unsupported(f"There is no method called “{name}”; there is {', '.join(METHODS)}.")
    return METHODS[name]


def attribute(subject: Subject, methods: Sequence[str] = tuple(METHODS), seed: int = 0) -> Attribution:
    """The attribution by the first of `methods` that applies. Raises Unsupported where none does."""
    reasons = []
    for name in methods:
        try:
            if name in subject.reasons:
                raise Unsupported(subject.reasons[name])
            return method_named(name).load()(subject, seed)
        except Unsupported as reason:
            log.debug("%s does not apply: %s", name, reason)
            reasons.append(str(reason))
    if len(methods) == 1:
        raise Unsupported(reasons[0])
    raise Unsupported(f"none of {', '.join(methods)} applies to this model")

"""What is asked of an answer: its target, against what, where, by which method, and how far it is to be tested."""

from __future__ import annotations

import hashlib
import json

from backends.core.errors import BadInput
from backends.core.options import Options, option

CHECKS = ("off", "quick", "full")
"""How far a map is tested."""


class Question(Options):
    """The same for all tasks; which targets and regions there are, a task says itself."""

    target: str = option(
        "",
        title="What to explain",
        meaning="A stem such as “vocals”; “person”; two residues such as “12,40”, or “plddt”; or a class of the "
        "examples.",
    )
    against: str = option(
        "", title="Against", meaning="Another stem or class: why this one and not that one. Empty for nothing."
    )
    region: str = option(
        "",
        title="Where",
        meaning="A stretch such as “32-36”, in seconds or residues, or a rectangle “x,y,w,h” in shares of the picture.",
    )
    method: str = option("", title="Method", meaning="How to find out; empty for the one that suits the model.")
    at: float = option(
        0.0, title="Moment", meaning="Which frame of a video, by its time.", least=0, most=1e6, unit="seconds"
    )
    check: str = option(
        "off",
        title="Tests",
        meaning="“quick” compares the map with one of shuffled weights and covers what it shows; “full” also measures "
        "how steady it is and whether another method agrees.",
        choices=CHECKS,
        advanced=True,
    )
    detail: int = option(
        8,
        title="Detail",
        meaning="How many parts a side of the input is divided into where parts are covered; more take longer.",
        least=2,
        most=32,
        advanced=True,
    )
    baseline: str = option(
        "",
        title="Baseline",
        meaning="What takes the place of a part that is taken away, such as “black” for pictures; empty for the usual "
        "one.",
        advanced=True,
    )
    seed: int = option(
        0, title="Seed", meaning="The same seed draws the same by chance.", least=0, most=2**31, advanced=True
    )

    def key(self, source: str, card: str) -> str:
        """A name under which the answer can be kept: the same question on the same source and weights has the same.

        Args:
            source: of the file, such as its digest, or of the run.
            card: of the weights, such as the card's id or their digest.
        """
        asked = json.dumps([source, card, self.model_dump()], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:32]


def read_interval(text: str) -> tuple[float, float] | None:
    """Two ends of a stretch, None for an empty text. Raises BadInput.

    >>> read_interval("32-36"), read_interval("0.5 - 2"), read_interval("")
    ((32.0, 36.0), (0.5, 2.0), None)
    """
    if not text.strip():
        return None
    first, dash, last = text.replace("–", "-").partition("-")
    try:
        ends = float(first), float(last if dash else first)
    except ValueError:
        ends = (1.0, 0.0)
    if not 0 <= ends[0] <= ends[1] < 1e9:
        raise BadInput(f"“{text}” is no stretch; write its two ends, such as 32-36.")
    return ends


def read_rectangle(text: str) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom as shares of a picture's sides, None for an empty text. Raises BadInput.

    >>> read_rectangle("0.25,0.5,0.5,0.25")
    (0.25, 0.5, 0.75, 0.75)
    """
    if not text.strip():
        return None
    try:
        left, top, width, height = (float(word) for word in text.replace(";", ",").split(","))
    except ValueError:
        left, top, width, height = 0.0, 0.0, 0.0, 0.0
    ends = (left, top, left + width, top + height)
    if not (width > 0 and height > 0 and 0 <= left < ends[2] <= 1 + 1e-6 and 0 <= top < ends[3] <= 1 + 1e-6):
        raise BadInput(f"“{text}” is no rectangle; write x,y,width,height as shares, such as 0.4,0.2,0.1,0.1.")
    return (left, top, min(1.0, ends[2]), min(1.0, ends[3]))

"""What can be asked of the reasons for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.errors import BadInput
from backends.core.options import one_of

LONGEST_SENTENCE = 1_000

EXPLAIN_OPTIONS: dict[str, str] = {
    "explain": "“on” keeps a map of what in each picture speaks for the answer, or for the direction of the file "
    "“target”; “check” also tests each map: cover what it shows, and compare it with a network that knows nothing.",
    "sentence": "With “explain”: a sentence of which each word is weighed the same way.",
}


@dataclass(frozen=True)
class Explaining:
    """As in EXPLAIN_OPTIONS."""

    wanted: bool = False
    checked: bool = False
    sentence: str = ""

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Explaining:
        """Raises BadInput with the option's name in the sentence."""
        how = one_of(options, "explain", ("on", "off", "check"))
        sentence = " ".join(str(options.get("sentence") or "").split())
        if len(sentence) > LONGEST_SENTENCE:
            raise BadInput(f"The option “sentence” takes up to {LONGEST_SENTENCE:,} letters.")
        return cls(how in ("on", "check"), how == "check", sentence)

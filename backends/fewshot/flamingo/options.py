"""What a Flamingo can be asked, beside what all few-shot engines take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.errors import BadInput
from backends.core.options import one_of, switch, whole_number
from backends.fewshot.flamingo.interleave import ASK_CAPTION, ASK_NAME

ASK = ("names", "caption", "question")
PICK = ("similar", "drawn")
MOST_SHOTS = 64
MOST_ORDERS = 8
USUAL_SHOTS = 8
LONGEST_QUESTION = 500

FLAMINGO_OPTIONS: dict[str, str] = {
    "ask": "Flamingo: “names” ranks the classes, “caption” describes each picture, “question” answers yours.",
    "question": "Flamingo: what to ask about each picture; a usual one where nothing is said.",
    "shots": f"Flamingo: how many examples to show it with each picture, 0 to {MOST_SHOTS}, or “all”.",
    "pick": "Flamingo: which ones, “similar” for those most like the picture, or “drawn” by chance from all classes.",
    "orders": f"Flamingo: in how many orders to show them, 1 to {MOST_ORDERS}; how far the answers differ is told.",
    "measure": "Flamingo: “on” also asks about each example with the others shown, and so tells how often it is right.",
}


@dataclass(frozen=True)
class Asking:
    """As in FLAMINGO_OPTIONS; `shots` is None for all of them."""

    ask: str = "names"
    question: str = ASK_NAME
    shots: int | None = USUAL_SHOTS
    pick: str = "similar"
    orders: int = 1
    measure: bool = False

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Asking:
        """Raises BadInput with the option's name in the sentence."""
        ask = one_of(options, "ask", ASK) or "names"
        given = str(options.get("shots") or "").strip().lower()
        return cls(
            ask=ask,
            question=_question(options, ask),
            shots=None if given == "all" else whole_number(options, "shots", USUAL_SHOTS, 0, MOST_SHOTS),
            pick=one_of(options, "pick", PICK) or "similar",
            orders=whole_number(options, "orders", 1, 1, MOST_ORDERS),
            measure=switch(options, "measure", False),
        )


def _question(options: Mapping[str, Any], ask: str) -> str:
    given = " ".join(str(options.get("question") or "").split())
    if len(given) > LONGEST_QUESTION:
        raise BadInput(f"The question is longer than {LONGEST_QUESTION} letters: shorten it.")
    if ask == "question" and not given:
        raise BadInput("There is no question: write what you want to know about the picture.")
    return given or (ASK_CAPTION if ask == "caption" else ASK_NAME)

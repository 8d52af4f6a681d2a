"""The options of a Flamingo: what it is asked, and which examples it is shown."""

from __future__ import annotations

from typing import Self

from pydantic import field_validator, model_validator

from backends.core.errors import BadInput
from backends.core.options import Switch, option
from backends.fewshot.flamingo.interleave import ASK_CAPTION, ASK_NAME
from backends.fewshot.options import CommonOptions

MAX_SHOTS = 64
MAX_ORDERS = 8
DEFAULT_SHOTS = 8
MAX_QUESTION_LENGTH = 500


class FlamingoOptions(CommonOptions):
    """Of one prompt per query."""

    ask: str = option(
        "names",
        title="What to ask",
        meaning="Flamingo: “names” ranks the classes, “caption” describes each picture, “question” answers yours.",
        choices=("names", "caption", "question"),
    )
    question: str = option(
        "",
        title="Question",
        meaning="Flamingo: what to ask about each picture; a usual one where nothing is said.",
    )
    shots: int | str = option(
        DEFAULT_SHOTS,
        title="Examples",
        meaning=f"Flamingo: how many examples to show it with each picture, 0 to {MAX_SHOTS}, or “all”.",
        least=0,
        most=MAX_SHOTS,
        choices=("all",),
    )
    pick: str = option(
        "similar",
        title="Which examples",
        meaning="Flamingo: which ones, “similar” for those most like the picture, or “drawn” by chance from all "
        "classes.",
        choices=("similar", "drawn"),
    )
    orders: int = option(
        1,
        title="Orders",
        meaning=f"Flamingo: in how many orders to show them, 1 to {MAX_ORDERS}; how far the answers differ is told.",
        least=1,
        most=MAX_ORDERS,
    )
    measure: Switch = option(
        False,
        title="Measure",
        meaning="Flamingo: “on” also asks about each example with the others shown, and so tells how often it is "
        "right.",
    )

    @field_validator("question")
    @classmethod
    def _one_line(cls, question: str) -> str:
        question = " ".join(question.split())
        if len(question) > MAX_QUESTION_LENGTH:
            raise BadInput(f"The question is longer than {MAX_QUESTION_LENGTH} letters: shorten it.")
        return question

    @model_validator(mode="after")
    def _require_question(self) -> Self:
        if self.ask == "question" and not self.question:
            raise BadInput("There is no question: write what you want to know about the picture.")
        return self

    @property
    def prompt_question(self) -> str:
        """The question in the prompt: the given one, or the usual one for what is asked."""
        return self.question or (ASK_CAPTION if self.ask == "caption" else ASK_NAME)

    @property
    def max_shots(self) -> int | None:
        """How many examples are shown; None for all of them."""
        return None if isinstance(self.shots, str) else self.shots

"""The options of an explanation."""

from __future__ import annotations

from pydantic import field_validator

from backends.core.errors import BadInput
from backends.core.options import Options, option

MAX_SENTENCE_LENGTH = 1_000


class AttributionOptions(Options):
    """Whether predictions are explained by attributions, and whether these are tested."""

    explain: str = option(
        "off",
        title="Explain",
        meaning="“on” keeps a map of what in each picture speaks for the answer, or for the direction of the file "
        "“target”; “check” also tests each map: cover what it shows, and compare it with a network that knows nothing.",
        choices=("on", "off", "check"),
        advanced=True,
    )
    sentence: str = option(
        "",
        title="Sentence to explain",
        meaning="With “explain”: a sentence of which each word is weighed the same way.",
        advanced=True,
    )

    @field_validator("sentence")
    @classmethod
    def _one_line(cls, sentence: str) -> str:
        sentence = " ".join(sentence.split())
        if len(sentence) > MAX_SENTENCE_LENGTH:
            raise BadInput(f"The option “sentence” takes up to {MAX_SENTENCE_LENGTH:,} letters.")
        return sentence

    @property
    def is_on(self) -> bool:
        return self.explain in ("on", "check")

    @property
    def checked(self) -> bool:
        return self.explain == "check"

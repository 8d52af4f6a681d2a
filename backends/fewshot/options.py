"""The options of a few-shot job: what each means, and reading them from words or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.core.options import one_of, switch, whole_number

TEMPLATES = ("plain", "photo", "ensemble")
ONLY = ("features",)

OPTIONS: dict[str, str] = {
    "head": "What decides from the features: one of the heads, or empty for what suits the examples.",
    "templates": f"How a class becomes a sentence for the model: one of {', '.join(TEMPLATES)}.",
    "only": "“features” looks at the pictures and words and stops there; empty for the whole answer.",
    "reject": "“on” may answer “none of these” where nothing fits, “off” always names a class.",
    "seed": "A whole number that the random choices start from; the same one repeats a result.",
}


@dataclass(frozen=True)
class Settings:
    """As in OPTIONS; `head` is "" for the usual one."""

    head: str = ""
    templates: str = "photo"
    only: str = ""
    reject: bool = True
    seed: int = 0

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Settings:
        """Raises BadInput with the option's name in the sentence."""
        return cls(
            head=str(options.get("head") or "").strip().lower().replace("-", "_"),
            templates=one_of(options, "templates", TEMPLATES) or "photo",
            only=one_of(options, "only", ONLY),
            reject=switch(options, "reject", True),
            seed=whole_number(options, "seed", 0, 0, 2**31 - 1),
        )

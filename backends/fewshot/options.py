"""The options of a few-shot job: what each means, and reading them from words or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.errors import BadInput

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
            seed=whole(options, "seed", 0, 0, 2**31 - 1),
        )


def one_of(options: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    """The word of that option, or "" where nothing is said."""
    given = str(options.get(name) or "").strip().lower()
    if given and given not in known:
        raise BadInput(f"The option “{name}” is one of {', '.join(known)}, not “{given[:40]}”.")
    return given


def switch(options: Mapping[str, Any], name: str, default: bool) -> bool:
    given = options.get(name)
    if given is None or given == "":
        return default
    word = str(given).lower()
    if word in ("on", "true", "1", "yes"):
        return True
    if word in ("off", "false", "0", "no"):
        return False
    raise BadInput(f"The option “{name}” is “on” or “off”, not “{str(given)[:40]}”.")


def whole(options: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    given = options.get(name)
    if given is None or given == "":
        return default
    try:
        value = int(str(given))
    except ValueError as error:
        raise BadInput(f"The option “{name}” takes a whole number, not “{str(given)[:40]}”.") from error
    if isinstance(given, bool) or not least <= value <= most:
        raise BadInput(f"The option “{name}” takes a whole number from {least} to {most}.")
    return value

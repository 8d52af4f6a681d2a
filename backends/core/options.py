"""Reading the options of a job, which come as JSON from a client or as words from a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from backends.core.errors import BadInput

SHOWN = 40
"""Letters of a wrong value that are repeated in the answer."""


def given(options: Mapping[str, Any], name: str) -> Any:
    """What the option says, None where it says nothing."""
    value = options.get(name)
    return None if value == "" else value


def number(options: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    """A number from `least` to `most`. Raises BadInput."""
    value = _value(options, name, "a number")
    if value is None:
        return default
    if not least <= value <= most:
        raise BadInput(f"The option “{name}” takes a number from {least:g} to {most:g}.")
    return value


def whole_number(options: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`. Raises BadInput."""
    value, said = _value(options, name, "a whole number"), given(options, name)
    if value is None:
        return default
    if isinstance(said, bool) or not value.is_integer() or not least <= value <= most:
        raise BadInput(f"The option “{name}” takes a whole number from {least} to {most}, not “{str(said)[:SHOWN]}”.")
    return int(value)


def _value(options: Mapping[str, Any], name: str, kind: str) -> float | None:
    """What the option says, None where it says nothing; it may be infinite or no number. Raises BadInput."""
    said = given(options, name)
    try:
        return None if said is None else float(said)
    except OverflowError:  # a whole number beyond every float, and so beyond every range
        return math.inf
    except (TypeError, ValueError) as error:
        raise BadInput(f"The option “{name}” takes {kind}, not “{str(said)[:SHOWN]}”.") from error


def switch(options: Mapping[str, Any], name: str, default: bool) -> bool:
    """On or off. Raises BadInput."""
    said = given(options, name)
    if said is None:
        return default
    word = str(said).lower()
    if word in ("on", "true", "1", "yes"):
        return True
    if word in ("off", "false", "0", "no"):
        return False
    raise BadInput(f"The option “{name}” is “on” or “off”, not “{str(said)[:SHOWN]}”.")


def one_of(options: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    """One of these words, or "" where nothing is said. Raises BadInput."""
    word = str(given(options, name) or "").strip().lower()
    if word and word not in known:
        raise BadInput(f"The option “{name}” is one of {', '.join(known)}, not “{word[:SHOWN]}”.")
    return word

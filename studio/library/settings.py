"""Settings of the operator that are a number, from the environment."""

from __future__ import annotations

import os

from backends.core.errors import BadInput


def positive(setting: str, no_number: str) -> float | None:
    """A number above nought; None where it is not set. Anything else raises BadInput, with the sentence `no_number`."""
    text = os.environ.get(setting, "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise BadInput(no_number) from error
    if not 0 < number < float("inf"):
        raise BadInput(no_number)
    return number

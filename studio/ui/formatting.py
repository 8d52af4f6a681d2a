"""Numbers as people say them."""

from __future__ import annotations

import re


def duration(seconds: float) -> str:
    """`42` as "42 s", `90` as "1 min 30 s", `4000` as "1 h 7 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1)} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(whole / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def about(seconds: float) -> str:
    """An estimate, no more exact than it is: rounded to what a person would say."""
    if seconds < 5:
        return "a few seconds"
    step = 5 if seconds < 60 else 30 if seconds < 600 else 300
    return f"about {duration(max(step, step * round(seconds / step)))}"


def size(count: float) -> str:
    """Bytes as "84 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} bytes"


def count(number: int, one: str, many: str = "") -> str:
    """`3, "job"` as "3 jobs"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


STATUS = {
    "running": "Running",
    "done": "Finished",
    "failed": "Did not work",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}
"""What the state of a run is called."""

WEIGHTS = {
    "builtin": "none: a method without learning, part of Fourfold",
    "starter": "small network that ships with Fourfold",
    "full": "the published weights",
    "yours": "your own file",
}
"""Where a card's weights come from."""


LINKS = re.compile(r"https?:(?=//)|www(?=\.)|@(?=[\w-]+\.)", re.IGNORECASE)
"""Where Markdown would begin a link of its own accord, though all special characters are escaped."""

ARROWS = re.compile(r"(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)")
"""Where Streamlit would draw an arrow or another sign for "->", "<->", "<=", "--" and their like."""

PICTURES = re.compile(r":(?=[\w+/-]+:)")
"""Where Streamlit would draw a picture for the name of one between two colons."""

_BREAK = "\0"
BREAK = ":small[]"
"""Streamlit's Markdown for small text, of which there is none: parts the letters around it, and copies as nothing."""


def escape(text: str) -> str:
    """Text from outside, such as a file's name, as Markdown that shows it, and lets it be copied, as it is.

    >>> print(escape("a_b.wav"))
    a\\_b.wav
    """
    for drawn in (LINKS, PICTURES):
        text = drawn.sub(lambda match: match[0] + _BREAK, text)
    text = ARROWS.sub(lambda match: _BREAK.join(match[0]), text)
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|<>$:~&])", r"\\\1", text)
    return escaped.replace(_BREAK, BREAK)

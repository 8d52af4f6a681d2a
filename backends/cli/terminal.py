"""What goes to the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys

from backends.core.events import Event, Metric, Notice, Progress


def say(line: str) -> None:
    """A line for people, on standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def answer(line: str) -> None:
    """A line of the result, on standard output."""
    print(line, flush=True)  # noqa: T201


def report(event: Event) -> None:
    """Progress, numbers and notices of a run as lines for people."""
    match event:
        case Progress(stage, done, total, unit) if total:
            say(f"{stage}: {100 * done / total:3.0f} % ({done:.6g} of {total:.6g} {unit})".replace(" )", ")"))
        case Notice(sentence):
            say(sentence)
        case Metric(name, value, unit):
            say(f"{name}: {value:.4g} {unit}".rstrip())

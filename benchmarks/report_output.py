"""Reads what scripts that recreate reports print: values behind words, and the lines of a source and of its exports."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BRACKETS = {"[": "]", "(": ")", "{": "}"}
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
NUMPY = re.compile(r"np\.\w+\(([^()]*)\)")


@dataclass(frozen=True)
class Check:
    """A pattern that the output of a script must hold, or with `never` must not; `what` says what that means."""

    what: str
    pattern: str
    never: bool = False

    def holds(self, output: str) -> bool:
        return (re.search(self.pattern, output) is None) == self.never


@dataclass(frozen=True)
class ValueCheck:
    """A function of a script's output that says whether what it printed is right; `what` says what that means."""

    what: str
    test: Callable[[str], bool]

    def holds(self, output: str) -> bool:
        """False also where the output lacks what the check reads."""
        try:
            return self.test(output)
        except (LookupError, ValueError, SyntaxError):
            return False


@dataclass
class Source:
    """The line that a script printed of a source, the lines of its exports by their first word, and those of `kept`."""

    line: str
    exports: dict[str, str] = field(default_factory=dict)
    report: list[str] = field(default_factory=list)


def sources(output: str, exports: tuple[str, ...]) -> Mapping[str, Source]:
    """Each source by its name, from lines "NAME SRC …" followed by indented lines "EXPORT …", EXPORT in `exports`."""
    found: dict[str, Source] = {}
    latest = Source("")
    for line in output.splitlines():
        name, _, rest = line.strip().partition(" ")
        if rest.startswith("SRC "):
            latest = found[name] = Source(rest)
        elif name in exports:
            latest.exports[name] = rest
        else:
            latest.report.append(line.strip())
    return found


def value(line: str, word: str) -> Any:
    """The number, list, tuple or mapping that follows `word` and a space, or `word` alone where that is "".

    >>> value("clicks [0.0, 0.5] vfirst 0.0", "clicks")
    [0.0, 0.5]

    Raises:
        LookupError: `word` is not there.
        ValueError: no value follows it.
    """
    match = re.search(rf"(?<!\w){re.escape(word)} ?" if word else "", line)
    if match is None:
        raise LookupError(word)
    rest = NUMPY.sub(r"\1", line[match.end() :])  # which names the type of each of its numbers
    if rest[:1] not in BRACKETS:
        number = NUMBER.match(rest)
        return ast.literal_eval(number[0] if number else "")
    depth = 0
    for index, char in enumerate(rest):
        depth += (char in BRACKETS) - (char in BRACKETS.values())
        if depth == 0:
            return ast.literal_eval(rest[: index + 1])
    raise ValueError(rest)


def near(one: Any, other: Any, tolerance: float) -> bool:
    """Whether numbers, or lists of as many numbers, or lists of such lists, differ by no more than `tolerance`."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(near(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, list) or isinstance(other, list):
        return False
    return bool(abs(one - other) <= tolerance)

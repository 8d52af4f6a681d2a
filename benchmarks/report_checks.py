"""What the scripts that recreate reports must print, and must never print, where that is known.

The scripts print what they see and judge nothing. A script without a check here can only be seen to run to its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A pattern that the output of a script must hold, or with `never` must not; `what` says what that means."""

    what: str
    pattern: str
    never: bool = False

    def holds(self, output: str) -> bool:
        return (re.search(self.pattern, output) is None) == self.never


CHECKS: Mapping[str, tuple[Check, ...]] = {
    "songs/r_surround": (
        Check("7.1 AAC is split", r"m4a rc 0\b"),
        Check("7.1 Opus is split", r"opus rc 0\b"),
    ),
    "songs/r_overwrite": (
        Check("the input keeps its size", r"1 song called mix\.wav.*size (\d+) -> \1\b"),
        Check("the user's own file stays", r"notes\.txt 1\b"),
        Check("a stem that is split again stays", r"other\.wav (\w+) -> \1\b"),
        Check("stems of two runs are apart", r"beside them: \[('bass\.wav', )?'drums\.wav'.*'vocals\.wav'\]"),
    ),
    "songs/r_downmix": (
        Check("unnamed speakers keep their sides", r"six\.wav 0 left==right: False"),
        Check("height speakers keep their sides", r"h714\.wav 0 left==right: False"),
        Check("no layout is summed", r"left==right: True", never=True),
    ),
    "songs/r_dc": (
        Check("the residual is there", r"residual: -\d"),
        Check("a constant level makes no residual", r"residual: \d", never=True),
    ),
    "songs/r_chain": (
        Check("equal links are all read", r"chain_same\.ogg 12 s in, 12\.0"),
        Check("a lost half is no lost piece", r"1 of its \d+ pieces", never=True),
    ),
    "songs/r_keepalive": (Check("no request meets a closed connection", r", [1-9]\d* failed", never=True),),
}
"""By the script's folder and name."""

"""What the scripts that recreate reports on songs must print where a pattern does not tell it."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.report_output import near, value

RATE = 44_100
SECONDS = 20 + 1250
"""The length of the MP3 file whose header does not state it."""

MUSIC = ("video: 1st track silent, 2nd music", "video: 2nd track default")
LATE = ("video: sound starts 0.5 s late (mp4)", "video: sound starts 0.5 s late (mkv)")
IN_TIME = ("mkv: 1 s of sound missing in the middle", "mkv: whole file, picture 1 s longer than sound")
TOLERANCE = RATE // 20
"""Samples: a packet of AAC has 1024, and an encoder adds one or two."""


def length_is_counted(output: str) -> bool:
    """Before the run the length is known to a hundredth: an encoder's padding is in each of the 125 loud pieces."""
    lengths = [float(seconds) for seconds in re.findall(r"Probe\(seconds=([\d.]+)", output)]
    return bool(lengths) and near(lengths, [float(SECONDS)] * len(lengths), SECONDS / 100)


def split(output: str, what: str) -> Any:
    """The exit code of the song `what`, and the mix against the song: `diff` and `lag` in samples, `level` in dB."""
    return value(output, f"{what} |")


def music_is_split(output: str) -> bool:
    """Of two tracks the one with the music is heard, at its level and in time."""
    return all(near(split(output, what)["level"], 0, 1) and abs(split(output, what)["lag"]) < 100 for what in MUSIC)


def sound_keeps_time(output: str) -> bool:
    """Sound that starts late comes late, and a hole in it is as long as it was."""
    lags = {**dict.fromkeys(LATE, RATE // 2), **dict.fromkeys(IN_TIME, 0)}
    return all(
        near(split(output, what)["lag"], lag, TOLERANCE) and near(split(output, what)["diff"], lag, TOLERANCE)
        for what, lag in lags.items()
    )

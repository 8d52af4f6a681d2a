"""Colours and scales shared by every drawing of sound, so that one stem looks the same everywhere.

The hues follow Okabe and Ito's colour-blind-safe set ("Color Universal Design", 2008). Some of theirs are too pale
for a white page; those are darkened until each colour has a contrast of at least 3:1 on light and on dark.
"""

from __future__ import annotations

import zlib

DECIBEL_FLOOR = -80.0
DECIBEL_CEILING = 0.0
"""The one level scale of every spectrogram, in dB relative to a full-scale sine: panels can be compared by eye."""

SPECTROGRAM_COLOURS = (
    "#010005", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf",
)  # fmt: skip
"""Magma in ten even steps: monotonic in lightness, so it also reads in grey and for every kind of colour vision.

The first is not quite magma's #000004: Streamlit takes the colours from #000001 on for names of its own theme's.
"""

_KNOWN = {
    "vocals": "#d55e00",
    "drums": "#0072b2",
    "bass": "#009e73",
    "other": "#cc79a7",
    "guitar": "#a97a00",
    "piano": "#2f94cf",
    "mix": "#7c8592",
    "original": "#7c8592",
    "noise": "#7c8592",
}
_REST = "#8567c4"
_SPARE = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#a97a00", "#2f94cf", _REST)


def stem_colour(name: str) -> str:
    """The colour of a stem as `#rrggbb`: fixed for known names, stable from run to run for any other."""
    known = name.strip().lower()
    if known.startswith("everything but"):
        return _REST
    return _KNOWN.get(known) or _SPARE[zlib.crc32(known.encode()) % len(_SPARE)]

"""Mixing the speakers of a sound file down to stereo."""

from __future__ import annotations

from functools import cache

import numpy as np

HALF_POWER = 2**-0.5
UNNAMED = "NONE"

GAINS: dict[str, tuple[float, float]] = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (HALF_POWER, HALF_POWER),
    "LFE": (0.0, 0.0),
    "LFE2": (0.0, 0.0),
    "FLC": (1.0, 0.0),
    "FRC": (0.0, 1.0),
    "WL": (1.0, 0.0),
    "WR": (0.0, 1.0),
    "DL": (1.0, 0.0),
    "DR": (0.0, 1.0),
    "BC": (0.5, 0.5),
    "TC": (0.5, 0.5),
    "TFC": (0.5, 0.5),
    "TBC": (0.5, 0.5),
    "BFC": (0.5, 0.5),
    "AMBI0": (0.5, 0.5),
    "AMBI1": (0.5, -0.5),
    **{f"{place}L": (HALF_POWER, 0.0) for place in ("B", "S", "SD", "SS", "TF", "TB", "TS", "TT", "BF")},
    **{f"{place}R": (0.0, HALF_POWER) for place in ("B", "S", "SD", "SS", "TF", "TB", "TS", "TT", "BF")},
}
"""Gain of each speaker into (left, right) after ITU-R BS.775, which leaves out the low-frequency effects channel.

The speakers above and below count as surround speakers of their side. Of Ambisonics (AmbiX: W, Y, Z, X, …) two
cardioids that face left and right are taken, ½ (W ± Y)."""

ORDERS: dict[int, str] = {
    3: "FL FR FC",
    4: "FL FR BL BR",
    5: "FL FR FC BL BR",
    7: "FL FR FC LFE BC SL SR",
    24: "FL FR FC LFE BL BR FLC FRC BC SL SR TC TFL TFC TFR TBL TBC TBR LFE2 TSL TSR BFC BFL BFR",
}
"""The usual order of speakers by their number, for files that do not name them: RFC 9639, section 9.1.3, and 22.2."""

MAX_PAIRED = 16


def usual_order(channels: int) -> tuple[str, ...]:
    """The speakers of a file that does not name them, () where there is no usual order.

    From six channels on, all usual layouts (5.1, 7.1, 5.1.4, 7.1.4, 9.1.6) begin alike and go on in pairs.

    >>> usual_order(6)
    ('FL', 'FR', 'FC', 'LFE', 'BL', 'BR')
    >>> usual_order(9)
    ()
    """
    if channels in ORDERS:
        return tuple(ORDERS[channels].split())
    if channels % 2 == 0 and 6 <= channels <= MAX_PAIRED:
        return ("FL", "FR", "FC", "LFE", *(("BL", "BR") * (channels // 2 - 2)))
    return ()


@cache
def downmix_gains(names: tuple[str, ...]) -> np.ndarray:
    """Gains (2, C) into left and right, scaled so that the sum cannot exceed full scale.

    Mono keeps its level on both sides, and so does the sum of channels of which nothing is known.
    """
    if len(names) == 1:
        return np.ones((2, 1), np.float32)
    places = usual_order(len(names)) if set(names) == {UNNAMED} else names
    ambisonic = names[0] == "AMBI0"
    unknown = (0.0, 0.0) if ambisonic else (0.5, 0.5)  # the higher orders of Ambisonics say nothing of left and right
    gains = np.array([GAINS.get(place, unknown) for place in places or names]).T
    return (gains / max(np.abs(gains).sum(axis=1).max(), 1.0)).astype(np.float32)


def downmix_notice(names: tuple[str, ...]) -> str:
    """What the listener should know of the downmix of these channels, "" where there is none."""
    count = len(names)
    if count <= 2:
        return ""
    if set(names) != {UNNAMED}:
        return f"The {count} channels of the file were mixed down to stereo."
    if usual_order(count):
        return (
            f"The file does not say where its {count} channels belong; they were taken in the usual order of speakers "
            "and mixed down to stereo."
        )
    return f"The file does not say where its {count} channels belong, so both sides got the sum of all."

"""Colour: which way a file's luma and chroma become RGB and back, and how HDR light is brought down to a screen's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from backends.matting.types import Colour

UNSPECIFIED = 2
REFERENCE_WHITE = 203.0  # cd/m², ITU-R BT.2408: where ordinary white lies in HDR
LUT_SIDE = 33

_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


def matrix(colour: Colour, height: int) -> Colorspace:
    """The matrix to decode with. Where the file does not say, players go by size: HD is BT.709, SD is BT.601."""
    return _MATRICES.get(colour.matrix) or (Colorspace.ITU709 if height >= 720 else Colorspace.ITU601)


def value_range(colour: Colour) -> ColorRange:
    return ColorRange.JPEG if colour.full else ColorRange.MPEG


SDR = Colour(matrix=1, primaries=1, transfer=1, full=False)
"""What an HDR video becomes: BT.709, the colours every player and editor takes."""


def pq_light(code: np.ndarray) -> np.ndarray:
    """Light in cd/m² of PQ code values in 0..1 (SMPTE ST 2084, equation 4.1)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.power(np.clip(code, 0, 1), 1 / m2)
    return 10_000 * np.power(np.maximum(power - c1, 0) / (c2 - c3 * power), 1 / m1)


def hlg_light(code: np.ndarray) -> np.ndarray:
    """Light in cd/m² on a 1000 cd/m² screen of HLG code values `(..., 3)` (ITU-R BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593])
    return 1000 * scene * np.power(np.maximum(luma, 1e-9), 0.2)[..., None]


BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)  # ITU-R BT.2087, linear light


def to_sdr(code: np.ndarray, transfer: int) -> np.ndarray:
    """HDR code values `(..., 3)` in 0..1 to BT.709 code values in 0..1.

    Light up to 60 % of white passes unchanged, so that skin keeps its tone; above, it bends smoothly towards
    white, by the brightest of the three channels so that bright colours do not turn.
    """
    light = (pq_light(code) if transfer == 16 else hlg_light(code)) / REFERENCE_WHITE
    linear = np.maximum(light @ BT2020_TO_BT709.T, 0)
    peak = linear.max(axis=-1, keepdims=True)
    knee = 0.6
    bent = np.where(peak <= knee, peak, knee + (1 - knee) * (1 - np.exp(-(peak - knee) / (1 - knee))))
    return np.power(np.clip(linear * bent / np.maximum(peak, 1e-9), 0, 1), 1 / 2.4)


def write_sdr_table(path: Path, transfer: int) -> None:
    """Write `to_sdr` as a 3-D table in the .cube format, red running fastest."""
    axis = np.linspace(0, 1, LUT_SIDE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = to_sdr(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer)
    with path.open("w") as file:
        file.write(f"LUT_3D_SIZE {LUT_SIDE}\n")
        np.savetxt(file, table, fmt="%.6f")

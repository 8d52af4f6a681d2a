"""Colour: which matrix turns a file's luma and chroma into RGB and back, and how HDR becomes ordinary brightness.

The numbers of matrices, primaries and transfer functions are those of ITU-T H.273.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from backends.matting.types import Colour

UNSPECIFIED = 2
REFERENCE_WHITE = 203.0  # cd/m² of diffuse white in HDR (ITU-R BT.2408)
KNEE = 0.6  # of white: light up to here passes unchanged
DISPLAY_GAMMA = 2.4  # ITU-R BT.1886
LUT_SIDE = 33

_MATRICES = {  # by matrix coefficients of H.273, table 4
    1: Colorspace.ITU709,  # ITU-R BT.709
    4: Colorspace.FCC,
    5: Colorspace.ITU601,  # ITU-R BT.601, 625 lines
    6: Colorspace.ITU601,  # ITU-R BT.601, 525 lines
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,  # ITU-R BT.2020, non-constant luminance
    10: Colorspace.BT2020,  # constant luminance, which FFmpeg converts alike
}


def matrix(colour: Colour, height: int) -> Colorspace:
    """The matrix to decode with. Where a file does not say, players go by its height: HD is BT.709, SD is BT.601.

    >>> matrix(Colour(), 1080).name, matrix(Colour(), 480).name, matrix(Colour(matrix=9), 480).name
    ('ITU709', 'ITU601', 'BT2020')
    """
    return _MATRICES.get(colour.matrix) or (Colorspace.ITU709 if height >= 720 else Colorspace.ITU601)


def matrix_number(colour: Colour, height: int) -> int:
    """The number in H.273 of the matrix that `matrix` gives."""
    return colour.matrix if colour.matrix in _MATRICES else 1 if height >= 720 else 6


def value_range(colour: Colour) -> ColorRange:
    """Full range (black is 0) or video range (black is 16 of 255)."""
    return ColorRange.JPEG if colour.full else ColorRange.MPEG


_LUMA_WEIGHTS = {  # Kr and Kb, ibid.
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.FCC: (0.30, 0.11),
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.SMPTE240M: (0.212, 0.087),
    Colorspace.BT2020: (0.2627, 0.0593),
}


def from_luma_chroma(space: Colorspace, full: bool, depth: int) -> np.ndarray:
    """The `(3, 4)` matrix that takes (Y, Cb, Cr, 1) of `depth` bits to R, G and B (H.273, equations 20-31 and 38-40).

    R = Y + 2(1 − Kr)·Cr, B = Y + 2(1 − Kb)·Cb, G from Y = Kr·R + Kg·G + Kb·B; in video range Y lies in 16..235 and Cb
    and Cr in 16..240, of 255. The result is in 0..255 for 8 bits and in 0..65535 for more.

    >>> (from_luma_chroma(Colorspace.ITU709, False, 8) @ [235, 128, 128, 1]).round(3).tolist()
    [255.0, 255.0, 255.0]
    """
    red, blue = _LUMA_WEIGHTS[space]
    green = 1 - red - blue
    from_cb, from_cr = 2 * (1 - blue), 2 * (1 - red)
    rgb = np.array([[1, 0, from_cr], [1, -from_cb * blue / green, -from_cr * red / green], [1, from_cb, 0]])
    step = 1 << (depth - 8)
    most = (1 << depth) - 1
    luma, chroma, black = (most, most, 0) if full else (219 * step, 224 * step, 16 * step)
    scaled = rgb / np.array([luma, chroma, chroma])
    offset = -scaled @ np.array([black, 128 * step, 128 * step])
    return np.hstack([scaled, offset[:, None]]) * (255 if depth == 8 else 65535)


def to_luma_chroma(space: Colorspace, full: bool, depth: int) -> np.ndarray:
    """The `(4, 5)` matrix that takes (R, G, B, A, 1) in 0..65535 to (Y, Cb, Cr, A) of `depth` bits.

    >>> (to_luma_chroma(Colorspace.ITU709, False, 10) @ [65535, 65535, 65535, 65535, 1]).round(3).tolist()
    [940.0, 512.0, 512.0, 1023.0]
    """
    back = from_luma_chroma(space, full, max(depth, 9))
    forward = np.zeros((4, 5))
    forward[:3, :3] = np.linalg.inv(back[:, :3])
    forward[:3, 4] = -forward[:3, :3] @ back[:, 3]
    forward[3, 3] = ((1 << depth) - 1) / 65535
    return forward


SDR = Colour(matrix=1, primaries=1, transfer=1, full=False)
"""The colours that an HDR video is converted to: BT.709, which every player and editor takes."""


def pq_light(code: np.ndarray) -> np.ndarray:
    """Light in cd/m² of PQ code values in 0..1: the EOTF of SMPTE ST 2084, equation 4.1.

    L = 10,000·(max(E^(1/m₂) − c₁, 0) / (c₂ − c₃·E^(1/m₂)))^(1/m₁)

    >>> pq_light(np.array([0.0, 0.5081, 1.0])).round().tolist()
    [0.0, 100.0, 10000.0]
    """
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.power(np.clip(code, 0, 1), 1 / m2)
    return 10_000 * np.power(np.maximum(power - c1, 0) / (c2 - c3 * power), 1 / m1)


def hlg_light(code: np.ndarray) -> np.ndarray:
    """Light in cd/m², on a screen of 1,000 cd/m², of HLG code values `(..., 3)` in 0..1 (ITU-R BT.2100, table 5).

    The inverse OETF gives scene light, E'²/3 up to E' = 1/2 and (e^((E' − c)/a) + b)/12 above. The OOTF multiplies it
    by 1,000·Y^(γ − 1), where Y is the scene's luminance and γ = 1.2.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593])
    return 1000 * scene * np.power(np.maximum(luma, 1e-9), 0.2)[..., None]


BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)  # ITU-R BT.2087, linear light


def to_sdr(code: np.ndarray, transfer: int) -> np.ndarray:
    """HDR code values `(..., 3)` in 0..1, by `transfer` 16 (PQ) or 18 (HLG), to BT.709 code values in 0..1.

    With k = KNEE and p the brightest channel in units of white, light is scaled by f(p) / p: f(p) = p up to k, so that
    skin keeps its tone, and f(p) = k + (1 − k)·(1 − e^(−(p − k)/(1 − k))) above, which approaches white smoothly. All
    three channels are scaled alike, so that bright colours keep their hue.
    """
    light = (pq_light(code) if transfer == 16 else hlg_light(code)) / REFERENCE_WHITE
    linear = np.maximum(light @ BT2020_TO_BT709.T, 0)
    peak = linear.max(axis=-1, keepdims=True)
    compressed = np.where(peak <= KNEE, peak, KNEE + (1 - KNEE) * (1 - np.exp(-(peak - KNEE) / (1 - KNEE))))
    return np.power(np.clip(linear * compressed / np.maximum(peak, 1e-9), 0, 1), 1 / DISPLAY_GAMMA)


def write_sdr_table(path: Path, transfer: int) -> None:
    """Write `to_sdr` as a 3-D table in the .cube format, red running fastest."""
    axis = np.linspace(0, 1, LUT_SIDE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    table = to_sdr(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer)
    with path.open("w") as file:
        file.write(f"LUT_3D_SIZE {LUT_SIDE}\n")
        np.savetxt(file, table, fmt="%.6f")

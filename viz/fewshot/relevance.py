"""What in a picture speaks for an answer, laid over the picture: warm where it speaks for it, blue where against.

The same strength has the same colour wherever the same `scale` is given, so that maps can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

FOR, AGAINST = (213, 94, 0), (0, 114, 178)
"""Okabe and Ito's vermilion and blue."""
STRONGEST = 0.72  # how much of the picture the strongest colour covers
DIMMED = 0.55
PLACES = (("upper", "middle", "lower"), ("left", "centre", "right"))


def over_picture(
    rgb: np.ndarray, values: np.ndarray, box: Sequence[float] | np.ndarray | None = None, scale: float | None = None
) -> tuple[np.ndarray, str]:
    """`rgb` `(H, W, 3)` uint8 under the map `values` `(h, w)`, and a sentence that says where it is strongest.

    Args:
        box: the part that the map covers, as left, top, right, bottom in shares of the picture; outside is
            dimmed. Beyond 0 and 1 where the model saw the picture in a frame.
        scale: the value of the strongest colour; the map's own greatest where it is left out.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = (0.0, 0.0, 1.0, 1.0) if box is None else [float(each) for each in box]
    x0, x1 = round(left * width), max(round(right * width), round(left * width) + 1)
    y0, y1 = round(top * height), max(round(bottom * height), round(top * height) + 1)
    part = (slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width)))
    most = scale if scale is not None else float(np.abs(values).max())
    plain = np.array(rgb, np.float32)
    grey = plain.mean(axis=2, keepdims=True)
    shown = DIMMED * (0.5 * plain + 0.5 * grey)
    small = Image.fromarray((np.asarray(values, np.float32) / max(most, 1e-12)).clip(-1, 1))
    strength = np.asarray(small.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC)).clip(-1, 1)[..., None]
    strength = strength[part[0].start - y0 : part[0].stop - y0, part[1].start - x0 : part[1].stop - x0]
    inside = 0.35 * plain[part] + 0.65 * grey[part]
    cover = STRONGEST * np.abs(strength)
    colour = np.where(strength >= 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    shown[part] = inside * (1 - cover) + colour * cover
    return np.rint(shown.clip(0, 255)).astype(np.uint8), _sentence(values)


def _sentence(values: np.ndarray) -> str:
    if not np.abs(values).max() > 0:
        return "No part of the picture counts more than another."
    down, across = np.unravel_index(int(np.argmax(values)), values.shape)
    rows, columns = values.shape
    place = f"{PLACES[0][3 * int(down) // rows]} {PLACES[1][3 * int(across) // columns]}"
    against = " Blue parts speak against it." if values.min() < 0 else ""
    return f"The {place} of the picture speaks loudest for the answer.{against}"

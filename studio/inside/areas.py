"""An area of a picture: chosen by a click, a drawn rectangle or sliders, and painted out."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import streamlit as st

from studio.inside import address, take_away
from viz.inside.picture import Area, picture_with_map

CLICK_SIDE = 0.1
"""The side of the area around a click, as a share of the picture's shorter side."""

BLUR = 0.08
"""Standard deviation of the blur that paints an area out, as a share of the longer side."""

LEAST = 0.02
CLICK, DRAW = "Click on the place", "Draw a rectangle"


def choose(rgb: np.ndarray, key: str, first: Area) -> Area:
    """The area in the address; the picture changes it by a click or a drawn rectangle, and sliders do, too.

    Streamlit hears no clicks on a figure on which one draws, so that it is one or the other.

    Args:
        rgb: `(H, W, 3)` uint8.
        key: tells pictures apart.
        first: the area to begin with.
    """
    there = address.numbers("area", 4)
    area = _inside(there) if there else first
    figure, alt = picture_with_map(rgb, area=area)
    way = st.segmented_control(
        "How to choose a place", (CLICK, DRAW), default=CLICK, required=True, key=f"way-{key}",
        label_visibility="collapsed",
    )  # fmt: skip
    figure.update_layout(dragmode="select" if way == DRAW else False)
    event = take_away.chart(
        figure, alt, f"area-{key}", on_select="rerun", selection_mode=("points", "box")
    )  # fmt: skip
    drawn = selected(event, rgb.shape[1] / rgb.shape[0])
    seen = f"area-seen-{key}"
    if drawn is not None and drawn != st.session_state.get(seen):
        st.session_state[seen] = drawn
        _go(_inside(drawn))
    with st.popover("Set it by numbers", icon=":material/tune:"):
        across = st.slider("Across (%)", 0, 100, _percent(area[0], area[2]), key=f"x-{key}-{area}")
        down = st.slider("Down (%)", 0, 100, _percent(area[1], area[3]), key=f"y-{key}-{area}")
    if across != _percent(area[0], area[2]) or down != _percent(area[1], area[3]):
        left = tuple(sorted((across[0], max(across[1], across[0] + 2))))
        top = tuple(sorted((down[0], max(down[1], down[0] + 2))))
        _go(_inside((left[0] / 100, top[0] / 100, (left[1] - left[0]) / 100, (top[1] - top[0]) / 100)))
    return area


def _go(area: Area) -> None:
    address.write("area", text(area))
    st.rerun()


def _percent(start: float, length: float) -> tuple[int, int]:
    return round(100 * start), round(100 * (start + length))


def text(area: Area) -> str:
    """As it travels: `x,y,w,h` in shares of the picture.

    >>> text((0.25, 0.5, 0.125, 0.1))
    '0.25,0.5,0.125,0.1'
    """
    return ",".join(f"{edge:.4g}" for edge in area)


def _inside(numbers: tuple[float, ...]) -> Area:
    """The area, moved and cut until it lies within the picture."""
    left, top = (min(max(edge, 0.0), 1.0 - LEAST) for edge in numbers[:2])
    wide = min(max(numbers[2], LEAST), 1.0 - left)
    high = min(max(numbers[3], LEAST), 1.0 - top)
    return (round(left, 4), round(top, 4), round(wide, 4), round(high, 4))


def selected(event: Any, aspect: float) -> Area | None:
    """The area that an event of the figure selects: a drawn rectangle, or a square around a single click.

    Args:
        event: of the figure.
        aspect: width over height of the picture.
    """
    selection = (event or {}).get("selection", {})
    if boxes := selection.get("box", []):
        x, y = (sorted(float(edge) for edge in boxes[-1][axis]) for axis in ("x", "y"))
        return x[0], y[0], x[-1] - x[0], y[-1] - y[0]
    if points := selection.get("points", []):
        wide, high = CLICK_SIDE / max(aspect, 1.0), CLICK_SIDE * min(aspect, 1.0)
        return float(points[-1]["x"]) - wide / 2, float(points[-1]["y"]) - high / 2, wide, high
    return None


def painted_out(rgb: np.ndarray, area: Area) -> np.ndarray:
    """The picture `(H, W, 3)` uint8 with an area in the colours of what lies around it, without its own detail."""
    height, width = rgb.shape[:2]
    rows, columns = pixels(area, height, width)
    outside = np.ones((height, width), np.float32)
    outside[rows, columns] = 0
    sigma = BLUR * max(height, width)
    colours = cv2.GaussianBlur(rgb.astype(np.float32) * outside[..., None], (0, 0), sigma)
    weight = cv2.GaussianBlur(outside, (0, 0), sigma)[..., None]
    filled = colours / np.maximum(weight, 1e-4)
    result = rgb.copy()
    result[rows, columns] = np.rint(filled[rows, columns]).clip(0, 255).astype(np.uint8)
    return result


def pixels(area: Area, height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of an area."""
    left, top, wide, high = area
    rows = slice(round(top * height), max(round((top + high) * height), round(top * height) + 1))
    return rows, slice(round(left * width), max(round((left + wide) * width), round(left * width) + 1))


def png(rgb: np.ndarray) -> bytes:
    """A picture as PNG: the same pixels give the same bytes."""
    encoded, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert encoded
    return data.tobytes()

"""A map over a picture or a frame of a video, with the numbers under the pointer and spots that can be chosen."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from viz.fewshot.relevance import PLACES
from viz.inside.style import CLEAR, colour_bar_below, over_rising, over_scale, reach

SHOWN_SIDE = 640
BAR = 64
"""Pixels below the picture for the scale of colours."""
SELECTABLE = 32
"""Marks along the longer side that nobody sees: only marks can be clicked."""

Area = tuple[float, float, float, float]
"""Left, top, width and height in shares of the picture's size."""


def picture_with_map(
    rgb: np.ndarray,
    values: np.ndarray | None = None,
    x: np.ndarray | None = None,
    y: np.ndarray | None = None,
    *,
    scale: float | None = None,
    unit: str = "",
    area: Area | None = None,
    answer: str = "the answer",
    changes: str = "",
    rising: bool = False,
) -> tuple[go.Figure, str]:
    """The picture, greyed under the map, and what it shows in a sentence.

    Args:
        rgb: `(H, W, 3)` uint8.
        values: `(h, w)`, positive where the part speaks for the answer; None draws the picture alone.
        x: `(w,)`, the middle of each column of `values`, 0 to 1 of the picture's width.
        y: `(h,)`, the middle of each row, 0 to 1 of its height.
        scale: the value of the strongest colour; the map's own greatest where it is left out.
        unit: of the values.
        area: a rectangle to mark.
        answer: what the map is about, in words.
        changes: for a map of a change: what changes, in words, such as “The matte”.
        rising: whether values are shares or sizes, never below zero, so that the colours begin there.
    """
    height, width = rgb.shape[:2]
    figure = go.Figure()
    shown = rgb if values is None else _grey(rgb)
    figure.add_layout_image(
        source=_address(shown), x=0, y=0, sizex=1, sizey=1, xref="x", yref="y", sizing="stretch", layer="below"
    )
    said = f"The picture, {width} by {height} pixels."
    if values is not None:
        rows, columns = values.shape
        most = reach(values) if scale is None else scale
        figure.add_heatmap(
            z=np.asarray(values, float),
            x=(np.arange(columns) + 0.5) / columns if x is None else x,
            y=(np.arange(rows) + 0.5) / rows if y is None else y,
            colorscale=over_rising() if rising else over_scale(), zmin=0 if rising else -most, zmax=most,
            colorbar=colour_bar_below(unit),
            hovertemplate=f"%{{z:.3g}} {unit}<extra></extra>",
        )  # fmt: skip
        said = describe_change(values, changes) if changes else describe(values, answer)
    bar = 0 if values is None else BAR
    if values is None:  # over a map they would hide its numbers from the pointer
        _selectable(figure, width, height)
    axis = {"showgrid": False, "ticks": "", "zeroline": False, "showticklabels": False, "constrain": "domain"}
    figure.update_xaxes(range=[0, 1], **axis)
    figure.update_yaxes(range=[1, 0], scaleanchor="x", scaleratio=height / width, **axis)
    figure.update_layout(
        height=max(220, min(520, round(640 * height / max(width, height)))) + bar, dragmode="select",
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, margin={"l": 0, "r": 0, "t": 0, "b": bar},
    )  # fmt: skip
    if area is not None:
        left, top, wide, high = area
        figure.add_shape(
            type="rect", x0=left, x1=left + wide, y0=top, y1=top + high, line={"color": "#009e73", "width": 3},
        )  # fmt: skip
    return figure, said


def _selectable(figure: go.Figure, width: int, height: int) -> None:
    longer = max(width, height)
    columns, rows = (max(4, round(SELECTABLE * side / longer)) for side in (width, height))
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    figure.add_scatter(
        x=x.ravel(), y=y.ravel(), mode="markers", marker={"size": 14, "color": "rgba(0,0,0,0.004)"}, hoverinfo="none",
        showlegend=False, selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
    )  # fmt: skip


def _grey(rgb: np.ndarray) -> np.ndarray:
    """Mostly without colour, so that the colours of the map are not those of the picture."""
    plain = rgb.astype(np.float32)
    return np.rint(0.25 * plain + 0.75 * plain.mean(axis=2, keepdims=True)).astype(np.uint8)


def _address(rgb: np.ndarray) -> str:
    image = Image.fromarray(rgb)
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def describe(values: np.ndarray, answer: str) -> str:
    """Where a map `(h, w)` is strongest."""
    positive = np.clip(np.nan_to_num(values), 0, None)
    if not positive.any():
        return f"No part of the picture speaks for {answer}."
    place = strongest_place(positive)
    half = _cells_of_half(positive)
    against = " Blue parts speak against it." if np.nanmin(values) < 0 else ""
    return (
        f"The {place} of the picture speaks loudest for {answer}; half of all that speaks for it lies on "
        f"{100 * half:.0f} % of the picture.{against}"
    )


def describe_change(values: np.ndarray, what: str) -> str:
    """Where a map `(h, w)` of a change is strongest, by its size."""
    size = np.abs(np.nan_to_num(values))
    if not size.any():
        return f"{what} does not change anywhere."
    half = 100 * _cells_of_half(size)
    return (
        f"{what} changes most in the {strongest_place(size)}; half of the change lies on {half:.0f} % of the picture."
    )


def strongest_place(positive: np.ndarray) -> str:
    """Where the greatest value lies, in words."""
    rows, columns = positive.shape
    down, across = np.unravel_index(int(positive.argmax()), positive.shape)
    return f"{PLACES[0][3 * int(down) // rows]} {PLACES[1][3 * int(across) // columns]}"


def _cells_of_half(positive: np.ndarray) -> float:
    """The smallest share of the cells that holds half of the sum."""
    ordered = np.sort(positive.ravel())[::-1].cumsum()
    return float((np.searchsorted(ordered, 0.5 * ordered[-1]) + 1) / positive.size)

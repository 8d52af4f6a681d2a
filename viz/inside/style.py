"""Colours and scales of attributions, the same for every kind of input: warm speaks for an answer, blue against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

FOR, AGAINST = "#d55e00", "#0072b2"
"""Okabe and Ito's vermilion and blue, which every kind of colour vision tells apart."""
LINE = "#7c8592"
CLEAR = "rgba(0,0,0,0)"
CLEAR_FOR = "rgba(213,94,0,0)"
"""The warm colour at no strength: scales that begin clear run through no grey."""

COVER = 0.85
"""How much of what lies below the strongest colour covers."""
GREYS = ((0.0, "#0a0c10"), (1.0, "#f2f4f6"))


def over_scale() -> list[list[Any]]:
    """The diverging colours as a layer over something else: clear at 0, so that what does not count stays visible."""
    return [
        [0.0, f"rgba(0,114,178,{COVER})"],
        [0.25, f"rgba(0,114,178,{COVER / 2})"],
        [0.5, "rgba(124,133,146,0)"],
        [0.75, f"rgba(213,94,0,{COVER / 2})"],
        [1.0, f"rgba(213,94,0,{COVER})"],
    ]


def reach(*maps: np.ndarray) -> float:
    """The value of the strongest colour, for maps that share one scale; 1 where all of them are flat."""
    strongest = max((float(np.nanmax(np.abs(values))) for values in maps if np.size(values)), default=0.0)
    return strongest if np.isfinite(strongest) and strongest > 0 else 1.0


def over_rising() -> list[list[Any]]:
    """From nothing to the warm colour, for numbers that are never below zero."""
    return [[0, CLEAR_FOR], [1, f"rgba(213,94,0,{COVER})"]]


def colour_bar(title: str) -> dict[str, Any]:
    return {"title": {"text": title}, "thickness": 12, "outlinewidth": 0}


def colour_bar_below(title: str) -> dict[str, Any]:
    """For figures whose width follows their height: a bar at the side would stand far from what it belongs to."""
    return {
        **colour_bar(title), "orientation": "h", "x": 0.5, "xanchor": "center", "y": 0, "yanchor": "top", "ypad": 8,
        "len": 260, "lenmode": "pixels",
    }  # fmt: skip


def dress(figure: go.Figure, x: str, y: str, height: int) -> None:
    """Axis titles, no background and no colours of its own, so that it sits on a light and on a dark page alike."""
    figure.update_layout(
        xaxis_title=x, yaxis_title=y, height=height, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        margin={"l": 10, "r": 10, "t": 30, "b": 10}, legend={"orientation": "h", "y": 1.12, "x": 0},
    )  # fmt: skip


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.3g}"


def listed(parts: Sequence[str]) -> str:
    """“a, b and c”."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))

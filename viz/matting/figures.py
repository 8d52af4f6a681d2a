"""Figures of a cut-out: its scores along the clip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

LINES = (("#0072b2", "solid"), ("#d55e00", "dash"), ("#009e73", "dot"))
"""Okabe and Ito's blue, vermilion and green, each with a dash of its own."""


def along(scores: Mapping[str, Any], names: Mapping[str, str], unit: str) -> tuple[go.Figure, str]:
    """The curves of some measures along the clip, and a sentence that says them.

    Args:
        scores: as `evaluation.metrics.matting.clips` gives them.
        names: the key of each measure with what it is called.
        unit: what the vertical axis counts.
    """
    figure, said = go.Figure(), []
    for (key, name), (colour, dash) in zip(names.items(), LINES, strict=False):
        values = scores["frames"][key]
        few = len(values) < 25
        figure.add_scatter(
            x=list(scores["times"]),
            y=values,
            name=name,
            mode="lines+markers" if few else "lines",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=f"{name}: %{{y:.4g}}<extra></extra>",
        )
        known = [(value, time) for value, time in zip(values, scores["times"], strict=True) if value is not None]
        mean = scores["means"][key]
        if known and mean is not None:
            low, high = min(known), max(known)
            ends = f"from {low[0]:.4g} at {low[1]:.1f} s to {high[0]:.4g} at {high[1]:.1f} s"
            said.append(f"{name} {mean:.4g} on average, {ends}")
        else:
            said.append(f"{name} not defined")
    figure.update_layout(
        xaxis_title="Time in the clip (s)",
        yaxis_title=unit,
        hovermode="x unified",
        showlegend=len(names) > 1,
        legend={"orientation": "h", "y": 1.12, "x": 0},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        height=320,
    )
    return figure, f"Along the clip: {'; '.join(said)}."
